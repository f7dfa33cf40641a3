# SPDX-License-Identifier: Apache-2.0
"""test_wrong_frees: what is freed by another family than it was allocated with is found, with both
stacks; what belongs together is not, nor what is not certain."""

import functools
import os
import re
import shutil
import subprocess

from sandbox import Skipped, expect, expect_equal

MAKERS = {"by_malloc": "malloc", "by_calloc": "calloc", "by_strdup": "malloc",
          "by_memalign": "posix_memalign", "by_large_malloc": "malloc", "by_new": "new",
          "by_nothrow": "new", "by_aligned_new": "new", "by_new_array": "new[]",
          "by_nothrow_array": "new[]"}
FREERS = {"with_free": "free", "with_delete": "delete", "with_sized_delete": "delete",
          "with_delete_array": "delete[]"}
RIGHT = {("new", "delete"), ("new[]", "delete[]")}
# How a call may look: by way of a stub, through the table, through a table that is filled at once.
BUILDS = ("-O1", "-O2", "-O2 -fno-plt", "-O2 -no-pie", "-O1 -Wl,-z,now -fcf-protection",
          "-O1 -fuse-ld=gold", "-O2 -s")


def tests():
    for flags in BUILDS:
        yield "all that do not belong together are found, built with " + flags, functools.partial(
            every_one, flags=flags)
    yield "and with clang", functools.partial(
        every_one, flags="-O1 -std=c++17 -fsized-deallocation", compiler="clang++")
    yield "Valgrind finds the same", as_valgrind
    yield "a text says who frees, and who allocated", text
    yield "what realloc has moved is realloc's", moved
    yield "a thread frees what another has made", functools.partial(one, how="thread",
                                                                   maker="by_new_array",
                                                                   freer="with_free")
    yield "a forked child is spoken of in its own file", fork
    yield "with snapshots by a thread it is the same", functools.partial(
        every_one, flags="-O1", options=["--snapshots-by=thread"])
    yield "a plug-in that was unloaded is still known", plugin
    for what, flags in (("hidden operators", []), ("hidden operators and no symbols", ["-s"]),
                        ("operators that are inlined", ["-DIS_INLINE"]),
                        ("inlined operators and no symbols", ["-DIS_INLINE", "-s"]),
                        ("hidden operators of which one was forgotten, and no symbols",
                         ["-DHAS_NO_SIZED_DELETE", "-s"]),
                        ("a C++ library of its own", ["-static-libstdc++", "-s",
                                                      "-Wl,--exclude-libs,ALL"])):
        yield "nothing is said of a plug-in with " + what, functools.partial(
            silent_plugin, flags=flags, has_own="C++" not in what)
    yield "nothing is said of a plug-in whose file is gone", gone_plugin
    yield "nothing is said of a plug-in that may be another build now", rebuilt_plugin
    yield "nothing is said of a program with its own operators", own_operators
    yield "nothing is said of a program with the C++ library in it", functools.partial(
        silent, flags=["-static-libstdc++"])
    yield "nothing is said where a block was freed unseen", unseen
    yield "nothing is said where one block in many is recorded", functools.partial(
        silent, options=["--sample=64"])
    yield "nothing is said where the C++ library has operators of two functions", two_functions
    for library in ("jemalloc.so.2", "tcmalloc.so.4", "mimalloc.so.2"):
        yield "nothing is said with lib%s behind us" % library, functools.partial(
            other_allocator, library="lib" + library)


def found(report):
    """(allocated with, maker, freed with, freer) of each."""
    return {(wrong["allocated_with"], wrong["allocated_by"][0]["function"],
             wrong["freed_with"], wrong["freed_by"][0]["function"])
            for wrong in report["wrong_frees"]}


def all_pairs(is_wrong):
    for maker, made in MAKERS.items():
        for freer, freed in FREERS.items():
            is_right = (made, freed) in RIGHT or ("new" not in made and freed == "free")
            if is_right != is_wrong:
                yield made, maker, freed, freer


