# SPDX-License-Identifier: Apache-2.0
"""test_adapters_cpp: tests of GoogleTest, Catch2 and doctest fail by their name when they leak.

For each framework the example, and the tests of all kinds in adapters/: which of them fail, each
once, and which pass. A framework that is not there is a skip.
"""

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

from sandbox import ROOT, Skipped, clip, expect, expect_equal

EXAMPLES = os.path.join(ROOT, "examples")
KINDS = os.path.join(ROOT, "tests", "integration", "adapters")
FLAGS = ["-std=c++14", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror", "-pthread"]
# Otherwise a word that is left over in freed memory may hide a leak, as it may from any such check.
NO_REMAINS = {"MALLOC_PERTURB_": "85"}
# And sometimes it does all the same, for where blocks lie is random. Nothing false may be found in
# any run, and what one run has missed the next one finds.
RUNS = 4
# The examples' leak with its stack; without white space, for Catch2 breaks lines anywhere.
PLACE = (r"haslost1blockofmemory:26bytesin1blockdefinitelylost,allocatedatstrdup.*"
         r"sessions_open[^:]*sessions\.c:17\D.*sessions_test\.cc:\d+")


def tests():
    yield "GoogleTest's test that leaks fails with the place, and no other", gtest_example
    yield "each kind of GoogleTest's tests fails when it leaks and passes when not", gtest_kinds
    yield "Catch2's section that leaks fails with the place, and no other", catch2_example
    yield "each kind of Catch2's tests fails when it leaks and passes when not", catch2_kinds
    yield "doctest's subcase that leaks fails with the place, and no other", doctest_example
    yield "each kind of doctest's tests fails when it leaks and passes when not", doctest_kinds
    yield "what cannot be looked at is said once, and no test fails for it", cannot_look


def flags_of(box, header, package=None):
    """What the compiler needs for the framework; raises Skipped where there is none."""
    if package:
        found = box.run(["pkg-config", "--cflags", "--libs", package])
        if found.returncode == 0:
            return found.stdout.decode().split()
    compiler = os.environ.get("CXX", "g++").split()
    if not shutil.which(compiler[0]):
        raise Skipped("no " + compiler[0])
    source = box.write("framework.cc", "#include <%s>\n" % header)
    if box.run(compiler + ["-E", "-o", os.devnull, source]).returncode != 0:
        raise Skipped("no " + header)
    return []


def gtest_flags(box):
    return flags_of(box, "gtest/gtest.h") + ["-lgtest"]


def catch2_flags(box):
    """Version 3 where there is one."""
    flags = flags_of(box, "catch2/catch.hpp", "catch2-with-main")
    return flags or ["-DCATCH2_IS_2"]


def doctest_flags(box):
    return flags_of(box, "doctest/doctest.h")


def example(box, framework, *flags):
    """The example's program: what is said of it under seep, after it was seen to pass without."""
    sessions = box.compile(os.path.join(EXAMPLES, "session_tests", "sessions.c"), "-c",
                           output="sessions.o")
    source = os.path.join(EXAMPLES, framework, "sessions_test.cc")
    program = box.compile(source, sessions, *FLAGS, *flags)
    alone = box.run([program])
    expect_equal((alone.returncode, alone.stderr), (0, b""), "(status, stderr) without seep")
    expect(b"seep" not in alone.stdout, "without seep it says %s" % clip(alone.stdout))
    ended = until_lost(lambda: box.seep("check", "-q", "--", program, environment=NO_REMAINS))
    expect_equal(ended.returncode, 1, "the status under seep")
    # What seep check itself says of the process is on stderr.
    return ended.stdout.decode()


def until_lost(run):
    """What run() returns once a test has failed for a leak, or at last."""
    for _ in range(RUNS):
        ended = run()
        if b" has lost " in ended.stdout:
            break
    return ended


def expect_place(text, who):
    expect(re.search(who + PLACE, re.sub(r"\s", "", text)), "the finding is not in %s" % text)


def kinds(box, framework, *flags):
    """Of two sources, that include the adapter both. One at a time, for they are long."""
    second = box.compile(os.path.join(KINDS, framework + "_second.cc"), "-c", *FLAGS, *flags,
                         output="second.o")
    return box.compile(os.path.join(KINDS, framework + "_kinds.cc"), second, *FLAGS, *flags)


def watched(box, program, *arguments, status):
    ended = box.seep_run([program, *arguments], environment=NO_REMAINS)
    text = (ended.stdout + ended.stderr).decode()
    expect_equal(ended.returncode, status, "the status of %s, which says %s,"
                 % (" ".join(arguments), text[-1500:]))
    return text


# ---- GoogleTest ----------------------------------------------------------------------------------

def gtest_example(box):
    text = example(box, "gtest", "-lgtest_main", *gtest_flags(box))
    expect_place(text, r"sessions_test\.cc:\d+:FailureFailedthistest")
    expect_equal(re.findall(r"^\[  FAILED  \] (\w+\.\w+) \(", text, re.M),
                 ["Sessions.CloseWithLongNames"], "what fails")


def gtest_results(path):
    """{test: its failures}, and what failed beside the tests."""
    with open(path) as file:
        suites = json.load(file)["testsuites"]
    return {"%s.%s" % (suite["name"], test["name"]):
            [failure["failure"] for failure in test.get("failures", ())]
            for suite in suites for test in suite["testsuite"]}


GTEST_LEAKS = {"Kinds.LeaksABlock": 101, "Kinds.LeaksInAThread": 103,
               "KindsDeathTest.LeaksBesideADeath": 111, "Fixture.LeaksWhatItWasGiven": 112,
               "All/Numbers.LeaksTwo/1": 114, "Typed/1.LeaksLong": 115, "Second.LeaksABlock": 201}
GTEST_FAILS = {"Kinds.FailsAndLoses", "Kinds.FailsByAnException"}


def gtest_kinds(box):
    program = kinds(box, "gtest", *gtest_flags(box))
    report = box.path("report.json")
    alone = box.run([program, "--gtest_output=json:" + report])
    expect_equal(alone.returncode, 1, "the status without seep")
    as_ever = gtest_results(report)
    expect_equal({test for test in as_ever if as_ever[test]}, GTEST_FAILS, "fails without seep")

    def missed():
        text = watched(box, program, "--gtest_output=json:" + report, status=1)
        results = gtest_results(report)
        expect(set(results) >= set(as_ever), "under seep other tests are run: %s" % clip(results))
        # The failures of a suite itself stand there as those of a test without a name.
        results = {test: results[test] for test in as_ever}
        suites = re.findall(r"^\[  FAILED  \] (\w+): SetUpTestSuite or TearDownTestSuite$", text,
                            re.M)
        expect(suites in (["SuiteLeaks"], []), "the suites %s fail" % suites)
        lost = "this suite, beside its single tests, has lost 1 block of memory:\n113 bytes"
        expect_equal(lost in text, bool(suites), "what the suite lost is said")
        grown = results.pop("Rounds.GrowsByAVector")
        expect(len(grown) == 1 and "702 bytes in 6 blocks more" in grown[0] and
               "make_block" in grown[0], "what grows says %s" % grown)
        return missed_leaks(results, GTEST_LEAKS, GTEST_FAILS) | ({"SuiteLeaks"} - set(suites))

    expect_all_found(missed)

    # The environment is asked when all else has passed.
    passing = "--gtest_filter=Kinds.Frees*:SuiteFrees.*"
    watched(box, program, passing, status=0)
    ended = until_lost(lambda: box.seep_run([program, passing, "leak"], environment=NO_REMAINS))
    text, lost = ended.stdout.decode(), "the program, beside its single tests, has lost 1 block"
    expect(ended.returncode == 1 and lost in text and "116 bytes" in text,
           "it is not said what the environment lost: %s" % text[-3000:])


def expect_all_found(missed):
    """Calls missed(), which runs the tests and says which leaks were not found, until it has been
    seen to find each."""
    left = missed()
    for _ in range(RUNS - 1):
        if left:
            left &= missed()
    expect(not left, "not found in %d runs: %s" % (RUNS, left))


def missed_leaks(results, leaks, fails):
    """Of {test: failures}: those that leak so many bytes have failed for that and once, those that
    fail anyway for nothing else, and no others. Returns which leaks have not failed."""
    for test, failures in results.items():
        leak = [failure for failure in failures if "lost" in failure]
        if test in leaks and failures:
            expect_equal(len(failures), 1, "the number of failures of %s, %s," % (test, failures))
            wanted = r"this test.* has lost 1 block of memory:\n\s*%d bytes" % leaks[test]
            expect(re.search(wanted, failures[0]), "%s says %s" % (test, failures[0]))
            expect("make_block" in failures[0], "no stack: %s" % failures[0])
        elif test not in leaks:
            expect_equal((len(failures), leak), (1 if test in fails else 0, []),
                         "(failures, leaks) of %s, which says %s," % (test, clip(failures)))
    missing = (set(leaks) | set(fails)) - set(results)
    expect(not missing, "there are no tests %s" % missing)
    return {test for test in leaks if not results[test]}


# ---- Catch2 and doctest --------------------------------------------------------------------------

SECTION_LEAKS = {"leaks a block": 101, "leaks, and asserts nothing": 102, "leaks in a thread": 104,
                 "leaks what the fixture had": 111, "leaks in the second source": 201}
SECTION_FAILS = {"fails and loses", "fails and goes no further", "fails by an exception"}
WAYS = {('"one", "deep"', 115), ('"three"', 116)}


def catch2_example(box):
    flags = catch2_flags(box)
    if flags != ["-DCATCH2_IS_2"]:
        raise Skipped("the example is for Catch2 2")
    text = example(box, "catch2", *flags)
    expect_place(text, 'thistestwithsection"withlongnames"')
    expect(re.search(r"^test cases: 1 \| 1 failed\nassertions: 3 \| 2 passed \| 1 failed$", text,
                     re.M), "more fails: %s" % text)


def catch2_results(output):
    """{test case: its failures}, of what the XML reporter writes."""
    results = {}
    for test in ElementTree.fromstring(output).iter("TestCase"):
        failures = [(element.text or "").strip() for element in test.iter()
                    if element.tag in ("Failure", "Exception") or
                    element.tag == "Expression" and element.get("success") == "false"]
        is_passed = test.find("OverallResult").get("success") == "true"
        results[test.get("name")] = (is_passed, failures)
    return results


def doctest_results(output):
    results = {}
    for test in ElementTree.fromstring(output).iter("TestCase"):
        failures = [(element.findtext("Text") or element.text or "").strip()
                    for element in test.iter()
                    if element.tag == "Exception" and element.get("crash") == "false" and
                    "will translate later" not in (element.text or "") or
                    element.tag == "Expression" and element.get("success") == "false" and
                    element.get("type") != "WARN" or
                    element.tag == "Message" and element.get("type") != "WARNING"]
        overall = test.find("OverallResultsAsserts")
        if overall is not None:
            results[test.get("name")] = (overall.get("test_case_success") == "true", failures)
    return results


def check_sections(box, program, results_of, leaks, typed):
    alone = results_of(box.run([program, "-r=xml"]).stdout)
    # One of the ways through its sections throws, and so it fails in any case.
    fails = SECTION_FAILS | {"leaks in sections"}
    expect_equal({test for test, (is_passed, _) in alone.items() if not is_passed}, fails,
                 "fails without seep")
    leaks = {**SECTION_LEAKS, **leaks, typed: 118, "may leak": 120}

    def missed():
        ended = box.seep_run([program, "-r=xml"], environment=NO_REMAINS)
        expect(ended.returncode != 0, "the status under seep is 0")
        results = results_of(ended.stdout)
        expect_equal(set(results), set(alone), "the test cases under seep")
        for test, (is_passed, failures) in results.items():
            # Fails, and is allowed to; the finding is shown all the same.
            expect_equal(is_passed, test == "may leak" or not failures, "that %s passes" % test)
        # Its last way throws.
        _, failures = results.pop("leaks in sections")
        ways = {(names, int(lost)) for names, lost in re.findall(
            r"(?:section|subcase) (.*) has lost 1 block of memory:\n\s*(\d+) bytes",
            "\n".join(failures))}
        expect(ways <= WAYS and len(failures) == len(ways) + 1, "the sections say %s" % failures)
        return (WAYS - ways) | missed_leaks(
            {test: failures for test, (_, failures) in results.items()}, leaks, SECTION_FAILS)

    expect_all_found(missed)


def catch2_kinds(box):
    program = kinds(box, "catch2", *catch2_flags(box))
    check_sections(box, program, catch2_results,
                   {"leaks with one generated number of three": 119}, "of types - long")
    # An end after the first failure is an end, and nothing is thrown that nobody catches.
    ended = until_lost(lambda: box.seep_run([program, "--abort", "leaks a block,frees a block"],
                                            environment=NO_REMAINS))
    expect_equal((ended.returncode, ended.stderr), (1, b""), "(status, stderr) with --abort")


def doctest_example(box):
    text = example(box, "doctest", *doctest_flags(box))
    expect_place(text, 'thistestwithsubcase"withlongnames"')
    expect("test cases: 1 | 0 passed | 1 failed" in text and
           "assertions: 3 | 2 passed | 1 failed" in text, "more fails: %s" % text)


def doctest_kinds(box):
    program = kinds(box, "doctest", *doctest_flags(box))
    check_sections(box, program, doctest_results, {"leaks and warns": 119},
                   "of types<long int>")


# ---- what is the same for all --------------------------------------------------------------------

def cannot_look(box):
    """With samples most blocks are not known, and so it is not known what is lost."""
    program = kinds(box, "gtest", *gtest_flags(box))
    ended = box.seep_run([program, "--gtest_filter=Kinds.*ABlock:Kinds.*Thread"], "--sample=1M")
    expect_equal(ended.returncode, 0, "the status")
    lines = ended.stderr.decode().splitlines()
    expect(len(lines) == 1 and lines[0].startswith("seep: whether tests leak cannot be told: ") and
           "--sample" in lines[0], "it says %s" % lines)
