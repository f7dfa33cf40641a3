# SPDX-License-Identifier: Apache-2.0
"""test_holders: who holds blocks is named as the program's source has it.

The head comment of a program in cases/ says it:

    held NAME: PATH    at least 95 % of the blocks that NAME allocates are held like this
    bare NAME: PATH    the same where the program has no debug information

In a PATH, FILE stands for the program's own source, * for anything within a word and a place, and a
step … for any steps, also none.
"""

import collections
import functools
import glob
import json
import os
import re

import report_schema
from case_program import CaseProgram, plain_name
from sandbox import CASES, expect, expect_equal

TRUE_SHARE = 0.95
PROGRAMS = ("keeps_sessions_in_a_hash_table.c", "keeps_values_in_a_list_of_a_library.c",
            "keeps_users_in_a_map_of_a_singleton.cc", "keeps_buffers_on_stacks_of_threads.c",
            "keeps_scratch_in_thread_locals.c", "keeps_in_thread_locals_of_a_plugin.c",
            "keeps_in_registers_of_sleeping_threads.c", "keeps_in_thread_specific_data.c",
            "keeps_payloads_in_a_growing_list.c")
LINE = re.compile(r"^ \* (held|bare) (\w+): (.*)$")


def tests():
    for name in PROGRAMS:
        yield "%s: named by its variables" % name, functools.partial(named, name, "held")
        yield "%s: named by its symbols" % name, functools.partial(named, name, "bare")
    yield "what only another growing site holds is said so", through_another
    yield "without a scan nobody is named", without_scan


def sites_of(report, function):
    """The sites of blocks that `function` allocates, whatever scopes it is in."""
    sites = [site for site in report["sites"] if site["stack"]
             and plain_name(site["stack"][0]["function"] or "").split("::")[-1] == function]
    expect(sites, "no site begins with " + function)
    return sites


def site_of(report, function):
    sites = sites_of(report, function)
    expect_equal(len(sites), 1, "the number of sites of " + function)
    return sites[0]


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


def record(box, name, *options, is_bare=False):
    program = CaseProgram(os.path.join(CASES, name)).build(box, "-O1 -g")
    if is_bare:
        box.run(["strip", "-g", program, *glob.glob(box.path("*.so"))])
    result = box.seep_run([program], "--scan=exit", *options)
    expect_equal(result.returncode, 0, "the exit status: " + result.stderr.decode())
    report = box.report()
    expect(not report_schema.check(report), "; ".join(report_schema.check(report)[:8]))
    return report


def ways_of(report, function):
    """Path to share, over all sites of a function as they have live blocks."""
    sites = sites_of(report, function)
    blocks = sum(site["live_blocks"] for site in sites)
    ways = collections.Counter()
    for site in sites:
        expect(site["held_by"] is not None,
               "no scan has told who holds what %s allocates" % function)
        for way in site["held_by"]:
            ways[way["path"]] += way["share"] * site["live_blocks"] / blocks
    expect(abs(sum(ways.values()) - 1) < 1e-6,
           "the shares of %s are not all: %r" % (function, ways))
    return ways


def named(name, kind, box):
    report = record(box, name, is_bare=kind == "bare")
    found = claims(name, kind)
    expect(found, "%s claims nothing" % name)
    for function, wanted in found:
        ways = ways_of(report, function)
        share = sum(share for path, share in ways.items() if wanted.match(path))
        expect(share >= TRUE_SHARE,
               "what %s allocates is held by %r, not by %s" % (function, ways, wanted.pattern))


def through_another(box):
    report = record(box, "keeps_payloads_in_a_growing_list.c", "--interval=20ms")
    node, payload = site_of(report, "push"), site_of(report, "make_payload")
    expect(node["flagged"], "the list is no leak but " + node["verdict"])
    expect_equal({way["through"] for way in payload["held_by"]}, {node["id"]},
                 "the site that holds the payloads")
    expect_equal({way["through"] for way in node["held_by"]}, {None}, "what holds the list")
    # So says a diff of one run, in whichever order.
    for order in "aged", "bytes":
        result = box.seep("diff", "--format=json", "--sort=" + order, box.path("out.seep"))
        diff = json.loads(result.stdout)
        for site in node, payload:
            other = site_of(diff, site["stack"][0]["function"])
            expect(other["held_by"], "the diff does not say who holds %s" % other)
            expect_equal({way["path"] for way in other["held_by"]},
                         {way["path"] for way in site["held_by"]}, "what a diff says")
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
