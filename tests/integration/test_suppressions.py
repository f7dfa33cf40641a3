# SPDX-License-Identifier: Apache-2.0
"""test_suppressions: a leak that somebody has written down is shown, and fails nothing."""

import json
import os

import report_schema
from sandbox import BUILD, expect, expect_equal
from test_check import check

SERVER = os.path.join(BUILD, "examples", "leaky_server")

KNOWN = """\
# seep: max-blocks=1000000 reason=an old protocol
{
   sessions of the old protocol
   Memcheck:Leak
   fun:*alloc
   fun:session_open
   fun:serve
   ...
   fun:main
}
leak:never_there
"""


def tests():
    yield "a known leak passes, and its suppression is named", known_leak
    yield "what holds no more, has expired or was not needed is said", remarks
    yield "a wrong line is one line and status 2", wrong_lines
    yield "a folder of files is judged with them, too", folder


def record(box, name="out.seep"):
    path = box.path(name)
    check(box, "--keep=" + path, "--", SERVER, "6", status=1)
    return path


def write(box, name, text):
    path = box.path(name)
    with open(path, "w") as file:
        file.write(text)
    return "--suppressions=" + path


def known_leak(box):
    path, option = record(box), write(box, "known.supp", KNOWN)
    text = check(box, option, path, status=0).stdout.decode()
    expect("passed: nothing new was found in 1 snapshot file; 1 known leak suppressed" in text,
           "the check says " + text)
    text = box.seep("report", option, path).stdout.decode()
    expect("No site stands out but what is known" in text and "LEAK, known" in text and
           "1 leak is known and not flagged" in text and "an old protocol" in text,
           "the report is " + text)
    report = json.loads(box.seep("report", "--format=json", option, path).stdout)
    expect_equal(report_schema.check(report), [], "what is wrong with the report")
    leaks = [site for site in report["sites"] if site["suppressed_by"]]
    expect_equal(len(leaks), 1, "sites that are suppressed")
    expect_equal((leaks[0]["verdict"], leaks[0]["flagged"]), ("leak", False), "the site")
    expect_equal({key: leaks[0]["suppressed_by"][key] for key in ("name", "line", "reason")},
                 {"name": "sessions of the old protocol", "line": 2, "reason": "an old protocol"},
                 "its suppression")
    # Others than the leak are as they were.
    plain = json.loads(box.seep("report", "--format=json", path).stdout)
    expect_equal(sorted(site["id"] for site in plain["sites"]),
                 sorted(site["id"] for site in report["sites"]), "the sites")
    expect(all(site["suppressed_by"] is None for site in plain["sites"]), "nothing was asked for")


def remarks(box):
    path = record(box)
    option = write(box, "known.supp", "# seep: max-blocks=3\nleak:^session_open$\nleak:nowhere\n"
                   "# seep: expires=2001-01-01\nleak:serve\n")
    text = check(box, option, path, status=1).stdout.decode()
    for line in ("known.supp:2: the suppression '^session_open$' does not hold: it matches ",
                 "known.supp:3: the suppression 'nowhere' has matched nothing\n",
                 "known.supp:5: the suppression 'serve' has expired on 2001-01-01\n"):
        expect(line in text, "not said: %s\n%s" % (line, text))
    states = json.loads(check(box, "--format=json", option, path, status=1).stdout)
    expect_equal([entry["state"] for entry in states["suppressions"]],
                 ["exceeded", "unused", "expired"], "the states")


def wrong_lines(box):
    option = write(box, "known.supp", "leak:a\nrace:b\n")
    for command in (("check", option, "--", "/bin/true"), ("report", option, "1")):
        result = box.seep(*command)
        expect_equal(result.returncode, 2, "the status of " + command[0])
        expect("known.supp:2: no suppression: 'race:b'" in result.stderr.decode() and
               result.stderr.count(b"\n") == 1, "stderr is %r" % result.stderr)
    result = box.seep("check", "--suppressions=/nowhere", "--", "/bin/true")
    expect_equal(result.returncode, 2, "the status without the file")


def folder(box):
    os.mkdir(box.path("runs"))
    record(box, "runs/one.seep")
    option = write(box, "known.supp", "# seep: max-blocks=100000\nleak:session_open\n")
    text = box.seep("report", option, box.path("runs")).stdout.decode()
    expect("1 process, none leaks" in text, "the report is " + text)
    text = box.seep("report", box.path("runs")).stdout.decode()
    expect("1 process, which leaks" in text, "the report is " + text)
