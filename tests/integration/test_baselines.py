# SPDX-License-Identifier: Apache-2.0
"""test_baselines: which leaks a baseline knows again, and what it keeps when it is written anew."""

import os
import shutil

from sandbox import ROOT, expect, expect_equal
from test_check import check

# Its argument says how it ends; it loses a block as long as it is called with another one.
IN_MAIN = """\
#include <signal.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *volatile block = argc > 2 ? malloc(atoi(argv[2])) : NULL;
    block = malloc(1);
    free(block);
    block = NULL;
    if (argv[1][0] == 'k')
        raise(SIGKILL);
    return atoi(argv[1]);
}
"""

# A test that fails when it has lost something, as the adapters of test frameworks make one; it
# loses a block with each argument, the second one elsewhere.
ASKS_ITSELF = """\
#include <stdlib.h>
#include <seep.h>
#define APART __attribute__((noinline))
void *volatile block;
static void tidy(void) { block = malloc(1); free(block); block = NULL; }
APART static void lose(void) { block = malloc(50); tidy(); }
APART static void lose_more(void) { block = malloc(60); tidy(); }
int main(int argc, char **argv)
{
    long long moment = seep_moment();
    (void)argv;
    if (argc > 1)
        lose();
    if (argc > 2)
        lose_more();
    return seep_check_since(moment) ? 3 : 0;
}
"""


def tests():
    yield "main.c of one test is not main.c of another, with equal names of all else", same_names
    yield "and is known again from another checkout, another build and another line", elsewhere
    yield "a source that was moved or renamed is known again by its program", moved
    yield "one of version 1 goes on matching by base names until it is written anew", version_one
    yield "a test that asks itself passes with what is known, not with what is new", asks_itself
    yield "what a program that failed did not come to stays in it, and that is said", failed


def build(folder, name, *flags, text=IN_MAIN):
    """A test of its own folder; the program and the source of all are called the same."""
    box, folder = folder
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    source = os.path.join(folder, name, "main.c")
    with open(source, "w") as file:
        file.write(text)
    return box.compile(source, *(flags or ("-O1",)), output=os.path.join(folder, name, "test"))


def entries(path):
    with open(path) as file:
        return sorted(line.split("bytes ")[1] for line in file.read().splitlines()[1:])


def same_names(box):
    here = (box, box.path("project"))
    one, two = build(here, "test1"), build(here, "test2")
    path = os.path.join(here[1], "known.baseline")
    check(box, "--baseline=" + path, "--update-baseline", "--", one, "0", "70", status=0)
    expect_equal(entries(path), ["test: main (test1/main.c)"], "the entry")
    check(box, "--baseline=" + path, "--", one, "0", "70", status=0)
    text = check(box, "--baseline=" + path, "--", two, "0", "70", status=1).stderr.decode()
    expect("failed: 70 B lost at 1 site\n" in text, "of the other one: " + text)
    both = ("--", "sh", "-c", "%s 0 70; %s 0 50" % (one, two))
    check(box, "--baseline=" + path, *both, status=1)
    check(box, "--baseline=" + path, "--update-baseline", *both, status=0)
    expect_equal(entries(path), ["test: main (test1/main.c)", "test: main (test2/main.c)"],
                 "both entries")
    check(box, "--baseline=" + path, *both, status=0)


def elsewhere(box):
    project = box.path("a")
    build((box, project), "test1")
    path = os.path.join(project, "known.baseline")
    program = os.path.join(project, "test1", "test")
    check(box, "--baseline=" + path, "--update-baseline", "--", program, "0", "70", status=0)
    # Another checkout, with other lines and another optimizer.
    os.makedirs(box.path("b"))
    shutil.copy(path, box.path("b", "known.baseline"))
    there = (box, box.path("b"))
    lines = "/* moved */\n\n" + IN_MAIN
    one, two = build(there, "test1", "-O0", text=lines), build(there, "test2", "-O0", text=lines)
    known = "--baseline=" + box.path("b", "known.baseline")
    check(box, known, "--", one, "0", "70", status=0)
    check(box, known, "--", two, "0", "70", status=1)
    # Another build folder, from which the sources are seen otherwise; and one behind a link.
    os.makedirs(box.path("b", "build", "x"))
    box.run(["gcc", "-g", "-O2", "-o", "other", "../../test1/main.c"],
            cwd=box.path("b", "build", "x"))
    check(box, known, "--", box.path("b", "build", "x", "other"), "0", "70", status=0)
    os.symlink("b", box.path("link"))
    check(box, known, "--", build((box, box.path("link")), "test1"), "0", "70", status=0)
    # As distributions build: no path of this machine is in it.
    box.run(["gcc", "-g", "-ffile-prefix-map=%s=." % box.path("b"), "-o", "mapped", "test1/main.c"],
            cwd=box.path("b"))
    check(box, known, "--", box.path("b", "mapped"), "0", "70", status=0)
    # Without debug information, only where the program lies.
    for program in one, two:
        box.run(["strip", "-g", program])
    check(box, known, "--update-baseline", "--", one, "0", "70", status=0)
    check(box, known, "--", one, "0", "70", status=0)
    check(box, known, "--", two, "0", "70", status=1)


