# SPDX-License-Identifier: Apache-2.0
"""test_allocators: programs with another malloc than glibc's behave as ever, and are followed
exactly or said not to be.

Where seep's library comes first, counts are exact: the allocator stays in use behind it. Where the
allocator comes first, because it is linked into the program or preloaded before, nothing of the
program passes seep's doors. Then nothing may be said of it but that.
"""

import functools
import os
import subprocess

import case_program
from sandbox import CASES, LIBRARY, Skipped, expect, expect_equal

PROGRAMS = {"C": "allocates_by_any_malloc.c", "C++": "allocates_by_any_operator.cc"}

# Allocator: what it is called, what its archive wants to be linked with (Debian has none of
# mimalloc), the package, and whether its operator new throws: one written in C aborts.
ALLOCATORS = {
    "jemalloc": ("jemalloc", "-lstdc++ -lm", "libjemalloc-dev", True),
    "tcmalloc_minimal": ("tcmalloc", "-lstdc++ -lm", "libgoogle-perftools-dev", True),
    "tcmalloc": ("tcmalloc", "-lunwind -llzma -lstdc++ -lm", "libgoogle-perftools-dev", True),
    "mimalloc": ("mimalloc", None, "libmimalloc-dev", False),
}


def tests():
    for allocator in ALLOCATORS:
        for language in PROGRAMS:
            for how, judge in (("linked to", linked), ("linked to the end of", linked_last),
                               ("preloaded behind seep into", preloaded_behind),
                               ("preloaded before seep into", preloaded_before),
                               ("linked statically into", linked_statically)):
                if judge == linked_statically and ALLOCATORS[allocator][1] is None:
                    continue
                yield "%s %s a %s program" % (allocator, how, language), functools.partial(
                    judge, allocator, case_program.CaseProgram(
                        os.path.join(CASES, PROGRAMS[language])))


def library_of(box, allocator, suffix):
    """Where the linker finds it."""
    name = "lib%s.%s" % (allocator, suffix)
    path = box.run(["gcc", "-print-file-name=" + name]).stdout.decode().strip()
    if not os.path.isabs(path):
        raise Skipped("there is no %s; %s may have it" % (name, ALLOCATORS[allocator][2]))
    return os.path.realpath(path)


def build(box, case, links=""):
    case.settings["links"] += " " + links
    return case.build(box, case.variants()[0])


def run_natively(box, allocator, program, environment=None):
    argv = [program] + ["throws"] * ALLOCATORS[allocator][3]
    result = box.run(argv, environment)
    expect_equal(result.returncode, 0, "the status without seep")
    return argv, result


def expect_same(result, plain):
    for which in ("returncode", "stdout", "stderr"):
        expect_equal(getattr(result, which), getattr(plain, which), which + " under seep")


def linked(allocator, case, box):
    program = build(box, case, "-Wl,--no-as-needed " + library_of(box, allocator, "so"))
    judge_counted(box, allocator, case, program)


def linked_last(allocator, case, box):
    """The C++ library's operators come first, and end in this malloc."""
    program = build(box, case, "-Wl,--no-as-needed -lstdc++ " + library_of(box, allocator, "so"))
    judge_counted(box, allocator, case, program)


def preloaded_behind(allocator, case, box):
    preload = {"LD_PRELOAD": library_of(box, allocator, "so")}
    judge_counted(box, allocator, case, build(box, case), preload)


def judge_counted(box, allocator, case, program, environment=None):
    argv, plain = run_natively(box, allocator, program, environment)
    result = box.seep_run(argv, environment=environment)
    expect_same(result, plain)
    case.judge(box, box.report(), result)


def preloaded_before(allocator, case, box):
    library = library_of(box, allocator, "so")
    argv, plain = run_natively(box, allocator, build(box, case), {"LD_PRELOAD": library})
    environment = box.preload(output=box.path("out.seep"))
    environment["LD_PRELOAD"] = "%s:%s" % (library, LIBRARY)
    result = box.run(argv, environment)
    expect_same(result, plain)
    box.wait_for_end()
    judge_unseen(box)


def linked_statically(allocator, case, box):
    archive = library_of(box, allocator, "a")
    program = build(box, case, "%s %s" % (archive, ALLOCATORS[allocator][1]))
    argv, plain = run_natively(box, allocator, program)
    result = box.seep("run", "-o", box.path("out.seep"), *argv)
    said = b"%s is linked into it" % ALLOCATORS[allocator][0].encode()
    expect(said in result.stderr and b"nothing was seen" in result.stderr,
           "seep run does not say that nothing was seen: %r" % result.stderr)
    expect_same(result, subprocess.CompletedProcess(argv, 0, plain.stdout, result.stderr))
    judge_unseen(box)


def judge_unseen(box):
    expect_equal(box.report()["totals"]["allocations"], 0, "allocations")
    text = box.seep("report", box.path("out.seep")).stdout
    expect(b"Nothing was seen" in text, "the report looks clean: %r" % text)
    expect_equal(box.seep("check", box.path("out.seep")).returncode, 2, "the status of a check")
