# SPDX-License-Identifier: Apache-2.0
"""test_check_formats: what a check finds, as the machines of others read it."""

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

from sandbox import BUILD, expect, expect_equal
from test_check import check

FORMATS = ("junit", "sarif", "github", "gitlab")

LOSES = """\
#include <stdlib.h>
__attribute__((noinline)) static void *make(size_t bytes) { return malloc(bytes); }
int main(int argc, char **argv)
{
    void *volatile block = NULL;
    for (volatile int i = 0; i < 3; i++)
        block = make(1000);
    block = NULL;
    return argc > 90 || !argv;
}
"""


def tests():
    yield "a lost block is a failure of JUnit, with its reasons", junit
    yield "and a result of SARIF, with its stack and a fingerprint", sarif
    yield "and an annotation for GitHub, with a summary of the step", github
    yield "and an entry of GitLab's code quality", gitlab
    yield "and a loss record in lines of Valgrind's", valgrind
    yield "a leak that can be reached is a potential one there", valgrind_growth
    yield "what a site still holds is no part of what it has lost", lost_of_many
    yield "two findings in one function are two test cases, the same in each run", test_cases
    yield "a threshold has one fingerprint, whatever the figures are", threshold
    yield "each says of a program without a finding that it has none", clean
    yield "without source lines a result of SARIF has the program as its place", no_source
    yield "what cannot be read looks clean in none", unreadable
    yield "arguments that are no text break none of them", hostile


def build(box):
    box.write("loses.c", LOSES)
    program = box.path("loses")
    result = box.run(["cc", "-g", "-O1", "-o", program, box.path("loses.c")])
    expect_equal(result.returncode, 0, "cc")
    return program


def output(box, form, *words, status, options=(), **others):
    path = box.path("result." + form)
    check(box, "--format=" + form, "-o", path, *options, "--", *words, status=status, **others)
    with open(path, errors="surrogateescape") as file:
        return file.read()


