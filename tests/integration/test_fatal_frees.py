# SPDX-License-Identifier: Apache-2.0
"""test_fatal_frees: where libc ends the program because of what it gives to free, the file says
who did; where something else ends it, nobody is accused. The program sees no difference."""

import functools
import json
import re

from sandbox import expect, expect_equal, functions_of

TWICE = "free(): double free detected in tcache 2"
INVALID = "free(): invalid pointer"


def tests():
    for how, message, frames in (
            ("twice", TWICE, ["drop", "drop_twice", "main"]),
            ("inside", INVALID, ["drop", "drop_inside", "main"]),
            ("stack", INVALID, ["drop", "main"]), ("global", INVALID, ["drop", "main"]),
            ("arena", "double free or corruption (!prev)", ["drop", "drop_large_twice", "main"]),
            ("threads", TWICE, ["drop", "drop_twice"])):
        yield "who frees is known: " + how, functools.partial(fatal, how=how, message=message,
                                                              frames=frames)
    for how in ("large", "arena, with threads", "again", "abort", "assert", "caught",
                "caught, then ended", "vfork child", "vfork child, then ended", ""):
        yield "nobody is accused: " + (how or "nothing is wrong"), functools.partial(silent,
                                                                                     how=how)
    for options in (["--snapshots-by=thread"], ["--snapshots-by=inline"], ["--sample=64"]):
        yield "nobody is accused with " + options[0], functools.partial(
            silent, how="twice", options=options)
    yield "a forked child is accused, and not its parent", child
    yield "in C++ delete is named", deletes
    yield "a check fails, and its text says why", check
    yield "the text names the block that it points into", text


def build(box):
    return box.compile("frees_what_is_no_block.c", "-O1", "-pthread", "-Wno-free-nonheap-object",
                       "-Wno-use-after-free")


def run(box, program, how, options=()):
    """As alone: status, output, and what libc says."""
    alone = box.run([program, how])
    result = box.seep_run([program, how], *options)
    status = 128 - alone.returncode if alone.returncode < 0 else alone.returncode
    expect_equal((result.returncode, result.stdout, result.stderr),
                 (status, alone.stdout, alone.stderr), "what the program did")
    box.wait_for_end()
    return box.report()["wrong_frees"]


def fatal(box, how, message, frames):
    (wrong,) = run(box, build(box), how)
    expect_equal((wrong["kind"], wrong["message"], wrong["freed_with"], wrong["allocated_with"]),
                 ("fatal", message, "free", None), "what is said")
    functions = functions_of({"stack": wrong["freed_by"]})
    expect_equal(functions[:len(frames)], frames, "who frees")
    if how == "inside":
        expect_equal(wrong["block"], {"bytes": 400, "offset": 64}, "the block")
        expect_equal(functions_of({"stack": wrong["allocated_by"]})[:2], ["make", "drop_inside"],
                     "who allocated that")
    else:
        expect_equal((wrong["block"], wrong["allocated_by"]), (None, []), "the block")


def silent(box, how, options=()):
    expect_equal(run(box, build(box), how, options), [], "who is accused")


def child(box):
    expect_equal(run(box, build(box), "child"), [], "who is accused in the parent")
    (path,) = [path for path in box.seep_files() if not path.endswith("/out.seep")]
    (wrong,) = box.report(path)["wrong_frees"]
    expect_equal((wrong["message"], functions_of({"stack": wrong["freed_by"]})[1]),
                 (TWICE, "drop_twice"), "what the child did")
    summary = box.seep("run", "-o", "x.seep", "--", box.path("frees_what_is_no_block"),
                       "child").stderr.decode()
    wanted = ("seep: and 1 child process, none leaks: seep report x.children\n"
              "seep: and wrong frees in 1 of them\n")
    expect(wanted in summary and re.search(r"^seep:     \S+ \(\d+\), wrong free$", summary, re.M),
           "the summary says " + summary)


def deletes(box):
    source = box.write("deletes.cc", """
        __attribute__((noinline)) void drop(long *block) { delete block; asm(""); }
        int main() { long *block = new long; drop(block); drop(block); }
        """)
    program = box.compile(source, "-O1", "-w")
    (wrong,) = run(box, program, "")
    expect_equal((wrong["freed_with"], wrong["message"]), ("delete", TWICE), "what is said")


def check(box):
    program = build(box)
    result = box.seep("check", "--", program, "twice")
    text_of = result.stderr.decode()
    expect_equal(result.returncode, 1, "the status: " + text_of)
    expect("The program was ended by a free: %s.\n" % TWICE in text_of, text_of)
    expect(text_of.endswith("failed: 1 wrong free\n"), text_of)
    expect_equal(box.seep("check", "--fail-on=lost", "--", program, "twice").returncode, 134,
                 "the status where that does not fail it")
    known = box.write("known.supp", "{\n   name\n   Memcheck:Free\n   fun:free\n   fun:drop\n"
                      "   fun:drop_twice\n}\n")
    expect_equal(box.seep("check", "--suppressions=" + known, "--", program, "twice").returncode,
                 134, "the status where it is known")
    box.seep("check", "--format=valgrind", "-o", box.path("log"), "--", program, "inside")
    with open(box.path("log")) as file:
        words = file.read()
    expect("Invalid free() / delete / delete[] / realloc()\n" in words
           and "Mismatched" not in words, words)
    box.seep("check", "--format=json", "-o", box.path("answer"), "--", program, "inside")
    with open(box.path("answer")) as file:
        answer = json.load(file)
    expect(re.match(r"misuse: free\(\): invalid pointer, 64 bytes into a block of 400 bytes at drop "
                    r"frees_what_is_no_block.c:\d+$", answer["findings"][0]["title"]), answer)


def text(box):
    run(box, build(box), "inside")
    lines = box.seep("report", box.path("out.seep")).stdout.decode().splitlines()
    first = [index for index, line in enumerate(lines)
             if line.startswith("The program was ended by a free: ")][0]
    expect_equal(" ".join(lines[first:first + 2]), "The program was ended by a free: free(): "
                 "invalid pointer, 64 bytes into a block of 400 bytes.", "the sentence")
    expect("    the block was allocated by" in lines, lines)
    expect(not any(line.startswith("  missed") for line in lines),
           "it is said to be missed, too: %s" % lines)
