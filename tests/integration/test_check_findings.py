# SPDX-License-Identifier: Apache-2.0
"""test_check_findings: which findings fail a check, and those of many processes as one."""

import json
import xml.etree.ElementTree as ElementTree

from sandbox import expect, expect_equal
from test_check import check
from test_check_formats import build, output
from test_snapshots import Server

KEEPS = """\
#include <stdlib.h>
#include <unistd.h>
void *kept[64];
__attribute__((noinline)) static void *keep(size_t bytes) { return malloc(bytes); }
int main(void)
{
    for (int i = 0; i < 60; i++) {
        kept[i] = keep(1000);
        usleep(10000);
    }
    return 0;
}
"""


def tests():
    yield "--fail-on chooses between what is lost and what leaks", lost_or_leak
    yield "what grows and is not decided fails only where that is asked for", growth
    yield "a threshold that is crossed fails unless --fail-on leaves it out", budget
    yield "what does not fail is a note in every format", notes
    yield "one finding of many processes is one, with their names and commands", several
    yield "and so in every format", several_in_formats
    yield "what two programs share is shown once, what only one has with that", shared
    yield "what two programs lose in functions of the same names are two findings", same_names


def lost_or_leak(box):
    loses = build(box)
    keeps = box.compile(box.write("keeps.c", KEEPS), "-O1")
    text = check(box, "--fail-on=leak", "--", loses, status=0).stderr.decode()
    expect("1. LOST" in text and text.endswith(
        "passed: 2.93 KiB lost at 1 site, which does not fail it (--fail-on=leak); "
        "it was too short to judge growth\n"), "of what is lost: " + text)
    check(box, "--fail-on=leak,lost", "--", loses, status=1)
    leaks = box.path("keeps.seep")
    check(box, "--interval=20ms", "--keep=" + leaks, "--", keeps, status=1)
    text = check(box, "--fail-on=lost", leaks, status=0).stdout.decode()
    expect("passed: 1 leak, which does not fail it (--fail-on=lost)" in text, text)
    check(box, "--fail-on=lost", "--error-exitcode=7", "--", "sh", "-c", loses, status=7)
    text = check(box, "--fail-on=budget", "--max-live=1", "--", loses, status=1).stderr.decode()
    expect(text.endswith("failed: 1 threshold crossed; not by 2.93 KiB lost at 1 site\n"), text)
    # The program's own status is its own all the same.
    check(box, "--fail-on=leak", "--", "sh", "-c", loses + "; exit 3", status=3)


def growth(box):
    server = Server(box, "--interval=1h")

    def snapshots(count, line):
        for _ in range(count):
            server.ask(line)
            expect_equal(box.seep("snapshot", server.pid).returncode, 0, "seep snapshot")

    snapshots(12, "sleep 1")
    snapshots(4, "fill 3 1000")
    server.seep.kill()
    server.seep.wait()
    path = box.path("out.seep")
    check(box, path, status=0)
    text = check(box, "--fail-on=growth,lost", path, status=1).stdout.decode()
    expect("1. growing" in text and "failed: 1 site grows\n" in text, "the text is " + text)
    document = json.loads(check(box, "--fail-on=growth", "--format=json", path, status=1).stdout)
    expect_equal([(found["rule"], found["function"]) for found in document["findings"]],
                 [("growth", "fill")], "the findings")
    # It is known to a suppression as others are.
    known = box.write("known.supp", "leak:^fill$\n")
    check(box, "--fail-on=growth", "--suppressions=" + known, path, status=0)


def budget(box):
    check(box, "--max-live=0", "--", "sh", "-c", ":", status=1)
    text = check(box, "--max-live=0", "--fail-on=lost", "--", "sh", "-c", ":", status=0)
    expect(b"passed: 1 threshold crossed, which does not fail it" in text.stderr, text.stderr)


def notes(box):
    def noted(form):
        return output(box, form, program, status=0, options=("--fail-on=budget",))

    program = build(box)
    (suite,) = ElementTree.fromstring(noted("junit"))
    expect_equal((suite.get("tests"), suite.get("failures"), suite.get("skipped")),
                 ("1", "0", "1"), "JUnit's sums")
    (skipped,) = suite.find("testcase")
    expect_equal(skipped.tag, "skipped", "its test case")
    (result,) = json.loads(noted("sarif"))["runs"][0]["results"]
    expect_equal(result["level"], "note", "SARIF's level")
    expect(noted("github").startswith("::warning file=loses.c,line=2,"), "the annotation")
    (entry,) = json.loads(noted("gitlab"))
    expect_equal(entry["severity"], "info", "GitLab's severity")
    document = json.loads(noted("json"))
    expect_equal((document["findings"][0]["fails"], document["passed"], document["lost"]),
                 (False, True, 1), "JSON")


def run_often(program, times):
    return "; ".join("%s 'run %d'" % (program, i + 1) for i in range(times))


