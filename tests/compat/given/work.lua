-- SPDX-License-Identifier: Apache-2.0
local kept = {}
for i = 1, 100000 do kept[i * 7919 % 10007] = ("x"):rep(i % 30) end
local bytes = 0
for _, value in pairs(kept) do bytes = bytes + #value end
print(bytes)
local next_one = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
print(next_one(), next_one(), next_one())
print(pcall(error, "caught"))
collectgarbage()
io.popen("cat >out", "w"):write("text\n"):close()
os.exit(3, true)
