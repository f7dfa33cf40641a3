# SPDX-License-Identifier: Apache-2.0
"""test_lsan: a program that was written for LeakSanitizer is understood, and seep.h says the same."""

import functools

import snapshot_file
from sandbox import expect, expect_equal


def tests():
    yield "what a program asks and says is answered as LeakSanitizer would", asks_and_says
    yield "without seep the same program does nothing of it", alone
    yield "what does not want to be looked at is not", is_turned_off
    for options in ("detect_leaks=0", "exitcode=3:detect_leaks=0", "detect_leaks=1 detect_leaks=no"):
        yield ("nor with the option " + options, functools.partial(is_turned_off, options))
    for options in ("", "nodetect_leaks=0", "detect_leaks=0:detect_leaks=1", "detect_leaks="):
        yield ("but it is with the option '%s'" % options, functools.partial(is_on, options))
    yield "what a function has lost is found, though its variables are still on the stack", stale
    yield "what a program calls known is known, in its children too", has_suppressions


def asks_and_says(box):
    program = box.compile("asks_for_leak_checks.c", "-O1", "-g", "-pthread",
                          "-fno-optimize-sibling-calls")
    ended = box.seep_run([program], "--scan=exit")
    # A leak check of the program's own never ends it.
    expect_equal(ended.returncode, 0, "the exit status")
    expect_equal(ended.stdout.decode().splitlines(),
                 ["first of all", "nothing 0 0", "ignored 0 0", "one 1 1",
                  "in a child 1 1", "and then 2 1", "three 3 1"], "what it is told")
    box.wait_for_end()
    scans = snapshot_file.read(box.path("out.seep")).of_type(snapshot_file.SCAN)
    expect(scans, "there is no scan in the file")
    scan = snapshot_file.read(box.path("out.seep")).scan()
    # The check at the end was the first call of __lsan_do_leak_check; what was lost then is not in it.
    expect_equal((scan["reason"], scan["definitely"]), ("request", (3, 40 + 72 + 73)),
                 "(reason, lost) of the last scan")


def stale(box):
    source = box.write("loses.c", """\
#include <stdlib.h>
#include "seep.h"
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
#define APART __attribute__((noipa))
APART static void spread(void *block)
{
    void *volatile words[200];
    for (int i = 0; i < 200; i++)
        words[i] = block;
}
APART static void lose(void) { spread(malloc(40)); }
int main(int argc, char **argv)
{
    long long moment = seep_moment();
    (void)argv;
    lose();
    return argc == 1 ? (int)seep_check() : argc == 2 ? __lsan_do_recoverable_leak_check()
        : (int)seep_check_since(moment);
}
""")
    for level in ("-O0", "-O2"):
        program = box.compile(source, level)
        for words in ([], ["lsan"], ["since", "then"]):
            result = box.seep_run([program, *words])
            expect_equal(result.returncode, 1, "what %s finds, with %s," % (words, level))


def alone(box):
    program = box.compile("asks_for_leak_checks.c", "-O1", "-g", "-pthread")
    ended = box.run([program])
    expect_equal((ended.returncode, ended.stdout), (0, b"alone 0\n"), "(status, output)")


def run_off(box, options):
    flags = [] if options is None else ['-DOPTIONS="%s"' % options]
    program = box.compile("turns_leak_checks_off.c", "-O1", "-g", "-rdynamic", *flags)
    ended = box.seep_run([program], "--scan=exit")
    expect_equal(ended.returncode, 0, "the exit status")
    box.wait_for_end()
    scan = snapshot_file.read(box.path("out.seep")).scan()
    return ended.stdout.decode(), None if scan is None else scan["definitely"]


def is_turned_off(*arguments):
    box, options = arguments[-1], arguments[0] if len(arguments) > 1 else None
    expect_equal(run_off(box, options), ("0\n", None), "(what it is told, the scan)")


def is_on(options, box):
    expect_equal(run_off(box, options), ("1\n", (1, 40)), "(what it is told, the scan)")


def has_suppressions(box):
    program = box.compile("has_suppressions_of_its_own.c", "-O1", "-g", "-rdynamic",
                          "-fno-optimize-sibling-calls")
    for arguments, status in (((), 0), (("too",), 1)):
        ended = box.seep("check", "--", program, *arguments)
        expect_equal(ended.returncode, status, "the exit status with %r" % (arguments,))
        text = ended.stderr.decode()
        expect("lose_knowingly" not in text.replace("leak:lose_knowingly", ""),
               "what is known is flagged: " + text)
        expect(("lose_unknowingly" in text) == bool(status), "it says " + text)