def build(box, flags, compiler=None):
    if not compiler:
        return box.compile("mixes_allocators.cc", "-pthread", *flags.split())
    if not shutil.which(compiler):
        raise Skipped("there is no " + compiler)
    source = os.path.join(os.path.dirname(__file__), "cases", "mixes_allocators.cc")
    result = box.run([compiler, "-g", "-D_GNU_SOURCE", "-pthread", *flags.split(), "-o",
                      box.path("mixes_allocators"), source])
    expect_equal(result.returncode, 0, result.stderr.decode()[:400])
    return box.path("mixes_allocators")


def run(box, program, *arguments, options=(), **others):
    result = box.seep_run([program, *arguments], *options, **others)
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""), "what it did")
    return box.report()


def every_one(box, flags, compiler=None, options=()):
    program = build(box, flags, compiler)
    report = run(box, program, "all", options=options)
    wanted = set(all_pairs(True))
    if "-s" in flags.split():  # functions have no names then
        expect_equal(sorted((made, freed) for made, _, freed, _ in found(report)),
                     sorted({(made, freed) for made, _, freed, _ in wanted}),
                     "what does not belong together")
        return
    expect_equal((wanted - found(report), found(report) - wanted), (set(), set()),
                 "what is missed, and what is said besides")
    for wrong in report["wrong_frees"]:
        expect(wrong["flagged"] and wrong["samples"] >= 1 and len(wrong["id"]) == 16, wrong)
        expect_equal((wrong["allocated_by"][-1]["function"], wrong["freed_by"][-1]["function"]),
                     ("_start", "_start"), "both ends")
    expect_equal(len({wrong["id"] for wrong in report["wrong_frees"]}), len(wanted), "ids")
    expect_equal(found(run(box, program, "right")), set(), "what belongs together")


def as_valgrind(box):
    if not shutil.which("valgrind"):
        raise Skipped("there is no valgrind")
    program = build(box, "-O1")
    ours = {(maker, freer) for _, maker, _, freer in found(run(box, program, "all"))}
    text = box.run(["valgrind", "--quiet", program, "all"], timeout=120).stderr.decode()
    theirs = set()
    for part in text.split("Mismatched free() / delete / delete []")[1:]:
        functions = re.findall(r": (by_\w+|with_\w+)", part)
        theirs.add((functions[1], functions[0]))
    # It holds what is made by posix_memalign for malloc's, as we do; sized delete is delete.
    expect_equal((theirs - ours, ours - theirs), (set(), set()),
                 "what Valgrind finds alone, and what we do")


def text(box):
    run(box, build(box, "-O1"), "thread")
    lines = box.seep("report", box.path("out.seep")).stdout.decode().splitlines()
    title = "Wrong free: 1 place gives memory back with a function that does not belong to"
    expect(title in lines, "\n".join(lines))
    first = lines.index(title)
    expect_equal([line.split()[0] if line.startswith("      ") else line
                  for line in lines[first:first + 12]],
                 [title, "the one that it was allocated with.", "",
                  " 1. allocated with new[], freed with free", "    freed by", "with_free",
                  "free_it", "    allocated by", "via", "by_new_array", "main", ""], "the text")


def one(box, how, maker, freer):
    report = run(box, build(box, "-O1"), how)
    expect_equal(found(report), {(MAKERS[maker], maker, FREERS[freer], freer)}, "what is found")


def moved(box):
    report = run(box, build(box, "-O1"), "moved")
    expect_equal(found(report), {("realloc", "moved", "delete", "with_delete")}, "what is found")


def fork(box):
    report = run(box, build(box, "-O1"), "fork")
    expect_equal(found(report), set(), "what the parent did")
    child = [path for path in box.seep_files() if not path.endswith("/out.seep")]
    expect_equal(len(child), 1, "files of children")
    expect_equal(found(box.report(child[0])),
                 {("new[]", "by_new_array", "delete", "with_delete")}, "what the child did")


def build_plugin(box, *flags):
    return box.compile("plugin_that_mixes_allocators.cc", "-O1", "-shared", "-fPIC", *flags,
                       output="plugin.so")


def plugin(box):
    report = run(box, build(box, "-O1"), "plugin", build_plugin(box))
    expect_equal(found(report), {("new", "plugin_make", "free", "with_free")}, "what is found")


