# SPDX-License-Identifier: Apache-2.0
"""test_seep_h: a program's tests check themselves through seep.h: what they lose, and what grows."""

import functools

from sandbox import expect, expect_equal

LOSES = "64 bytes in 1 block definitely lost, allocated at"
GROWS = "384 bytes in 6 blocks more than before the last 6 rounds, and more after each of them, " \
        "allocated at"
WATCHED = ["watched", "nothing yet 0", "loses 2 " + LOSES, "frees 0", "since the start 2 " + LOSES,
           "grows 1 " + GROWS, "is full 0", "20 rounds", "goes again 0", "too few -22"]
ALONE = ["alone", "nothing yet 0", "loses 0", "frees 0", "since the start 0", "grows 0", "is full 0",
         "20 rounds", "goes again 0", "too few 0"]
BUILDS = [("C", "checks_itself.c", ("-O1",)),
          ("C, no PIE", "checks_itself.c", ("-O1", "-fno-pie", "-no-pie")),
          ("C99", "checks_itself.c", ("-O2", "-std=gnu99")),
          ("C++", "checks_itself_in_cxx.cc", ("-O1",)),
          ("C++, no PIE", "checks_itself_in_cxx.cc", ("-O1", "-fno-pie", "-no-pie"))]
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-Wno-unused-function")


def tests():
    for name, source, flags in BUILDS:
        yield (name + ": what a test loses and what grows is found, and nothing else",
               functools.partial(checks, source, flags))
        yield name + ": without seep it is harmless", functools.partial(alone, source, flags)
        yield (name + ": a scope says what it has lost, and is silent where it has not",
               functools.partial(scopes, source, flags))
    for kind in ("thread", "inline"):
        yield "the same by --snapshots-by=" + kind, functools.partial(by, kind)


def build(box, source, flags):
    return box.compile(source, *flags, *WARNINGS)


def checks(source, flags, box):
    ended = box.seep_run([build(box, source, flags)])
    expect_equal(ended.stdout.decode().splitlines(), WATCHED, "what it is told")
    expect_equal((ended.returncode, ended.stderr), (0, b""), "(status, stderr)")


def alone(source, flags, box):
    ended = box.run([build(box, source, flags)])
    expect_equal(ended.stdout.decode().splitlines(), ALONE, "what it is told")


def by(kind, box):
    ended = box.seep_run([build(box, "checks_itself.c", ("-O1",))], "--snapshots-by=" + kind)
    expect_equal(ended.stdout.decode().splitlines(), WATCHED, "what it is told")


def scopes(source, flags, box):
    program = build(box, source, flags)
    lost = box.seep_run([program, "loses"])
    text = lost.stderr.decode()
    expect("seep: scope inner: lost what it has allocated\n" + LOSES in text
           and "seep: scope outer: lost" in text, "it says " + text)
    clean = box.seep_run([program, "frees"])
    expect_equal((clean.returncode, clean.stderr), (0, b""), "(status, stderr) of the clean twin")
    expect_equal(box.run([program, "loses"]).stderr, b"", "stderr without seep")
    ended = box.seep("check", "--", program, "loses")
    expect_equal(ended.returncode, 1, "the status of seep check")
    expect_equal(box.seep("check", "--", program, "frees").returncode, 0, "that of the clean twin")
