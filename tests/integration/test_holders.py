# SPDX-License-Identifier: Apache-2.0
"""test_holders: who holds blocks is named as the program's source has it.

The head comment of a program in cases/ says it:

    held NAME: PATH    at least 95 % of the blocks that NAME allocates are held like this
    bare NAME: PATH    the same where the program has no debug information

In a PATH, FILE stands for the program's own source, * for anything within a word and a place, and a
step … for any steps, also none.
"""

import functools
import os
import re

import report_schema
from case_program import CaseProgram
from sandbox import CASES, expect, expect_equal, site_of

TRUE_SHARE = 0.95
PROGRAMS = ("keeps_sessions_in_a_hash_table.c", "keeps_values_in_a_list_of_a_library.c",
            "keeps_users_in_a_map_of_a_singleton.cc", "keeps_buffers_on_stacks_of_threads.c",
            "keeps_scratch_in_thread_locals.c", "keeps_payloads_in_a_growing_list.c")
LINE = re.compile(r"^ \* (held|bare) (\w+): (.*)$")


def tests():
    for name in PROGRAMS:
        yield "%s: named by its variables" % name, functools.partial(named, name, "held", "-g")
        yield "%s: named by its symbols" % name, functools.partial(named, name, "bare", "-g0")
    yield "what only another growing site holds is said so", through_another
    yield "without a scan nobody is named", without_scan


def pattern(path, source):
    """What a path is to be like, as a regular expression."""
    path = path.replace("FILE", source)
    steps = [re.escape(step).replace(r"\*", "[^→]*") for step in path.split(" → ")]
    text = " → ".join(steps)
    return re.compile(text.replace(" → … → ", "( → [^→]*)* → ") + "$")


def claims(name, kind):
    with open(os.path.join(CASES, name)) as file:
        lines = [LINE.match(line) for line in file.read().splitlines()]
    return [(match[2], pattern(match[3], name)) for match in lines if match and match[1] == kind]


def record(box, name, flags, *options):
    program = CaseProgram(os.path.join(CASES, name)).build(box, "-O1 " + flags)
    result = box.seep_run([program], "--scan=exit", *options)
    expect_equal(result.returncode, 0, "the exit status: " + result.stderr.decode())
    report = box.report()
    expect(not report_schema.check(report), "; ".join(report_schema.check(report)[:8]))
    return report


def share_of(held_by, wanted):
    return sum(way["share"] for way in held_by if wanted.match(way["path"]))


def named(name, kind, flags, box):
    report = record(box, name, flags)
    found = claims(name, kind)
    expect(found, "%s claims nothing" % name)
    for function, wanted in found:
        held_by = site_of(report, function)["held_by"]
        expect(held_by is not None, "no scan has told who holds the blocks of " + function)
        expect(abs(sum(way["share"] for way in held_by) - 1) < 1e-6,
               "the shares of %s are not all: %r" % (function, held_by))
        expect(share_of(held_by, wanted) >= TRUE_SHARE,
               "%s is held by %r, not by %s" % (function, held_by, wanted.pattern))


def through_another(box):
    report = record(box, "keeps_payloads_in_a_growing_list.c", "-g", "--interval=20ms")
    node, payload = site_of(report, "push"), site_of(report, "make_payload")
    expect(node["flagged"], "the list is no leak but " + node["verdict"])
    expect_equal({way["through"] for way in payload["held_by"]}, {node["id"]},
                 "the site that holds the payloads")
    expect_equal({way["through"] for way in node["held_by"]}, {None}, "what holds the list")
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("held by g_log.newest" in text, "the text does not name the list: " + text)
    expect(re.search(r"held only by blocks of finding [12]: it goes when they do", text),
           "the text does not say that the payloads hang on the list: " + text)


def without_scan(box):
    program = CaseProgram(os.path.join(CASES, PROGRAMS[0])).build(box, "-O1 -g")
    box.seep_run([program], "--scan=off")
    report = box.report()
    expect(all(site["held_by"] is None for site in report["sites"]), "somebody is named")
    text = box.seep("report", "--top=0", box.path("out.seep")).stdout.decode()
    expect("held by" not in text, "the text names somebody: " + text)
