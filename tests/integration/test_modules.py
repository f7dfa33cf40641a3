# SPDX-License-Identifier: Apache-2.0
"""test_modules: objects that are linked in other ways than usual: at an address, or into one piece."""

import functools
import os
import shutil

from case_program import find_site, sum_of_sites
from sandbox import CASES, LIBRARY, SEEP, Skipped, expect, expect_equal, functions_of


def tests():
    for how in ("-pie", "-no-pie"):
        yield "a library that is linked to an address, called by a program with " + how, \
            functools.partial(library_with_a_base, how)
    for how in ("usual", "deep"):
        for flags in (("-Wl,-z,lazy",), ("-Wl,-z,now",), ("-fno-plt", "-Wl,-z,relro,-z,now")):
            yield "all is seen of a %s-bound plug-in that frees, with %s" % (how, flags[-1]), \
                functools.partial(seen_whole, how, flags)
    yield "all is seen of what comes with a deep-bound plug-in", comes_with_it
    yield "of PHP, whose extensions are bound deeply, nothing is called lost", extensions_of_php
    yield "what passes the library by is said", bound_past_us
    yield "a deep-bound plug-in keeps an allocator of its own", own_allocator
    yield "it keeps it when another one is opened again", opened_again
    yield "it keeps it when another one opens it", opened_by_another
    yield "where the table of a deep-bound plug-in cannot be written it runs as ever", refused_call
    for how in ("-static-pie", "-static"):
        yield "a %s program is refused in one line" % how, functools.partial(one_piece, how)
        yield "who starts a %s program is followed, and that one runs as ever" % how, \
            functools.partial(starts_one_piece, how)


def library_with_a_base(how, box):
    library = box.compile("library_with_a_base.c", "-shared", "-fPIC", "-O1",
                          "-Wl,-Ttext-segment=0x31000000", output="libbase.so")
    headers = box.run(["readelf", "-lW", library]).stdout.decode()
    expect("0x0000000031000000" in headers, "the library is not linked to the address")
    program = box.compile("calls_a_library_with_a_base.c", "-O1", how, library,
                          "-Wl,-rpath," + box.folder)
    result = box.seep_run([program], "--scan=exit")
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    report = box.report()
    expect_equal((report["lost"]["blocks"], report["lost"]["cut_stacks"]), (0, 0),
                 "(lost blocks, cut stacks)")
    site = find_site(report, "give")
    expect_equal((site["live_blocks"], site["live_bytes"], site["allocations"], site["frees"]),
                 (18, 1800, 30, 12), "(live blocks, live bytes, allocations, frees)")
    expect_equal(functions_of(site)[:2], ["give", "main"], "the stack")
    expect(site["stack"][0]["file"].endswith("library_with_a_base.c"), "no line is known")
    # They are in the program's data, and the roots of a library with a base are its own.
    expect_equal(site["reachability"]["definitely_lost"]["blocks"], 0, "definitely lost blocks")


def cross(box, how, *flags, plugin="./plugin_that_gives_and_takes.so"):
    """The report, as text and as JSON."""
    box.compile("plugin_that_gives_and_takes.c", "-shared", "-fPIC", *flags,
                output="plugin_that_gives_and_takes.so")
    program = box.compile("crosses_a_deep_binding.c", "-O1", "-ldl", "-Wl,-rpath," + box.folder)
    result = box.seep_run([program, plugin, how])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    return box.seep("report", box.path("out.seep")).stdout.decode(), box.report()


def seen_whole(how, flags, box):
    text, report = cross(box, how, *flags)
    expect_equal((report["lost"]["unseen_frees"], report["lost"]["unknown_frees"]), (0, 0),
                 "(unseen frees, unknown frees)")
    expect("unseen" not in text, text)
    # (live blocks, live bytes, allocations, frees)
    expect_equal(tuple(sum_of_sites(report, "keep").values()), (20, 2000, 40, 20),
                 "the numbers of the program")
    # Sites of which nothing lives are not in it.
    expect_equal(report["totals"]["allocations"] - report["totals"]["frees"],
                 report["totals"]["live_blocks"], "allocations less frees")
    expect(report["totals"]["frees"] >= 25, "the frees of the program and of the plug-in")


