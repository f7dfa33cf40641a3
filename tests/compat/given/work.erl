%% SPDX-License-Identifier: Apache-2.0
main(_) ->
    Self = self(),
    [spawn(fun() -> Self ! lists:sum(lists:seq(1, N)) end) || N <- lists:seq(1, 1000)],
    Sums = [receive Sum -> Sum end || _ <- lists:seq(1, 1000)],
    io:format("~p ~s", [lists:sum(Sums), os:cmd("echo from a child")]),
    halt(3).
