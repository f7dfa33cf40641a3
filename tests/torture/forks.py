# SPDX-License-Identifier: Apache-2.0
"""forks: children of a process whose threads allocate all the time, each with the right numbers.

Of each child its file must say what it did, exactly; which blocks it has inherited; and nothing of
what its parent's threads did meanwhile. Of the parent it must say what all of its threads did.
"""

import bisect
import os
import signal
import struct
import subprocess

import snapshot_file
from sandbox import Failed, begun, expect, expect_equal

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "forks_beside_busy_threads.c")
HANGS_S = 60  # between two children
WORKERS, STABLE = 8, 500
CHILD = struct.Struct("<IiiIIII")
HEAD = struct.Struct("<%dQ" % (1 + 2 * WORKERS))
# As wait() says it, by how it ends.
STATUS = (7 << 8, 8 << 8, signal.SIGKILL)
REPORTED_ONE_IN = 100


class Functions:
    """The functions of a program, by offset."""

    def __init__(self, box, program):
        listed = box.run(["nm", "-S", "--defined-only", program]).stdout.decode().split("\n")
        symbols = sorted((int(words[0], 16), int(words[1], 16), words[3])
                         for words in map(str.split, listed) if len(words) == 4)
        self.program, self.symbols = os.path.realpath(program), symbols
        self.starts = [start for start, _, _ in symbols]

    def of(self, frame):
        path, offset = frame
        at = bisect.bisect_right(self.starts, offset) - 1
        if path != self.program or at < 0:
            return None
        start, size, name = self.symbols[at]
        return name if offset <= start + size else None


def totals_of(file, functions):
    """Function to [live blocks, allocations, inherited live blocks] of its sites at last."""
    stacks, found = file.stacks(), {}
    inherited_epoch = struct.unpack_from("<5I", file.records[0].payload)[4]
    for stack, (blocks, _, allocations, _, cohorts) in file.final_sites().items():
        sums = found.setdefault(functions.of(stacks[stack][0]), [0, 0, 0])
        sums[0] += blocks
        sums[1] += allocations
        sums[2] += sum(count for epoch, count, _ in cohorts if epoch <= inherited_epoch)
    return found


class Forks:
    def __init__(self, box, count, seed):
        self.box, self.count, self.seed = box, count, seed
        program = box.compile(PROGRAM, "-O1", "-pthread")
        self.functions = Functions(box, program)
        self.folder = box.path("recordings")
        os.makedirs(self.folder)
        self.shared = box.write("shared", bytes(HEAD.size + count * CHILD.size))
        self.process = box.start(
            [program, self.shared, str(count), str(seed)],
            box.preload(output=os.path.join(self.folder, "%p.seep"), quiet="on"),
            stdout=subprocess.DEVNULL, start_new_session=True)
        self.by_end = [0, 0, 0]
        self.largest_bytes = 0

    def children_over(self):
        with open(self.shared, "rb") as file:
            data = file.read()
        return [CHILD.unpack_from(data, HEAD.size + i * CHILD.size) for i in range(self.count)]

    def check_all(self):
        try:
            for number in range(self.count):
                self.check_child(number, self.wait_for_child(number))
            self.box.wait_until(lambda: self.process.poll() is not None, "the parent's end",
                                HANGS_S)
        except BaseException:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        self.check_parent()

    def wait_for_child(self, number):
        def over():
            with open(self.shared, "rb") as file:
                file.seek(HEAD.size + number * CHILD.size)
                child = CHILD.unpack(file.read(CHILD.size))
            if not child[0] and self.process.poll() is not None:
                raise Failed("the parent ends with %s" % self.process.returncode)
            return child if child[0] else None
        return self.box.wait_until(over, "the end of child %d" % number, HANGS_S)

    def whole_file(self, pid):
        path = os.path.join(self.folder, "%d.seep" % pid)

        def ended():
            file = begun(path)
            return file if file and file.end() else None
        return path, self.box.wait_until(ended, "the end record of process %d" % pid, HANGS_S)

    def check_child(self, number, child):
        _, pid, status, how, allocations, frees, inherited_frees = child
        what = "child %d (%d): " % (number, pid)
        expect_equal(status, STATUS[how], what + "its status")
        path, file = self.whole_file(pid)
        expect_equal(file.pid, pid, what + "the pid in its file")
        last = file.snapshots[-1].totals
        expect_equal((last["allocations"], last["frees"], last["inherited_frees"]),
                     (allocations, frees, inherited_frees),
                     what + "(allocations, frees, frees of inherited blocks)")
        expect_equal(last["live_blocks"] - last["inherited_blocks"], allocations - frees,
                     what + "live blocks of its own")
        expect_equal((last["unknown_frees"], last["lost_blocks"], last["lost_stacks"]), (0, 0, 0),
                     what + "(frees of unknown blocks, lost blocks, lost stacks)")
        sites = totals_of(file, self.functions)
        expect_equal(sites.pop("allocate_in_child", None), [allocations - frees, allocations, 0],
                     what + "(live, allocations, inherited) of what it allocated")
        kept = STABLE - inherited_frees
        expect_equal(sites.pop("allocate_for_children", None), [kept, 0, kept],
                     what + "(live, allocations, inherited) of what was made for it")
        for name, (live, made, inherited) in sites.items():
            expect_equal((made, inherited), (0, live), what + "(allocations, inherited) of %s"
                         % name)
        expect_equal(sum(site[0] for site in sites.values()) + kept, last["inherited_blocks"],
                     what + "inherited blocks")
        self.by_end[how] += 1
        self.largest_bytes = max(self.largest_bytes, len(file.data))
        if number % REPORTED_ONE_IN == 0:
            report = self.box.report(path)
            expect_equal((report["process"]["pid"], report["totals"]["allocations"],
                          report["totals"]["live_blocks"]),
                         (pid, allocations, last["live_blocks"]), what + "what seep report says")
        os.unlink(path)

    def check_parent(self):
        expect_equal(self.process.returncode, 0, "the parent's status")
        with open(self.shared, "rb") as shared:
            _, *done = HEAD.unpack(shared.read(HEAD.size))
        path, file = self.whole_file(self.process.pid)
        last = file.snapshots[-1].totals
        expect_equal((last["inherited_blocks"], last["unknown_frees"], last["lost_blocks"],
                      last["lost_stacks"]), (0, 0, 0, 0),
                     "(inherited blocks, unknown frees, lost blocks, lost stacks) of the parent")
        sites = totals_of(file, self.functions)
        for worker in range(WORKERS):
            allocations, frees = done[2 * worker:2 * worker + 2]
            expect_equal(sites.get("allocate_in_worker_%d" % worker),
                         [allocations - frees, allocations, 0],
                         "(live, allocations, inherited) of worker %d" % worker)
        expect_equal(sites.get("allocate_for_children"), [STABLE, STABLE, 0],
                     "(live, allocations, inherited) of what children freed")
        expect("allocate_in_child" not in sites, "the parent has blocks of its children")
        others = [path for path in os.listdir(self.folder)
                  if path != "%d.seep" % self.process.pid]
        expect_equal(others, [], "files that belong to nobody")
        self.allocations = sum(done[::2])


def play(box, count, seed):
    forks = Forks(box, count, seed)
    forks.check_all()
    box.note("%d children (%d by exit, %d by _exit, %d by SIGKILL), beside %d allocations; a "
             "child's file has up to %d bytes" % (count, *forks.by_end, forks.allocations,
                                                  forks.largest_bytes))
