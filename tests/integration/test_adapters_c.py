# SPDX-License-Identifier: Apache-2.0
"""test_adapters_c: tests of cmocka and Check fail by their name when they lose memory.

The programs are those of examples/, with the frameworks themselves. Each has tests that lose memory
and their clean twins, a cache that is filled once, fixtures that free all or not all, a body that
grows, and a test that fails anyway. A framework that is not there is a skip.
"""

import functools
import os
import re
import xml.etree.ElementTree as ElementTree

from sandbox import ROOT, Skipped, clip, expect, expect_equal

# A test that ends with a call is to be in the stack.
FLAGS = ["-fno-optimize-sibling-calls", "-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror",
         "-I" + os.path.join(ROOT, "examples", "session_tests"),
         os.path.join(ROOT, "examples", "session_tests", "sessions.c")]
# How it is compiled decides what is left over on the stack, where it would hold what is lost.
WAYS = ("-O0", "-O2", "-O1 -no-pie")


def tests():
    for way in WAYS:
        yield "cmocka's tests that lose memory fail, no others, with %s" % way, \
            functools.partial(cmocka, way)
        yield "Check's tests that lose memory fail, no others, with %s" % way, \
            functools.partial(check, way)
    yield "Check without its processes finds the same", check_without_fork
    yield "without seep the programs are as ever", without
    yield "a test that fails anyway says no more", fails_anyway
    yield "the fixtures for single tests and groups of cmocka find what is lost", cmocka_fixtures
    yield "a group's state and an initial state are what the program has made", cmocka_state
    yield "the adapters are switched on by the compiler's command line alone", forced
    yield "what cannot be checked is said, and fails nothing", unchecked
    yield "findings that are too long for cmocka's messages are all printed", long_findings


def flags_of(box, package):
    result = box.run(["pkg-config", "--cflags", "--libs", package])
    if result.returncode != 0:
        raise Skipped("no " + package)
    return result.stdout.decode().split()


def program(box, framework, way="-O1", source=None):
    name = {"cmocka": "test_sessions", "check": "check_sessions"}[framework]
    source = source or os.path.join(ROOT, "examples", framework, name + ".c")
    return box.compile(source, *FLAGS, *way.split(), *flags_of(box, framework))


def watched(box, words, status, *options, **others):
    """What a run under seep prints; seep itself prints nothing."""
    result = box.seep_run(words, *options, **others)
    text = (result.stdout + result.stderr).decode()
    expect_equal(result.returncode, status, "the status (output %s)" % text[-3000:])
    return text


def places(box, text):
    """The stacks of all findings as functions with file and line, whoever looks them up."""
    stacks = []
    for finding in re.split(r"^\d.* allocated at\n", text, flags=re.M)[1:]:
        lines = re.match(r"(?:    .*\n)*", finding)[0].splitlines()
        stack = []
        for line in lines:
            address = re.match(r"    (/.*)\+(0x[0-9a-f]+)$", line)
            stack.append(line if not address else box.run(
                ["addr2line", "-fis", "-e", *address.groups()]).stdout.decode())
        stacks.append("\n".join(stack))
    return stacks


def expect_places(box, text, *wanted):
    stacks = places(box, text)
    expect_equal(len(stacks), len(wanted), "the number of findings in " + clip(text))
    for words, stack in zip(wanted, stacks):
        missing = [word for word in words if word not in stack]
        expect(not missing, "%s is not in the stack %s" % (missing, stack))


# ---- cmocka --------------------------------------------------------------------------------------

CMOCKA_TESTS = ("closes_short_names", "closes_long_names", "fills_a_cache_once", "uses_list",
                "uses_list_whose_end_is_forgotten", "closes_them_again_and_again",
                "forgets_one_in_every_round", "is_skipped")
CMOCKA_LEAKS = ("closes_long_names", "forgets_one_in_every_round",
                "uses_list_whose_end_is_forgotten")


def cmocka_results(text):
    return {name: word for word, name in
            re.findall(r"^\[ +(OK|FAILED|SKIPPED|ERROR) +\] ([a-z_]+)$", text, re.M)}


def cmocka_wanted(leaks):
    return {name: "SKIPPED" if name == "is_skipped" else "OK" if name not in leaks else
            "ERROR" if name == "uses_list_whose_end_is_forgotten" else "FAILED"
            for name in CMOCKA_TESTS}


