# SPDX-License-Identifier: Apache-2.0
"""test_ends: however a process ends, its file says how, and holds its last state."""

import functools
import os

from case_program import find_site
from sandbox import expect, expect_equal

# argument: (status that a shell would show, end, status in the report)
ENDS = {
    "return": (2, "exit", 2),
    "exit": (3, "exit", 3),
    "_exit": (4, "exit", 4),
    "_Exit": (4, "exit", 4),
    "quick_exit": (5, "exit", 5),
    "exit_group": (6, "exit", 6),
    "thread": (7, "exit", 7),
    "abort": (128 + 6, "signal", 6),
    "SIGSEGV": (128 + 11, "signal", 11),
    "SIGKILL": (128 + 9, "signal", 9),
    "SIGTERM": (128 + 15, "signal", 15),
}


def tests():
    for how in ENDS:
        yield "the last state is in the file after %s" % how, functools.partial(under_run, how)
        if how not in ("return", "exit"):
            yield "the same with plain LD_PRELOAD, %s" % how, functools.partial(preloaded, how)
    yield "of a program that was killed nobody counts the threads", killed_and_scanned
    yield "a report right after the end has the last state", report_at_once
    for pattern in ("%e.%p.seep", "out.seep"):
        yield "every program of a chain of exec has its file, of -o " + pattern, \
            functools.partial(exec_chain, pattern)
    yield "a failing exec changes nothing", failing_exec


def check(report, how):
    _, end, status = ENDS[how]
    expect_equal((report["process"]["end"], report["process"]["status"]), (end, status), "the end")
    site = find_site(report, "keep")
    expect_equal((site["live_blocks"], site["live_bytes"]), (100, 1000), "what is live")


def under_run(how, box):
    program = box.compile("ends_in_many_ways.c", "-O1", "-pthread")
    result = box.seep_run([program, how])
    expect_equal(result.returncode, ENDS[how][0], "the status of seep run")
    check(box.report(), how)


def killed_and_scanned(box):
    """It had one thread; how many there may have been is for the scan to know."""
    program = box.compile("ends_in_many_ways.c", "-O1", "-pthread")
    box.seep_run([program, "SIGSEGV"], "--scan=exit")
    report = " ".join(box.seep("report", "out.seep").stdout.decode().split())
    expect("the registers of its threads were gone" in report, report)


def preloaded(how, box):
    program = box.compile("ends_in_many_ways.c", "-O1", "-pthread")
    result = box.run([program, how], box.preload(output=box.path("out.seep"), quiet="on"))
    status = ENDS[how][0]
    expect_equal(result.returncode, status if status < 128 else 128 - status, "the exit status")
    report = box.wait_for_end()
    site = find_site(report, "keep")
    expect_equal((site["live_blocks"], site["live_bytes"]), (100, 1000), "what is live")
    # Only a parent surely learns how a process ended; without it the file may say "unknown", but
    # nothing wrong.
    end = (report["process"]["end"], report["process"]["status"])
    expect(end in (ENDS[how][1:], ("unknown", 0)), "the end is %s" % (end,))


def report_at_once(box):
    """Nobody waits for the helper here, but the reader does."""
    program = box.compile("ends_in_many_ways.c", "-O1", "-pthread")
    for _ in range(20):
        box.run([program, "exit"], box.preload(output=box.path("out.seep"), quiet="on"))
        expect_equal(find_site(box.report(), "keep")["live_blocks"], 100, "live blocks")


def exec_chain(pattern, box):
    program = box.compile("ends_in_many_ways.c", "-O1", "-pthread")
    result = box.seep("run", "-q", "-o", box.path(pattern), "--", program, "exec", program,
                      "exec", program, "exit")
    expect_equal(result.returncode, 3, "the exit status")
    reports = [box.report(path) for path in box.seep_files()]
    ends = sorted((report["process"]["end"], find_site(report, "keep")["live_blocks"])
                  for report in reports)
    expect_equal(ends, [("exec", 100), ("exec", 100), ("exit", 100)], "the ends of the files")
    expect_equal(len({report["process"]["pid"] for report in reports}), 1, "number of pids")
    if "%p" not in pattern:
        # The first one has the name as it was given, the others one in the order of the chain.
        pid = reports[0]["process"]["pid"]
        names = [os.path.basename(path) for path in box.seep_files()]
        expect_equal(names, ["out.seep", "out.seep.%d" % pid, "out.seep.%d.2" % pid], "the names")
        expect_equal([report["process"]["end"] for report in reports], ["exec", "exec", "exit"],
                     "the ends, in the order of the names")


def failing_exec(box):
    program = box.compile("ends_in_many_ways.c", "-O1", "-pthread")
    result = box.seep_run([program, "exec", "/no/such/program"])
    expect_equal(result.returncode, 2, "the exit status")
    report = box.report()
    expect_equal((report["process"]["end"], report["process"]["status"]), ("exit", 2), "the end")
    expect_equal(find_site(report, "keep")["live_blocks"], 100, "live blocks")
