# SPDX-License-Identifier: Apache-2.0
"""test_faults: the short form of `tests/torture/run faults`: system calls of the library fail, once
each, and all of one kind from a moment on; the program goes on, and what was lost is said.
"""

import functools
import os
import sys
import time

from sandbox import ROOT

sys.path.append(os.path.join(ROOT, "tests", "torture"))

import faults  # noqa: E402

PLACES = 12


def tests():
    for way in faults.WAYS:
        yield "system calls of %d places fail, with snapshots by %s" % (PLACES, way), \
            functools.partial(some_places, way)
    for kind in ("mmap", "write", "openat", "ppoll"):
        yield "from some moment on every %s fails" % kind, functools.partial(some_of, kind)


def a_seed(box):
    seed = int(os.environ.get("SEEP_TEST_SEED") or time.time_ns() % 1000000)
    box.note("SEEP_TEST_SEED=%d" % seed)
    return seed


def some_places(way, box):
    faults.some(box, way, PLACES, a_seed(box))


def some_of(kind, box):
    faults.some_of_kind(box, "process", kind, 3, a_seed(box))
