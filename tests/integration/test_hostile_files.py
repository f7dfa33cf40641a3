# SPDX-License-Identifier: Apache-2.0
"""test_hostile_files: whatever is in a file, seep ends by itself, and complains in one line.

Files of every kind are recorded, changed at random with right checksums, and given to all commands
that read one. The seed is printed; SEEP_TEST_SEED repeats it. tests/fuzz goes deeper.
"""

import json
import os
import random

import hostile_snapshot
from sandbox import Failed, expect

PROGRAM = """\
#include <stdlib.h>
#include <unistd.h>
static void *kept[64];
__attribute__((noinline)) static void *make(size_t bytes) { return malloc(bytes); }
int main(void)
{
    for (int i = 0; i < 60; i++) {
        char *volatile lost = make(100);
        lost = NULL;
        kept[i] = realloc(make(10 + i), 200);
        free(kept[i / 2]);
        kept[i / 2] = lost;
        usleep(2000);
    }
    return 0;
}
"""
# Its calls are looked at in its own file; it is ended by what it frees last.
FREES_WRONGLY = """\
#include <cstdlib>
static char *volatile block;
__attribute__((noinline)) static char *make() { return new char[400]; }
__attribute__((noinline)) static void drop(char *what) { free(what); asm volatile(""); }
int main()
{
    for (int i = 0; i < 600; i++) {
        block = make();
        drop(block);
    }
    block = make();
    drop(block + 64);
}
"""
KINDS = {
    "plain": ["--interval=10ms"],
    "scanned": ["--interval=20ms", "--scan=exit"],
    "sampled": ["--interval=10ms", "--sample=500"],
    "watched": ["--interval=10ms", "--max-live=1K", "--max-site-live=500", "--track=mmap"],
    "checked": ["--interval=30ms", "--selfcheck"],
}
READERS = (
    ["report"],
    ["report", "--format=json"],
    ["report", "--top=0", "--full-stacks", "--all", "--max-site-live=1", "--no-symbols"],
    ["check", "--fail-on=lost,leak,growth,budget,misuse", "--max-live=1K"],
    ["check", "--format=json"],
    ["check", "--format=junit", "--all"],
    ["check", "--format=sarif"],
    ["check", "--format=gitlab"],
    ["diff"],
    ["diff", "--format=json", "--no-symbols"],
    ["snapshots"],
    ["export", "--format=folded"],
    ["export", "--format=folded", "--lost", "--no-symbols"],
)
IS_JSON = ("--format=json", "--format=sarif", "--format=gitlab")
FILES = 60
FILES_IN_FULL = 2000


def tests():
    yield "no changed file ends a command by a signal or in many words", changed_files


def record(box):
    box.write("works.c", PROGRAM)
    result = box.run(["cc", "-O1", "-g", "-o", box.path("works"), box.path("works.c")])
    expect(result.returncode == 0, result.stderr)
    files = []
    for kind, options in KINDS.items():
        box.seep_run([box.path("works")], *options, output=kind + ".seep")
        with open(box.path(kind + ".seep"), "rb") as file:
            files.append(file.read())
    result = box.run(["c++", "-O1", "-g", "-w", "-o", box.path("frees"),
                      box.write("frees.cc", FREES_WRONGLY)])
    expect(result.returncode == 0, result.stderr)
    box.seep_run([box.path("frees")], output="frees.seep")
    wrong_frees = box.wait_for_end("frees.seep")["wrong_frees"]
    expect([wrong["kind"] for wrong in wrong_frees] == ["fatal", "family"], wrong_frees)
    with open(box.path("frees.seep"), "rb") as file:
        files.append(file.read())
    return files


def is_harmless(text):
    return all(character == "\n" or character.isprintable() or ord(character) >= 0xa0
               for character in text)


def judge(words, result):
    """What is wrong with how it ended, or None."""
    if result.returncode not in (0, 1, 2):
        return "status %d: %r" % (result.returncode, result.stderr[-400:])
    try:
        out, error = result.stdout.decode(), result.stderr.decode()
    except UnicodeDecodeError as reason:
        return "no UTF-8: %s" % reason
    if result.returncode == 2 and (error.count("\n") != 1 or not error.startswith("seep: ")):
        return "status 2, and stderr is %r" % error[:400]
    if any(word in IS_JSON for word in words):
        if out:
            json.loads(out)
    elif not is_harmless(out) and "--format=junit" not in words:
        return "what a terminal obeys: %r" % out[:400]
    return None


def changed_files(box):
    seed = int(os.environ.get("SEEP_TEST_SEED") or random.randrange(10 ** 6))
    chance, files = random.Random(seed), record(box)
    count = FILES_IN_FULL if box.is_full else FILES
    for number in range(count):
        box.write("hostile.seep", hostile_snapshot.changed(chance, chance.choice(files)))
        words = chance.choice(READERS)
        wrong = judge(words, box.seep(*words, box.path("hostile.seep"), timeout=30))
        if wrong:
            kept = os.path.join(os.environ.get("TMPDIR", "/tmp"), "seep-hostile-%d.seep" % seed)
            os.replace(box.path("hostile.seep"), kept)
            raise Failed("seed %d, file %d: seep %s %s: %s" % (seed, number, " ".join(words), kept,
                                                            wrong))
    box.note("%d files, seed %d" % (count, seed))
