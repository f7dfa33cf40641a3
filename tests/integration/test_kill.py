# SPDX-License-Identifier: Apache-2.0
"""test_kill: kill -9 at any moment loses no complete snapshot, and the last state is there."""

import functools
import os
import random
import sys
import time

import snapshot_file
from sandbox import ROOT, expect_equal

sys.path.append(os.path.join(ROOT, "tests", "torture"))

import kills  # noqa: E402

ROUNDS = {"program": 50 if os.environ.get("SEEP_TEST_SHORT") else 200, "both": 10, "thread": 10,
          "inline": 10, "oom": 2}
WHO = {"program": "kill -9", "both": "kill -9, of its helper too,",
       "thread": "kill -9, with snapshots by a thread,", "inline": "kill -9, with them inline,",
       "oom": "the OOM killer"}


def tests():
    for way in kills.WAYS:
        yield "every file opens after %s at %d random moments" % (WHO[way], ROUNDS[way]), \
            functools.partial(at_random_moments, way)
    yield "a file cut anywhere opens with every whole snapshot", cut_anywhere


def at_random_moments(way, box):
    seed = int(os.environ.get("SEEP_TEST_SEED") or time.time_ns() % 1000000)
    box.note("SEEP_TEST_SEED=%d" % seed)
    kills.play(box, way, ROUNDS[way], seed)


def cut_anywhere(box):
    """A machine that lost power leaves a file that ends anywhere."""
    kills.Kills(box, "program").kill_after(0.3)
    with open(box.path("killed.seep"), "rb") as file:
        data = file.read()
    whole = snapshot_file.SnapshotFile(data)
    ends = [record.offset for record in whole.records] + [len(data)]
    moments = random.Random(1)
    for cut in sorted(set(ends[2:12] + [moments.randrange(ends[2], len(data)) for _ in range(20)])):
        box.write("cut.seep", data[:cut])
        expected = len(snapshot_file.SnapshotFile(data[:cut]).snapshots)
        expect_equal(box.report("cut.seep")["snapshots"], expected,
                     "the number of snapshots after a cut at byte %d" % cut)
