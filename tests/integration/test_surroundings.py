# SPDX-License-Identifier: Apache-2.0
"""test_surroundings: seep works where programs run: under gdb, in namespaces, as daemons, limited."""

import functools
import os
import re
import shutil
import subprocess

from case_program import find_site, sum_of_sites
from sandbox import LIBRARY, NOBODY, SEEP, Skipped, end_of, expect, expect_equal
from snapshot_file import END_EXIT


def tests():
    for who in ("process", "thread", "inline"):
        yield "a daemon that closed all descriptors, with snapshots by %s" % who, functools.partial(
            daemon, who)
    yield "a daemon that became another user", unprivileged_daemon
    yield "a program under gdb", under_gdb
    yield "gdb around seep run", gdb_attached
    yield "a program that Valgrind runs is left to Valgrind", under_valgrind
    yield "a pid namespace of its own", pid_namespace
    yield "little address space", little_address_space
    yield "few descriptors", few_descriptors
    yield "a read-only working folder", read_only_folder
    yield "a program that changed its root", alternate_root


def daemon_report(box):
    """Nobody waits for a daemon, so its file may be looked at while it is being begun."""
    def ended():
        return [path for path in box.seep_files() if end_of(path) == (END_EXIT, 17)]
    return box.report(box.wait_until(ended, "the end of the daemon")[0])


def daemon(who, box):
    program = box.compile("leaves_everything_behind.c", "-O1")
    result = box.seep_run([program], "--snapshots-by=" + who, output="%e.%p.seep")
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    expect_equal(sum_of_sites(daemon_report(box), "keep")["live_blocks"], 200, "live blocks")


def unprivileged_daemon(box):
    if os.getuid() != 0:
        raise Skipped("only root can become another user")
    program = box.compile("leaves_everything_behind.c", "-O1")
    box.seep_run([program, str(NOBODY)], output="%e.%p.seep")
    expect_equal(sum_of_sites(daemon_report(box), "keep")["live_blocks"], 200, "live blocks")


def under_gdb(box):
    if not shutil.which("gdb"):
        raise Skipped("gdb is not installed")
    program = box.compile("keeps_three_blocks.c", "-O0")
    result = box.run(["gdb", "-nx", "-batch", "-ex", "set startup-with-shell off",
                      "-ex", "set environment LD_PRELOAD " + LIBRARY,
                      "-ex", "set environment SEEP_OPTIONS output=%s:quiet=on" % box.path("out.seep"),
                      "-ex", "break keep", "-ex", "run", "-ex", "backtrace", "-ex", "delete",
                      "-ex", "continue", program])
    text = result.stdout.decode()
    expect("exited normally" in text, "gdb says %s" % text[-400:])
    expect_equal(find_site(box.wait_for_end(), "keep")["live_blocks"], 3, "live blocks")


def gdb_attached(box):
    """A second tracer must find a process like any other."""
    if not shutil.which("gdb"):
        raise Skipped("gdb is not installed")
    process = box.start(["/bin/sleep", "30"], box.preload(output=box.path("out.seep")))
    box.wait_until(lambda: os.path.exists(box.path("out.seep")), "the file")
    result = box.run(["gdb", "-nx", "-batch", "-p", process.pid, "-ex", "info threads"])
    text = result.stdout.decode()
    if "ptrace: Operation not permitted" in text + result.stderr.decode():
        raise Skipped("ptrace is not permitted here")
    expect("* 1" in text and " 2 " not in text, "gdb sees %s" % text[-300:])
    expect(process.poll() is None, "the process ended")