def moved(box):
    here = (box, box.path("project"))
    one = build(here, "test1")
    path = os.path.join(here[1], "known.baseline")
    check(box, "--baseline=" + path, "--update-baseline", "--", one, "0", "70", status=0)
    shutil.move(os.path.join(here[1], "test1"), os.path.join(here[1], "tests"))
    check(box, "--baseline=" + path, "--", build(here, "tests"), "0", "70", status=0)
    build(here, "test1")
    check(box, "--baseline=" + path, "--", build(here, "tests"), "0", "70", status=1)


def version_one(box):
    here = (box, box.path("project"))
    one, two = build(here, "test1"), build(here, "test2")
    path = os.path.join(here[1], "known.baseline")
    known = ("--baseline=" + path,)
    check(box, *known, "--update-baseline", "--", one, "0", "70", status=0)
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("seep-baseline 2", "seep-baseline 1").replace("test1/", ""))
    check(box, *known, "--", one, "0", "70", status=0)
    check(box, *known, "--", two, "0", "70", status=0)
    check(box, *known, "--update-baseline", "--", "true", status=0)
    expect_equal(entries(path), ["test: main (*/main.c)"], "the entry, while no more is known")
    check(box, *known, "--", two, "0", "70", status=0)
    check(box, *known, "--update-baseline", "--", one, "0", "70", status=0)
    expect_equal(entries(path), ["test: main (test1/main.c)"], "the entry")
    check(box, *known, "--", two, "0", "70", status=1)


def failed(box):
    here = (box, box.path("project"))
    one = build(here, "test1")
    path = os.path.join(here[1], "known.baseline")
    known = ("--baseline=" + path,)
    check(box, *known, "--update-baseline", "--", one, "0", "70", status=0)
    with open(path) as file:
        before = file.read()
    for words, status in (((one, "3"), 3), ((one, "k"), 137),
                          (("sh", "-c", "%s 0; exit 4" % one), 4),
                          (("sh", "-c", "%s 3; exit 0" % one), 0)):
        text = check(box, *known, "--update-baseline", "--", *words, status=status).stderr.decode()
        expect("1 entry now; 1 of them stays, for what failed may not have come so far\n" in text,
               "of %s it says %s" % (words, text))
        with open(path) as file:
            expect_equal(file.read(), before, "the baseline after %s" % (words,))
        text = check(box, *known, "--", *words, status=status).stderr.decode()
        expect("any more" not in text, "of %s it says %s" % (words, text))
    # What it came to may have been less.
    check(box, *known, "--update-baseline", "--", one, "3", "20", status=3)
    with open(path) as file:
        expect_equal(file.read(), before, "the baseline after less of it")
    text = check(box, *known, "--update-baseline", "--", one, "0", status=0).stderr.decode()
    expect("has 0 entries now\n" in text, "of one that did not fail it says " + text)


def asks_itself(box):
    program = build((box, box.path("project")), "test", "-O1", "-I%s/include" % ROOT,
                    text=ASKS_ITSELF)
    baseline = "--baseline=" + box.path("project/known.baseline")
    expect_equal(box.seep_run([program, "x"]).returncode, 3, "its status without a baseline")
    check(box, "--", program, "x", status=1)
    check(box, baseline, "--update-baseline", "--", program, "x", status=0)
    check(box, baseline, "--", program, "x", status=0)
    text = check(box, baseline, "--", program, "x", "y", status=1).stderr.decode()
    expect("failed: 60 B lost at 1 site\n" in text, text)
    # Who wants it to fail says so; and a check with suppressions may leave it out, too.
    check(box, baseline, "--loss-checks=on", "--", program, "x", status=3)
    known = box.write("known.supp", b"leak:lose\n")
    check(box, "--suppressions=" + known, "--", program, "x", status=3)
    check(box, "--suppressions=" + known, "--loss-checks=off", "--", program, "x", status=0)
