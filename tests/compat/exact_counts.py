# SPDX-License-Identifier: Apache-2.0
"""exact_counts: do the counts of a run add up, process by process?

Two ways. In each file itself: allocations - frees is what lives, but for what fork has inherited.
And against call_counter.c, which has counted the same calls of the same run one level below seep.
"""

import glob
import os
import struct

import snapshot_file

COUNTS = struct.Struct("=QQQ")
# A process that has been killed before it had so many has no file.
ALWAYS_A_FILE = 16
# One that is killed while its file is being begun, by a thread among others, may have so many.
BORN_BY_THEN = 1000


class Counts:
    """What the files in a folder say together."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {}  # {path: totals of the last snapshot}
        self.wrong = []
        self.unborn = set()  # pids whose file was being begun when they were killed
        self.lost = {"lost_blocks": 0, "lost_stacks": 0, "cut_stacks": 0, "unknown_frees": 0}
        for path in sorted(glob.glob(os.path.join(folder, "**", "*.seep*"), recursive=True)):
            if os.path.isfile(path):
                self.read(path)
        self.allocations = sum(totals["allocations"] for _, totals in self.files.values())
        self.wrong += self.differences_to_counter()

    def read(self, path):
        name = os.path.basename(path)
        if os.path.getsize(path) == 0:
            self.unborn.add(int(name.split(".")[-2]))
            return
        try:
            file = snapshot_file.read(path)
        except (ValueError, struct.error) as error:
            self.wrong.append("%s: %s" % (name, error))
            return
        if not file.snapshots:
            if file.end() is not None:
                self.wrong.append("%s has no snapshot" % name)
            self.unborn.add(file.pid)
            return
        if file.end() is None:
            self.wrong.append("%s has no end" % name)
        totals = file.snapshots[-1].totals
        self.files[path] = (file, totals)
        living = totals["live_blocks"] - totals["inherited_blocks"]
        if totals["allocations"] - totals["frees"] != living:
            self.wrong.append("%s: %d allocations - %d frees are not %d blocks" % (
                name, totals["allocations"], totals["frees"], living))
        for key in self.lost:
            self.lost[key] += totals[key]

    def differences_to_counter(self):
        """Both have a number for each process and image. A child that was forked only to become
        another program has no file of what it was before."""
        counted, last = {}, {}  # {pid: blocks given by each of its images}, by the last one
        for path in glob.glob(os.path.join(self.folder, "counts", "*")):
            pid = os.path.basename(path).split(".")[0]
            with open(path, "rb") as file:
                given, _, execs = COUNTS.unpack(file.read(COUNTS.size))
            counted.setdefault(int(pid), []).append(given)
            if execs == 0:
                last[int(pid)] = given
        if not counted:
            return
        for path, (file, totals) in sorted(self.files.items()):
            rest = counted.get(file.pid, [])
            if totals["allocations"] in rest:
                rest.remove(totals["allocations"])
            elif totals["allocations"] > 0:  # nothing was counted where nothing was allocated
                yield "%s: %d allocations, counted %s" % (
                    os.path.basename(path), totals["allocations"],
                    " or ".join(map(str, rest)) or "nothing")
        for pid, given in sorted(last.items()):
            least = BORN_BY_THEN if pid in self.unborn else ALWAYS_A_FILE
            if given >= least and given in counted[pid]:
                yield "process %d: no file of its %d allocations" % (pid, given)