def several(box):
    program = build(box)
    text = check(box, "--", "sh", "-c", run_often(program, 5), status=1).stderr.decode()
    expect_equal(text.count("1. LOST"), 1, "how often it is shown in " + text)
    expect("lost: 14.6 KiB in 15 blocks at make loses.c:2, in 5 processes\n" in text, text)
    expect(" 'run 3'\n" in text and "    and 2 more\n" in text, "its commands: " + text)
    expect(text.endswith("failed: 14.6 KiB lost at 1 site, in 5 of 6 processes\n"), text)
    check(box, "--", "sh", "-c", run_often("/bin/true", 3), status=0)


def several_in_formats(box):
    words = ("sh", "-c", run_often(build(box), 12))
    suites = ElementTree.fromstring(output(box, "junit", *words, status=1))
    counts = {suite.get("name"): (suite.get("tests"), suite.get("failures"),
                                  suite.find("properties")[0].get("value")) for suite in suites}
    expect_equal(counts, {"sh": ("1", "0", "1"), "loses": ("1", "1", "12")}, "JUnit's suites")
    text = suites.find(".//failure").text
    expect("in 12 processes:\n" in text and "  and 2 more\n" in text, "its text is " + text)
    (result,) = json.loads(output(box, "sarif", *words, status=1))["runs"][0]["results"]
    expect_equal(result["occurrenceCount"], 12, "how often in SARIF")
    commands = {process["command"][1] for process in result["properties"]["processes"]}
    expect_equal(commands, {"run %d" % i for i in range(1, 13)}, "its commands")
    (line,) = output(box, "github", *words, status=1).splitlines()
    expect("in 12 processes" in line and "%0A  loses (" in line, "the annotation is " + line)
    (entry,) = json.loads(output(box, "gitlab", *words, status=1))
    expect("in 12 processes" in entry["description"] and
           "'run " in entry["content"]["body"], "GitLab's entry is %s" % entry)
    document = json.loads(output(box, "json", *words, status=1))
    (found,) = document["findings"]
    expect_equal((len(found["processes"]), found["blocks"], len(document["processes"])),
                 (12, 36, 13), "JSON's (processes, blocks, all processes)")


OTHER = """\
#include <stdlib.h>
__attribute__((noinline)) static void *own(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void *make(size_t bytes)
{
#line 2 "loses.c"
    return malloc(bytes);
}
#line 8 "other.c"
int main(int argc, char **argv)
{
    void *volatile block = NULL;
    for (volatile int i = 0; i < 3; i++)
        block = make(1000);
    block = own(70);
    block = NULL;
    return argc > 90 || !argv;
}
"""


def shared(box):
    """In whichever order they are looked at."""
    one = build(box)
    other = box.compile(box.write("other.c", OTHER), "-g", "-O1")
    text = check(box, "--", "sh", "-c", "%s; %s" % (one, other), status=1).stderr.decode()
    expect("own   other.c:2" in text and "failed: 5.93 KiB lost at 2 sites, in 2 of 3" in text,
           "the text is " + text)
    expect_equal(text.count("      make  "), 1, "how often the shared one is shown in " + text)
    document = json.loads(check(box, "--format=json", "--", "sh", "-c", "%s; %s" % (one, other),
                                status=1).stderr)
    names = {found["function"]: sorted(process["name"] for process in found["processes"])
             for found in document["findings"]}
    expect_equal(names, {"make": ["loses", "other"], "own": ["other"]}, "who has what")


IN_MAIN = """\
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *volatile block = malloc(%d);
    block = NULL;
    return argc > 90 || !argv;
}
"""


def same_names(box):
    """In whichever order, with and without source lines."""
    for options in ("-g",), ():
        programs = [box.compile(box.write("%s.c" % name, IN_MAIN % size), *options)
                    for name, size in (("one", 100), ("two", 200))]
        known = []
        for order in programs, programs[::-1]:
            words = ("sh", "-c", "; ".join(order))
            result = check(box, "--format=json", "--", *words, status=1)
            findings = json.loads(result.stderr)["findings"]
            names = [(found["bytes"], [process["name"] for process in found["processes"]])
                     for found in findings]
            expect_equal(sorted(names), [(100, ["one"]), (200, ["two"])], "what is found")
            known.append(sorted((found["bytes"], found["fingerprint"]) for found in findings))
            prints = {entry["fingerprint"]
                      for entry in json.loads(output(box, "gitlab", *words, status=1))}
            expect_equal(prints, {finding["fingerprint"] for finding in findings},
                         "GitLab's fingerprints")
            expect_equal(len(prints), 2, "how many fingerprints there are in %s" % prints)
        expect_equal(known[0], known[1], "the fingerprints in another order")
    known = ("--baseline=" + box.path("known.baseline"),)
    check(box, *known, "--update-baseline", "--", programs[1], status=0)
    check(box, *known, "--", programs[1], status=0)
    check(box, *known, "--", programs[0], status=1)
