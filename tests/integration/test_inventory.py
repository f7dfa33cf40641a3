# SPDX-License-Identifier: Apache-2.0
"""test_inventory: the list of what a process may do, in README.md, names programs and tests that
there are."""

import glob
import importlib
import os
import re

from sandbox import CASES, ROOT, expect

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = re.compile(r"^\| (?P<what>[^|]+) \| `(?P<program>\w+)` \| (?P<test>[^|]+) \|$", re.M)


def tests():
    yield "each row of the list has its program and its test", rows


def names():
    """Of all tests, as `run --list` shows them."""
    for path in glob.glob(os.path.join(HERE, "test_*.py")):
        module = importlib.import_module(os.path.basename(path)[:-3])
        noun = module.__name__[len("test_"):]
        yield from (("%s: %s" % (noun, name), path) for name, _ in module.tests())


def rows(box):
    with open(os.path.join(HERE, "README.md")) as file:
        text = file.read()
    listed = list(ROW.finditer(text))
    expect(len(listed) == len(re.findall(r"^\| .* \|$", text, re.M)) - 3 > 40,
           "only %d rows can be read" % len(listed))
    known = dict(names())
    wrong = []
    for row in listed:
        sources = glob.glob(os.path.join(CASES, row["program"] + ".c*"))
        # A program with variants has a test for each.
        test = next((name for name in known if name == row["test"]
                     or name.startswith(row["test"] + " (")), None)
        if not sources:
            wrong.append("no program %s" % row["program"])
        elif not test:
            wrong.append("no test '%s'" % row["test"])
        elif not uses(known[test], row["program"], row["test"]):
            wrong.append("%s does not run %s" % (os.path.relpath(known[test], ROOT),
                                                 row["program"]))
    expect(not wrong, "; ".join(wrong))


def uses(path, program, test):
    """Programs that say themselves what is expected of them are the name of their test."""
    if test.endswith(": " + program):
        return True
    with open(path) as file:
        text = file.read()
    # The long forms of some tests lie elsewhere.
    return re.search(r"\b%s\b" % program, text) or "torture" in os.path.basename(path)
