# SPDX-License-Identifier: Apache-2.0
"""test_adapters_builds: CTest, Meson, Automake, Bats and plain shell run tests under seep.

Each runs its project of examples/ with the framework itself: a test that leaks fails under seep,
by its name and with the place; its clean twin passes, a skipped one is skipped; and without seep
all is as ever. A framework that is not there is a skip.
"""

import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

from sandbox import BUILD, ROOT, Skipped, clip, expect, expect_equal

# The function of examples/session_tests whose blocks are lost.
LOST = (r"68 B in 4 blocks\n(?:.*\n)*?.*sessions_open +sessions.c:\d+\n"
        r" +main +closes_long_names.c:\d+")


def tests():
    yield "CTest's launcher fails the test that leaks, and no other", ctest_launcher
    yield "CTest's memory checker counts the leaks of each test", ctest_memcheck
    yield "and gets suppressions and options", ctest_options
    yield "CTest without seep is as ever", ctest_without
    yield "Meson's wrapper fails the test that leaks, and no other", meson_wrapper
    yield "and so does a setup, which sees what lies in the project's folders", meson_setup
    yield "Automake's test driver fails the test that leaks, and no other", automake
    yield "a test of Bats that leaks fails by its name, and one that fails says no more", bats
    yield "a function in shell that leaks fails, and leaves nothing behind", shell
    yield "seep's own output is no part of a test's TAP", tap


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise Skipped("no " + ", ".join(missing))


def project(box, name):
    """A copy of the example, for these frameworks write where the sources are."""
    shutil.copytree(os.path.join(ROOT, "examples"), box.path("examples"))
    return box.path("examples", name)


def run(box, *argv, status, cwd=None, **variables):
    environment = {"PATH": BUILD + ":" + os.environ["PATH"], "CTEST_OUTPUT_ON_FAILURE": "1",
                   "TMPDIR": box.folder, **variables}
    words = ["env", "-C", cwd or box.folder, *argv]
    result = box.run(words, environment)
    text = (result.stdout + result.stderr).decode(errors="replace")
    expect_equal(result.returncode, status, "the status of %s, which says %s,"
                 % (" ".join(argv), text[-1500:]))
    return text


# ---- CTest ---------------------------------------------------------------------------------------

def ctest_project(box, *options):
    needs("cmake", "ctest")
    source, build = project(box, "ctest"), box.path("build")
    run(box, "cmake", "-S", source, "-B", build, *options, status=0)
    run(box, "cmake", "--build", build, status=0)
    return build


def ctest_results(text):
    """{test: result} of the lines that CTest prints of each."""
    return {name: result for name, result in
            re.findall(r"(?:Test|MemCheck) +#\d+: (\w+) \.+ *(?:\*\*\*)?(\w+) +\d", text)}


ALL_PASS = {"closes_short_names": "Passed", "closes_long_names": "Passed", "is_skipped": "Skipped"}
ONE_LEAKS = {**ALL_PASS, "closes_long_names": "Failed"}


def ctest_launcher(box):
    build = ctest_project(box, "-DSEEP=ON")
    text = run(box, "ctest", "--test-dir", build, status=8)
    expect_equal(ctest_results(text), ONE_LEAKS, "the results")
    expect_equal(len(re.findall(LOST, text)), 1, "findings with their stack in %s" % clip(text))


