# SPDX-License-Identifier: Apache-2.0
{ kept[$1 % 101][$1 % 7] += $1 }
END {
	count = asorti(kept, sorted)
	print count, sorted[1], kept[5][3]
	while (("echo from a child" | getline line) > 0)
		print line
	print strftime("%Y", 0)
	print toupper("x") >"/dev/stderr"
	exit 3
}