def under_valgrind(box):
    if not shutil.which("valgrind"):
        raise Skipped("valgrind is not installed")
    program = box.compile("keeps_three_blocks.c", "-O0")
    argv = ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=all", program]

    def sight(result):
        text = re.sub(rb"==\d+==|0x[0-9A-F]+", b"", result.stderr)
        return result.returncode, result.stdout, text

    plain = box.run(argv)
    expect(b"blocks are" in plain.stderr, "Valgrind finds nothing: %r" % plain.stderr)
    for quiet, said in (("on", b""),
                        ("off", b"seep: Valgrind runs this process; it is not watched\n")):
        watched = box.run(argv, box.preload(quiet=quiet, output=box.path("out.%p.seep")))
        status, stdout, stderr = sight(watched)
        expect_equal((status, stdout, stderr.replace(said, b"")), sight(plain),
                     "(status, stdout, stderr)")
        expect(said in stderr, "seep says nothing: %r" % stderr)
    children = box.seep_run(["/bin/sh", "-c", " ".join(argv) + "; exit 3"])
    expect_equal(sight(children), (3, plain.stdout, sight(plain)[2]), "(status, stdout, stderr)")


def pid_namespace(box):
    if subprocess.run(["unshare", "-Urpf", "--mount-proc", "true"],
                      capture_output=True).returncode != 0:
        raise Skipped("no namespaces for this user")
    program = box.compile("keeps_three_blocks.c", "-O1")
    result = box.run(["unshare", "-Urpf", "--mount-proc", SEEP, "run", "-q", "-o",
                      box.path("out.seep"), "--", program])
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    expect_equal(find_site(box.report(), "keep")["live_blocks"], 3, "live blocks")


def little_address_space(box):
    """Exact or transparent, but never in the way."""
    program = box.compile("keeps_three_blocks.c", "-O1")
    for kilobytes in (1000000, 200000, 60000, 20000):
        settings = ["%s=%s" % setting for setting in
                    box.preload(output=box.path("%d.seep" % kilobytes)).items()]
        result = box.run(["/bin/bash", "-c", 'ulimit -v %d; exec env "$@"' % kilobytes, "sh",
                          *settings, program])
        expect_equal((result.returncode, result.stdout), (0, b""), "with %d kB: (status, stdout)"
                     % kilobytes)
        lines = result.stderr.decode().splitlines()
        expect(len(lines) <= 1 and all(line.startswith("seep: ") for line in lines),
               "with %d kB stderr is %r" % (kilobytes, result.stderr))
        if os.path.exists(box.path("%d.seep" % kilobytes)):
            report = box.report("%d.seep" % kilobytes)
            box.note("%d kB: %d of 3 blocks, %d lost" % (
                kilobytes, report["totals"]["live_blocks"], report["lost"]["blocks"]))
            expect_equal(report["totals"]["live_blocks"] + report["lost"]["blocks"] >= 3, True,
                         "what is not recorded is counted as lost")
        else:
            box.note("%d kB: %s" % (kilobytes, lines))


def few_descriptors(box):
    program = box.compile("keeps_three_blocks.c", "-O1")
    result = box.run(["/bin/sh", "-c", 'ulimit -n 4; exec "$@"', "sh", program],
                     box.preload(output=box.path("out.seep"), quiet="on"))
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")


def read_only_folder(box):
    """The default name goes into the working folder; where that cannot be written, one line."""
    result = box.run_as_nobody(["/bin/echo", "hello"], {"LD_PRELOAD": LIBRARY})
    expect_equal((result.returncode, result.stdout), (0, b"hello\n"), "(status, stdout)")
    lines = result.stderr.decode().splitlines()
    expect(len(lines) == 1 and lines[0].startswith("seep: "), "stderr is %r" % result.stderr)


def alternate_root(box):
    """A program that changes its root: file and helper stay outside."""
    if os.getuid() != 0 or not shutil.which("python3"):
        raise Skipped("only root can chroot")
    script = "import os; os.chroot('/var/empty' if os.path.isdir('/var/empty') else '/proc'); " \
             "x = [bytearray(1000) for _ in range(1000)]; print(len(x), flush=True); os._exit(3)"
    result = box.seep_run(["/usr/bin/python3", "-S", "-E", "-c", script],
                          environment={"PYTHONMALLOC": "malloc"})
    expect_equal((result.returncode, result.stdout, result.stderr), (3, b"1000\n", b""),
                 "(status, stdout, stderr)")
    report = box.report()
    expect_equal(report["process"]["status"], 3, "the status in the report")
    expect(report["totals"]["live_bytes"] > 1000000, "the state after the chroot is missing")
