# SPDX-License-Identifier: Apache-2.0
"""test_adapters_pytest: a test of pytest whose C extension leaks fails by its name.

With Debian's python3 and python3-pytest, the extension of adapters/ built for it.
"""

import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

from sandbox import ROOT, Skipped, clip, expect, expect_equal

PYTHON = "/usr/bin/python3"
EXAMPLE = os.path.join(ROOT, "examples", "pytest")
KINDS = os.path.join(ROOT, "tests", "integration", "adapters")
# Where blocks lie is random, and a word that is left over may hide one: what one run has missed the
# next one finds. Nothing false may be found in any.
RUNS = 5


def tests():
    yield "pytest's test that leaks fails with the place, and no other", example
    yield "what a script loses that python3 is, fails no pytest with --children=python3", shim
    yield "each kind of pytest's tests fails when it leaks and passes when not", kinds
    yield "pytest's --seep-rounds finds what grows and can still be reached", rounds
    yield "without PYTHONMALLOC=malloc pytest's plugin says what it cannot see", pymalloc
    yield "pytest's plugin says what could not be looked at", cannot_look


def pytest(box, *arguments, seep=("run", "-q", "-o", "out.seep"), **environment):
    """pytest in the sandbox's folder; with seep=None, nobody watches."""
    argv = [PYTHON, "-m", "pytest", "-p", "seep_pytest", "-p", "no:cacheprovider", *arguments]
    environment = {"PYTHONPATH": EXAMPLE, "PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "85",
                   "PYTHONDONTWRITEBYTECODE": "1", **environment}
    if seep:
        return box.seep(*seep, "--", *argv, environment=environment)
    return box.run(argv, environment)


def need_pytest(box):
    if not os.path.exists(PYTHON) or box.run([PYTHON, "-c", "import pytest"]).returncode != 0:
        raise Skipped("no python3-pytest")


def build_kinds(box, tests_of):
    need_pytest(box)
    found = box.run(["pkg-config", "--cflags", "python3"])
    if found.returncode != 0:
        raise Skipped("no python3-dev")
    box.compile(os.path.join(KINDS, "pytest_kinds.c"), "-O1", "-fno-optimize-sibling-calls",
                "-shared", "-fPIC", *found.stdout.decode().split(), output="pytest_kinds.so")
    shutil.copy(os.path.join(KINDS, tests_of), box.folder)


def results(path):
    """{test: (outcome, text)}; a test that also fails at its tear-down has an error."""
    found = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        for outcome in ("failure", "error", "skipped"):
            element = case.find(outcome)
            if element is not None:
                expect(name not in found, "%s has two outcomes" % name)
                found[name] = (outcome, (element.get("message") or "") + (element.text or ""))
        found.setdefault(name, ("passed", ""))
    return found


def outcomes(found):
    return {name: outcome for name, (outcome, _) in found.items() if outcome != "passed"}


def example(box):
    need_pytest(box)
    box.compile(os.path.join(ROOT, "examples", "session_tests", "sessions.c"), "-shared", "-fPIC",
                output="libsessions.so")
    shutil.copy(os.path.join(EXAMPLE, "test_sessions.py"), box.folder)
    alone = pytest(box, "-q", seep=None)
    expect_equal((alone.returncode, alone.stderr), (0, b""), "(status, stderr) without seep")
    for _ in range(RUNS):
        ended = pytest(box, "-q", seep=("check", "-q"))
        if ended.returncode == 1 and b"1 failed" in ended.stdout:
            break
    text = ended.stdout.decode()
    expect(ended.returncode == 1 and "1 failed, 1 passed" in text, "the results are %s" % text)
    expect(re.search(r"^_+ test_closes_long_names _+\nhas lost 1 block of memory:\n26 bytes in 1 "
                     r"block definitely lost, allocated at\n    strdup\b.*\n"
                     r"    sessions_open .*sessions\.c:17\n", text, re.M),
           "the finding is not in %s" % text)



SHIM = """#!/bin/sh
echo leak 20 1000 | %s
exec %s "$@"
"""


def shim(box):
    """As pyenv makes one, of bash, which loses blocks."""
    need_pytest(box)
    loses = box.compile("grows_on_command.c", "-O0")
    python = box.write("python3", SHIM % (loses, PYTHON))
    os.chmod(python, 0o755)
    box.write("test_nothing.py", "def test_nothing():\n    pass\n")
    statuses = [
        box.seep("check", "-q", *options, "--", python, "-m", "pytest", "-q", "-p", "seep_pytest",
                 "-p", "no:cacheprovider",
                 environment={"PYTHONPATH": EXAMPLE, "PYTHONMALLOC": "malloc"}).returncode
        for options in ((), ("--children=python3",))]
    expect_equal(statuses, [1, 0], "the statuses without and with --children=python3")


