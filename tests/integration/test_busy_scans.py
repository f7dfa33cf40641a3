# SPDX-License-Identifier: Apache-2.0
"""test_busy_scans: what threads hand to each other is never called lost, at whatever instant they
are looked at. More programs, and for longer: `make scans`.
"""

import os
import sys

from sandbox import ROOT, expect, expect_equal

sys.path.append(os.path.join(ROOT, "tests", "real"))

import busy_scans  # noqa: E402
import programs  # noqa: E402

# A busy machine has time for fewer scans.
SECONDS = (5, 20, 60)
SCANS = 3


def tests():
    yield "a C++ thread pool is scanned at work, and nothing is lost", pool
    yield "python3 is scanned at work, and nothing is lost", python


def scan(box, program):
    for seconds in SECONDS:
        outcome = busy_scans.play(box, program, seconds, 1)
        if len(outcome.reports) >= SCANS:
            break
    expect(len(outcome.reports) >= SCANS, "%d scans, refused: %s" % (
        len(outcome.reports), outcome.refused[:1]))
    expect_equal([site["stack"][0]["function"] for _, site in outcome.lost], [], "what is lost")
    expect_equal(outcome.refused, [], "what was refused")


def pool(box):
    scan(box, busy_scans.ThreadPool())


def python(box):
    scan(box, programs.Python(20))
