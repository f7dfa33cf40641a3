# SPDX-License-Identifier: Apache-2.0
"""test_cases: every program in cases/, in each of its variants, says what it expects."""

import functools

import case_program


def tests():
    for case in case_program.all_cases():
        if all(kind == "valgrind" for kind, _, _ in case.claims):
            continue
        for flags in case.variants():
            name = case.name + (" (%s)" % flags if len(case.variants()) > 1 else "")
            yield name, functools.partial(check, case, flags)


def check(case, flags, box):
    case.check(box, flags)
