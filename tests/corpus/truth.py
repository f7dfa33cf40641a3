# SPDX-License-Identifier: Apache-2.0
"""truth: the kinds of the corpus, and what is true of each.

The head comment of kinds/NAME.c or .cc may hold these lines:

     leak FUNCTION    when the part is sick, a site with FUNCTION in its stack leaks
     may FUNCTION     when it is sick, sites with FUNCTION in their stack may be called either way:
                      a table that grows with what leaks

A kind without a leak line is healthy only. What is not said to leak must not be flagged.
"""

import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = re.compile(r"^ \*\s+(leak|may) (\w+)$")


class Kind:
    def __init__(self, path):
        self.file = os.path.basename(path)
        self.name = os.path.splitext(self.file)[0]
        self.truth = {"leak": [], "may": []}
        with open(path) as file:
            head = file.read().split("#include")[0]
        for line in head.split("\n"):
            match = LINE.match(line)
            if match:
                self.truth[match[1]].append(match[2])

    def healths(self):
        return (False, True) if self.truth["leak"] else (False,)


def all_kinds():
    paths = glob.glob(os.path.join(HERE, "kinds", "*.c")) + glob.glob(
        os.path.join(HERE, "kinds", "*.cc"))
    return {kind.name: kind for kind in map(Kind, sorted(paths))}


def plain_name(function):
    """Without namespace, parameters and template arguments."""
    function = (function or "?").replace("(anonymous namespace)", "")
    return re.sub(r"[(<\[].*", "", function).split("::")[-1]


def kind_of_site(site, kinds_by_file):
    """The kind whose code lies innermost in the stack; None for what belongs to none."""
    for frame in site["stack"]:
        kind = kinds_by_file.get(os.path.basename(frame["file"] or ""))
        if kind:
            return kind
    return None


def has_function(site, functions):
    return any(plain_name(frame["function"]) in functions for frame in site["stack"])
