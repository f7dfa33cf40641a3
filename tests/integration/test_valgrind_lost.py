# SPDX-License-Identifier: Apache-2.0
"""test_valgrind_lost: what the case programs claim to be lost is what Valgrind finds.

It is the oracle for the programs: a claim that it does not share says why in a line.
"""

import functools

import case_program
import reachability
import valgrind_leaks
from sandbox import expect_equal


def tests():
    for case in case_program.scanned_cases():
        yield case.name, functools.partial(check, case)


def check(case, box):
    program = case.build(box, case.variants()[0])
    result, records = valgrind_leaks.find(box, [program])
    expect_equal((result.returncode, result.stdout), (0, b"ready\n"), "status and stdout")
    sums = reachability.Sums(reachability.Owners(case, box))
    for record in records:
        sums.add(*record)
    reachability.compare(reachability.claims(case, "valgrind"), sums.found, "Valgrind")