def junit(box):
    root = ElementTree.fromstring(output(box, "junit", build(box), status=1))
    expect_equal(root.tag, "testsuites", "the root")
    (suite,) = root
    expect_equal(suite.get("name"), "loses", "the suite")
    expect_equal((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("1", "1", "0"),
                 "its sums")
    expect_equal([child.tag for child in suite],
                 ["properties", "testcase", "system-out", "system-err"], "what it holds")
    case = suite.find("testcase")
    expect_equal(case.get("name"), "lost at make (loses.c)", "the test case")
    (failure,) = case
    expect_equal((failure.tag, failure.get("type")), ("failure", "lost"), "the failure")
    expect("2.93 KiB in 3 blocks" in failure.get("message"), failure.get("message"))
    expect("definitely lost" in failure.text and "main" in failure.text, failure.text)


def sarif(box):
    program = build(box)
    document = json.loads(output(box, "sarif", program, status=1))
    expect_equal(document["version"], "2.1.0", "the version")
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    (invocation,) = run["invocations"]
    expect_equal(invocation, {"executionSuccessful": True, "exitCode": 1, "arguments": [program]},
                 "the invocation")
    (result,) = run["results"]
    expect(result["ruleId"] == "lost" and result["ruleId"] in rules, "rule %s" % result["ruleId"])
    expect(result["level"] in ("warning", "error"), result["level"])
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    expect_equal(physical["artifactLocation"]["uri"], "loses.c", "where")
    expect_equal(physical["region"]["startLine"], 2, "the line")
    (stack,) = result["stacks"]
    names = [frame["location"]["logicalLocations"][0]["fullyQualifiedName"]
             for frame in stack["frames"][:2]]
    expect_equal(names, ["make", "main"], "the stack")
    again = json.loads(output(box, "sarif", program, status=1))
    expect_equal(again["runs"][0]["results"][0]["partialFingerprints"],
                 result["partialFingerprints"], "the fingerprint of another run")


def github(box):
    summary = box.path("summary.md")
    text = output(box, "github", build(box), status=1, environment={"GITHUB_STEP_SUMMARY": summary})
    (line,) = text.splitlines()
    expect(line.startswith("::error file=loses.c,line=2,title=lost%3A "),
           "the annotation is " + line)
    expect("%0A" in line.split("::", 2)[2], "the reasons are not there: " + line)
    with open(summary) as file:
        rows = file.read().splitlines()
    expect_equal(rows[0], "### seep: memory", "the summary")
    expect(rows[4].startswith("| lost: 2.93 KiB in 3 blocks at make"), "its row is " + rows[4])
    os.mkfifo(box.path("fifo"))
    for path, reason in ((box.path("nowhere/x"), "No such file or directory"),
                         ("/dev/full", "No space left on device"), (box.path("fifo"), "FIFO")):
        text = output(box, "github", "true", status=0, environment={"GITHUB_STEP_SUMMARY": path})
        expect("::warning title=seep::the summary could not be written: " in text and
               reason in text,
               "of %s it says %s" % (path, text))


def gitlab(box):
    (entry,) = json.loads(output(box, "gitlab", build(box), status=1))
    expect_equal((entry["check_name"], entry["severity"]), ("lost", "minor"), "the entry")
    expect_equal(entry["location"], {"path": "loses.c", "lines": {"begin": 2}},
                 "where")
    expect(entry["fingerprint"].startswith("seep-lost-"), entry["fingerprint"])


KEEPS = """\
#include <stdlib.h>
void *kept[100];
__attribute__((noinline)) static void *make(size_t bytes) { return malloc(bytes); }
int main(int argc, char **argv)
{
    for (volatile int i = 0; i < 101; i++)
        kept[i % 100] = make(1000);
    return argc > 90 || !argv;
}
"""


def lost_of_many(box):
    program = box.compile(box.write("keeps.c", KEEPS), "-g", "-O1")
    (entry,) = json.loads(output(box, "gitlab", program, status=1))
    expect(entry["description"].startswith("lost: 1,000 B in 1 block at make"),
           "the entry is " + entry["description"])


TWICE = """\
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *volatile block = malloc(100);
    block = malloc(200);
    block = NULL;
    return argc > 90 || !argv;
}
"""


def valgrind(box):
    program = build(box)
    lines = output(box, "valgrind", program, "a b", status=1).splitlines()
    pids = {re.match(r"==(\d+)== ?", line)[1] for line in lines[:-1]}
    expect_equal(len(pids), 1, "the processes that lines are about")
    lines = [line.split("== ", 1)[1] for line in lines]
    expect_equal(lines[:3], ["Command: %s a b" % program, "",
                             "3,000 bytes in 3 blocks are definitely lost in loss record 1 of 1"],
                 "the first lines")
    expect(re.match(r"   at 0x[0-9A-F]+: make \(loses\.c:2\)$", lines[3]) and
           re.match(r"   by 0x[0-9A-F]+: main \(loses\.c:\d\)$", lines[4]),
           "the stack is %s" % lines[3:])
    expect_equal(lines[-1], "ERROR SUMMARY: 1 errors from 1 contexts (suppressed: 0 from 0)",
                 "the last line")
    # What shall not fail is said, and counted by nobody.
    path = box.path("result.valgrind")
    check(box, "--fail-on=leak", "--format=valgrind", "-o", path, "--", program, status=0)
    with open(path) as file:
        text = file.read()
    expect("== lost: 2.93 KiB in 3 blocks at make" in text and "loss record" not in text and
           "ERROR SUMMARY: 0 errors" in text, "it says " + text)


def valgrind_growth(box):
    server = os.path.join(BUILD, "examples", "leaky_server")
    path = box.path("result")
    check(box, "--format=valgrind", "-o", path, "--scan=off", "--", server, "6", status=1)
    with open(path) as file:
        text = file.read()
    expect(re.search(r"blocks are still reachable in loss record 1 of 1\n==\d+==    at .*"
                     r"session_open \(.*leaky_server\.c:\d+\)\n(?:==\d+==    by .*\n)+"
                     r"==\d+== leak: .*/h at session_open", text), "it says " + text)


def test_cases(box):
    def names():
        suites = ElementTree.fromstring(output(box, "junit", program, status=1))
        return [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]

    program = box.compile(box.write("twice.c", TWICE), "-g", "-O1")
    expect_equal(names(), [("twice", "lost at main (twice.c)"),
                           ("twice", "lost at main (twice.c) #2")], "the test cases")
    expect_equal(names(), names(), "those of two runs")


def threshold(box):
    def entries(count):
        path = box.path("result.json")
        check(box, "--max-live=1", "--max-site-live=1", "--format=gitlab", "-o", path, "--", "sh",
              "-c", ":" + " x" * count, status=1)
        with open(path) as file:
            return json.load(file)

    few, many = entries(1), entries(3000)
    expect(few[0]["description"] != many[0]["description"], "the figures are the same")
    expect_equal([entry["fingerprint"] for entry in few if "site" not in entry["fingerprint"]],
                 ["seep-threshold-live-threshold live"], "the fingerprint of the process's")
    expect_equal([entry["fingerprint"] for entry in many][:1], [few[0]["fingerprint"]],
                 "that of another run")
    sites = [entry["fingerprint"] for entry in few if "site" in entry["fingerprint"]]
    expect(sites and all(text.startswith("seep-threshold-site_live-") for text in sites),
           "those of sites are %s" % sites)


def clean(box):
    (suite,) = ElementTree.fromstring(output(box, "junit", "true", status=0))
    expect_equal((suite.get("tests"), suite.get("failures")), ("1", "0"), "JUnit's sums")
    expect_equal(len(suite.find("testcase")), 0, "failures of its test case")
    run = json.loads(output(box, "sarif", "true", status=0))["runs"][0]
    expect_equal((run["results"], run["invocations"][0]["exitCode"]), ([], 0), "SARIF's results")
    expect_equal(output(box, "github", "true", status=0),
                 "::notice title=seep::nothing found in 1 snapshot file\n", "the annotation")
    expect_equal(json.loads(output(box, "gitlab", "true", status=0)), [], "GitLab's entries")
    text = output(box, "valgrind", "true", status=0)
    expect(re.fullmatch(r"==\d+== ERROR SUMMARY: 0 errors from 0 contexts .*\n", text), text)


def no_source(box):
    program = build(box)
    expect_equal(box.run(["strip", "--strip-debug", program]).returncode, 0, "strip")
    (result,) = json.loads(output(box, "sarif", program, status=1))["runs"][0]["results"]
    (location,) = result["locations"]
    expect_equal(location["physicalLocation"], {"artifactLocation": {"uri": "loses"}}, "where")
    expect_equal(location["logicalLocations"][0]["fullyQualifiedName"], "make", "the function")


def unreadable(box):
    def of_file(form, **others):
        check(box, "--format=" + form, "-o", result, broken, status=2, **others)
        with open(result) as file:
            return file.read()

    broken, result = box.write("broken.seep", "no snapshots\n"), box.path("result")
    (suite,) = ElementTree.fromstring(of_file("junit"))
    expect_equal((suite.get("tests"), suite.get("errors")), ("1", "1"), "JUnit's sums")
    (error,) = suite.find("testcase")
    expect_equal((error.tag, error.get("message")),
                 ("error", "1 snapshot file could not be checked"), "its test case")
    run = json.loads(of_file("sarif"))["runs"][0]
    expect_equal(run["invocations"][0]["executionSuccessful"], False, "SARIF's invocation")
    summary = box.path("summary.md")
    expect_equal(of_file("github", environment={"GITHUB_STEP_SUMMARY": summary}),
                 "::error title=seep::1 snapshot file could not be checked\n", "the annotation")
    with open(summary) as file:
        expect_equal(file.read(), "### seep: memory\n\n1 snapshot file could not be checked.\n\n",
                     "the summary")
    expect("== 1 snapshot file could not be checked\n" in of_file("valgrind"), "Valgrind's lines")


def hostile(box):
    program = box.path('lo<s>&"es\n::error::x')
    shutil.copy(build(box), program)
    words = [program, "<&\"'>", os.fsdecode(b"\x01\x1b[31m\xff\xfe"), "%0A::error::y",
             "\ufffe\uffff\ufffd", "\x7f\x9b\u202e"]
    suites = ElementTree.fromstring(output(box, "junit", *words, status=1))
    values = [entry.get("value") for entry in suites[0].find("properties")]
    expect_equal(values[3], "<&\"'>", "an argument in JUnit")
    expect_equal(values[6], "??\ufffd", "what XML cannot hold")
    json.loads(output(box, "sarif", *words, status=1))
    json.loads(output(box, "gitlab", *words, status=1))
    lines = output(box, "github", *words, status=1).splitlines()
    expect_equal(len(lines), 1, "lines for GitHub")
    expect(not set(lines[0]) & set("\x1b\x7f\x9b\u202e"), "a terminal obeys %r" % lines[0])
    lines = output(box, "valgrind", *words, status=1).splitlines()
    expect(all(re.match(r"==\d+== ", line) for line in lines) and "\x1b" not in "".join(lines),
           "Valgrind's lines are %s" % lines)
