# SPDX-License-Identifier: Apache-2.0
"""test_allocators: programs with another malloc than glibc's behave as ever, and are followed
exactly or said not to be.

Where seep's library comes first, counts are exact: the allocator stays in use behind it. Where the
allocator comes first, because it is linked into the program or preloaded before, nothing of the
program passes seep's doors. Then nothing may be said of it but that.
"""

import functools
import os
import subprocess

import case_program
from sandbox import CASES, LIBRARY, Skipped, expect, expect_equal

PROGRAMS = {"C": "allocates_by_any_malloc.c", "C++": "allocates_by_any_operator.cc"}

# Allocator: what it is called, what its archive wants to be linked with (Debian has none of
# mimalloc), the package, and whether its operator new throws: one written in C aborts.
ALLOCATORS = {
    "jemalloc": ("jemalloc", "-lstdc++ -lm", "libjemalloc-dev", True),
    "tcmalloc_minimal": ("tcmalloc", "-lstdc++ -lm", "libgoogle-perftools-dev", True),
    "tcmalloc": ("tcmalloc", "-lunwind -llzma -lstdc++ -lm", "libgoogle-perftools-dev", True),
    "mimalloc": ("mimalloc", None, "libmimalloc-dev", False),
}


def tests():
    for allocator in ALLOCATORS:
        for language in PROGRAMS:
            for how, judge in (("linked to", linked), ("linked to the end of", linked_last),
                               ("preloaded behind seep into", preloaded_behind),
                               ("preloaded before seep into", preloaded_before),
                               ("linked statically into", linked_statically)):
                if judge == linked_statically and ALLOCATORS[allocator][1] is None:
                    continue
                yield "%s %s a %s program" % (allocator, how, language), functools.partial(
                    judge, allocator, case_program.CaseProgram(
                        os.path.join(CASES, PROGRAMS[language])))


    yield "a static jemalloc with a prefix is said not to be seen", prefixed_statically
    yield "a static jemalloc whose prefix is named is followed exactly", prefixed_and_named
    yield "what is named is followed in forks, and what is lost of it is found", forked_and_lost
    yield "functions that cannot be replaced safely are left alone", refuse_functions
    yield "what is allocated past malloc is said not to be seen", past_malloc
    yield "a library's own function is called that is named cfree", own_cfree


def own_cfree(box):
    """libc has it for old programs only, so that the name is free."""
    source = box.write("own.c", '#include <unistd.h>\n'
                       'void cfree(void *what) { write(1, what, 4); }\n')
    library = box.compile(source, "-shared", "-fPIC", output="libown.so")
    source = box.write("calls.c", """
        void cfree(void *what);
        int main(void) { char text[] = "mine"; cfree(text); return 0; }
        """)
    program = box.compile(source, "-w", library, "-Wl,-rpath," + box.folder)
    result = box.seep_run([program])
    expect((result.returncode, result.stdout) == (0, b"mine"), result)


def library_of(box, allocator, suffix):
    """Where the linker finds it."""
    name = "lib%s.%s" % (allocator, suffix)
    path = box.run(["gcc", "-print-file-name=" + name]).stdout.decode().strip()
    if not os.path.isabs(path):
        raise Skipped("there is no %s; %s may have it" % (name, ALLOCATORS[allocator][2]))
    return os.path.realpath(path)


def build(box, case, links=""):
    case.settings["links"] += " " + links
    return case.build(box, case.variants()[0])


def run_natively(box, allocator, program, environment=None):
    argv = [program] + ["throws"] * ALLOCATORS[allocator][3]
    result = box.run(argv, environment)
    expect_equal(result.returncode, 0, "the status without seep")
    return argv, result


def expect_same(result, plain):
    for which in ("returncode", "stdout", "stderr"):
        expect_equal(getattr(result, which), getattr(plain, which), which + " under seep")


def linked(allocator, case, box):
    program = build(box, case, "-Wl,--no-as-needed " + library_of(box, allocator, "so"))
    judge_counted(box, allocator, case, program)


def linked_last(allocator, case, box):
    """The C++ library's operators come first, and end in this malloc."""
    program = build(box, case, "-Wl,--no-as-needed -lstdc++ " + library_of(box, allocator, "so"))
    judge_counted(box, allocator, case, program)


def preloaded_behind(allocator, case, box):
    preload = {"LD_PRELOAD": library_of(box, allocator, "so")}
    judge_counted(box, allocator, case, build(box, case), preload)


def judge_counted(box, allocator, case, program, environment=None):
    argv, plain = run_natively(box, allocator, program, environment)
    result = box.seep_run(argv, environment=environment)
    expect_same(result, plain)
    report = box.report()
    case.judge(box, report, result)
    expect_equal(report["process"]["own_malloc"], False, "own_malloc")


