# SPDX-License-Identifier: Apache-2.0
"""test_suppression_draft: suppressions that seep check writes, and those that it has built in."""

import json
import os
import shutil
import subprocess

from sandbox import SEEP, expect, expect_equal
from test_check import check

LOSES = """\
#include <stdlib.h>
__attribute__((noinline)) static void *make(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void *more(size_t bytes) { return calloc(1, bytes); }
__attribute__((noinline)) static void *third(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void chain(size_t bytes)
{
    void *volatile *volatile head = malloc(bytes);
    head[1] = malloc(40);
    head = NULL;
}
int main(int argc, char **argv)
{
    void *volatile block = NULL;
    int count = argc > 1 ? atoi(argv[1]) : 3;
    for (volatile int i = 0; i < count; i++)
        block = make(1000);
    block = more(50);
    chain(24);
    for (volatile int i = 2; i < argc; i++)
        block = third(70);
    block = malloc(1);
    free(block);
    block = NULL;
    return 0;
}
"""

NAMES = """\
#include <string>
#include <vector>
namespace net {
template <class T> struct Pool {
    __attribute__((noinline)) std::vector<T> *take(T first) {
        auto *made = new std::vector<T>(20);
        (*made)[0] = first;
        return made;
    }
};
}
__attribute__((noinline)) static void lose(int first)
{
    std::vector<int> *volatile made = net::Pool<int>().take(first);
    made = nullptr;
}
int main(int argc, char **)
{
    for (volatile int i = 0; i < 3; i++)
        lose(argc);
    return argc > 90;
}
"""

THREADS = """\
#include <pthread.h>
#include <stdlib.h>
static void *work(void *unused)
{
    void *volatile block = malloc(70);
    block = malloc(1);
    free(block);
    block = NULL;
    return unused;
}
int main(void)
{
    pthread_t thread;
    void *volatile block = malloc(70);
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    block = malloc(1);
    free(block);
    block = NULL;
    return 0;
}
"""

CCS = """\
#include <stdio.h>
#include <wchar.h>
int main(void)
{
    FILE *file = fopen("/etc/passwd", "r,ccs=UTF-8");
    wchar_t word[10];
    return !file || !fgetws(word, 10, file) || fclose(file) != 0;
}
"""


def tests():
    yield "what is written suppresses what was found, and nothing else", draft
    yield "so does it in C++, where the names are those that Valgrind knows", names
    yield "and in Valgrind itself", valgrind
    yield "main and the threads of another program are no part of it", another
    yield "a program's name may be anything", odd_name
    yield "a link that they are written to stays one, also that to a redirected stdout", links
    yield "nor is the folder of a program without names", stripped
    yield "what was found in many processes is one suppression", many
    yield "what libc loses by itself fails nothing unless that is asked for", builtin
    yield "nor is it flagged in a report, which lists it with all that is known", in_report
    yield "nor in the summary of a run, which counts what is known", in_run


def build(box, flags=("-g", "-O1")):
    return box.compile(box.write("loses.c", LOSES), *flags)


def write(box, *words, status=1):
    path = box.path("found.supp")
    text = check(box, "--gen-suppressions=" + path, "--", *words, status=status).stderr.decode()
    with open(path) as file:
        return path, file.read(), text


def draft(box):
    program = build(box)
    path, text, said = write(box, program)
    expect("found.supp has 3 suppressions now\n" in said, "it says " + said)
    expect("\n# seep: program=loses max-bytes=3000 max-blocks=3\n{\n"
           "   lost at make in loses\n" in text and "\n   fun:*alloc\n   fun:make\n   fun:main\n}\n" in text, "the file is " + text)
    option = "--suppressions=" + path
    check(box, option, "--", program, status=0)
    text = check(box, option, "--", program, "3", "third", status=1).stderr.decode()
    expect("1 lost: 70 B at third" in text and "failed: 70 B lost at 1 site\n" in text,
           "with another one: " + text)
    text = check(box, option, "--", program, "4", status=1).stderr.decode()
    expect("found.supp:5: the suppression 'lost at make in loses' does not hold" in text,
           "with one block more: " + text)
    # Lines do not count, nor does the optimizer.
    box.write("loses.c", "\n\n/* moved */\n" + LOSES)
    check(box, option, "--", box.compile(box.path("loses.c"), "-O0"), status=0)


