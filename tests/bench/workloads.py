# SPDX-License-Identifier: Apache-2.0
"""workloads: what is measured, with which parameters, and which limit of the design it must keep.

A workload turns one run under one variant into a sample, a dict of figures. A measure says which
figure becomes a row of the table and how it is compared with native: by the ratio, by the difference,
or (where native has no such figure) by its value. Parameters come in sizes: smoke is for the tests,
quick for daily use, full for the record; short is what a variant gets that is 20 times slower, and
peer what the others get where the figure does not depend on the length of the run.
"""

import json
import os

import measure
import real_programs
from sandbox import BUILD
from variants import Unfit

PROGRAMS = os.path.join(BUILD, "tests", "bench")
CORES = os.cpu_count() or 1
MIB = 1 << 20


class Measure:
    def __init__(self, key, unit, compare, limit=None, peer_factor=5, suffix="", judged="seep"):
        self.key, self.unit, self.compare = key, unit, compare
        self.limit = limit              # in terms of `compare`
        self.peer_factor = peer_factor  # heaptrack's overhead is to be at least so many times ours
        self.suffix = suffix            # what tells it from the workload's other rows
        self.judged = judged            # the variant that must keep the limit

    def name_of(self, workload):
        return workload.name + self.suffix


class Workload:
    limit_s = 120          # a run that takes longer is given up
    variants = None        # names of those that make sense; None is all
    quick_peers = ()       # the peers that `--quick` measures too
    rounds = None          # where fewer or more than usual make sense

    def __init__(self, name, group, sizes, measures):
        self.name, self.group, self.sizes, self.measures = name, group, sizes, measures

    def size_for(self, variant, size):
        """The parameters' name for this variant."""
        if size == "full" and variant.is_slow and "short" in self.sizes:
            return "short"
        if size == "full" and variant.is_peer and "peer" in self.sizes:
            return "peer"
        return size

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


def call_trees():
    for threads in (1, 2):
        yield OwnProgram(
            "changing call trees, %s" % threads_text(threads), "trees", "wanders_in_call_tree",
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


def real():
    for command, sizes in (
            (real_programs.Cc1(), {"smoke": 3, "quick": 40, "full": 120, "short": 15}),):
        yield WallTime(command.name, "real programs", sizes, command,
                       [Measure("wall_s", "s", "ratio", limit=1.25)])


def all_workloads():
    return [*pairs(), *call_trees(), *lists(), *real()]