def cmocka(way, box):
    path = program(box, "cmocka", way)
    text = watched(box, [path], 3)
    expect_equal(cmocka_results(text), cmocka_wanted(CMOCKA_LEAKS), "the results")
    expect_places(box, text, ["sessions_open", "sessions.c:", "closes_long_names"],
                  ["make_list", "test_sessions.c:"],
                  ["sessions_open", "forgets_one_in_every_round"])
    expect_equal(re.findall(r"^(\d+ bytes) in \d+ blocks? definitely lost", text, re.M),
                 ["26 bytes", "100 bytes"], "what is lost")
    # cmocka's own lines with the names may be elsewhere: they are on stdout.
    expect_equal(re.findall(r"seep: (\w+) has lost memory$", text, re.M),
                 ["closes_long_names", "uses_list_whose_end_is_forgotten"], "who has lost it")
    # Beside the program's own status a check finds it, too.
    expect_equal(box.seep("check", "-q", "--", path).returncode, 1, "the status of seep check")


def check_results(text):
    return sorted(re.findall(r"^\S+:\d+:[FS]:([^:]+:[a-z_]+):0: (.*)$", text, re.M))


CHECK_LEAKS = [("list whose end is forgotten:uses_list", "seep: the test has lost memory"),
               ("names:closes_long_names", "seep: the test has lost memory"),
               ("names:forgets_one_in_every_round", "seep: it grows in every round")]


def check(way, box, **environment):
    path = program(box, "check", way)
    text = watched(box, [path], 1, environment=environment)
    expect("57%: Checks: 7, Failures: 3, Errors: 0\n" in text, "the sums are " + clip(text))
    expect_equal(check_results(text), CHECK_LEAKS, "the failures")
    expect_places(box, text, ["sessions_open", "sessions.c:", "closes_long_names_fn"],
                  ["sessions_open", "forgets_one_in_every_round_fn"],
                  ["make_list", "check_sessions.c:"])


def check_without_fork(box):
    check("-O2", box, CK_FORK="no")


# ---- both ----------------------------------------------------------------------------------------

def without(box):
    result = box.run([program(box, "cmocka")])
    expect_equal(result.returncode, 0, "cmocka's status")
    expect_equal(cmocka_results((result.stdout + result.stderr).decode()), cmocka_wanted(()),
                 "cmocka's results")
    result = box.run([program(box, "check")])
    expect_equal((result.returncode, result.stdout, result.stderr), (
        0, b"Running suite(s): sessions\n100%: Checks: 7, Failures: 0, Errors: 0\n", b""),
        "Check's (status, stdout, stderr)")


def fails_anyway(box):
    text = watched(box, [program(box, "cmocka"), "failing"], 1)
    expect('"this" != "that"' in text and "lost" not in text, "cmocka says " + text)
    path = program(box, "check")
    for fork in ("yes", "no"):
        text = watched(box, [path, "failing"], 1, environment={"CK_FORK": fork})
        expect_equal(len(check_results(text)), 1, "failures in " + text)
        expect("\"this\" == \"that\"' failed" in text and "lost" not in text, "Check says " + text)


def cmocka_fixtures(box):
    path = program(box, "cmocka", source=box.write("fixtures.c", """\
#include <seep/cmocka.h>
#include "sessions.h"
#include <stdlib.h>
static void loses(void **state) { (void)state; sessions_close(sessions_open("a long name")); }
static void loses_nothing(void **state) { (void)state; sessions_close(sessions_open("short")); }
int main(int argc, char **argv)
{
    const struct CMUnitTest single[] = {
        cmocka_unit_test_setup_teardown(loses, seep_cmocka_setup, seep_cmocka_teardown),
        cmocka_unit_test_setup_teardown(loses_nothing, seep_cmocka_setup, seep_cmocka_teardown)};
    const struct CMUnitTest leaking[] = {cmocka_unit_test(loses), cmocka_unit_test(loses_nothing)};
    const struct CMUnitTest clean[] = {cmocka_unit_test(loses_nothing)};
#define RUN(name, setup, teardown) \\
    _cmocka_run_group_tests(#name, name, sizeof(name) / sizeof(name[0]), setup, teardown)
    return argc < 2 ? 9
        : argv[1][0] == 's' ? RUN(single, NULL, NULL)
        : argv[1][0] == 'l' ? RUN(leaking, seep_cmocka_setup, seep_cmocka_teardown)
        : RUN(clean, seep_cmocka_setup, seep_cmocka_teardown);
}
"""))
    text = watched(box, [path, "single"], 1)
    expect_equal(cmocka_results(text), {"loses": "ERROR", "loses_nothing": "OK"}, "single tests")
    expect_places(box, text, ["sessions_open", "loses"])
    text = watched(box, [path, "leaking"], 0)
    # That a group's teardown has failed cmocka says, and does not count.
    expect("[  FAILED  ] GROUP TEARDOWN" in text, "of the group it says " + text)
    expect_places(box, text, ["sessions_open", "loses"])
    text = watched(box, [path, "clean"], 0)
    expect("TEARDOWN" not in text and "lost" not in text, "of the clean group it says " + text)