def names(box):
    program = box.compile(box.write("names.cc", NAMES), "-O1", "-std=c++17")
    path, text, said = write(box, program)
    expect("   fun:_Znwm\n   fun:_ZN3net4PoolIiE4takeEi\n" in text, "the file is " + text)
    check(box, "--suppressions=" + path, "--", program, status=0)


def valgrind(box):
    def lost(*options):
        result = box.run(["valgrind", "-q", "--leak-check=full", "--error-exitcode=9",
                          "--errors-for-leak-kinds=definite", *options, program])
        return result.returncode

    program = build(box)
    path, text, said = write(box, program)
    expect_equal(lost(), 9, "Valgrind's status")
    expect_equal(lost("--suppressions=" + path), 0, "its status with the suppressions")


def another(box):
    """With functions of the same names, and stacks that end in libc."""
    one = box.compile(box.write("threads.c", THREADS), "-pthread", output="one")
    two = box.compile(box.path("threads.c"), "-pthread", output="two")
    path, text, said = write(box, one)
    expect("program=one " in text and "start" not in text and "clone" not in text,
           "the file is " + text)
    option = "--suppressions=" + path
    check(box, option, "--", one, status=0)
    said = check(box, option, "--", two, status=1).stderr.decode()
    expect("found.supp" in said and "has matched nothing" in said, "of the other one: " + said)
    # Both together: each stack is one block, with the names of both.
    path, text, said = write(box, "sh", "-c", "%s; %s" % (one, two))
    expect_equal(text.count("program=one,two max-bytes=140 max-blocks=2\n"), 2, "in " + text)
    for program in one, two:
        check(box, "--suppressions=" + path, "--", program, status=0)
    with open(path) as file:
        pattern = file.read().replace("one,two", "no,t*")
    check(box, "--suppressions=" + box.write("any.supp", pattern), "--", two, status=0)
    check(box, "--suppressions=" + box.path("any.supp"), "--", one, status=1)


def odd_name(box):
    program = build(box)
    odd = box.path("a b,c=*'")
    os.rename(program, odd)
    path, text, said = write(box, odd)
    check(box, "--suppressions=" + path, "--", odd, status=0)


def links(box):
    program = build(box)
    for name, target in (("link", box.path("real.supp")), ("own_stdout", "/proc/self/fd/1")):
        box.write("real.supp", "")
        os.symlink(target, box.path(name))
        # As root this would have replaced /dev/stdout for all programs.
        with open(box.path("out"), "wb") as out:
            subprocess.run([SEEP, "check", "--gen-suppressions=" + box.path(name), "--", program],
                           stdout=out, stderr=subprocess.DEVNULL, env=box.environment(), timeout=60)
        expect(os.path.islink(box.path(name)), name + " is a link no more")
        with open(box.path("real.supp" if name == "link" else "out")) as file:
            expect_equal(file.read().count("Memcheck:Leak"), 3, "what came through " + name)


def stripped(box):
    program = build(box)
    box.run(["strip", program])
    path, text, said = write(box, program)
    expect("\n   fun:*alloc\n   obj:*/loses\n" in text, "the file is " + text)
    check(box, "--suppressions=" + path, "--", program, status=0)
    os.makedirs(box.path("elsewhere"))
    shutil.copy(program, box.path("elsewhere", "loses"))
    check(box, "--suppressions=" + path, "--", box.path("elsewhere", "loses"), status=0)


def many(box):
    program = build(box)
    path, text, said = write(box, "sh", "-c", "; ".join([program] * 4 + ["exit 0"]))
    expect("max-bytes=12000 max-blocks=12\n" in text, "the file is " + text)
    expect_equal(text.count("Memcheck:Leak"), 3, "blocks in " + text)


