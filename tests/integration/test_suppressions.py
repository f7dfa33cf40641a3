# SPDX-License-Identifier: Apache-2.0
"""test_suppressions: a leak that somebody has written down is shown, and fails nothing."""

import json
import os
import xml.etree.ElementTree as ElementTree

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
    yield "of many that nothing needs the first are named, and none can write to a terminal", unused
    yield "what a site still holds is no part of what is known to be lost", known_part
    yield "a wrong line is one line and status 2", wrong_lines
    yield "a folder of files is judged with them, too", folder
    yield "every format says which suppressions are not needed, and where they stand", everywhere
    yield "a baseline that is written anew keeps what it says of programs that did not run", not_run
    yield "beside a baseline only what is new fails, and a rebuild is not new", baseline


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
    expect("No site stands out but what is known" in text and ", known  " in text and
           "1 leak is known and not flagged" in text and "an old protocol" in text,
           "the report is " + text)
    report = json.loads(box.seep("report", "--format=json", option, path).stdout)
    expect_equal(report_schema.check(report), [], "what is wrong with the report")
    leaks = [site for site in report["sites"] if site["suppressed_by"]]
    expect_equal(len(leaks), 1, "sites that are suppressed")
    expect(leaks[0]["verdict"] in ("leak", "lost") and not leaks[0]["flagged"], "the site")
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


def unused(box):
    names = ["nothing_%d" % i for i in range(25)]
    option = write(box, "known.supp", "leak:\x1b[31m\n" + "".join("leak:%s\n" % n for n in names))
    text = check(box, option, "--", "/bin/true", status=0).stderr.decode()
    expect_equal(text.count("has matched nothing\n"), 10, "remarks in " + text)
    expect("seep: and 16 more that nothing has matched; --format=json lists all\n" in text, text)
    expect("\x1b" not in text, "an escape sequence in %r" % text)
    result = check(box, "--format=json", option, "--", "/bin/true", status=0)
    states = json.loads(result.stderr)["suppressions"]
    expect_equal([entry["state"] for entry in states], ["unused"] * 26, "all of them")


def known_part(box):
    source = box.write("keeps.c", """\
#include <stdlib.h>
void *kept[100];
__attribute__((noinline)) static void *make(size_t bytes) { return malloc(bytes); }
int main(int argc, char **argv)
{
    for (volatile int i = 0; i < 101; i++)
        kept[i % 100] = make(1000);
    return argc > 90 || !argv;
}
""")
    path = box.path("keeps.seep")
    check(box, "--keep=" + path, "--", box.compile(source, "-O1"), status=1)
    option = write(box, "known.supp", "# seep: max-blocks=1\nleak:make\n")
    text = box.seep("report", option, path).stdout.decode()
    expect("1 leak is known and not flagged: 1,000 B in 1 block\n" in text, "the report is " + text)
    text = check(box, option, path, status=0).stdout.decode()
    expect("1 known leak suppressed" in text and "definitely lost" not in text,
           "the check says " + text)


def wrong_lines(box):
    option = write(box, "known.supp", "leak:a\nrace:b\n")
    for command in (("check", option, "--", "/bin/true"), ("report", option, "1")):
        result = box.seep(*command)
        expect_equal(result.returncode, 2, "the status of " + command[0])
        expect("known.supp:2: no suppression: 'race:b'" in result.stderr.decode() and
               result.stderr.count(b"\n") == 1, "stderr is %r" % result.stderr)
    for text, reason in (
            ("{\n  x\n  Memcheck:Leak\n  fun:a\n", ":1: this block has no closing brace"),
            ("\n# seep: expires=2027-13-01\nleak:a\n", ":2: no day: '2027-13-01'; write it as"),
            ("# seep: max-byte=3\nleak:a\n", ":1: there is no 'max-byte'; "),
            ("leak:\n", ":1: this would suppress everything"),
            ("leak:a\0b\n", ":1: this is no text"),
            ("# seep: max-bytes=3\n", ":1: no suppression follows this comment")):
        option = write(box, "known.supp", text)
        result = box.seep("check", option, "--", "touch", box.path("has_run"))
        expect_equal(result.returncode, 2, "the status of " + repr(text))
        expect("known.supp" + reason in result.stderr.decode() and
               result.stderr.count(b"\n") == 1, "stderr is %r" % result.stderr)
        expect(not os.path.exists(box.path("has_run")), "the program ran")
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


