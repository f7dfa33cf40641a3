# SPDX-License-Identifier: Apache-2.0
"""test_check_status: the exit status of seep check, for each way in which a program may end."""

import itertools

from sandbox import expect, expect_equal
from test_check import check

ENDS = """\
#include <signal.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    void *volatile block = strcmp(argv[1], "loses") == 0 ? malloc(70) : NULL;
    block = malloc(1);
    free(block);
    block = NULL;
    if (strcmp(argv[2], "killed") == 0)
        raise(SIGKILL);
    if (strcmp(argv[2], "aborted") == 0)
        raise(SIGABRT);
    return argc > 1 ? atoi(argv[2]) : 0;
}
"""
# How the program ends, and its status as a shell sees it.
ENDINGS = {"0": 0, "1": 1, "3": 3, "255": 255, "killed": 137, "aborted": 134}
# Behind one of these, registers and so what is lost are not known for sure; a threshold is.
SIGNALS = ("killed", "aborted")
# What is said of what it loses, and whether that still fails.
TREATMENTS = {
    "": True, "--fail-on=lost": True, "--fail-on=lost,budget": True,
    "--suppressions=other.supp": True, "--baseline=empty.baseline": True,
    "--baseline=smaller.baseline": True,
    "--fail-on=leak": False, "--scan=off": False, "--children=none": True,
    "--suppressions=known.supp": False, "--baseline=known.baseline": False,
    "--baseline=new.baseline --update-baseline": False,
    "--gen-suppressions=draft.supp": True,
}


def tests():
    yield "a finding gives 1, else the program's own status passes, in every combination", table
    yield "and so through a shell, make and exec, which pass on what a test says", drivers
    yield "a threshold fails also where a baseline is written", thresholds
    yield "what cannot be done gives 2, unless the program has failed by itself", cannot


def prepare(box):
    program = box.compile(box.write("ends.c", ENDS), "-O1", output="ends")
    box.write("known.supp", "leak:main\n")
    box.write("other.supp", "leak:other\n")
    box.write("empty.baseline", "seep-baseline 2\n")
    for name in "known", "smaller":
        check(box, "--baseline=%s.baseline" % name, "--update-baseline", "--", program, "loses",
              "0", status=0)
    with open(box.path("smaller.baseline")) as file:
        text = file.read()
    expect("1 blocks 70 bytes" in text, "the baseline is " + text)
    box.write("smaller.baseline", text.replace("1 blocks 70 bytes", "1 blocks 7 bytes"))
    return program


def expect_status(box, wanted, options, *words):
    result = box.seep("check", *options, "--", *words)
    expect_equal(result.returncode, wanted, "the status of seep check %s -- %s (stderr %r)" %
                 (" ".join(options), " ".join(words), result.stderr[-300:]))


def table(box):
    program = prepare(box)
    for (treatment, fails), (ending, own), loses in itertools.product(
            TREATMENTS.items(), ENDINGS.items(), ("loses", "clean")):
        found = loses == "loses" and fails and ending not in SIGNALS
        expect_status(box, 1 if found else own, treatment.split(), program, loses, ending)
        if treatment in ("", "--suppressions=known.supp"):
            expect_status(box, 9 if found else own, [*treatment.split(), "--error-exitcode=9"],
                          program, loses, ending)


def drivers(box):
    program = prepare(box)
    box.write("Makefile", "test:\n\t@%s $(HOW)\n" % program)
    for (ending, own), loses in itertools.product(ENDINGS.items(), ("loses", "clean")):
        found = loses == "loses" and ending not in SIGNALS
        how = "%s %s" % (loses, ending)
        expect_status(box, 1 if found else own, [], "sh", "-c", "exec %s %s" % (program, how))
        expect_status(box, 1 if found else own, [], "sh", "-c",
                      "%s %s; exit $?" % (program, how))
        # Who hides the failure of a test hides it from everybody; but not what it has lost.
        expect_status(box, 1 if found else 0, [], "sh", "-c", "%s %s; exit 0" % (program, how))
        expect_status(box, 1 if found else 2 if own else 0, [], "make", "-s", "test",
                      "HOW=" + how)


def thresholds(box):
    program = prepare(box)
    for ending, own in ENDINGS.items():
        options = ["--max-live=1", "--baseline=new.baseline", "--update-baseline"]
        expect_status(box, 1, options, program, "loses", ending)
        expect_status(box, own, [*options, "--fail-on=lost"], program, "loses", ending)


def cannot(box):
    program = prepare(box)
    for ending, own in ENDINGS.items():
        for loses in "loses", "clean":
            # The answer cannot be written: no finding may look like a pass.
            found = loses == "loses" and ending not in SIGNALS
            wanted = own if own and not found else 2
            expect_status(box, wanted, ["-o", "/dev/full"], program, loses, ending)
    for options in (["--suppressions=nowhere"], ["--baseline=nowhere"], ["--fail-on=all"],
                    ["-o", "nowhere/x"], ["--keep=nowhere/x"], ["--baseline=known.supp"]):
        expect_status(box, 2, options, program, "loses", "0")
    expect_status(box, 2, [], box.path("nowhere"))