def cmocka_state(box):
    path = program(box, "cmocka", source=box.write("state.c", """\
#include <seep/cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int make(void **state) { *state = strdup("the group's"); return 0; }
static int end(void **state) { printf("%s ends\\n", (char *)*state); free(*state); return 0; }
static int own(void **state) { printf("%s is there; ", (char *)*state); *state = strdup("its own");
                               return 0; }
static int end_own(void **state) { printf("%s ends\\n", (char *)*state); free(*state); return 0; }
static void says(void **state) { printf("%s\\n", *state ? (char *)*state : "nothing"); }
static void needs_more(void **state)
{
    /* The group's own grows: that is no loss. */
    char *longer = malloc(100);
    *(char **)*state = longer;
}
static int make_room(void **state) { *state = calloc(1, sizeof(char *)); return 0; }
static int free_room(void **state) { free(*(char **)*state); free(*state); return 0; }
static int refuses(void **state) { (void)state; return -1; }
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says), cmocka_unit_test_prestate(says, "what it begins with"),
        cmocka_unit_test_setup_teardown(says, own, end_own)};
    const struct CMUnitTest growing[] = {cmocka_unit_test(needs_more)};
    const struct CMUnitTest refused[] = {cmocka_unit_test_setup(says, refuses)};
    setvbuf(stdout, NULL, _IONBF, 0);
    (void)argv;
    return argc == 1 ? cmocka_run_group_tests(tests, make, end)
        : argc == 2 ? cmocka_run_group_tests_name("a name", tests, NULL, NULL)
        : argc == 3 ? cmocka_run_group_tests(growing, make_room, free_room)
        : argc == 4 ? cmocka_run_group_tests(refused, NULL, NULL)
        : cmocka_run_group_tests(tests, refuses, NULL);
}
"""))
    for count, status in ((0, 0), (2, 0), (3, 1), (4, None)):
        words = [path] + ["x"] * count
        plain = box.run(words)
        result = box.seep_run(words)
        expect_equal((result.returncode, result.stdout, result.stderr),
                     (plain.returncode, plain.stdout, plain.stderr), "(status, stdout, stderr)")
        expect(status is None or plain.returncode == status, "the status is %d" % plain.returncode)
    text = box.run([path]).stdout.decode()
    expect("the group's ends" in text and "the group's is there; its own" in text,
           "nothing of the states is shown: " + text)


def forced(box):
    source = os.path.join(ROOT, "examples", "cmocka", "test_sessions.c")
    with open(source) as file:
        text = file.read()
    bare = text.replace("#include <seep/cmocka.h>\n", "")
    expect(bare != text, "the example does not include it")
    path = program(box, "cmocka", "-O1 -include seep/cmocka.h", box.write("bare.c", bare))
    expect_equal(cmocka_results(watched(box, [path], 3)), cmocka_wanted(CMOCKA_LEAKS),
                 "cmocka's results")
    source = os.path.join(ROOT, "examples", "check", "check_sessions.c")
    with open(source) as file:
        text = file.read()
    bare = text.replace("#include <seep/check.h>\n", "")
    expect(bare != text, "the example does not include it")
    path = program(box, "check", "-O1 -include seep/check.h", box.write("bare.c", bare))
    expect_equal(check_results(watched(box, [path], 1)), CHECK_LEAKS, "the failures")


def unchecked(box):
    # Where one block in many is recorded nobody can say which sites grow in every round.
    text = watched(box, [program(box, "cmocka")], 0, "--sample=1M")
    expect("seep: not checked" in text, "cmocka's does not say so: " + text)
    text = watched(box, [program(box, "check")], 0, "--sample=1M")
    expect("seep: not checked" in text and "100%: Checks: 7" in text,
           "Check's does not say so: " + text)


def long_findings(box):
    loses = "".join("__attribute__((noinline)) static void loses_%d(void) "
                    "{ free(malloc(%d)); held = malloc(%d); held = NULL; }\n" % (i, i + 1, i + 20)
                    for i in range(9))
    calls = "".join("loses_%d(); " % i for i in range(9))
    path = program(box, "cmocka", "-O0", box.write("many.c", """\
#include <seep/cmocka.h>
#include <stdlib.h>
static void *volatile held;
%s
static void loses(void **state) { (void)state; %s }
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
""" % (loses, calls)))
    text = box.run([path], box.preload(output=box.path("many.seep"))).stderr.decode()
    found = sorted(int(size) for size in re.findall(r"^(\d+) bytes in 1 block def", text, re.M))
    more = re.search(r"^and (\d+) more site", text, re.M)
    expect_equal(len(found) + (int(more[1]) if more else 0), 9, "the sites in " + text)
    expect("ERROR: seep: loses has lost memory" in text, "what failed is not said: " + text)
