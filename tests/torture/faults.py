# SPDX-License-Identifier: Apache-2.0
"""faults: each system call of the library fails once, and the program goes on as if nothing were.

fails_calls.c counts the calls that libseep.so makes in a program and its children, and makes one of
them fail, or all of one kind from a moment on. What the program does must be the same as without
seep; each file must be readable, and what is missing in it must be said there.
"""

import collections
import errno
import os
import random
import subprocess

import sandbox
import snapshot_file
from sandbox import Failed, Skipped, expect, expect_equal

HERE = os.path.dirname(os.path.abspath(__file__))
CANNOT_BE_RUN = 77
HANGS_S = 60  # on a busy machine; mostly it is a tenth of a second
KEPT, KEPT_BY_CHILD = 150, 170  # as does_a_little_of_everything.c; 150 are inherited
STDOUT = (b"errno of the thread: kept\nchild: 7\nother program\n"
          b"other: 0, more children: -1\n")
STATUS = 3
ERRORS = ("ENOMEM", "ENOSPC", "EMFILE", "EAGAIN", "EINTR", "EPERM", "ENOSYS")
WAYS = {"process": {"scan": "exit"}, "thread": {"snapshots_by": "thread", "scan": "exit"},
        "inline": {"snapshots_by": "inline", "scan": "exit"}}
# From one of them on, all of a kind: (call, why it fails). As numbered on x86_64.
KINDS = {"mmap": (9, "ENOMEM"), "write": (1, "ENOSPC"), "openat": (257, "EMFILE"),
         "clone": (56, "EAGAIN"), "madvise": (28, "EINVAL"), "pread64": (17, "EIO"),
         "ptrace": (101, "EPERM"), "tgkill": (234, "EAGAIN"), "ppoll": (271, "EINVAL")}
READLINKAT, WRITE = 267, 1

Place = collections.namedtuple("Place", "call offset count")
Outcome = collections.namedtuple("Outcome", "calls pid status hangs who call offset")


class Faults:
    def __init__(self, box, way):
        self.box, self.way = box, way
        self.tracer = box.compile(os.path.join(HERE, "fails_calls.c"), "-O1")
        self.program = box.compile(os.path.join(HERE, "does_a_little_of_everything.c"), "-O1",
                                   "-pthread")
        self.trials = self.without_file = self.with_losses = 0

    def run(self, number, error="ENOMEM", only="-"):
        """(result, outcome, places) of one run whose files are in the folder `files`."""
        folder, log = self.box.path("files"), self.box.path("log")
        subprocess.run(["rm", "-rf", folder, log], check=True)
        os.mkdir(folder)
        settings = self.box.preload(output=os.path.join(folder, "%p.seep"), **WAYS[self.way])
        del settings["LD_PRELOAD"]  # fails_calls itself is not watched
        result = self.box.run([self.tracer, log, sandbox.LIBRARY, HANGS_S, number,
                               getattr(errno, error), only, "-", self.program], settings,
                              timeout=HANGS_S + 30)
        if result.returncode == CANNOT_BE_RUN:
            raise Skipped("a seccomp filter with a listener cannot be had: %s"
                          % result.stderr.decode().strip())
        expect_equal(result.returncode, 0, "the status of fails_calls")
        with open(log) as file:
            lines = [line.split() for line in file]
        words = lines[0]
        outcome = Outcome(*map(int, words[:4]), words[4], int(words[5]), int(words[6], 16))
        places = [Place(int(call), offset, int(count)) for call, offset, count in lines[1:]]
        return result, outcome, places

    def places(self):
        """Where the library calls the kernel, when nothing fails."""
        result, outcome, places = self.run(0)
        self.check(result, outcome, lines_max=0)
        expect(len(places) > 50 and outcome.calls > 300,
               "only %d calls from %d places were seen" % (outcome.calls, len(places)))
        return places

    def fail(self, number, error, only="-", lines_max=1):
        """True when there was such a call."""
        result, outcome, _ = self.run(number, error, only)
        try:
            self.check(result, outcome, lines_max)
        except Failed as failed:
            raise Failed("%s, call %s (only %s), %s in %s, call %d at %#x: %s" % (
                self.way, number, only, error, outcome.who, outcome.call, outcome.offset,
                failed)) from None
        self.trials += 1
        return outcome.call >= 0

    def check(self, result, outcome, lines_max):
        expect(not outcome.hangs, "something was still there after %d s; status %d, stdout %r"
               % (HANGS_S, outcome.status, result.stdout))
        expect_equal((outcome.status, result.stdout), (STATUS, STDOUT), "(status, stdout)")
        lines = result.stderr.decode().splitlines()
        expect("on stderr" in lines, "stderr is %r" % result.stderr)
        lines.remove("on stderr")
        expect(len(lines) <= lines_max and all(line.startswith("seep: ") for line in lines),
               "seep says %s" % lines)
        # Whoever waits for the end of a file sees it; no copy of one stays.
        names = os.listdir(self.box.path("files"))
        expect(all(name.endswith(".seep") for name in names), "there are %s" % names)
        reports = {}
        for name in names:
            pid = int(name.split(".")[0])
            path = self.box.path("files", name)
            file = snapshot_file.read(path)
            expect_equal(file.whole_bytes, len(file.data), "the readable part of %s" % name)
            expect_equal(file.records[0].type, snapshot_file.PROCESS, "the first record")
            if pid == outcome.pid or file.forked_from() == outcome.pid:
                reports[pid] = (path, file)
        if outcome.pid not in reports:
            # Where nothing can be written, nothing can be said.
            expect(lines or outcome.call == WRITE, "there is no file, and nothing was said")
            self.without_file += 1
            return
        # Where the name of the program's own file cannot be read, nor can its functions be.
        self.check_losses(*reports.pop(outcome.pid), outcome.call != READLINKAT)
        for _, file in reports.values():
            if file.snapshots and file.snapshots[-1].reason == "final":
                totals = file.snapshots[-1].totals
                blocks = totals["live_blocks"] + totals["lost_blocks"]
                expect(blocks >= KEPT_BY_CHILD, "%d blocks of the child" % blocks)

    def check_losses(self, path, file, has_names):
        """All that is missing is said to be."""
        report = self.box.report(path)
        lost, end = report["lost"], report["process"]["end"]
        expect(end == "unknown" or (end, report["process"]["status"]) == ("exit", STATUS),
               "%s ended by %s, status %d" % (path, end, report["process"]["status"]))
        if any(lost.values()):
            self.with_losses += 1
        if not file.snapshots:
            text = self.box.seep("report", path).stdout.decode()
            expect("No snapshot in the file" in text, "without a snapshot is said %r" % text)
            return
        if lost["last_state"]:
            return
        last = file.snapshots[-1]
        expect(last.reason == "final", "the last state is of a snapshot by %s" % last.reason)
        blocks = report["totals"]["live_blocks"] + lost["blocks"]
        expect(blocks >= KEPT, "%d blocks are live or lost" % blocks)
        if has_names and not lost["blocks"] and not lost["stacks"]:
            named = sum(site["live_blocks"] for site in report["sites"] if site["stack"] and
                        (site["stack"][0]["function"] or "").startswith("keep"))
            expect_equal(named, KEPT, "the blocks that are kept, by function")


