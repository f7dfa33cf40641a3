# SPDX-License-Identifier: Apache-2.0
"""test_doctor: can a program be followed, and what is said of one that brings its own malloc."""

import functools
import os

from sandbox import CASES, LIBRARY, SEEP, Skipped, expect, expect_equal, stop

NO_LINES = "no debug information"
OWN_MALLOC = os.path.join(CASES, "tiny_allocator.c")

# What a program is made of: its flags, the status of doctor, words that must be said, and others
# that must not.
PROGRAMS = {
    "is well": (["-g"], 0, ["can be followed.", "functions and lines"], [NO_LINES, "malloc"]),
    "is stripped": (["-s"], 0, ["can be followed.", NO_LINES], ["functions and lines"]),
    "is static": (["-static"], 2, ["cannot be followed", "is statically linked"], []),
    "is static, and its address is not fixed": (["-static-pie"], 2, ["is statically linked"], []),
    "defines malloc": ([OWN_MALLOC], 0, ["followed in part.", "it defines malloc itself"], []),
    "has jemalloc inside": ([OWN_MALLOC, "extra.c"], 0, ["jemalloc is linked into it",
                                                         "nothing of it is seen"], []),
    "has jemalloc inside under another name": (["prefixed.c"], 0, [
        "jemalloc is linked into it", "what it allocates with je_malloc is not seen"], []),
    "has a sanitizer": (["-fsanitize=address"], 2, ["built with a sanitizer"], []),
}


def tests():
    for what in PROGRAMS:
        yield "a program that " + what, functools.partial(judge_program, what)
    yield "a script is what its interpreter is", judge_script
    yield "a static Go program is told from a C program", judge_go
    yield "nothing is started and nothing written", start_nothing
    yield "a folder that cannot be written", refuse_folder
    yield "no such program, no such process, no operand", refuse_operands
    yield "a process under seep", judge_followed
    yield "a process that is not under seep", judge_unfollowed
    yield "a process that lost the library on its way", judge_lost_library
    yield "run and check say that they saw nothing of an own malloc", see_nothing
    yield "a child with a malloc of its own does not look clean", see_nothing_of_child
    yield "what an own malloc passes on is seen", see_what_is_passed_on


def build(box, flags):
    box.write("extra.c", "int mallctl(void);\nint mallctl(void) { return 0; }\n")
    box.write("prefixed.c", "int je_mallctl(void);\nint je_mallctl(void) { return 0; }\n")
    return box.compile("keeps_three_blocks.c", *flags)


def doctor(box, *operands, status):
    result = box.seep("doctor", *operands)
    expect_equal((result.returncode, result.stderr), (status, b""), "status and stderr")
    # Lines are broken where the terminal ends.
    return " ".join(result.stdout.decode().split())


def expect_words(text, said, unsaid=()):
    for words in said:
        expect(words in text, "not said: %r in %r" % (words, text))
    for words in unsaid:
        expect(words not in text, "said: %r in %r" % (words, text))


def judge_program(what, box):
    flags, status, said, unsaid = PROGRAMS[what]
    program = build(box, flags)
    expect_words(doctor(box, program, status=status), said, unsaid)


def judge_script(box):
    script = box.write("script", "#!%s\n" % build(box, ["-static"]))
    os.chmod(script, 0o755)
    expect_words(doctor(box, script, status=2), ["is statically linked"])
    script = box.write("other", "#!/bin/sh\n")
    os.chmod(script, 0o755)
    expect_words(doctor(box, script, status=0), ["it is a script that /bin/sh runs",
                                                 "not about what the script starts"])


def judge_go(box):
    """As Go's linker marks them."""
    source = box.write("go.s", '.section .go.buildinfo, "aw"\n.quad 0\n')
    text = doctor(box, build(box, ["-static", source]), status=2)
    expect_words(text, ["is a Go program that is statically linked", "its own heap profiles"],
                 ["without -static"])


def start_nothing(box):
    program = build(box, ["-g"])
    box.write("marker", "#!/bin/sh\ntouch started\n")
    os.chmod(box.path("marker"), 0o755)
    before = sorted(os.listdir(box.folder))
    doctor(box, program, status=0)
    doctor(box, box.path("marker"), "argument", status=0)
    expect_equal(sorted(os.listdir(box.folder)), before, "files in the folder")


def refuse_folder(box):
    program = build(box, ["-g"])
    result = box.run_as_nobody([SEEP, "doctor", program], {"SEEP_LIBRARY": LIBRARY})
    text = " ".join(result.stdout.decode().split())
    expect_equal(result.returncode, 2, "status")
    expect_words(text, ["snapshots cannot be written to this folder: Permission denied",
                        "seep run -o FILE"])


