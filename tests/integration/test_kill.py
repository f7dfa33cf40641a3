# SPDX-License-Identifier: Apache-2.0
"""test_kill: kill -9 at any moment loses no complete snapshot, and the last state is there."""

import os
import random
import signal
import struct
import time

import snapshot_file
from case_program import find_site
from sandbox import expect, expect_equal, stop

ROUNDS = 50 if os.environ.get("SEEP_TEST_SHORT") else 200


def tests():
    yield "every file opens after kill -9 at %d random moments" % ROUNDS, kill_at_random_moments
    yield "a file cut anywhere opens with every whole snapshot", cut_anywhere


def kill_at_random_moments(box):
    seed = int(os.environ.get("SEEP_TEST_SEED") or time.time_ns() % 1000000)
    box.note("SEEP_TEST_SEED=%d" % seed)
    moments = random.Random(seed)
    program = box.compile("acknowledges_snapshots.c", "-O1")
    shared = box.write("progress", bytes(24))
    kills_before_start = finals = 0
    for round_ in range(ROUNDS):
        try:
            result = kill_once(box, program, shared, moments.uniform(0.001, 0.06))
        except Exception as error:
            error.args = ("round %d of seed %d: %s" % (round_, seed, error),)
            raise
        if result is None:
            kills_before_start += 1
        else:
            finals += result
    box.note("%d killed before their first snapshot, %d files hold the final state"
             % (kills_before_start, finals))
    expect(kills_before_start < ROUNDS / 2, "most programs were killed before they began")
    expect_equal(finals, ROUNDS - kills_before_start, "the number of files with a final state")


def kill_once(box, program, shared, seconds):
    """Returns whether the final state is in the file, None if there was nothing to write yet."""
    with open(shared, "wb") as file:
        file.write(bytes(24))
    output = box.path("killed.seep")
    if os.path.exists(output):
        os.unlink(output)
    process = box.start([program, shared],
                        box.preload(output=output, interval="10ms", quiet="on"))
    time.sleep(seconds)
    stop(process, signal.SIGKILL)
    with open(shared, "rb") as file:
        begun, done, snapshots = struct.unpack("<qqq", file.read(24))
    if snapshots == 0:
        return None

    report = box.wait_for_end("killed.seep")
    end = (report["process"]["end"], report["process"]["status"])
    # The helper is no parent, so it cannot always learn the signal.
    expect(end in (("signal", 9), ("unknown", 0)), "the end is %s" % (end,))
    file = snapshot_file.read(output)
    expect_equal(report["snapshots"], len(file.snapshots), "the number of snapshots in the report")
    labels = {snapshot.label for snapshot in file.snapshots}
    missing = {"done-%d" % number for number in range(1, snapshots + 1)} - labels
    expect(not missing, "snapshots that were complete are missing: %s" % sorted(missing))
    live = find_site(report, "allocate")["live_blocks"]
    expect(done <= live <= begun, "%d live blocks, but %d were allocated" % (live, done))
    return file.snapshots[-1].reason == "final"


def cut_anywhere(box):
    """A machine that lost power leaves a file that ends anywhere."""
    program = box.compile("acknowledges_snapshots.c", "-O1")
    shared = box.write("progress", bytes(24))
    kill_once(box, program, shared, 0.3)
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
