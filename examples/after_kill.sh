#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# after_kill: a post-mortem. The server is killed with kill -9, as the OOM killer would do it; the
# file holds its state up to the last moment all the same.
set -e
build=${BUILD:-$(dirname "$0")/../build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

LD_PRELOAD=$build/libseep.so SEEP_OPTIONS="output=$folder/server.seep:interval=100ms:quiet=on" \
	"$build/examples/leaky_server" 60 &
server=$!
sleep 6
kill -9 $server
wait $server 2>/dev/null || true
sleep 0.5 # the last snapshot is written just after the death

"$build/seep" snapshots "$folder/server.seep" | tail -n 4
"$build/seep" report "$folder/server.seep"