def preloaded_before(allocator, case, box):
    library = library_of(box, allocator, "so")
    argv, plain = run_natively(box, allocator, build(box, case), {"LD_PRELOAD": library})
    environment = box.preload(output=box.path("out.seep"))
    environment["LD_PRELOAD"] = "%s:%s" % (library, LIBRARY)
    result = box.run(argv, environment)
    expect_same(result, plain)
    box.wait_for_end()
    judge_unseen(box)


def linked_statically(allocator, case, box):
    archive = library_of(box, allocator, "a")
    program = build(box, case, "%s %s" % (archive, ALLOCATORS[allocator][1]))
    argv, plain = run_natively(box, allocator, program)
    result = box.seep("run", "-o", box.path("out.seep"), *argv)
    said = b"%s is linked into it" % ALLOCATORS[allocator][0].encode()
    expect(said in result.stderr and b"nothing was seen" in result.stderr,
           "seep run does not say that nothing was seen: %r" % result.stderr)
    expect_same(result, subprocess.CompletedProcess(argv, 0, plain.stdout, result.stderr))
    judge_unseen(box)


# As redis has it: an allocator of its own beside libc's malloc.
PREFIXED = """
#include <stdlib.h>
void *je_malloc(size_t bytes);
int main(void)
{
    static void *blocks[2];
    blocks[0] = malloc(100);
    blocks[1] = je_malloc(1000);
    return blocks[0] && blocks[1] ? 0 : 1;
}
"""


def rename(box, name, source, output):
    """As jemalloc is built with a prefix: every function of it is called je_."""
    archive = library_of(box, "jemalloc", "a")
    listed = box.run(["nm", "--defined-only", "-g", archive]).stdout.decode().split("\n")
    names = {line.split()[-1] for line in listed if len(line.split()) == 3}
    box.write("names", "".join("%s je_%s\n" % (name, name) for name in sorted(names)
                               if not name.startswith(("je_", "_Z"))))
    result = box.run(["objcopy", "--redefine-syms=" + box.path("names"), source or archive,
                      box.path(output)])
    expect_equal(result.returncode, 0, "objcopy of " + name)
    return box.path(output)


PREFIXED_LINKS = ("-pthread", "-lm", "-lstdc++")


def prefixed_statically(box):
    program = box.compile(box.write("prefixed.c", PREFIXED), rename(box, "jemalloc", None, "je.a"),
                          *PREFIXED_LINKS)
    judge_partly_seen(box, program, "jemalloc is linked into it", "seep run --allocator=je_",
                      "but jemalloc is linked into it: what it allocates with je_malloc was not "
                      "seen")


def prefixed_and_named(box):
    case = case_program.CaseProgram(os.path.join(CASES, PROGRAMS["C"]))
    flags = case.variants()[0].split() + ["-DHAS_NO_REALLOCARRAY", "-c"]
    plain = box.compile(case.path, *flags, output="plain.o")
    renamed = rename(box, "the program", plain, "renamed.o")
    program = box.path("allocates")
    linked = box.run(["gcc", "-o", program, renamed, rename(box, "jemalloc", None, "je.a"),
                      *PREFIXED_LINKS])
    expect_equal(linked.returncode, 0, "the linker")
    plain = box.run([program])
    result = box.seep("run", "-o", box.path("out.seep"), "--allocator=je_", "--", program)
    expect(b"not followed" not in result.stderr and b"not seen" not in result.stderr,
           "it is not followed: %r" % result.stderr)
    expect_same(result, subprocess.CompletedProcess([], 0, plain.stdout, result.stderr))
    case.judge(box, box.report(), result)
    text = box.seep("report", box.path("out.seep")).stdout
    expect(b"not seen" not in text, "the report says %r" % text)
    # In a tree of processes, too, where not each has such an allocator.
    result = box.seep_run(["/bin/sh", "-c", program + "; exit 3"], "--allocator=je_",
                          output="tree.seep")
    expect_equal(result.returncode, 3, "the status")
    child, = [path for path in box.seep_files() if "allocates" in os.path.basename(path)]
    case.judge(box, box.report(child), result)


def forked_and_lost(box):
    source = box.write("forks.c", """
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
void *je_malloc(size_t bytes);
void je_free(void *block);
static void *volatile kept[20];
__attribute__((noinline)) static void lose(void) { kept[0] = je_malloc(70); kept[0] = NULL; }
/* Of a mapping the part between two multiples of 64 MiB in which blocks lie is an allocator's: what
 * jemalloc keeps beside them, and old pointers in it, is to lie in the same. */
__attribute__((constructor(101))) static void fill_up(void)
{
    uintptr_t next = (uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mmap(NULL, next % (64 << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
int main(void)
{
    int status = 0;
    for (int i = 1; i < 20; i++)
        kept[i] = je_malloc(100);
    if (fork() == 0) {
        for (int i = 1; i < 5; i++)
            je_free(kept[i]);
        for (int i = 1; i < 13; i++)
            kept[i] = je_malloc(50);
        exit(0);
    }
    wait(&status);
    lose();
    return status;
}
""")
    program = box.compile(source, rename(box, "jemalloc", None, "je.a"), *PREFIXED_LINKS)
    result = box.seep("check", "--allocator=je_", "--keep=" + box.path("out.seep"), "--", program)
    expect(result.returncode == 1 and b"lose" in result.stderr,
           "the check ends with %d: %r" % (result.returncode, result.stderr[-400:]))
    found = [box.report(path)["totals"] for path in box.seep_files()]
    # What a child frees of its parent's is none of its own frees.
    expect_equal(sorted((totals["allocations"], totals["frees"], totals["live_blocks"])
                        for totals in found), [(12, 0, 19 - 4 + 12), (20, 0, 20)],
                 "(allocations, frees, live blocks) of child and parent")


