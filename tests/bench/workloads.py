# SPDX-License-Identifier: Apache-2.0
"""workloads: what is measured, with which parameters, and which limit of the design it must keep.

A workload turns one run under one variant into a sample, a dict of figures. A measure says which
figure becomes a row of the table and how it is compared with native: by the ratio, by the
difference, or (where native has no such figure) by its value. Parameters come in sizes: smoke is
for the tests, quick for daily use, full for the record; short is what a variant gets that is 20
times slower, and peer what the others get where the figure does not depend on the run's length.
"""

import json
import os
import statistics

import measure
import real_programs
import snapshot_file
from sandbox import BUILD
from variants import SNAPSHOTS_BY, Unfit

PROGRAMS = os.path.join(BUILD, "tests", "bench")
CORES = os.cpu_count() or 1
MIB = 1 << 20


class Measure:
    def __init__(self, key, unit, compare, limit=None, peer_factor=5, suffix="", judged="seep",
                 pick="median"):
        self.key, self.unit, self.compare = key, unit, compare
        self.limit = limit              # in terms of `compare`
        self.peer_factor = peer_factor  # heaptrack's overhead is to be at least so many times ours
        self.suffix = suffix            # what tells it from the workload's other rows
        self.judged = judged            # the variant that must keep the limit
        self.pick = pick                # which of its figures: median or most

    def name_of(self, workload):
        return workload.name + self.suffix


class Workload:
    limit_s = 120          # a run that takes longer is given up
    variants = None        # names of those that make sense; None is all
    quick_peers = ()       # the peers that `--quick` measures too

    def __init__(self, name, group, sizes, measures):
        self.name, self.group, self.sizes, self.measures = name, group, sizes, measures

    def size_for(self, variant, size):
        """The parameters' name for this variant."""
        if size == "full" and variant.is_slow:
            if "short" not in self.sizes:
                raise Unfit("is too slow for it")
            return "short"
        if size == "full" and variant.is_peer and "peer" in self.sizes:
            return "peer"
        return size

    def rounds(self, usual):
        """How many, when a run of this size usually has so many; None leaves the choice to the
        driver, which goes on while the figures are uncertain."""

    def is_missing(self):
        """Why the workload cannot be run here, or None."""

    def sample(self, box, variant, size):
        raise NotImplementedError


class OwnProgram(Workload):
    """A program of tests/bench/programs that measures itself and prints a line of JSON."""

    def __init__(self, name, group, program, sizes, measures):
        super().__init__(name, group, sizes, measures)
        self.program = os.path.join(PROGRAMS, program)

    def is_missing(self):
        if not os.path.exists(self.program):
            return "%s is not built: make bench-programs" % self.program

    def sample(self, box, variant, size):
        figures, stdout = measure.run(box, variant, [self.program, *self.sizes[size]],
                                      self.limit_s)
        try:
            figures.update(json.loads(stdout))
        except ValueError:
            raise Unfit("the program printed %r" % stdout[:80])
        return figures


class WallTime(Workload):
    """A real program, from its start to its end."""

    def __init__(self, name, group, sizes, command, measures):
        super().__init__(name, group, sizes, measures)
        self.command = command  # a real_programs.Command

    def is_missing(self):
        return self.command.missing()

    def sample(self, box, variant, size):
        argv, others = self.command.prepared(box, self.sizes[size])
        return measure.run(box, variant, argv, self.limit_s, **others)[0]


def threads_text(threads):
    return "%d thread%s" % (threads, "" if threads == 1 else "s")


def pairs():
    for threads in sorted({1, 2, CORES}):
        for depth in (5, 20, 50):
            workload = OwnProgram(
                "pairs, depth %d, %s" % (depth, threads_text(threads)), "pairs",
                "allocates_in_pairs",
                {"smoke": (depth, threads, 2000), "quick": (depth, threads, 2000000),
                 "full": (depth, threads, 10000000), "peer": (depth, threads, 1000000),
                 "short": (depth, threads, 100000)},
                [Measure("ns_per_pair", "ns", "difference",
                         limit=40 if depth == 20 and threads <= 2 else None,
                         peer_factor=5 if threads == 1 else 20)])
            if depth == 20 and threads == 1:
                workload.quick_peers = ("heaptrack",)
            yield workload