def builtin(box):
    program = box.compile(box.write("ccs.c", CCS))
    result = check(box, "--format=json", "--", program, status=0)
    document = json.loads(result.stderr)
    expect_equal([(entry["file"], entry["state"], entry["sites"])
                  for entry in document["suppressions"]], [("built in", "used", 2)], "those used")
    expect_equal(document["suppressed"], 0, "what the user has suppressed")
    text = check(box, "--", program, status=0).stderr
    expect(b"nothing found" in text and b"suppress" not in text, "it says %r" % text)
    text = check(box, "--no-builtin-suppressions", "--", program, status=1).stderr
    expect(b"lost at 2 sites" in text, "it says %r" % text)
    # Of one that is not needed nothing is said.
    document = json.loads(check(box, "--format=json", "--", "true", status=0).stderr)
    expect_equal(document["suppressions"], [], "those that are not needed")


def in_report(box):
    program = box.compile(box.write("ccs.c", CCS))
    box.seep("run", "-q", "--scan=exit", "-o", box.path("out.seep"), "--", program)
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("2 leaks are known and not flagged: " in text and
           "    built in: conversions of a stream that fopen has opened with ccs=: " in text and
           "No site stands out but what is known" in text, "the report is " + text)
    text = box.seep("report", "--no-builtin-suppressions", box.path("out.seep")).stdout.decode()
    expect("known" not in text and "1. LOST" in text, "without them it is " + text)
    for option, names in ((), {"built in"}), (("--no-builtin-suppressions",), set()):
        answer = box.seep("report", "--format=json", *option, box.path("out.seep"))
        sites = json.loads(answer.stdout)["sites"]
        expect_equal({site["suppressed_by"]["file"] for site in sites
                      if site["suppressed_by"]}, names, "what is suppressed")
        expect_equal(any(site["flagged"] for site in sites), not names, "whether some is flagged")
    os.mkdir(box.path("folder"))
    os.link(box.path("out.seep"), box.path("folder", "out.seep"))
    text = box.seep("report", box.path("folder")).stdout.decode()
    expect("none leaks" in text, "of a folder it says " + text)


def in_run(box):
    def run(*words):
        result = box.seep("run", "--scan=exit", "-o", box.path("out.seep"), *words)
        return result.returncode, result.stderr.decode()

    program = box.compile(box.write("ccs.c", CCS))
    status, text = run("--error-exitcode=9", "--", program)
    expect("seep: 2 known leaks are not flagged, " in text and
           ": conversions of a stream that fopen has opened with ccs= (built in)\n" in text and
           "definitely lost" not in text, "it says " + text)
    expect_equal(status, 0, "the exit status")
    status, text = run("--error-exitcode=9", "--no-builtin-suppressions", "--", program)
    expect("known" not in text and "definitely lost" in text, "without them it says " + text)
    expect_equal(status, 9, "the exit status without them")
    # What is written down is known, what else is lost is not; in children, too.
    known = box.write("known.supp", "leak:third\nleak:make\nleak:more\n")
    words = ("--suppressions=" + known, "--", "sh", "-c", "%s 2 x; exit 0" % build(box))
    status, text = run("--error-exitcode=9", *words)
    expect("seep: 3 known leaks are not flagged, 2.07 KiB in 4 blocks: third (%s:1) and 2 more\n"
           % known in text and "which leaks, in loses" in text, "with them it says " + text)
    expect_equal(status, 9, "the exit status for what is not")
    with open(known, "a") as file:
        file.write("leak:chain\n")
    status, text = run("--error-exitcode=9", *words)
    expect("none leaks" in text and "5 known leaks are not" in text, "with all it says " + text)
    expect_equal(status, 0, "the exit status with all")
    result = box.seep("run", "--suppressions=nowhere", "--", "touch", box.path("has_run"))
    expect_equal((result.returncode, os.path.exists(box.path("has_run"))), (2, False),
                 "what comes of a file that is not there")