def silent_plugin(box, flags, has_own):
    exports = box.write("exports", "{ global: plugin_*; local: *; };")
    plugin_file = build_plugin(box, *flags, *(
        ["-DHAS_OWN_OPERATORS", "-Wl,--version-script=" + exports] if has_own else []))
    if has_own:
        names = box.run(["nm", "-D", "--defined-only", plugin_file]).stdout
        expect_equal(b"_Zn" in names or b"_Zd" in names, False, "operators are exported")
    report = run(box, build(box, "-O1"), "plugin", plugin_file)
    expect(report["totals"]["frees"] > 2, "nothing was freed")
    expect_equal(report["wrong_frees"], [], "what is said")


def gone_plugin(box):
    run(box, build(box, "-O1"), "plugin", build_plugin(box))
    os.unlink(box.path("plugin.so"))
    expect_equal(box.report()["wrong_frees"], [], "what is said")


def two_functions(box):
    """As libc++'s without exceptions, or without optimization."""
    source = box.write("library.cc", """
        #include <cstdlib>
        #include <new>
        static __attribute__((noinline)) void *allocate(size_t bytes)
        {
            void *block = malloc(bytes);
            asm volatile("");
            return block;
        }
        void *operator new(size_t bytes) { void *block = allocate(bytes); asm(""); return block; }
        void operator delete(void *block) noexcept { free(block); }
        void operator delete(void *block, size_t) noexcept { free(block); }
        """)
    library = box.compile(source, "-O2", "-shared", "-fPIC", output="libc++.so.1")
    source = box.write("user.cc", """
        #include <cstdlib>
        int *volatile block;
        extern "C" __attribute__((noinline)) void by_new() { block = new int; asm(""); }
        extern "C" __attribute__((noinline)) void with_free() { free(block); asm(""); }
        int main() { by_new(); delete block; by_new(); with_free(); }
        """)
    program = box.compile(source, "-O1", library, "-Wl,-rpath," + box.folder)
    expect_equal(found(run(box, program)), set(), "what is said")


def rebuilt_plugin(box):
    def build_as(function):
        source = box.write("rebuilt.cc", f"""
            #include <cstdlib>
            #include <new>
            extern "C" void *plugin_make() {{ void *block = malloc(8); return block; }}
            extern "C" void plugin_free(void *block) {{ {function}(block); asm volatile(""); }}
            void *also_taken() {{ return operator new(8); }}
            """)
        box.compile(source, "-O1", "-shared", "-fPIC", "-Wl,--build-id=none", "-w",
                    output="plugin.so")

    build_as("operator delete")
    run(box, build(box, "-O1"), "plugin", box.path("plugin.so"))
    before = found(box.report())
    build_as("free")
    expect_equal((before, found(box.report())),
                 ({("malloc", "plugin_make", "delete", "plugin_free")}, set()), "what is said")


def silent(box, flags=(), options=()):
    program = build(box, " ".join(["-O1", *flags]))
    expect_equal(run(box, program, "all", options=options)["wrong_frees"], [], "what is said")


def unseen(box):
    report = run(box, build(box, "-O1"), "unseen")
    expect_equal(report["wrong_frees"], [], "what is said")
    expect(report["lost"]["unseen_frees"], "the free was seen")


def own_operators(box):
    source = os.path.join(os.path.dirname(__file__), "cases", "mixes_allocators.cc")
    own = box.write("own.cc", """
        #include <cstdlib>
        #include <new>
        void *operator new(size_t bytes) { return malloc(bytes); }
        void *operator new[](size_t bytes) { return malloc(bytes); }
        void operator delete(void *block) noexcept { free(block); }
        void operator delete(void *block, size_t) noexcept { free(block); }
        void operator delete[](void *block) noexcept { free(block); }
        """)
    program = box.compile(own, source, "-O1", "-pthread", output="mixes_allocators")
    expect_equal(run(box, program, "all")["wrong_frees"], [], "what is said")


def other_allocator(box, library):
    try:
        subprocess.run(["sh", "-c", "ldconfig -p | grep -q " + library], check=True)
    except subprocess.CalledProcessError:
        raise Skipped("there is no " + library)
    program = box.compile("mixes_allocators.cc", "-O1", "-pthread", "-Wl,--no-as-needed",
                          "-l:" + library)
    report = run(box, program, "right")
    expect(report["totals"]["frees"] > 5, "nothing was freed")
    expect_equal(report["wrong_frees"], [], "what is said")
