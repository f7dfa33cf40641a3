# SPDX-License-Identifier: Apache-2.0
"""lost_by_program: what the programs of a test suite have definitely lost, and who says so.

A program is known by the name of its file, without the prefix by which libtool calls it. Stacks
are compared by the names of their functions, as far as they have any, from the one that called the
allocator to main. Where that is one that only allocates for others (xmalloc), seep begins with
them.
"""

import collections
import glob
import os
import re

import valgrind_leaks

ALLOCATOR = re.compile(r"/(vgpreload_memcheck|libstdc\+\+\.so)|^liblsan|^libstdc\+\+")
START = re.compile(r"__libc_start|_start$")
WRAPPERS_MAX = 3
LSAN_LEAK = re.compile(r"^Direct leak of (\d+) byte\(s\) in (\d+) object", re.M)


class Lost:
    def __init__(self):
        self.programs = collections.Counter()  # processes
        self.amounts = {}  # {program: (bytes, blocks)}, only of those that lost something
        self.stacks = collections.Counter()  # {(program, functions): blocks}

    def add(self, program, size, blocks, functions=None):
        before = self.amounts.get(program, (0, 0))
        self.amounts[program] = (before[0] + size, before[1] + blocks)
        if functions is not None:
            self.stacks[program, functions] += blocks

    def of(self, programs):
        """The same of these programs alone."""
        part = Lost()
        for mine, all_of_them in ((part.programs, self.programs), (part.amounts, self.amounts)):
            mine.update({name: all_of_them[name] for name in all_of_them if name in programs})
        part.stacks.update({key: blocks for key, blocks in self.stacks.items()
                            if key[0] in programs})
        return part


def name_of(path):
    name = os.path.basename(path)
    return name[3:] if name.startswith("lt-") else name


def program_of(words):
    """As Valgrind calls it: a script by its own name."""
    is_script = name_of(words[0]) in ("sh", "bash") and words[1:] and words[1][0] not in "-+"
    return name_of(words[1] if is_script else words[0])


def plain(function):
    """Without what a compiler adds to a clone, parameters, and the scope."""
    function = re.sub(r" ?\[clone .*\]$|\.(part|constprop|isra|cold)\b.*$", "", function)
    return re.sub(r"\(.*\)( const)?$", "", function).split("::")[-1]


def functions_of(stack):
    """Plain names, without frames of an allocator and of what calls main. A function that was in
    part inlined into the rest of itself counts once."""
    names = []
    for frame in stack:
        name = plain(frame["function"] or "?")
        if not names and ALLOCATOR.search(frame["module"] or ""):
            continue
        if START.search(name):
            break
        if name != "?" and names[-1:] != [name]:
            names.append(name)
        if name == "main":
            break
    return tuple(names)


DEFINITELY = ("definitely_lost",)
# Which of two lost blocks holds the other is chance: memory that was freed is used again, with the
# pointers in it, but under Valgrind it is not for long.
ALL_LOST = ("definitely_lost", "indirectly_lost")


def seep_says(document, classes=DEFINITELY):
    lost = Lost()
    for process in document["processes"]:
        program = program_of(process["process"]["command"])
        lost.programs[program] += 1
        if process["scan"] is None or process["scan"]["totals"] is None:
            continue
        for name in classes:
            whole = process["scan"]["totals"][name]
            if whole["blocks"]:
                lost.add(program, whole["bytes"], whole["blocks"])
            for site in process["sites"]:
                blocks = site["reachability"][name]["blocks"] if site["reachability"] else 0
                if blocks:
                    lost.stacks[program, functions_of(site["stack"])] += blocks
    return lost


def valgrind_says(folder, classes=DEFINITELY):
    lost = Lost()
    processes, unfinished = valgrind_leaks.read_tree(folder)
    for path, records in processes:
        program = name_of(path)
        lost.programs[program] += 1
        for kind, size, blocks, stack in records:
            if kind in classes:
                lost.add(program, size, blocks, functions_of(stack))
    return lost, unfinished


def lsan_says(folder):
    """Of the programs that were built with it alone, and without stacks."""
    lost = Lost()
    for path in glob.glob(os.path.join(folder, "found.*")):
        program = name_of(os.path.basename(path).split(".", 1)[1].rsplit(".", 1)[0])
        with open(path, errors="replace") as file:
            for size, blocks in LSAN_LEAK.findall(file.read()):
                lost.add(program, int(size), int(blocks))
    return lost


def differences(seep, valgrind):
    """One line each."""
    lines = []
    nothing = (0, 0)
    for program in sorted(seep.amounts.keys() | valgrind.amounts.keys()):
        one, other = seep.amounts.get(program, nothing), valgrind.amounts.get(program, nothing)
        if one != other:
            lines.append("%s: %d bytes in %d blocks, Valgrind: %d in %d"
                         % (program, *one, *other))
    if lines:
        return lines
    others = collections.Counter()
    for (program, functions), blocks in valgrind.stacks.items():
        others[program, without_wrappers(program, functions, seep)] += blocks
    for key in sorted(seep.stacks.keys() | others.keys()):
        if seep.stacks[key] != others[key]:
            lines.append("%s: %d blocks, Valgrind: %d, at %s" % (
                key[0], seep.stacks[key], others[key], " < ".join(key[1])))
    return lines


def without_wrappers(program, functions, seep):
    for cut in range(min(WRAPPERS_MAX, len(functions)) + 1):
        if (program, functions[cut:]) in seep.stacks:
            return functions[cut:]
    return functions