def ctest_memcheck(box):
    checker = os.path.join(ROOT, "examples", "ctest", "seep_as_valgrind")
    build = ctest_project(box, "-DMEMORYCHECK_COMMAND=" + checker)
    text = run(box, "ctest", "--test-dir", build, "-T", "memcheck", status=16)
    expect_equal(ctest_results(text), ONE_LEAKS, "the results")
    expect_equal(re.findall(r"#\d+: (\w+) \.+ +Defects: (\d+)", text),
                 [("closes_long_names", "1")], "the defects")
    expect(re.search(r"^Memory Leak - 1$", text, re.M), "no sum of kinds: " + clip(text))
    # As CDash gets it.
    (folder,) = [name for name in os.listdir(os.path.join(build, "Testing")) if name[0] == "2"]
    told = os.path.join(build, "Testing", folder, "DynamicAnalysis.xml")
    root = ElementTree.parse(told).getroot()
    defects = [(test.findtext("Name"), defect.get("type"), defect.text)
               for test in root.iter("Test") for defect in test.iter("Defect")]
    expect_equal(defects, [("closes_long_names", "Memory Leak", "1")], "what CDash is told")
    with open(os.path.join(build, "Testing", "Temporary", "MemoryChecker.2.log")) as file:
        log = file.read()
    expect(re.search(r"^==\d+== 68 bytes in 4 blocks are definitely lost in loss record 1 of 1\n"
                     r"==\d+==    at 0x[0-9A-F]+: strdup .*\n"
                     r"==\d+==    by 0x[0-9A-F]+: sessions_open \(.*sessions\.c:\d+\)\n"
                     r"==\d+==    by 0x[0-9A-F]+: main \(.*closes_long_names\.c:\d+\)\n",
                     log, re.M), "the log is " + log)


def ctest_options(box):
    checker = os.path.join(ROOT, "examples", "ctest", "seep_as_valgrind")
    known = box.write("known.supp", "leak:sessions_open\n")
    build = ctest_project(box, "-DMEMORYCHECK_COMMAND=" + checker,
                          "-DMEMORYCHECK_COMMAND_OPTIONS=--max-live=1K",
                          "-DMEMORYCHECK_SUPPRESSIONS_FILE=" + known)
    text = run(box, "ctest", "--test-dir", build, "-T", "memcheck", status=16)
    # Nothing but the threshold, which stdio's buffer crosses, is left; CTest has no word for that.
    expect("Defects:" not in text, "there are defects: " + clip(text))
    with open(os.path.join(build, "Testing", "Temporary", "MemoryChecker.2.log")) as file:
        log = file.read()
    expect(re.search(r"^==\d+== threshold: live .* more than 1\.00 KiB\n", log, re.M),
           "the log is " + log)


def ctest_without(box):
    build = ctest_project(box)
    text = run(box, "ctest", "--test-dir", build, status=0)
    expect_equal(ctest_results(text), ALL_PASS, "the results")


# ---- Meson ---------------------------------------------------------------------------------------

def meson_project(box):
    needs("meson", "ninja")
    build = box.path("build")
    run(box, "meson", "setup", build, project(box, "meson"), status=0)
    return build


def meson_results(text):
    return dict(re.findall(r"^ *\d+/\d+ (\w+) +(\w+) +\d", text, re.M))


def meson_wrapper(box):
    build = meson_project(box)
    every = ("closes_short_names", "closes_long_names", "is_skipped", "script", "calls_nothing")
    text = run(box, "meson", "test", "-C", build, status=0)
    expect_equal(meson_results(text), {**dict.fromkeys(every, "OK"), "is_skipped": "SKIP"},
                 "the results without seep")
    text = run(box, "meson", "test", "-C", build, "--print-errorlogs",
               "--wrapper=seep check -q --", *every[:3], status=1)
    expect_equal(meson_results(text), {"closes_short_names": "OK", "closes_long_names": "ERROR",
                                       "is_skipped": "SKIP"}, "the results")
    expect(re.search(LOST, text), "the finding is not shown: " + clip(text))


def meson_setup(box):
    build = meson_project(box)
    text = run(box, "meson", "test", "-C", build, "--setup=seep", "--print-errorlogs", status=1)
    expect_equal(meson_results(text), {"closes_short_names": "OK", "closes_long_names": "ERROR",
                                       "is_skipped": "SKIP", "script": "OK",
                                       "calls_nothing": "OK"}, "the results")
    expect_equal(len(re.findall(LOST, text)), 1, "findings with their stack in %s" % clip(text))


# ---- Automake ------------------------------------------------------------------------------------