def comes_with_it(box):
    """It is in another library, which the plug-in needs."""
    for own_name in ((), ("-Wl,-soname,libgives.so.1",)):
        library = box.compile("plugin_that_gives_and_takes.c", "-shared", "-fPIC", *own_name,
                              output="libgives.so.1" if own_name else "libgives.so")
        plugin = box.compile(box.write("empty.c", "int empty;\n"), "-shared", "-fPIC",
                             "-Wl,--no-as-needed", library, "-Wl,-rpath," + box.folder,
                             output="empty.so")
        program = box.compile("crosses_a_deep_binding.c", "-O1", "-ldl")
        result = box.seep_run([program, plugin, "deep"])
        expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                     "(status, stdout, stderr)")
        report = box.report()
        expect_equal((report["lost"]["unseen_frees"], report["lost"]["unknown_frees"]), (0, 0),
                     "(unseen frees, unknown frees)")


def extensions_of_php(box):
    """They free what PHP has allocated for them."""
    if not shutil.which("php"):
        raise Skipped("php is not installed")
    modules = box.run(["php", "-m"]).stdout.decode().lower().split()
    if "phar" not in modules:
        raise Skipped("php has no extension that is loaded")
    result = box.seep_run(["php", "-r", "echo 1;"], "--scan=exit")
    expect_equal((result.returncode, result.stdout), (0, b"1"), "(status, stdout)")
    report = box.report()
    expect_equal((report["lost"]["unseen_frees"], report["lost"]["unknown_frees"]), (0, 0),
                 "(unseen frees, unknown frees)")
    expect_equal([site["stack"][0] for site in report["sites"] if site["verdict"] == "lost"], [],
                 "what is called lost")


def bound_past_us(box):
    """By its name alone: where that is searched for depends on who calls dlopen, so no door does."""
    text, report = cross(box, "deep", plugin="plugin_that_gives_and_takes.so")
    expect_equal(report["lost"]["unseen_frees"], 10, "frees that nobody saw")
    expect(0 < report["lost"]["unknown_frees"] <= 5, "frees of unseen blocks")
    expect("was opened with RTLD_DEEPBIND" in " ".join(text.split()), text)
    expect("10 blocks were freed unseen; others that are freed so count as live"
           in " ".join(text.split()), text)


def own_allocator(box):
    """What binds to something else than libc is no business of ours."""
    _, report = cross(box, "own", os.path.join(CASES, "tiny_allocator.c"))
    expect_equal((report["lost"]["unseen_frees"], report["lost"]["unknown_frees"]), (0, 0),
                 "(unseen frees, unknown frees)")
    expect_equal(tuple(sum_of_sites(report, "keep").values()), (30, 3000, 30, 0),
                 "the numbers of the program")


def beside_own_allocator(box, first):
    """`first` is a plug-in, beside one that has an allocator of its own."""
    flags = ("-shared", "-fPIC", "-Wl,-z,lazy")
    first = box.compile(first, *flags, output="first.so")
    own = box.compile(os.path.join(CASES, "plugin_that_gives_and_takes.c"),
                      os.path.join(CASES, "tiny_allocator.c"), *flags, output="own.so")
    program = box.compile("opens_deeply_again.c", "-O1", "-ldl")
    result = box.seep_run([program, first, own], environment={"SECOND": own})
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")


def opened_again(box):
    beside_own_allocator(box, "plugin_that_gives_and_takes.c")


def opened_by_another(box):
    beside_own_allocator(box, "plugin_that_opens_another.c")


def refused_call(box):
    plugin = box.compile("plugin_that_counts.c", "-shared", "-fPIC", "-Wl,-z,lazy",
                         output="counts.so")
    program = box.compile("binds_deeply_where_a_call_is_refused.c", "-O1", "-ldl")
    result = box.seep_run([program, plugin])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")


def one_piece(how, box):
    program = box.compile("keeps_three_blocks.c", how)
    result = box.seep("run", "-o", box.path("x.seep"), "--", program)
    expect_equal((result.returncode, result.stdout, result.stderr.count(b"\n")), (2, b"", 1),
                 "(status, stdout, lines of stderr)")
    expect(b"static" in result.stderr, result.stderr.decode())
    expect_equal(box.seep_files(), [], "the files")
    result = box.run([program], {"LD_PRELOAD": LIBRARY, "SEEP_OPTIONS": "output=%p.seep"})
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr) with LD_PRELOAD")


def starts_one_piece(how, box):
    program = box.compile("keeps_three_blocks.c", how)
    result = box.run([SEEP, "run", "-q", "-o", box.path("x.seep"), "--", "/bin/sh", "-c",
                      '"$0"; "$0"; echo "done: $?"', program])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"done: 0\n", b""),
                 "(status, stdout, stderr)")
    expect_equal(box.report("x.seep")["process"]["end"], "exit", "the end of the shell")