class UnsampledPairs(OwnProgram):
    """Nearly every pair is one that sampling passes by. Nanoseconds are at stake, so in many rounds,
    and only the time that the threads worked."""

    variants = ("native", "twin", "seep", "seep-sampled")

    def rounds(self, usual):
        return usual if usual == 1 else 4 * usual


def sampling():
    for threads in (1, 2):
        yield UnsampledPairs(
            "sampling, unsampled pair, %s" % threads_text(threads), "sampling",
            "allocates_in_pairs",
            {"smoke": (20, threads, 2000), "quick": (20, threads, 5000000),
             "full": (20, threads, 20000000)},
            [Measure("work_ns_per_pair", "ns", "difference", limit=1.5, peer_factor=None,
                     judged="seep-sampled")])


def call_trees():
    for threads in (1, 2):
        yield OwnProgram(
            "call trees, %s" % threads_text(threads), "trees", "wanders_in_call_tree",
            {"smoke": (threads, 1000), "quick": (threads, 500000), "full": (threads, 3000000),
             "peer": (threads, 500000), "short": (threads, 50000)},
            [Measure("ns_per_pair", "ns", "difference", peer_factor=5 if threads == 1 else 20)])


def lists():
    for threads in sorted({1, 2, CORES}):
        workload = OwnProgram(
            "list, %s" % threads_text(threads), "list", "pushes_and_pops_lists",
            {"smoke": (threads, 1000), "quick": (threads, 1 << 20), "full": (threads, 1 << 22),
             "short": (threads, 1 << 16)},
            [Measure("s", "s", "ratio", limit=1.3 if threads == 2 else None,
                     peer_factor=5 if threads == 1 else 20)])
        if threads == 2:
            workload.quick_peers = ("heaptrack",)
        yield workload