def fail_from(faults, number, kind):
    """From this call of a kind on all of that kind fail; false when there are not so many."""
    call, error = KINDS[kind]
    # Two programs may each say a line.
    return faults.fail("%d-" % number, error, call, lines_max=2)


def some_of_kind(box, way, kind, count, seed):
    chance = random.Random("%s %d" % (kind, seed))
    faults = Faults(box, way)
    calls = sum(place.count for place in faults.places() if place.call == KINDS[kind][0])
    for number in [1] + [chance.randint(2, calls) for _ in range(count - 1)]:
        fail_from(faults, number, kind)
    box.note("%s: %d of %d; %d times there was no file, %d files say that something is missing" % (
        kind, faults.trials, calls, faults.without_file, faults.with_losses))


def some(box, way, count, seed):
    """Of all places so many, drawn by the seed."""
    chance = random.Random("%s %d" % (way, seed))
    faults = Faults(box, way)
    places = faults.places()
    for place in chance.sample(places, min(count, len(places))):
        faults.fail(chance.randint(1, place.count), chance.choice(ERRORS), "@" + place.offset)
    box.note("%s: %d of %d places failed once (seed %d); %d times there was no file, %d files say "
             "that something is missing" % (way, faults.trials, len(places), seed,
                                            faults.without_file, faults.with_losses))


def all_trials(faults, places):
    """What to call, for each place, each occurrence and each error, and for every kind."""
    for place in places:
        for number in sorted({1, (place.count + 1) // 2, place.count}):
            for error in ERRORS:
                yield faults.fail, number, error, "@" + place.offset
    for kind, (call, _) in KINDS.items():
        for number in range(1, sum(place.count for place in places if place.call == call) + 1, 3):
            yield fail_from, faults, number, kind


def play(box, way, count, seed, say):
    """So many of all, drawn by the seed, or all; what fails is said at once, and ends nothing."""
    faults, failures = Faults(box, way), 0
    places = faults.places()
    trials = list(all_trials(faults, places))
    random.Random("%s %d" % (way, seed)).shuffle(trials)
    for function, *arguments in trials[:count or len(trials)]:
        try:
            function(*arguments)
        except Failed as failed:
            failures += 1
            say(str(failed))
    box.note("%s: %d of %d runs, at %d places; %d times there was no file, %d files say that "
             "something is missing" % (way, faults.trials, len(trials), len(places),
                                       faults.without_file, faults.with_losses))
    expect(not failures, "%d runs were not as they must be" % failures)
