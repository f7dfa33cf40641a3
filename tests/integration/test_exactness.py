# SPDX-License-Identifier: Apache-2.0
"""test_exactness: the counts of deterministic programs equal Valgrind's, side by side."""

import functools
import re
import shutil

import case_program
from sandbox import Failed, Skipped, expect_equal

TOTAL = re.compile(r"total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes allocated")
IN_USE = re.compile(r"in use at exit: ([\d,]+) bytes in ([\d,]+) blocks")


def tests():
    for case in case_program.all_cases():
        if any(kind == "valgrind" for kind, _, _ in case.claims):
            yield "counts of %s equal Valgrind's" % case.name, functools.partial(check, case)


def check(case, box):
    if not shutil.which("valgrind"):
        raise Skipped("valgrind is not installed")
    program = case.build(box, case.variants()[0])
    report, _ = case.run(box, program)
    totals = report["totals"]
    seep = (totals["allocations"], totals["frees"], totals["live_blocks"], totals["live_bytes"])
    valgrind = counts_by_valgrind(box, program)
    for who, counts in (("seep", seep), ("valgrind", valgrind)):
        box.note("%-9s %6d allocations, %6d frees; live at exit %5d blocks, %8d bytes"
                 % (who, *counts))
    expect_equal(seep, valgrind, "(allocations, frees, live blocks, live bytes)")
    expect_equal(totals["allocations"] - totals["frees"], totals["live_blocks"],
                 "allocations - frees")


def counts_by_valgrind(box, program):
    result = box.run(["valgrind", "--run-libc-freeres=no", "--run-cxx-freeres=no",
                      "--log-file=" + box.path("valgrind.log"), program])
    with open(box.path("valgrind.log")) as file:
        log = file.read()
    total, in_use = TOTAL.search(log), IN_USE.search(log)
    if not total or not in_use:
        raise Failed("valgrind ends with %d: %s" % (result.returncode, log[-300:]))
    numbers = [int(text.replace(",", "")) for text in (*total.groups()[:2], in_use[2], in_use[1])]
    return tuple(numbers)
