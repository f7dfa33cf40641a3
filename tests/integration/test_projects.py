# SPDX-License-Identifier: Apache-2.0
"""test_projects: the test suite of cJSON, as Debian has it, under seep check, as its developers
would have it: clean, and with a free taken out. All projects: tests/projects/run.
"""

import os
import sys

from sandbox import ROOT, Skipped, expect, expect_equal

PROJECTS = os.path.join(ROOT, "tests", "projects")
sys.path.append(PROJECTS)

import leak_trial  # noqa: E402
import lost_by_program  # noqa: E402
from projects import PROJECTS as ALL  # noqa: E402
from sources import Unavailable  # noqa: E402
import sources  # noqa: E402
from suite_runs import Suite  # noqa: E402
from workplace import Workplace  # noqa: E402

CJSON = {project.name: project for project in ALL}["cjson"]


def tests():
    yield "cJSON's suite passes, and fails without a free, as Valgrind does", cjson
    yield "of apt's sources those of the release count, as sources of source packages", apt_sources
    yield "what seep and Valgrind say of a suite is compared program by program", differences


def cjson(box):
    if CJSON.missing():
        raise Skipped("%s is not installed" % ", ".join(CJSON.missing()))
    place = Workplace(box.folder)
    try:
        folder = place.built(CJSON, "plain")
    except Unavailable as reason:
        raise Skipped("no source: %s" % reason)
    run, document = Suite(CJSON.suite, folder, box.folder).seep_json("--children=.")
    expect_equal(run.status, 0, "the status of the check (%s)" % run.output[-300:])
    lost = lost_by_program.seep_says(document)
    expect(len(lost.programs) > 20, "only %d programs were checked" % len(lost.programs))
    expect_equal(lost.amounts, {}, "what they have lost")
    one_mistake(place, box)
    wrong, lost = leak_trial.play(CJSON, place, box.folder)
    expect_equal(wrong, [], "what is wrong without a free")
    expect_equal(lost.amounts["misc_tests"], (126, 8), "bytes and blocks that misc_tests has lost")


def one_mistake(place, box):
    """One free is missing: however many tests get there, a reader is told a few times."""
    suite = Suite(CJSON.suite, place.built(CJSON, "leaking"), box.folder)
    _, document = suite.seep_json("--children=.", name="one")
    sites = sum(site["flagged"] for process in document["processes"] for site in process["sites"])
    expect(sites > 200, "only %d sites have lost something" % sites)
    expect(1 <= len(document["findings"]) <= 20, "%d findings" % len(document["findings"]))
    told = sum(finding["blocks"] for finding in document["findings"])
    lost = sum(process["scan"]["totals"]["definitely_lost"]["blocks"]
               for process in document["processes"])
    expect_equal(told, lost, "the blocks of all findings")


def apt_sources(box):
    del box
    stanza = """Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: thisone thisone-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg"""
    wanted = stanza.replace("deb deb-src", "deb-src").replace("thisone thisone-updates", "thisone")
    others = [stanza.replace("thisone ", "nodistro "), stanza.replace("main", "stable"),
              stanza + "\nEnabled: no", "# nothing"]
    expect_equal(list(sources.stanzas("\n\n".join([*others, stanza]), "thisone")), [wanted + "\n"],
                 "the stanzas")
    lines = ["# deb http://mirror.invalid/debian thisone main",
             "deb [arch=amd64] http://mirror.invalid/debian thisone main contrib",
             "deb http://mirror.invalid/debian thisone-updates main",
             "deb http://mirror.invalid/apt thisone stable"]
    expect_equal(list(sources.lines("\n".join(lines), "thisone")),
                 ["deb-src [arch=amd64] http://mirror.invalid/debian thisone main contrib\n"],
                 "the lines")


def frame(function, module="/x/program"):
    return {"function": function, "module": module, "file": None}


def seep_document(blocks, *functions):
    amount = {"definitely_lost": {"bytes": 8 * blocks, "blocks": blocks}}
    return {"processes": [{"process": {"command": ["./lt-program"]}, "scan": {"totals": amount},
                           "sites": [{"reachability": amount,
                                      "stack": [frame(name) for name in functions]}]}]}


def differences(box):
    del box
    seep = lost_by_program.seep_says(seep_document(3, "make", "scope::use(int)", "main", "_start"))
    valgrind = lost_by_program.Lost()
    valgrind.add("program", 24, 3, lost_by_program.functions_of(
        [frame("malloc", "/x/vgpreload_memcheck.so"), frame("xmalloc"), frame("make.part.0"),
         frame("make"), frame(None), frame("use(int) [clone .constprop.0]"), frame("main")]))
    expect_equal(lost_by_program.differences(seep, valgrind), [], "the differences")
    valgrind.add("program", 0, 1, ("make", "main"))
    expect_equal(lost_by_program.differences(seep, valgrind),
                 ["program: 24 bytes in 3 blocks, Valgrind: 24 in 4"], "the differences")
    seep = lost_by_program.seep_says(seep_document(3, "make", "other", "main"))
    valgrind.amounts["program"] = (24, 3)
    valgrind.stacks.clear()
    valgrind.stacks["program", ("make", "use", "main")] = 3
    expect_equal(lost_by_program.differences(seep, valgrind),
                 ["program: 3 blocks, Valgrind: 0, at make < other < main",
                  "program: 0 blocks, Valgrind: 3, at make < use < main"], "the differences")