def stacks():
    for name, count, short in (("100 K", 100000, 2000), ("1 M", 1000000, None)):
        sizes = {"full": (count, 3), "peer": (count, 2)}
        if short:
            sizes.update(smoke=(100, 2), quick=(count // 2, 2), short=(short, 2))
        yield OwnProgram(
            name + " stacks", "stacks", "makes_many_stacks", sizes,
            [Measure("first_ns_per_pair", "ns", "difference", suffix=", first visit"),
             Measure("later_ns_per_pair", "ns", "difference", suffix=", later"),
             Measure("bytes_per_stack", "B", "difference", peer_factor=None,
                     suffix=", memory per stack")])


class Memory(OwnProgram):
    """Of the process alone, so it can be compared only where a tracker keeps everything inside."""

    variants = ("native", "twin", "seep")


def memory():
    for text, size, count in (("16 B", 16, 2000000), ("64 B", 64, 2000000), ("256 B", 256, 1000000),
                              ("1 KiB", 1024, 400000), ("4 KiB", 4096, 100000),
                              ("64 KiB", 65536, 20000), ("1 MiB", 1 << 20, 4000)):
        sizes = {"full": (size, count)}
        if size in (64, 4096):
            sizes.update(smoke=(size, 800), quick=(size, count // 4))
        measures = [Measure("bytes_per_block", "B", "difference", peer_factor=None,
                            limit=20 if size == 64 else None)]
        if size == 64:
            measures.append(Measure("page_table_bytes_per_block", "B", "difference",
                                    peer_factor=None, suffix=", tables"))
        yield Memory("memory per %s block" % text, "memory", "keeps_blocks", sizes, measures)
    yield Memory("memory per thread", "memory", "keeps_threads",
                 {"smoke": (2, 4), "quick": (10, 100), "full": (10, 100)},
                 [Measure("bytes_per_thread", "B", "difference", limit=32 << 10,
                          peer_factor=None)])
    yield Memory("memory when idle", "memory", "idles",
                 {"smoke": (), "quick": (), "full": ()},
                 [Measure("bytes", "B", "difference", limit=8 << 20, peer_factor=None),
                  Measure("dirty_bytes", "B", "difference", peer_factor=None,
                          suffix=", dirty")])


class StartUp(OwnProgram):
    """The median of a few runs is one sample; the size is how many. Short, so in many rounds."""

    def rounds(self, usual):
        return usual if usual == 1 else 4 * usual

    def sample(self, box, variant, size):
        walls = [measure.run(box, variant, [self.program], self.limit_s)[0]["wall_s"]
                 for _ in range(self.sizes[size])]
        return {"ms": statistics.median(walls) * 1000}


def start_up():
    sizes = {"smoke": 1, "quick": 5, "full": 5, "short": 1}
    yield StartUp("start-up", "start-up", "does_nothing", sizes,
                  [Measure("ms", "ms", "difference", limit=2)])
    through = StartUp("start-up through seep run", "start-up", "does_nothing", sizes,
                      [Measure("ms", "ms", "difference", peer_factor=None, judged="seep-run")])
    through.variants = ("native", "seep-run")
    yield through


class Checks(OwnProgram):
    """Until the command is done, with its answer. The first figure is that of the limit; the size is
    how many processes there are, and the arguments."""

    variants = ("native", "seep-check", "lsan-twin", "valgrind")

    def __init__(self, name, program, sizes, limit=None):
        super().__init__(name, "checks", program, sizes, [
            Measure("ms", "ms", "difference", limit=limit, peer_factor=None, judged="seep-check"),
            Measure("work_ms", "ms", "difference", peer_factor=None, judged="seep-check",
                    suffix=", work")])

    def rounds(self, usual):
        return usual if usual == 1 else 4 * usual

    def sample(self, box, variant, size):
        count, *arguments = self.sizes[size]
        figures = measure.run(box, variant, [self.program, *arguments], self.limit_s)[0]
        return {**figures, "ms": figures["wall_s"] * 1000 / count,
                "work_ms": figures["all_work_s"] * 1000 / count}


class SuiteChecks(Checks):
    """Many processes are many samples already."""

    def rounds(self, usual):
        return min(usual, 3)


def checks():
    yield Checks("a test of 10 ms", "tests_briefly",
                 {"smoke": (1, 5), "quick": (1, 900), "full": (1, 900), "short": (1, 900)}, 15)
    empty = os.path.join(PROGRAMS, "does_nothing")
    for name, at_once in (("one by one", 1), ("two at once", 2)):
        yield SuiteChecks("1,000 processes, " + name, "starts_processes", {
            size: (count, count, at_once, empty)
            for size, count in (("smoke", 3), ("quick", 100), ("full", 1000), ("short", 20))})


class Snapshots(OwnProgram):
    variants = ("native", *("seep-" + who for who in SNAPSHOTS_BY))

    def __init__(self, name, sizes):
        super().__init__(name, "snapshots", "waits_for_snapshots", sizes, [
            Measure("snapshot_ms", "ms", "value", limit=1, peer_factor=None, pick="most",
                    judged="seep-process", suffix=": longest wait for one"),
            *(Measure(key, "ms", "value", peer_factor=None, judged="seep-process", pick="most",
                      suffix=suffix)
              for key, suffix in SNAPSHOT_FIGURES.items())])

    def rounds(self, usual):
        return min(usual, 3)


# Also in the table; the same figures for the pauses between snapshots.
SNAPSHOT_FIGURES = {
    "quiet_ms": ": longest wait between them", "snapshot_fault_ms": ": with a page fault",
    "snapshot_preempted_ms": ": preempted", "quiet_preempted_ms": ": preempted between them",
    "takes_ms": ": how long one takes"}


def snapshots():
    yield Snapshots("snapshots of 1 M blocks",
                    {"smoke": (1000, 2), "quick": (1000000, 5), "full": (1000000, 20)})
    yield Snapshots("snapshots of 10 M blocks", {"full": (10000000, 8)})


# The judged one first; see scan_table.
SCAN_FIGURES = {
    "read_s": "s", "pause_ms": "ms", "gap_ms": "ms", "preempted_ms": "ms", "copy_bytes": "B",
    "scan_s": "s"}


class Scans(OwnProgram):
    """The size is MiB of blocks, bytes of each, whether in huge pages, and how many scans. What the
    library counts is of the last of them. Figures are per GiB, but not the gaps."""

    variants = ("native", "seep-process")

    def __init__(self, name, sizes):
        super().__init__(name, "scans", "waits_for_scans", sizes, [
            Measure(key, unit, "value", limit=0.5 if key == "read_s" else None, peer_factor=None,
                    judged="seep-process", suffix=": " + key)
            for key, unit in SCAN_FIGURES.items()])

    def rounds(self, usual):
        return min(usual, 3)

    def sample(self, box, variant, size):
        running = measure.Running(box, variant, [self.program, *self.sizes[size]], self.limit_s)
        try:
            figures = running.wait()
            said = json.loads(running.read("stdout"))
            if variant.name == "native":
                return figures
            scan = snapshot_file.read(running.path("out.seep")).scan()
        finally:
            running.close()
        if self.sizes[size][2] and not said["huge_bytes"]:
            raise Unfit("had no huge pages")
        if scan is None or scan["outcome"] != "done" or not scan["is_stopped"]:
            raise Unfit("was not scanned: %s" % (scan and scan["outcome"]))
        if scan["definitely"][0] or scan["possibly"][0]:
            raise Unfit("has lost blocks, and was looked at twice")
        gib = self.sizes[size][0] / 1024
        return {**figures,
                "read_s": scan["work_ns"] / 1e9 / (
                    (scan["root_bytes"] + scan["block_bytes"]) / (1 << 30)),
                "pause_ms": scan["pause_ns"] / 1e6 / gib,
                "gap_ms": said["scan_ms"], "preempted_ms": said["scan_preempted_ms"],
                "copy_bytes": scan["own_bytes"] / gib, "scan_s": said["scan_s"] / gib}


def scans():
    yield Scans("scan, 256 B blocks", {"smoke": (8, 256, 0, 1), "quick": (256, 256, 0, 2),
                                       "full": (1024, 256, 0, 3)})
    yield Scans("scan, 256 B blocks, huge pages", {"full": (1024, 256, 1, 3)})
    yield Scans("scan, 4 KiB blocks", {"full": (1024, 4096, 0, 3)})
    yield Scans("scan, 4 KiB blocks, huge pages", {"full": (1024, 4096, 1, 3)})


class Redis(Workload):
    """The size is the number of requests of each kind, and how many go together."""

    def __init__(self, name, sizes):
        super().__init__(name, "real programs", sizes, [
            Measure("wall_s", "s", "ratio", limit=1.25)])
        self.server = real_programs.RedisServer()

    def is_missing(self):
        return self.server.missing()

    def sample(self, box, variant, size):
        return self.server.sample(box, variant, *self.sizes[size], self.limit_s)


def real():
    for command, sizes in (
            (real_programs.Sqlite(), {"smoke": 500, "quick": 40000, "full": 200000,
                                      "short": 10000}),
            (real_programs.Cc1(), {"smoke": 2, "quick": 40, "full": 100, "short": 10}),
            (real_programs.Cc1plus(), {"full": 3}),
            (real_programs.Python(), {"smoke": 1, "quick": 4, "full": 15, "short": 1})):
        yield WallTime(command.name, "real programs", sizes, command,
                       [Measure("wall_s", "s", "ratio", limit=1.25)])
    yield Redis("redis-server", {"smoke": (100, 1), "quick": (5000, 1), "full": (20000, 1),
                                 "short": (1000, 1)})
    yield Redis("redis-server, pipelined", {
        "smoke": (160, 16), "quick": (20000, 16), "full": (80000, 16), "short": (2000, 16)})


def all_workloads():
    return [*pairs(), *sampling(), *call_trees(), *stacks(), *lists(), *memory(), *start_up(),
            *checks(), *snapshots(), *scans(), *real()]
