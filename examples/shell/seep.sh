# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# seep.sh: leak checks for tests written in shell: sh, bash, Bats. To be copied beside them.
#
#     . ./seep.sh
#     seep_begin /path/to/build   # follows all programs below these folders from now on; none: any
#     ...
#     seep_end                    # 1 when one of them leaks; what and where stands on stderr
#     seep_forget                 # instead, after a test that has failed: looks at nothing
#
# SEEP says which seep. Without it nothing is followed and seep_end is true, so the tests run as ever;
# with SEEP=seep they are checked. SEEP_CHECK_FLAGS are further options for seep check.

seep_begin() {
	seep_folder=
	[ -n "${SEEP:-}" ] || return 0
	seep_folder=$(mktemp -d) || return 2
	seep_preload_before=${LD_PRELOAD:-}
	# seep knows where its library is.
	: "${seep_preload:=$("$SEEP" run -q -o "$seep_folder/none" -- printenv LD_PRELOAD)}"
	rm -f "$seep_folder/none"
	seep_children=
	for seep_child; do
		seep_children=$seep_children${seep_children:+,}$(cd "$seep_child" && pwd -P)
	done
	SEEP_OPTIONS=output=$seep_folder/%e.%p.seep:scan=exit:children=${seep_children:-all}
	LD_PRELOAD=$seep_preload
	export SEEP_OPTIONS LD_PRELOAD
}

seep_end() {
	seep_status=0
	[ -n "${seep_folder:-}" ] || return 0
	seep_stop_following
	for seep_file in "$seep_folder"/*.seep; do
		[ -e "$seep_file" ] || continue
		# shellcheck disable=SC2086 # options are words
		"$SEEP" check -q ${SEEP_CHECK_FLAGS:-} "$seep_folder" >&2 || seep_status=$?
		break
	done
	seep_forget
	return "$seep_status"
}

seep_forget() {
	[ -n "${seep_folder:-}" ] || return 0
	seep_stop_following
	rm -rf "$seep_folder"
	seep_folder=
}

seep_stop_following() {
	unset SEEP_OPTIONS
	LD_PRELOAD=$seep_preload_before
	[ -n "$LD_PRELOAD" ] || unset LD_PRELOAD
}
