#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gate_in_ci: seep check as the last line of a test. The leaking server fails, the mended one passes; a file
# of settings says what more is too much.
set -e
build=${BUILD:-$(dirname "$0")/../build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/limits.ini" <<'END'
# The server must do with so much.
max-live = 64M

# The page cache is allowed 3 MiB, and nobody else more than 1.
max-site-live = 1M
[site page_get]
max-site-live = 3M
END

status=0
"$build/seep" check --settings="$folder/limits.ini" -o "$folder/leaky" -- \
	"$build/examples/leaky_server" 6 >/dev/null || status=$?
cat "$folder/leaky"
echo "leaky_server: exit status $status"

status=0
"$build/seep" check --settings="$folder/limits.ini" -o "$folder/fixed" -- \
	"$build/examples/fixed_server" 6 >/dev/null || status=$?
cat "$folder/fixed"
echo "fixed_server: exit status $status"
