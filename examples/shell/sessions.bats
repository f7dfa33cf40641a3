#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Tests under seep with Bats:
#     SEEP=seep PROGRAMS=/path/to/build bats sessions.bats
# A test that leaks fails in its teardown, with the findings. Of the programs that it calls only those in
# $PROGRAMS are looked at: sort(1) loses a block, too.

setup() {
	. "$BATS_TEST_DIRNAME/seep.sh"
	seep_begin "$PROGRAMS"
}

teardown() {
	# Of a test that has failed there is nothing more to say.
	if [ "$BATS_TEST_COMPLETED" ]; then seep_end; else seep_forget; fi
}

@test "closes short names" {
	"$PROGRAMS/closes_short_names" | sort
}

@test "closes long names" {
	"$PROGRAMS/closes_long_names"
}

@test "fails and leaks" {
	[ "$FAIL" ] || skip "to be seen with FAIL=1"
	"$PROGRAMS/closes_long_names"
	false
}
