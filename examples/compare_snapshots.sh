#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare_snapshots: what happened between two moments? Two named snapshots of a running server are
# taken from outside, then compared. The cache is full by then, so only the leak is left to see.
set -e
build=${BUILD:-$(dirname "$0")/../build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Preloaded rather than under `seep run`, so that $! is the server itself.
LD_PRELOAD=$build/libseep.so SEEP_OPTIONS="output=$folder/server.seep:quiet=on" \
	"$build/examples/leaky_server" 14 &
server=$!
sleep 8
"$build/seep" snapshot --label=before $server
sleep 4
"$build/seep" snapshot --label=after $server
wait $server

"$build/seep" diff "$folder/server.seep@before" "$folder/server.seep@after"
