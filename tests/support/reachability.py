# SPDX-License-Identifier: Apache-2.0
"""reachability: what is lost of the blocks of a case program, and who says so.

The head comment of a program that includes scan_point.h may hold these lines:

    reach NAME: CLASS=BYTES/BLOCKS ...      the truth about the blocks that the function NAME made;
                                            * stands for all blocks of the process
    valgrind NAME: CLASS=BYTES/BLOCKS ...; REASON
                                            what Valgrind says of them instead, and why
    seep NAME: ...; REASON                  the same of seep: a limit that is known

CLASS is definitely_lost, indirectly_lost, possibly_lost or reachable; one that is not named is
empty, and CLASS=any may be anything. Each function of the program of which there are blocks must
be named, so nothing can be wrong unseen.

A block belongs to the innermost function of the program's own files. What libc, the dynamic linker
or another library allocates for the program is theirs, except where the library is libstdc++.
"""

import os
import re

from sandbox import CASES, Failed

CLASSES = ("definitely_lost", "indirectly_lost", "possibly_lost", "reachable")
ALLOCATOR = re.compile(r"/(libstdc\+\+\.so|vgpreload_memcheck)")
ANY = None


def claims(case, who="reach"):
    """{function: {class: (bytes, blocks), or ANY}}: the truth, or what "valgrind" or "seep" says."""
    told = {name: amounts(text) for kind, name, text in case.reach if kind == "reach"}
    for kind, name, text in case.reach:
        if kind == who != "reach":
            text, _, reason = text.partition("; ")
            if name not in told or not reason:
                raise Failed("%s %s: without a reason, or without a reach line" % (who, name))
            told[name] = amounts(text)
    return told


def amounts(text):
    told = {name: (0, 0) for name in CLASSES}
    for word in text.split():
        name, _, amount = word.partition("=")
        if name not in told:
            raise Failed("%s is none of %s" % (name, ", ".join(CLASSES)))
        told[name] = ANY if amount == "any" else tuple(map(int, amount.split("/")))
    return told


class Owners:
    """Whose a stack is. Frames are dictionaries with function, file and module, as in reports."""

    def __init__(self, case, box):
        self.folder = box.folder
        self.functions = set(claims(case))
        modules = [case.settings.get(key) for key in ("plugin", "library")]
        self.files = {os.path.basename(case.path), *filter(None, modules)}
        if not all(os.path.exists(os.path.join(CASES, name)) for name in self.files):
            raise Failed("not all of %s exist" % ", ".join(sorted(self.files)))

    def function(self, stack):
        """Its name without parameters, or None."""
        for frame in stack:
            module = frame["module"] or ""
            if ALLOCATOR.search(module):
                continue
            if os.path.dirname(module) not in (self.folder, "."):
                return None
            # Where code of a header is inlined, the line may be that of the header.
            name = re.sub(r"(\[abi:\w+\])?(\(.*\))?$", "", frame["function"] or "?")
            if name in self.functions or os.path.basename(frame["file"] or "") in self.files:
                return name
        return None


def compare(told, found, whose):
    """Fails where the two {function: {class: (bytes, blocks)}} are not the same."""
    wrong = []
    nothing = {name: (0, 0) for name in CLASSES}
    for function in sorted(told.keys() | found.keys() - {"*"}):
        if function != "*" and function not in told and "*" in told:
            continue
        for name in CLASSES:
            wanted = told.get(function, nothing)[name]
            is_so = found.get(function, nothing)[name]
            if wanted is not ANY and is_so != wanted:
                wrong.append("%s: %s %d/%d, expected %d/%d" % (function, name, *is_so, *wanted))
    if wrong:
        raise Failed("%s: %s" % (whose, "; ".join(wrong)))


class Sums:
    """{function: {class: (bytes, blocks)}} from the blocks of one stack after the other."""

    def __init__(self, owners):
        self.owners = owners
        self.found = {}

    def add(self, name, size, blocks, stack):
        for owner in ("*", self.owners.function(stack)):
            if owner:
                before = self.found.setdefault(owner, {each: (0, 0) for each in CLASSES})
                before[name] = (before[name][0] + size, before[name][1] + blocks)