LEAKS = {"test_leaks_block": 1002, "test_leaks_bytes": 1037, "test_leaks_value": 1036,
         "test_leaks_in_a_thread": 1002, "test_of_numbers[2]": 1002,
         "test_leaks_in_unittest": 1002}
AS_EVER = {"test_fails_and_loses": "failure", "test_xfails_and_loses": "skipped",
           "test_skips_and_loses": "skipped"}


def kinds(box):
    build_kinds(box, "pytest_kinds_test.py")
    report = box.path("report.xml")
    arguments = ("-q", "--junitxml=" + report, "pytest_kinds_test.py")
    alone = pytest(box, *arguments, seep=None)
    expect_equal(alone.returncode, 1, "the status without seep, which says %r," % alone.stdout)
    expect_equal(outcomes(results(report)), AS_EVER, "what does not pass without seep")

    fails = {**dict.fromkeys(LEAKS, "failure"), "test_with_a_fixture_that_leaks": "error",
             "test_known_leak": "skipped"}
    missed = set(fails)
    for _ in range(RUNS):
        ended = pytest(box, *arguments)
        found = results(report)
        now = outcomes(found)
        expect_equal({**AS_EVER, **{name: now[name] for name in now if name in fails}}, now,
                     "what does not pass (it says %r)" % ended.stdout[-1500:])
        for name in set(now) & set(fails):
            # What the first look has missed the second one finds, at the tear-down.
            expect(now[name] in (fails[name], "error"), "%s: %s" % (name, now[name]))
            text = found[name][1]
            expect(name == "test_known_leak" or "has lost 1 block of memory:\n%d bytes in 1 block"
                   % LEAKS.get(name, 1002) in text, "%s says %s" % (name, clip(text)))
            expect("forgets_" in text or name in ("test_known_leak", "test_leaks_bytes"),
                   "%s has no stack: %s" % (name, clip(text)))
        expect("has lost" not in found["test_fails_and_loses"][1], "what fails anyway says more")
        missed -= set(now)
        if not missed:
            return
    expect(not missed, "not found in %d runs: %s" % (RUNS, missed))


def rounds(box):
    build_kinds(box, "pytest_rounds_test.py")
    report = box.path("report.xml")
    ended = pytest(box, "-q", "--seep-rounds=8", "--junitxml=" + report, "pytest_rounds_test.py")
    found, text = results(report), ended.stdout.decode()
    grows = {"test_grows_by_a_reference", "test_grows_by_a_list", "test_grows_in_unittest"}
    expect_equal(outcomes(found), dict.fromkeys(grows | {"test_loses"}, "failure"),
                 "what fails (it says %s)" % text[-2000:])
    for name in grows:
        said = found[name][1]
        expect("has grown in each of 8 rounds:\n" in said, "%s says %s" % (name, said))
    # What is lost is said to be lost, not to grow.
    said = found["test_loses"][1]
    expect(" blocks of memory:\n" in said, "what loses says %s" % said)
    for name in ("test_passes_once", "test_passes_once_in_unittest"):
        expect(re.search(r"^seep: \S*::%s passes once only, so whether it grows cannot be told: "
                         % name, text, re.M), "nothing is said of %s: %s" % (name, text[-2000:]))
    # What is printed in the rounds is captured.
    expect("said in each round" not in text, "it prints %s" % text)
    alone = pytest(box, "-q", "--seep-rounds=8", "pytest_rounds_test.py", seep=None)
    expect_equal(alone.returncode, 0, "the status without seep")


def pymalloc(box):
    need_pytest(box)
    box.write("test_nothing.py", "def test_nothing():\n    pass\n")

    def header(**others):
        text = pytest(box, **others).stdout.decode()
        return re.search("^seep: .*$", text, re.M)[0]

    expect("nobody is watching" in header(seep=None), "without seep it says " + header(seep=None))
    expect_equal(header(), "seep: leaks are looked for", "the header with PYTHONMALLOC=malloc")
    expect("not seen" in header(PYTHONMALLOC="pymalloc") and
           "PYTHONMALLOC=malloc" in header(PYTHONMALLOC="pymalloc"),
           "with Python's allocator it says " + header(PYTHONMALLOC="pymalloc"))


def cannot_look(box):
    need_pytest(box)
    box.write("test_nothing.py", "def test_nothing():\n    pass\n")
    ended = pytest(box, seep=("run", "-q", "-o", "out.seep", "--sample=1M"))
    text = ended.stdout.decode()
    expect(ended.returncode == 0 and re.search(
        r"^seep: whether test_nothing\.py::test_nothing leaks cannot be told: .*--sample", text,
        re.M), "it says %s" % text)
