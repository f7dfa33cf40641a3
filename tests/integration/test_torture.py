# SPDX-License-Identifier: Apache-2.0
"""test_torture: the short forms of what tests/torture/run does for long: forks beside busy
threads, and a library that does not grow with the number of snapshots. Kills are in test_kill.py.
"""

import os
import sys
import time

from sandbox import ROOT

sys.path.append(os.path.join(ROOT, "tests", "torture"))

import epochs  # noqa: E402
import forks  # noqa: E402

FORKS = 40
EPOCHS = 400


def tests():
    yield "%d children of a process with 8 busy threads: none hangs, all counts right" % FORKS, \
        some_forks
    yield "the library's memory does not grow in %d epochs" % EPOCHS, some_epochs


def some_forks(box):
    seed = int(os.environ.get("SEEP_TEST_SEED") or time.time_ns() % 1000000)
    box.note("SEEP_TEST_SEED=%d" % seed)
    forks.play(box, FORKS, seed)


def some_epochs(box):
    epochs.play(box, EPOCHS, look_count=4)
