# SPDX-License-Identifier: Apache-2.0
"""kills: a program that takes snapshots all the time is killed at random moments, alone or with
all that belongs to it; its file must be readable and hold every snapshot that was done.

    program   SIGKILL to the program: the helper writes the exact last state
    both      SIGKILL to the program and its helper at once
    thread    snapshots by a thread; SIGKILL
    inline    snapshots by the program's own threads; SIGKILL
    oom       the OOM killer of a memory cgroup, which takes both
"""

import contextlib
import os
import random
import signal
import struct
import time

import snapshot_file
from case_program import find_site
from cgroup import Cgroup
from process_list import processes_of
from sandbox import expect, expect_equal

BLOCKS_PER_SNAPSHOT = 500  # as acknowledges_snapshots.c
PROGRESS = struct.Struct("<qqq")
MIB = 1 << 20
DIES_S = 30
LATEST_S = 0.06  # on an idle machine, after the start
TOO_SOON_MAX = 100
WAYS = ("program", "both", "thread", "inline", "oom")


class Kills:
    """Kills in one of these ways. `finals` counts the files that hold the last state."""

    def __init__(self, box, way, cgroup=None):
        self.box, self.way, self.cgroup = box, way, cgroup
        self.program = box.compile("acknowledges_snapshots.c", "-O1")
        self.shared = box.path("progress")
        self.output = box.path("killed.seep")
        self.kills = self.too_soon = self.finals = self.torn = self.snapshots = 0
        self.latest_s = LATEST_S

    def start(self):
        self.box.write("progress", bytes(PROGRESS.size))
        if os.path.exists(self.output):
            os.unlink(self.output)
        settings = {"snapshots_by": self.way} if self.way in ("thread", "inline") else {}
        argv = [self.program, self.shared]
        if self.cgroup:
            argv = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', self.cgroup.folder,
                    "env", *("%s=%s" % item for item in self.preload(settings).items()), *argv]
            return self.box.start(argv)
        return self.box.start(argv, self.preload(settings))

    def preload(self, settings):
        return self.box.preload(output=self.output, interval="10ms", quiet="on", **settings)

    def progress(self):
        with open(self.shared, "rb") as file:
            return PROGRESS.unpack(file.read(PROGRESS.size))

    def program_and_helper(self):
        def are_there():
            found = processes_of(self.program)
            return found if len(found) == 2 else None
        return self.box.wait_until(are_there, "the helper")

    def kill(self, chance):
        """Once; the moment is drawn."""
        if self.way == "oom":
            self.cgroup.limit(chance.randrange(5 * MIB, 12 * MIB))
            process = self.start()
        else:
            process = self.start()
            victims = self.program_and_helper() if self.way == "both" else [process.pid]
            chance.shuffle(victims)
            time.sleep(chance.uniform(0.001, self.latest_s))
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):  # the helper has written its last
                    os.kill(pid, signal.SIGKILL)
        self.bury(process)

    def kill_after(self, seconds):
        process = self.start()
        time.sleep(seconds)
        process.kill()
        self.bury(process)

    def bury(self, process):
        self.box.wait_until(lambda: process.poll() is not None, "the program's death", DIES_S)
        expect_equal(process.returncode, -signal.SIGKILL, "the program's status")
        self.box.processes.remove(process)
        process.stdout.close()
        self.check()

    def check(self):
        begun, done, snapshots = self.progress()
        self.kills += 1
        if snapshots == 0:
            self.too_soon += 1  # there is no file, or one that nothing is demanded of
            self.latest_s *= 1.1  # the machine is busy
            return
        if self.way == "program":
            report = self.box.wait_for_end("killed.seep")
            # The helper is no parent, so it cannot always learn the signal.
            end = (report["process"]["end"], report["process"]["status"])
            expect(end in (("signal", 9), ("unknown", 0)), "the end is %s" % (end,))
        else:
            report = self.box.report("killed.seep")
        file = snapshot_file.read(self.output)
        expect_equal(report["snapshots"], len(file.snapshots),
                     "the number of snapshots in the report")
        missing = ({"done-%d" % number for number in range(1, snapshots + 1)}
                   - {snapshot.label for snapshot in file.snapshots})
        expect(not missing, "snapshots that were complete are missing: %s" % sorted(missing))
        live = find_site(report, "allocate")["live_blocks"]
        least = done if self.way == "program" else snapshots * BLOCKS_PER_SNAPSHOT
        expect(least <= live <= begun, "%d live blocks, but %d to %d were allocated"
               % (live, least, begun))
        self.finals += file.snapshots[-1].reason == "final"
        self.torn += file.whole_bytes < len(file.data)
        self.snapshots += snapshots

    def judge(self, count):
        """Over all kills so far."""
        expect(self.kills - self.too_soon >= count, "of %d programs %d were killed before they "
               "began" % (self.kills, self.too_soon))
        if self.way == "program":
            expect_equal(self.finals, self.kills - self.too_soon,
                         "the number of files with a final state")
        elif self.way != "both":  # a helper that is killed second may have been quick
            expect_equal(self.finals, 0, "final states that nobody can have written")


def play(box, way, count, seed):
    if way == "oom":
        with Cgroup(box, "killed") as cgroup:
            play_in(box, Kills(box, way, cgroup), count, seed)
    else:
        play_in(box, Kills(box, way), count, seed)


def play_in(box, kills, count, seed):
    chance = random.Random("%s %d" % (kills.way, seed))
    while kills.kills - kills.too_soon < count and kills.kills < count + TOO_SOON_MAX:
        try:
            kills.kill(chance)
        except Exception as error:
            error.args = ("kill %d of seed %d: %s" % (kills.kills, seed, error),)
            raise
    kills.judge(count)
    box.note("%s: %d kills, %d before the first snapshot; %d snapshots were done before the "
             "others, %d files hold the last state, %d end in the middle of a record" % (
                 kills.way, kills.kills, kills.too_soon, kills.snapshots, kills.finals, kills.torn))