# What must not be replaced: a jump at the beginning, one that leads over an instruction, and a loop
# that comes back to the second one.
REFUSED = {
    "jmp malloc": "begins with instructions that cannot be moved",
    "jno 1f; xor %edx, %edx; 1: mov %rdi, %rax; jmp malloc":
        "begins with instructions that cannot be moved",
    "push %rbx; 1: pop %rbx; push %rbx; xor %eax, %eax; pop %rbx; test %edi, %edi; js 1b; "
    "jmp malloc": "may be entered behind its beginning",
}


def refuse_functions(box):
    for code, why in REFUSED.items():
        source = box.write("odd.c", PREFIXED + """
__asm__(".globl je_malloc, je_free; .type je_malloc, @function; .type je_free, @function;"
        "je_malloc: %s; je_free: mov %%rdi, %%rax; mov %%rax, %%rdi; jmp free");
""" % code)
        program = box.compile(source, "-no-pie", "-Wl,-z,noexecstack")
        plain = box.run([program])
        result = box.seep("run", "-o", box.path("out.seep"), "--allocator=je_", "--", program)
        expect_equal((result.returncode, result.stdout), (plain.returncode, plain.stdout), why)
        line, = [line for line in result.stderr.decode().split("\n") if "not followed" in line]
        expect(why in line, "%r does not say that a function %s" % (line, why))
        expect_equal(box.report()["totals"]["allocations"], 2, "allocations")
    source = box.write("odd.c", PREFIXED + """
__asm__(".globl je_malloc, je_free; .type je_malloc, @function; .type je_free, @function;"
        "je_malloc: test %rdi, %rdi; je 1f; jmp malloc; 1: xor %eax, %eax; ret;"
        "je_free: test %edi, %edi; jne 2f; mov %rdi, %rax; ret; .skip 9, 0xcc; 2: jmp free");
""")
    program = box.compile(source, "-no-pie", "-Wl,-z,noexecstack")
    result = box.seep("run", "-o", box.path("out.seep"), "--allocator=je_", "--", program)
    expect(b"not followed" not in result.stderr and result.returncode == 0, "%r" % result.stderr)
    box.run(["strip", program])
    result = box.seep("run", "-o", box.path("out.seep"), "--allocator=je_", "--", program)
    expect(b"the symbols are stripped" in result.stderr, "%r" % result.stderr)


def past_malloc(box):
    library = library_of(box, "mimalloc", "so")
    program = box.compile(box.write("past.c", PREFIXED.replace("je_malloc", "mi_malloc")), library)
    judge_partly_seen(box, program, "what it allocates with mi_malloc is not seen",
                      "but what it allocates with mi_malloc was not seen")


def judge_partly_seen(box, program, *said):
    """The last is the report's and the summary's, the others are doctor's, and the beginning's."""
    result = box.seep("run", "-o", box.path("out.seep"), program)
    expect_equal(result.returncode, 0, "the status")
    doctor = box.seep("doctor", program).stdout
    expect(b"followed in part" in doctor, "doctor says %r" % doctor)
    report = box.seep("report", box.path("out.seep")).stdout
    for text, words in ((result.stderr, said), (doctor, said[:-1]), (report, said[-1:])):
        for word in words:
            expect(word.lower() in " ".join(text.decode().lower().split()),
                   "not said: %r in %r" % (word, text))
    expect_equal(box.report()["totals"]["allocations"], 1, "allocations")
    box.compile("keeps_three_blocks.c", output=os.path.basename(program))
    report = box.seep("report", box.path("out.seep")).stdout.decode()
    expect(said[-1] not in " ".join(report.lower().split()), "said of another build of the program")


def judge_unseen(box):
    report = box.report()
    expect_equal((report["totals"]["allocations"], report["process"]["own_malloc"]), (0, True),
                 "(allocations, own_malloc)")
    text = box.seep("report", box.path("out.seep")).stdout
    expect(b"Nothing was seen" in text, "the report looks clean: %r" % text)
    expect_equal(box.seep("check", box.path("out.seep")).returncode, 2, "the status of a check")