def refuse_operands(box):
    for operands, why in ((["./no-such"], b"there is no program './no-such'"),
                          (["4194305"], b"there is no process 4194305"),
                          ([], b"no PROGRAM or PID was given")):
        result = box.seep("doctor", *operands)
        expect_equal((result.returncode, result.stdout), (2, b""), "status and stdout")
        expect(why in result.stderr and result.stderr.count(b"\n") == 1,
               "not one line with %r: %r" % (why, result.stderr))


def start_waiting(box, environment):
    """A program that runs until the test ends it, known to be past its start."""
    process = box.start(["/bin/sh", "-c", "echo ready; exec sleep 60"], environment)
    process.stdout.readline()
    box.wait_until(lambda: name_of(process) == "sleep", "exec of sleep")
    return process


def name_of(process):
    with open("/proc/%d/comm" % process.pid) as file:
        return file.read().strip()


def judge_followed(box):
    process = start_waiting(box, box.preload(output=box.path("%e.seep"), quiet="on"))
    text = doctor(box, str(process.pid), status=0)
    expect_words(text, ["process %d (sleep) can be followed." % process.pid,
                        "it runs under seep and answers", box.path("sleep.seep")])
    stop(process)


def judge_unfollowed(box):
    process = start_waiting(box, {})
    text = doctor(box, str(process.pid), status=2)
    expect_words(text, ["cannot be followed as it is", "is not under seep; start it with: seep run",
                        "dynamically linked with glibc"], ["LD_PRELOAD names"])
    stop(process)


def judge_lost_library(box):
    process = start_waiting(box, {"LD_PRELOAD": box.path("libseep.so")})
    text = doctor(box, str(process.pid), status=2)
    expect_words(text, ["LD_PRELOAD names libseep.so, but it is not loaded"])
    stop(process)


def own_malloc(box, source=OWN_MALLOC):
    program = build(box, [source])
    exported = box.run(["nm", "-D", "--defined-only", program]).stdout.split()
    if b"malloc" not in exported:
        raise Skipped("this linker does not export the malloc of a program")
    return program


def see_nothing(box):
    program = own_malloc(box)
    result = box.seep("run", "-o", box.path("out.seep"), program)
    expect_equal(result.returncode, 0, "the status of seep run")
    expect(b"it defines malloc itself" in result.stderr, "no warning: %r" % result.stderr)
    expect(b"nothing was seen" in result.stderr and b"no leak" not in result.stderr,
           "looks clean: %r" % result.stderr)
    text = box.seep("report", box.path("out.seep")).stdout
    expect(b"Nothing was seen" in text, "the report looks clean: %r" % text)
    result = box.seep("run", "-q", "-o", box.path("out.seep"), program)
    expect_equal(result.stderr, b"", "stderr of a quiet run")
    result = box.seep("check", box.path("out.seep"))
    expect_equal(result.returncode, 2, "the status of a check of the file")
    expect(b"nothing was seen of keeps_three_blo" in result.stderr, "%r" % result.stderr)


def see_nothing_of_child(box):
    program = own_malloc(box)
    script = box.write("suite", "#!/bin/sh\n%s\n" % program)
    os.chmod(script, 0o755)
    result = box.seep("check", "--children=keeps_three_blocks", "--", script)
    expect_equal(result.returncode, 2, "status")
    expect(b"nothing was seen of keeps_three_blo" in result.stderr, "%r" % result.stderr)
    box.write("suite", "#!/bin/sh\n%s\n%s\nls >/dev/null\nexit 0\n" % (program, program))
    result = box.seep("run", "-o", box.path("out.seep"), script)
    expect(b"but nothing was seen of 2 of them" in result.stderr, "%r" % result.stderr)


def see_what_is_passed_on(box):
    box.write("wrapper.c", """
#include <dlfcn.h>
#include <stddef.h>
void *malloc(size_t bytes)
{
    static void *(*next)(size_t);
    if (!next)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return next(bytes);
}
""")
    program = own_malloc(box, box.path("wrapper.c"))
    result = box.seep("check", "--keep=" + box.path("out.seep"), "--", program)
    expect_equal(result.returncode, 0, "the status of seep check")
    expect(b"it defines malloc itself" in result.stderr, "no warning: %r" % result.stderr)
    expect_equal(box.report()["totals"]["allocations"], 5, "allocations")
    text = box.seep("report", box.path("out.seep")).stdout
    expect(b"only what that passes on was seen" in text, "the report says %r" % text)
