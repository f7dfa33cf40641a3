# SPDX-License-Identifier: Apache-2.0
"""test_twins: two sites of one function have ids of their own, the same in the next build."""

import functools
import json

from sandbox import expect, expect_equal
from test_check import check

# One function that allocates for two things. %s: what stands above; in it; how often each loses.
TWICE = """\
#include <stdlib.h>
#include <string.h>
%s
__attribute__((noinline)) static void *make(size_t bytes)
{
    return memset(malloc(bytes), 1, bytes);
}
static inline void *of_client(int number) { return make(1000 + (size_t)number); }
__attribute__((noinline)) static void serve(void)
{
    void *volatile block;
    %s
    for (volatile int i = 0; i < %d; i++)
        block = of_client(i);
    for (volatile int i = 0; i < %d; i++)
        block = of_client(5000 + i);
    for (volatile int i = 0; i < 3; i++)
        free(make(70));
    block = NULL;
}
int main(void)
{
    serve();
    return 0;
}
"""

BUILDS = {
    "with a function and lines above": ("int above(int i) { return i * 3; }\n\n\n", ["-O0"]),
    "built with -O2": ("", ["-O2"]),
    "built with -O3, with lines above": ("\n\n\n\n", ["-O3", "-funroll-loops"]),
}


def tests():
    yield "two calls of one function have two ids, whatever a report shows", two_ids
    for what, change in BUILDS.items():
        yield "they are found again in a program " + what, functools.partial(same_ids, change)
    yield "a baseline knows each by itself: one that becomes worse fails", baseline
    yield "a diff compares each with itself", diff
    yield "and where one was added, both together", diff_of_more


def build(box, name, above="", within="", first=3, second=4, flags=("-O0",)):
    source = box.write("twice.c", TWICE % (above, within, first, second))
    return box.compile(source, *flags, output=name)


def record(box, name, **others):
    path = box.path(name + ".seep")
    result = box.seep_run([build(box, name, **others)], "--scan=exit", output=name + ".seep")
    expect_equal(result.returncode, 0, "the exit status")
    return path


def ids(box, path, *options):
    """By bytes that are lost."""
    report = json.loads(box.seep("report", "--format=json", *options, path).stdout)
    return {site["id"]: site["live_bytes"] for site in report["sites"] if site["live_blocks"]}


FIRST, SECOND = 3003, 24006


def two_ids(box):
    path = record(box, "program")
    found = ids(box, path)
    expect_equal(sorted(found.values()), [FIRST, SECOND], "bytes of the sites")
    for options in (["--top=1"], ["--top=2"], ["--top=0"]):
        shown = ids(box, path, *options)
        expect(shown.items() <= found.items(), "with %s the ids are %s, without %s"
               % (options, shown, found))


def same_ids(change, box):
    above, flags = change
    before = ids(box, record(box, "before"))
    after = ids(box, record(box, "after", above=above, flags=flags))
    expect_equal(after, before, "the ids")


def baseline(box):
    options = ("--baseline=" + box.path("known.baseline"),)
    check(box, *options, "--update-baseline", "--", build(box, "loses"), status=0)
    with open(box.path("known.baseline")) as file:
        lines = file.read().splitlines()
    expect_equal(len(lines), 3, "lines of the baseline")
    above, flags = BUILDS["built with -O3, with lines above"]
    check(box, *options, "--", build(box, "loses", above=above, flags=flags), status=0)
    # As much is lost as was, but by the other one.
    check(box, *options, "--", build(box, "loses", first=7, second=0), status=1)
    # Only one of them is found, and was called: it is as it was, although now it is the first.
    text = check(box, *options, "--", build(box, "loses", first=0), status=0).stderr.decode()
    expect_equal(text.count("does not occur any more"), 1, "entries that are gone in " + text)


def changes(box, old, new):
    document = json.loads(box.seep("diff", "--format=json", old, new).stdout)
    return sorted(site["delta"]["bytes"] for site in document["sites"])


def diff(box):
    old = record(box, "old")
    above, flags = BUILDS["with a function and lines above"]
    expect_equal(changes(box, old, record(box, "same", above=above)), [], "what changed")
    new = record(box, "new", above=above, first=5, second=4)
    expect_equal(changes(box, old, new), [1003 + 1004], "what changed of one")


def diff_of_more(box):
    old = record(box, "old")
    new = record(box, "new", within="block = of_client(96);")
    expect_equal(changes(box, old, new), [1096], "what changed of all together")