def automake(box):
    needs("autoreconf", "automake", "make")
    folder = project(box, "automake")
    run(box, "autoreconf", "-i", status=0, cwd=folder)
    run(box, "./configure", "-q", status=0, cwd=folder)

    def results(target, status):
        text = run(box, "make", "-s", target, "VERBOSE=1", status=status, cwd=folder)
        return sorted(re.findall(r"^([A-Z]+): (\S+)$", text.split("=====")[0], re.M)), text

    as_ever = [("PASS", "calls_nothing.sh"), ("PASS", "closes.sh"),
               ("PASS", "closes_long_names"), ("PASS", "closes_short_names"),
               ("SKIP", "skipped.sh")]
    expect_equal(results("check", 0)[0], as_ever, "the results without seep")
    found, text = results("check-leaks", 2)
    expect_equal(found, [("FAIL", "closes_long_names")] + as_ever[:2] + as_ever[3:], "the results")
    expect_equal(len(re.findall(LOST, text)), 1, "findings with their stack in %s" % clip(text))


# ---- shell ---------------------------------------------------------------------------------------

def programs(box):
    folder = box.path("programs")
    os.mkdir(folder)
    sources = os.path.join(ROOT, "examples", "session_tests")
    for name in ("closes_short_names", "closes_long_names"):
        box.compile(os.path.join(sources, name + ".c"), os.path.join(sources, "sessions.c"),
                    output=os.path.join("programs", name))
    return folder


def left(box):
    return [name for name in os.listdir(box.folder) if name.startswith("tmp.")]


def bats(box):
    needs("bats")
    script = os.path.join(ROOT, "examples", "shell", "sessions.bats")
    found = dict(PROGRAMS=programs(box), FAIL="")
    text = run(box, "bats", "--tap", script, status=0, **found)
    expect_equal(re.findall(r"^(?:not )?ok \d", text, re.M), ["ok 1", "ok 2", "ok 3"],
                 "the results without seep")
    text = run(box, "bats", "--tap", script, status=1, SEEP="seep", **found)
    expect_equal(re.findall(r"^(?:not )?ok \d.*", text, re.M),
                 ["ok 1 closes short names", "not ok 2 closes long names",
                  'ok 3 fails and leaks # skip to be seen with FAIL=1'], "the results")
    expect_equal(len(re.findall(LOST, text.replace("\n# ", "\n"))), 1,
                 "findings with their stack in %s" % clip(text))
    found["FAIL"] = "1"
    text = run(box, "bats", "--tap", "--filter", "fails", script, status=1, SEEP="seep", **found)
    expect("not ok 1 fails and leaks" in text and "lost" not in text,
           "of a test that fails it says " + clip(text))
    expect_equal(left(box), [], "temporary folders")


def shell(box):
    script = os.path.join(ROOT, "examples", "shell", "sessions.sh")
    for interpreter in ("sh", "bash"):
        needs(interpreter)
    found = dict(PROGRAMS=programs(box))
    plain = box.run(["sh", script], {**found})
    expect_equal((plain.returncode, plain.stdout, plain.stderr), (
        0, b"1..2\nok 1 - closes_short_names\nok 2 - closes_long_names\n", b""),
        "(status, stdout, stderr) without seep")
    for interpreter in ("sh", "bash"):
        result = box.run([interpreter, script],
                         {"SEEP": os.path.join(BUILD, "seep"), "TMPDIR": box.folder, **found})
        expect_equal((result.returncode, result.stdout), (
            1, b"1..2\nok 1 - closes_short_names\nnot ok 2 - closes_long_names\n"),
            "(status, stdout)")
        text = result.stderr.decode()
        expect_equal(len(re.findall(LOST, text)), 1, "findings with their stack in " + clip(text))
    expect_equal(left(box), [], "temporary folders")


def tap(box):
    folder = programs(box)
    for name in os.listdir(folder):
        plain = box.run([os.path.join(folder, name), "77"])
        watched = box.seep("check", "--", os.path.join(folder, name), "77")
        expect_equal(watched.stdout, plain.stdout, "stdout of " + name)
    # What Automake gives a meaning comes through where nothing is found, and only there.
    for status in (0, 1, 2, 77, 99):
        result = box.seep("check", "--", os.path.join(folder, "closes_short_names"), str(status))
        expect_equal(result.returncode, status, "the status")
        result = box.seep("check", "--error-exitcode=9", "--", "sh", "-c", "%s; exit %d"
                          % (os.path.join(folder, "closes_long_names"), status))
        expect_equal(result.returncode, 9, "that of a test that leaks and ends with %d" % status)
