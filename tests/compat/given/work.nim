# SPDX-License-Identifier: Apache-2.0
import std/[algorithm, osproc, tables]

var counts = initTable[int, seq[string]]()
for i in 0 ..< 50000:
  counts.mgetOrPut(i * 7 mod 503, @[]).add($i)
var keys: seq[int]
for key in counts.keys:
  keys.add(key)
keys.sort()
echo keys.len, " ", keys[^1], " ", counts[7].len
echo execProcess("echo from a child")
try:
  raise newException(ValueError, "caught")
except ValueError as error:
  echo error.msg
quit(3)