def everywhere(box):
    def of(form):
        path = box.path("result")
        check(box, "--format=" + form, "-o", path, option, "--", "true", status=0)
        with open(path) as file:
            return file.read()

    option = write(box, "known.supp", "\n# seep: expires=2001-01-01\nleak:old\nleak:nowhere\n")
    (run,) = json.loads(of("sarif"))["runs"]
    notes = run["invocations"][0]["toolConfigurationNotifications"]
    expect_equal([(note["level"], note["message"]["text"],
                   note["locations"][0]["physicalLocation"]["region"]["startLine"])
                  for note in notes],
                 [("note", "the suppression 'old' has expired on 2001-01-01", 3),
                  ("note", "the suppression 'nowhere' has matched nothing", 4)], "SARIF's notes")
    lines = of("github").splitlines()
    expect_equal(lines[1:], ["::notice file=known.supp,line=3,title=seep::the suppression 'old' "
                             "has expired on 2001-01-01",
                             "::notice file=known.supp,line=4,title=seep::the suppression "
                             "'nowhere' has matched nothing"], "the annotations")
    expect_equal([(entry["check_name"], entry["severity"], entry["location"]["lines"]["begin"])
                  for entry in json.loads(of("gitlab"))],
                 [("suppression", "info", 3), ("suppression", "info", 4)], "GitLab's entries")
    (suite,) = ElementTree.fromstring(of("junit"))
    text = suite.find("system-out").text
    expect("known.supp:3: the suppression 'old' has expired" in text and
           "known.supp:4: the suppression 'nowhere' has matched nothing" in text, text)


LOSES = """\
#include <stdlib.h>
%s
__attribute__((noinline)) static void *make(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void *grow(size_t bytes) { return malloc(bytes); }
int main(int argc, char **argv)
{
    void *volatile block = NULL;
    for (volatile int i = 0; i < 30; i++)
        block = make(100);
    for (volatile int i = 0; i < %d; i++)
        block = grow(50);
    block = NULL;
    return argc > 90 || !argv;
}
"""


def baseline(box):
    def build(*changes):
        return box.compile(box.write("loses.c", LOSES % changes), "-O1")

    path = box.path("known.baseline")
    option = "--baseline=" + path
    text = check(box, option, "--", build("", 0), status=2).stderr.decode()
    expect("cannot read the baseline" in text, "without it: " + text)
    text = check(box, option, "--update-baseline", "--", build("", 0), status=0).stderr.decode()
    expect("has 1 entry now" in text, "when it is written: " + text)
    with open(path) as file:
        lines = file.read().splitlines()
    expect_equal(lines[0], "seep-baseline 2", "its first line")
    expect(lines[1].startswith("lost ") and
           lines[1].endswith(" 30 blocks 3000 bytes loses: make (loses.c)"),
           "its entry " + lines[1])
    # Every line has moved, and every address.
    program = build("static char filler[5000];\nchar *use(void) { return filler; }\n\n\n", 0)
    check(box, option, "--", program, status=0)
    text = check(box, option, "--", build("", 9), status=1).stderr.decode()
    expect("1 lost: 450 B at grow" in text and "failed: 450 B lost at 1 site" in text,
           "with something new: " + text)
    empty = box.compile(box.write("loses.c", "int main(void) { return 0; }\n"))
    text = check(box, option, "--", empty, status=0).stderr.decode()
    expect("known.baseline:2: 'loses: make (loses.c)' does not occur any more" in text,
           "without it: " + text)
    text = check(box, option, "--", "true", status=0).stderr.decode()
    expect("does not occur" not in text, "where the program did not run: " + text)
    check(box, "--update-baseline", "--", "true", status=2)
    broken = box.write("broken.seep", "no snapshots\n")
    text = check(box, option, "--update-baseline", broken, status=2).stderr.decode()
    expect("known.baseline stays as it was" in text, "of a file that cannot be read: " + text)
    with open(path) as file:
        expect_equal(file.read().splitlines(), lines, "the baseline then")
    text = check(box, option, broken, status=2)
    expect(b"does not occur any more" not in text.stdout + text.stderr, "it may occur there")


def not_run(box):
    def entries():
        with open(path) as file:
            return sorted(line.split(" bytes ")[1] for line in file.read().splitlines()[1:])

    path = box.path("known.baseline")
    options = ("--baseline=" + path, "--update-baseline")
    one = box.compile(box.write("loses.c", LOSES % ("", 0)), "-O1", output="one")
    check(box, *options, "--", one, status=0)
    # Its functions are others, or it would be the same leak.
    box.write("loses.c", (LOSES % ("", 0)).replace("make", "build"))
    two = box.compile(box.path("loses.c"), "-O1", output="two")
    check(box, *options, "--", two, status=0)
    expect_equal(entries(), ["one: make (loses.c)", "two: build (loses.c)"], "its entries")
    result = check(box, options[0], "--format=json", "--", two, status=0)
    expect_equal([entry["state"] for entry in json.loads(result.stderr)["suppressions"]
                  if entry["name"].startswith("one")], ["not_run"], "that of the other program")
    text = check(box, options[0], "--", two, status=0).stderr.decode()
    expect("any more" not in text, "it says " + text)
    # What a program has that did run, and does not occur, goes.
    box.write("loses.c", (LOSES % ("", 0)).replace("make", "create"))
    two = box.compile(box.path("loses.c"), "-O1", output="two")
    check(box, *options, "--", two, status=0)
    expect_equal(entries(), ["one: make (loses.c)", "two: create (loses.c)"], "its entries then")
