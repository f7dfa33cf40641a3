# SPDX-License-Identifier: Apache-2.0
"""test_symbols: functions and lines from wherever the debug information is, or module+offset."""

import functools
import os
import shutil

from case_program import find_site, plain_name
from sandbox import CASES, Skipped, expect, expect_equal

BUILDS = {
    "DWARF 4": ["-gdwarf-4"],
    "DWARF 5": ["-gdwarf-5"],
    "compressed sections": ["-gz"],
    "link-time optimisation": ["-O2", "-flto"],
    "a static-PIE's opposite, no PIE": ["-no-pie", "-fno-pie"],
    "function sections": ["-ffunction-sections", "-Wl,--gc-sections"],
}


def tests():
    for name, flags in BUILDS.items():
        yield "lines with %s" % name, functools.partial(lines_with, flags)
    yield "lines with clang", with_clang
    yield "a debug file beside the program (.gnu_debuglink)", functools.partial(debug_link, "")
    yield "a debug file in .debug/", functools.partial(debug_link, ".debug")
    yield "a debug file by build-id below the sysroot", build_id
    yield "a stripped program shows module+offset", stripped
    yield "a program that was rebuilt since is not used for names", rebuilt
    yield "a program that is gone still gives a report", gone
    yield "functions without line information keep their names", no_lines


def check(box, file="out.seep", *options):
    site = find_site(box.report(file, *options), "leak")
    frame = site["stack"][0]
    expect_equal((os.path.basename(frame["file"] or ""), frame["line"]),
                 ("grows_on_command.c", leak_line()), "the place of leak")
    return site


def leak_line():
    with open(os.path.join(CASES, "grows_on_command.c")) as file:
        return next(number for number, line in enumerate(file, 1) if "memset(malloc(bytes)" in line)


def record(box, program, output="out.seep"):
    result = box.seep_run([program], output=output, stdin=b"leak 5 100\n")
    expect_equal(result.stdout, b"ok\n", "stdout")


def lines_with(flags, box):
    record(box, box.compile("grows_on_command.c", *flags))
    check(box)


def with_clang(box):
    if not shutil.which("clang"):
        raise Skipped("clang is not installed")
    program = box.path("program")
    result = box.run(["clang", "-g", "-O0", "-D_GNU_SOURCE", "-o", program,
                      os.path.join(CASES, "grows_on_command.c")])
    expect_equal(result.returncode, 0, "clang")
    record(box, program)
    check(box)


def split(box, program, debug):
    os.makedirs(os.path.dirname(debug), exist_ok=True)
    for argv in (["objcopy", "--only-keep-debug", program, debug], ["strip", program]):
        result = box.run(argv)
        expect_equal((result.returncode, result.stderr), (0, b""), argv[0])


def debug_link(folder, box):
    program = box.compile("grows_on_command.c", "-O1")
    debug = box.path(folder, "grows.debug") if folder else box.path("grows.debug")
    split(box, program, debug)
    expect_equal(box.run(["objcopy", "--add-gnu-debuglink=" + debug, program]).returncode, 0, "link")
    record(box, program)
    check(box)


def build_id(box):
    """As Debian's -dbgsym packages, but below a folder that needs no root."""
    program = box.compile("grows_on_command.c", "-O1", "-Wl,--build-id=0x1234567890abcdef")
    root = box.path("root")
    split(box, program, os.path.join(root, "usr/lib/debug/.build-id/12/34567890abcdef.debug"))
    record(box, program)
    os.makedirs(os.path.dirname(root + program))
    shutil.copy(program, root + program)
    check(box, "out.seep", "--sysroot=" + root)


def unnamed(box, program):
    sites = [site for site in box.report()["sites"] if site["live_bytes"] == 500]
    expect_equal(len(sites), 1, "the number of sites with the five blocks")
    frame = sites[0]["stack"][0]
    expect_equal((frame["function"], frame["file"], frame["module"]), (None, None, program),
                 "(function, file, module)")
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("grows_on_command+0x%x" % frame["offset"] in text, "the text lacks module+offset")


def stripped(box):
    program = box.compile("grows_on_command.c", "-O1")
    expect_equal(box.run(["strip", program]).returncode, 0, "strip")
    record(box, program)
    unnamed(box, program)
    for command in ("report", "check"):
        text = " ".join(box.seep(command, "--fail-on=budget" if command == "check" else "--top=1",
                                 "--max-site-live=1", box.path("out.seep")).stdout.decode().split())
        expect(text.count("is stripped, so functions are missing") == 1 and
               "install its debug package, set DEBUGINFOD_URLS" in text,
               "%s does not say what is missing: %s" % (command, text))


def rebuilt(box):
    program = box.compile("grows_on_command.c", "-O0")
    record(box, program)
    box.compile("grows_on_command.c", "-O3", "-DREBUILT")
    unnamed(box, program)
    text = box.seep("report", box.path("out.seep"))
    expect("changed" in (text.stdout + text.stderr).decode(), "nobody says that it was rebuilt")


def gone(box):
    program = box.compile("grows_on_command.c", "-O0")
    record(box, program)
    os.unlink(program)
    unnamed(box, program)


def no_lines(box):
    program = box.compile("grows_on_command.c", "-O1", "-g0")
    record(box, program)
    site = find_site(box.report(), "leak")
    expect_equal([plain_name(frame["function"]) for frame in site["stack"][:2]], ["leak", "main"],
                 "the functions")
    expect_equal((site["stack"][0]["file"], site["stack"][0]["line"]), (None, None), "(file, line)")
