# SPDX-License-Identifier: Apache-2.0
"""test_runtimes: programs of CPython, node, Java, Go and Rust: a leak in their native part is
found, one that has none is clean, and what they keep themselves is said to be outside malloc.

The programs and their native part lie in runtimes/. Each calls it for three seconds, freeing what
it gets ("uses") or not ("leaks"), or it keeps ever more of its own objects ("hoards").
"""

import functools
import os
import shutil
import subprocess
import sys

from sandbox import ROOT, SEEP, TIMEOUT_S, Failed, Skipped, expect, expect_equal

SOURCES = os.path.join(ROOT, "tests", "integration", "runtimes")
WAYS = ("uses", "leaks", "hoards")


def tests():
    yield "CPython, with its own allocator and with malloc", python
    yield "node", functools.partial(runtime, node)
    yield "Java", functools.partial(runtime, java)
    yield "Go with cgo", functools.partial(runtime, go)
    yield "Rust, with the system's allocator", rust
    yield "Chromium brings a malloc of its own, and is as ever", chromium


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped("%s is not installed" % program)


def build(box, *argv, environment=None):
    result = box.run(argv, environment)
    expect(result.returncode == 0, "does not compile: %s" % result.stderr.decode()[:400])


def native_part(box, name="native_part.so"):
    box.compile(os.path.join(SOURCES, "native_part.c"), "-O1", "-fPIC", "-shared",
                "-fno-optimize-sibling-calls", output=name)


def source(box, name):
    return shutil.copy(os.path.join(SOURCES, name), box.folder)


def node(box):
    need("node")
    native_part(box, "native_part.node")
    return ["node", source(box, "work.js")]


def java(box):
    need("java", "javac")
    native_part(box)
    build(box, "javac", "-d", box.folder, source(box, "Work.java"))
    return ["java", "-cp", box.folder, "Work"]


def go(box):
    need("go")
    native_part(box)
    build(box, "go", "build", "-o", "work", source(box, "work.go"), environment={
        "CGO_ENABLED": "1", "GOPROXY": "off", "GO111MODULE": "off", "GOTOOLCHAIN": "local",
        "GOCACHE": box.path("cache")})
    return [box.path("work")]


def record(box, argv, ways=WAYS, environment=None):
    """Runs it in these ways side by side, for it mostly sleeps, and returns their reports."""
    runs = []
    for way in ways:
        command = [SEEP, "run", "-q", "--interval=100ms", "-o", box.path(way + ".seep"), "--",
                   *argv, way]
        runs.append(box.start(command, environment, stderr=subprocess.STDOUT))
    for run in runs:
        try:
            printed = run.communicate(timeout=TIMEOUT_S)[0]
        except subprocess.TimeoutExpired:
            raise Failed("still running: %s" % " ".join(argv))
        expect_equal((run.returncode, printed), (0, b""), "the status, and what was printed")
    return [box.report(way + ".seep", "--all") for way in ways]


def flagged(report):
    return [(site["verdict"], [frame["function"] for frame in site["stack"][:6]])
            for site in report["sites"] if site["flagged"]]


def expect_clean(report):
    expect_equal(flagged(report), [], "what is flagged where nothing leaks")


def expect_leak(report):
    """In the native part: 60 times 50 records, and in nothing else."""
    found = [site for site in report["sites"] if site["flagged"]]
    expect(found, "nothing is flagged")
    for site in found:
        names = [frame["function"] for frame in site["stack"]]
        expect(names[0] in ("make_record", "work::make_record"), "flagged is %s" % names[:6])
    expect_equal(sum(site["live_blocks"] for site in report["sites"]
                     if site["stack"][0]["function"] in ("make_record", "work::make_record")), 3000,
                 "records that are left")


def expect_outside(report):
    """A collector goes in steps, so in three seconds nothing is said of growth."""
    expect_clean(report)
    parts = report["memory"]["parts"]
    outside, requested = parts["outside_malloc"]["peak_bytes"], parts["requested"]["peak_bytes"]
    expect(outside > 15 << 20 and outside > requested,
           "%d bytes outside malloc, %d requested" % (outside, requested))


def runtime(prepare, box):
    uses, leaks, hoards = record(box, prepare(box))
    expect_clean(uses)
    expect_leak(leaks)
    expect_outside(hoards)


def python(box):
    """Small objects are nobody's blocks, unless Python is told to take them from malloc."""
    native_part(box)
    argv = [sys.executable, source(box, "work.py")]
    uses, leaks, hoards = record(box, argv)
    expect_clean(uses)
    expect_leak(leaks)
    expect_outside(hoards)
    uses, leaks, hoards = record(box, argv, environment={"PYTHONMALLOC": "malloc"})
    expect_clean(uses)
    expect_leak(leaks)
    expect(flagged(hoards) and hoards["memory"]["verdict"] == "leak",
           "what Python keeps is not found: %r" % hoards["memory"]["findings"])


def rust(box):
    need("rustc")
    build(box, "rustc", "-g", "-O", "-o", "work", source(box, "work.rs"))
    uses, leaks = record(box, [box.path("work")], WAYS[:2])
    expect_clean(uses)
    expect_leak(leaks)


def chromium(box):
    need("chromium")
    box.write("page.html", "<title>page</title><script>document.title += 1 + 1</script>")
    argv = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=profile",
            "--dump-dom", "file://" + box.path("page.html")]
    plain = box.run(argv)
    if plain.returncode != 0 or b"page2" not in plain.stdout:
        raise Skipped("chromium does not run here: %r" % plain.stderr[-200:])
    result = box.seep_run(argv, output="%e.%p.seep")
    expect_equal((result.returncode, result.stdout), (0, plain.stdout), "status and stdout")
