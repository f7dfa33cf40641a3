# SPDX-License-Identifier: Apache-2.0
"""instructions: how many the processor executes for one malloc and free, function by function.

Counted by Valgrind's callgrind, so they are the same on a busy machine and on an idle one: this is
the figure for daily work. A program runs twice with different lengths, and the difference is what
the additional pairs have executed, without start and end. It says nothing about cache misses.

Valgrind cannot run a helper that shares the memory, so snapshots are inline, and none is due.
"""

import collections
import json
import os
import re
import shutil

import measure
from variants import Native, Seep, Unfit
from workloads import PROGRAMS

NAME = "instructions per pair"
LIMIT_S = 60
SHOWN = 14
# For the library under Valgrind.
QUIETLY = "snapshots_by=inline:interval=1h:growth=off"
# Headline, program, its parameters with %d for the length, a short and a long run.
WORKLOADS = (
    ("depth 5", "allocates_in_pairs", "5 1 %d", 4000, 12000),
    ("depth 20", "allocates_in_pairs", "20 1 %d", 4000, 12000),
    ("depth 50", "allocates_in_pairs", "50 1 %d", 4000, 12000),
    ("call trees", "wanders_in_call_tree", "1 %d", 60000, 100000),
)
# A line of cost: the position, then the number of instructions.
COST = re.compile(r"^[+-]?\d+ (\d+)$|^\* (\d+)$")


class Callgrind:
    """A variant, run under callgrind."""

    def __init__(self, variant):
        self.inner = variant
        self.name = variant.name

    def prepare(self, argv, folder):
        argv, environment = self.inner.prepare(argv, folder)
        return ["valgrind", "-q", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no",
                "--callgrind-out-file=" + os.path.join(folder, "callgrind"), *argv], environment

    def companion(self, folder):
        return None

    def check(self, folder, stderr):
        self.inner.check(folder, stderr)

    def explain(self, signal):
        return None


def read_costs(path):
    """Instructions by (object, function), without those of the functions that it calls."""
    costs = collections.Counter()
    place = ["", ""]
    is_of_call = False
    with open(path, errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("ob="):
                place[0] = os.path.basename(line[3:])
            elif line.startswith("fn="):
                place[1] = line[3:]
            elif line.startswith("calls="):
                is_of_call = True
            else:
                match = COST.match(line)
                if match and not is_of_call:
                    costs[tuple(place)] += int(match[1] or match[2])
                if match:
                    is_of_call = False
    return costs


def count(box, variant, argv):
    """Costs by function, and how many blocks the program says that it allocated."""
    running = measure.Running(box, Callgrind(variant), argv, LIMIT_S)
    try:
        running.wait()
        return read_costs(running.path("callgrind")), json.loads(
            running.read("stdout"))["allocations"]
    finally:
        running.close()


def per_pair(box, variant, program, parameters, short, long):
    """Instructions of one more pair by (object, function)."""
    program = os.path.join(PROGRAMS, program)
    first, first_pairs = count(box, variant, [program, *(parameters % short).split()])
    second, second_pairs = count(box, variant, [program, *(parameters % long).split()])
    return {place: (second[place] - first[place]) / (second_pairs - first_pairs)
            for place in second if second[place] != first[place]}


def measure_all(box, progress, workloads=WORKLOADS):
    """{"workloads": [...]} or {"missing": reason}."""
    if not shutil.which("valgrind"):
        return {"missing": "valgrind is not installed"}
    seep = Seep("seep", QUIETLY)
    found = []
    for name, *workload in workloads:
        entry = {"name": name}
        for variant in (Native(), seep):
            progress("instructions: %s, %s" % (name, variant.name))
            try:
                costs = per_pair(box, variant, *workload)
            except Unfit as reason:
                return {"missing": "%s %s" % (variant.name, reason)}
            entry[variant.name] = sum(costs.values())
        entry["functions"] = sorted(([function, cost] for (owner, function), cost in costs.items()
                                     if owner == "libseep.so"), key=lambda pair: -pair[1])
        found.append(entry)
    return {"workloads": found}


def table(result):
    """Header and cells: totals, then the functions of the library that cost most."""
    entries = (result or {}).get("workloads")
    if not entries:
        return []
    lines = [("", *(entry["name"] for entry in entries), "")]
    lines.append(("native", *("%.0f" % entry["native"] for entry in entries), ""))
    lines.append(("seep", *("%.0f" % entry["seep"] for entry in entries), ""))
    lines.append(("added", *("%+.0f" % (entry["seep"] - entry["native"]) for entry in entries), ""))
    by_entry = [dict(entry["functions"]) for entry in entries]
    names = sorted({name for functions in by_entry for name in functions},
                   key=lambda name: -sum(functions.get(name, 0) for functions in by_entry))
    rest = [sum(functions.get(name, 0) for name in names[SHOWN:]) for functions in by_entry]
    for name in names[:SHOWN]:
        lines.append(("  " + name, *("%.1f" % functions[name] if name in functions else ""
                                     for functions in by_entry), ""))
    if len(names) > SHOWN:
        lines.append(("  other functions", *("%.1f" % cost for cost in rest), ""))
    return lines
