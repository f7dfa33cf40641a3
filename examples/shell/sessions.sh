#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests under seep in plain shell, one function each; what they print is TAP:
#     SEEP=seep PROGRAMS=/path/to/build ./sessions.sh

. "$(dirname "$0")/seep.sh"

closes_short_names() {
	"$PROGRAMS/closes_short_names" | sort >/dev/null
}

closes_long_names() {
	"$PROGRAMS/closes_long_names" >/dev/null
}

echo 1..2
number=0 failed=0
for test in closes_short_names closes_long_names; do
	number=$((number + 1))
	seep_begin "$PROGRAMS"
	# What has failed is not checked besides.
	if $test && seep_end; then
		echo "ok $number - $test"
	else
		seep_forget
		echo "not ok $number - $test"
		failed=1
	fi
done
exit $failed
