% SPDX-License-Identifier: Apache-2.0
:- use_module(library(thread)).

squares(Count, Squares) :-
    numlist(1, Count, Numbers),
    maplist([X, Y]>>(Y is X * X), Numbers, Squares).

main :-
    squares(20000, Squares), sum_list(Squares, Sum), writeln(Sum),
    concurrent_maplist([N, S]>>(numlist(1, N, L), sum_list(L, S)), [100, 200, 300, 400], Sums),
    writeln(Sums),
    atom_codes(Atom, "text"), atom_concat(Atom, '_more', More), writeln(More),
    catch(atom_length(_, _), error(Error, _), (print_message(silent, Error), writeln(caught))),
    garbage_collect,
    halt(3).

:- initialization(main).
