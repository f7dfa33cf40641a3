#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# preload_only: seep without `seep run`, for service files, containers and start scripts that you
# cannot put a command in front of. Everything is said through the environment.
set -e
build=${BUILD:-$(dirname "$0")/../build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

LD_PRELOAD=$build/libseep.so SEEP_OPTIONS="output=$folder/%e.seep:interval=50ms:quiet=on" \
	"$build/examples/word_counter" < /usr/share/common-licenses/GPL-3

"$build/seep" report "$folder/word_counter.seep"
