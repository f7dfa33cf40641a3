# SPDX-License-Identifier: Apache-2.0
"""test_reload: what a plug-in allocated stays its own when another one lies where it lay."""

import collections
import functools
import re

from case_program import plain_name
from sandbox import clip, expect, expect_equal

GENERATIONS = 8  # a power of two: then every odd step leads to all of them

# The same code in each, at the same addresses, but for the sizes of the frames.
PLUGIN = """
#include <stdlib.h>
typedef void *allocate(void);
__attribute__((noinline, noclone)) static void *leak_of_generation_%(number)d(void)
{
    volatile char room[%(inner)d];
    void *block;
    room[0] = 1;
    block = malloc(1000);
    room[1] = 2;
    return block;
}
void run_generation_%(number)d(void **kept, allocate *callback);
void run_generation_%(number)d(void **kept, allocate *callback)
{
    volatile char room[%(outer)d];
    room[0] = 1;
    kept[0] = leak_of_generation_%(number)d();
    kept[1] = callback();
    room[1] = 2;
}
"""

# What iconv loads for an encoding; its first function is called each time.
CONVERTER = """
#include <gconv.h>
#include <stdlib.h>
__attribute__((noinline, noclone)) static void *leak_of_generation_%(number)d(void)
{
    volatile char room[%(inner)d];
    void *block;
    room[0] = 1;
    block = malloc(1000);
    room[1] = 2;
    return block;
}
int gconv_init(struct __gconv_step *step);
int gconv_init(struct __gconv_step *step)
{
    volatile char room[%(outer)d];
    void *volatile block = leak_of_generation_%(number)d();
    room[0] = block != NULL;
    step->__min_needed_from = step->__max_needed_from = 1;
    step->__min_needed_to = step->__max_needed_to = 4;
    step->__stateful = 0;
    return __GCONV_OK;
}
int gconv(void);
int gconv(void)
{
    return __GCONV_EMPTY_INPUT;
}
"""


def tests():
    for threads in (1, 3):
        yield "plug-ins at the same addresses keep their blocks (%d threads)" % threads, \
            functools.partial(check, threads)
    yield "modules that libc itself unloads keep their blocks", check_converters


def build(box):
    """The plug-ins and the program. In every second one both frames together have the same size,
    so that the program is called back from the same place on the stack."""
    for number in range(1, GENERATIONS + 1):
        inner = 400 + 64 * number
        source = box.write("generation_%d.c" % number, PLUGIN % {
            "number": number, "inner": inner, "outer": 2000 - (inner if number % 2 else 1000)})
        box.compile(source, "-O1", "-shared", "-fPIC", output="generation_%d.so" % number)
    return box.compile("reloads_plugins.c", "-O1", "-pthread", "-ldl")


def blocks_by_stack(report, user):
    """Live blocks by the names of the functions up to `user`, of stacks that go through a module."""
    blocks = collections.Counter()
    for site in report["sites"]:
        names = tuple(plain_name(frame["function"]) for frame in site["stack"])
        if any("generation" in name for name in names):
            blocks[names[:names.index(user) + 1] if user in names else names] += \
                site["live_blocks"]
    return blocks


def expect_blocks(found, wanted):
    wrong = {stack: (found[stack], wanted.get(stack, 0)) for stack in sorted({*found, *wanted})
             if found[stack] != wanted.get(stack, 0)}
    expect(not wrong, "live blocks and how many there should be, by stack: %s" % clip(wrong))


def check(threads, box):
    program = build(box)
    rounds = 100 if box.is_full else 12
    result = box.seep_run([program, threads, rounds, GENERATIONS])
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    loads, same = map(int, re.findall(rb"\d+", result.stdout))
    box.note("%d loads, %d of them at the address of the last one" % (loads, same))
    expect(same > loads / 4, "only %d of %d plug-ins lie where the last one lay" % (same, loads))
    report = box.report()
    expect_equal([report["lost"][what] for what in ("blocks", "stacks", "cut_stacks")], [0, 0, 0],
                 "what was lost")
    wanted = {}
    for number in range(1, GENERATIONS + 1):
        outer = "run_generation_%d" % number
        wanted["leak_of_generation_%d" % number, outer, "use_plugin"] = threads * rounds
        wanted["allocate_in_program", outer, "use_plugin"] = threads * rounds
    expect_blocks(blocks_by_stack(report, "use_plugin"), wanted)


def check_converters(box):
    lines = []
    for number in range(1, GENERATIONS + 1):
        inner = 400 + 64 * number
        source = box.write("converter_%d.c" % number, CONVERTER % {
            "number": number, "inner": inner, "outer": 2000 - (inner if number % 2 else 1000)})
        box.compile(source, "-O1", "-shared", "-fPIC", output="converter_%d.so" % number)
        lines.append("module SEEP-%d// INTERNAL converter_%d 1\n" % (number, number))
    box.write("gconv-modules", "".join(lines))
    rounds = 100 if box.is_full else 12
    result = box.seep_run([box.compile("opens_converters.c", "-O1"), rounds, GENERATIONS],
                          environment={"GCONV_PATH": box.folder})
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = box.report()
    expect_equal([report["lost"][what] for what in ("blocks", "stacks", "cut_stacks")], [0, 0, 0],
                 "what was lost")
    found = collections.Counter()
    for stack, blocks in blocks_by_stack(report, "use_converter").items():
        # With or without debug information there are other frames of libc in between.
        found[stack[0], stack[1], stack[-1]] += blocks
    expect_blocks(found, {("leak_of_generation_%d" % number, "gconv_init", "use_converter"): rounds
                          for number in range(1, GENERATIONS + 1)})
