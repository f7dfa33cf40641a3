# SPDX-License-Identifier: Apache-2.0
"""test_scan: what is lost and what is held, at the end of a program and while it runs."""

import functools
import os
import select
import shutil
import signal
import subprocess
import time

import case_program
import reachability
import report_schema
from sandbox import SEEP, TIMEOUT_S, Skipped, begun, end_of, expect, expect_equal

SCANS = 10
# What threads hold where only a tracer sees it.
HELD_BY_THREADS = ("keeps_in_registers_of_sleeping_threads", "keeps_as_argument_of_a_system_call",
                   "keeps_in_vector_registers_of_sleeping_threads", "keeps_in_the_red_zone",
                   "keeps_on_stacks_of_threads", "keeps_in_thread_locals")
# Where the programs write that are asked while they run, and those that end.
RUNNING, ENDED = "running.seep", "out.seep"


def tests():
    for case in case_program.scanned_cases():
        yield case.name, functools.partial(check, case)
    yield "%d scans of threads that allocate" % SCANS, check_many_scans
    yield "scans on an interval", check_interval
    yield "a program that ends does not wait for a scan of the interval", check_end
    yield "a check does not wait for a scan of the interval", check_beside
    for who in ("the interval", "seep scan"):
        yield ("snapshots and marks are taken while a copy is read for " + who,
               functools.partial(check_snapshots_beside, who))
    yield "what a forked child loses", check_child
    yield "no register is forgotten where a tracer is in the way", check_traced
    for way in ("thread", "inline"):
        yield "nothing that a thread holds is lost for certain with snapshots by " + way, \
            functools.partial(check_without_process, way)
    yield "without a scan nothing is said", check_without


def check(case, box):
    program = case.build(box, case.variants()[0])
    process = start(box, program)
    scan(box, process.pid)
    compare(case, box, RUNNING)
    finish(process)
    result = box.seep_run([program], "--scan=exit")
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"ready\n", b""),
                 "status, stdout and stderr")
    compare(case, box, ENDED)


def check_many_scans(box):
    case = case_named("loses_while_threads_allocate")
    process = start(box, case.build(box, case.variants()[0]))
    for _ in range(SCANS):
        scan(box, process.pid)
        compare(case, box, RUNNING)
    finish(process)


def check_interval(box):
    case = case_named("loses_a_chain")
    process = start(box, case.build(box, case.variants()[0]), scan="200ms")
    first = box.wait_until(lambda: number_of_scan(box), "the first scan")
    box.wait_until(lambda: number_of_scan(box) > first, "another scan")
    compare(case, box, RUNNING)
    finish(process)


def check_end(box):
    """The copy that is at work is held, and with it the scan."""
    case = case_named("loses_a_chain")
    process = start(box, case.build(box, case.variants()[0]), scan="20ms")
    helper = box.wait_until(lambda: helper_of(process.pid), "the helper")
    held = box.wait_until(lambda: hold_copy(helper), "a copy at work")
    try:
        finish(process)
        expect(not os.path.exists("/proc/%d" % held), "the copy is still there")
    finally:
        kill(held)
    box.wait_until(lambda: end_of(box.path(RUNNING)), "the last word about the program")
    compare(case, box, RUNNING)


def check_beside(box):
    """The copy of the interval's scan is held, and would be for ever."""
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    process = box.start([program, "when told"],
                        box.preload(output=box.path(RUNNING), scan="20ms"), stdin=subprocess.PIPE)
    expect_equal(first_line(process), b"when told\n", "the first line of the program")
    helper = box.wait_until(lambda: helper_of(process.pid), "the helper")
    held = box.wait_until(lambda: hold_copy(helper), "a copy at work")
    try:
        said, _ = process.communicate(b"check\n", timeout=40)
        expect_equal([line for line in said.decode().splitlines() if line[0] != " "],
                     ["one 1", "40 bytes in 1 block definitely lost, allocated at"],
                     "what it is told")
        expect(not os.path.exists("/proc/%d" % held), "the copy is still there")
    finally:
        kill(held)


def check_snapshots_beside(who, box):
    """Each mark and each snapshot of the interval is taken while the copy stands."""
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    scans = {"scan": "20ms"} if who == "the interval" else {}
    process = box.start([program, "when told"],
                        box.preload(output=box.path(RUNNING), interval="50ms", **scans),
                        stdin=subprocess.PIPE)
    expect_equal(first_line(process), b"when told\n", "the first line of the program")
    helper = box.wait_until(lambda: helper_of(process.pid), "the helper")
    if not scans:
        box.start(["sh", "-c", "while %s scan %d; do :; done" % (SEEP, process.pid)],
                  stderr=subprocess.DEVNULL)
    held = box.wait_until(lambda: hold_copy(helper), "a copy at work")
    try:
        process.stdin.write(b"mark\n")
        process.stdin.flush()
        expect_equal(first_line(process), b"marked 0\n", "what the program says")
        number = newest_snapshot(box)
        box.wait_until(lambda: newest_snapshot(box) > number + 3, "snapshots of the interval")
        expect(stands_still("%d" % held), "the copy goes on")
        os.kill(held, signal.SIGCONT)
        box.wait_until(lambda: number_of_scan(box), "the scan that was held")
        process.communicate(timeout=40)
    finally:
        kill(held)


def newest_snapshot(box):
    return box.report(RUNNING)["snapshots"]


def hold_copy(helper):
    """Stops a copy of the process, and returns its PID, or None where none was met for a while."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        with open("/proc/%d/task/%d/children" % (helper, helper)) as file:
            for copy in file.read().split():
                try:
                    os.kill(int(copy), signal.SIGSTOP)
                    if stands_still(copy):
                        return int(copy)
                except OSError:
                    pass
    return None


def stands_still(pid):
    """It may have ended, and be waited for."""
    while True:
        with open("/proc/%s/stat" % pid) as file:
            state = file.read().rpartition(")")[2].split()[0]
        if state in "TZX":
            return state == "T"


def helper_of(pid):
    exe = os.readlink("/proc/%d/exe" % pid)
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/comm" % name, errors="replace") as file:
                is_ours = file.read().startswith("seep:")
            if is_ours and os.readlink("/proc/%s/exe" % name) == exe:
                return int(name)
        except OSError:
            pass
    return None


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def check_child(box):
    case = case_named("loses_in_a_child")
    program = case.build(box, case.variants()[0])
    box.seep_run([program], "--scan=exit")
    compare(case, box, ENDED)
    children = [path for path in box.seep_files() if path != box.path(ENDED)]
    expect_equal(len(children), 1, "the number of files of children")
    found = sums(case, box, box.report(children[0]))
    for function, lost, kept in (("keep", (40, 1), (0, 0)), ("lose", (240, 10), (24, 1))):
        expect_equal(found[function]["definitely_lost"], lost, "what is lost of %s's" % function)
        expect_equal(found[function]["reachable"], kept, "what is reachable of %s's" % function)


def check_traced(box):
    """Whether or not the registers can be had then: they may hold all of these blocks."""
    if not shutil.which("strace"):
        raise Skipped("strace is not installed")
    case = case_named("keeps_in_registers_of_sleeping_threads")
    program = case.build(box, case.variants()[0])
    preload = box.preload(output=box.path(RUNNING))
    tracer = box.start(["strace", "-f", "-qq", "-o", box.path("trace"),
                        *("-E%s=%s" % item for item in preload.items()), program],
                       stdin=subprocess.PIPE)
    expect_equal(first_line(tracer), b"ready\n", "the first line of the program")
    with open("/proc/%d/task/%d/children" % (tracer.pid, tracer.pid)) as file:
        program_pid = int(file.read().split()[0])
    scan(box, program_pid)
    report = box.report(RUNNING)
    found = sums(case, box, report)["make"]
    expect_equal(found["definitely_lost"], (0, 0), "what is lost for certain")
    box.note("%d threads, of which %d could not be read"
             % (report["scan"]["threads"], report["scan"]["unread_threads"]))
    finish(tracer)


def check_without_process(way, box):
    """Who has no process beside the program reads no registers."""
    for name in HELD_BY_THREADS:
        case = case_named(name)
        file = name + ".seep"
        box.seep_run([case.build(box, case.variants()[0])], "--scan=exit",
                     "--snapshots-by=" + way, output=file)
        for function, found in sums(case, box, box.report(file)).items():
            for lost in ("definitely_lost", "indirectly_lost"):
                expect_equal(found[lost], (0, 0), "%s of %s in %s" % (lost, function, name))


def check_without(box):
    case = case_named("loses_a_chain")
    box.seep_run([case.build(box, case.variants()[0])])
    report = box.report()
    expect_equal(report["scan"], None, "the scan")
    for site in report["sites"]:
        expect_equal(site["reachability"], None, "the reachability of a site")


# ---- parts ---------------------------------------------------------------------------------------

def case_named(name):
    return next(case for case in case_program.scanned_cases() if case.name == name)


def start(box, program, **options):
    """The program under the library, waiting at its scan point."""
    process = box.start([program], box.preload(output=box.path(RUNNING), **options),
                        stdin=subprocess.PIPE)
    expect_equal(first_line(process), b"ready\n", "the first line of the program")
    return process


def first_line(process):
    is_there = select.select([process.stdout], [], [], TIMEOUT_S)[0]
    expect(is_there, "the program says nothing")
    return process.stdout.readline()


def finish(process):
    process.stdin.close()
    expect_equal(process.wait(60), 0, "the status of the program")


def scan(box, pid):
    result = box.seep("scan", pid)
    expect(result.returncode == 0, "seep scan ends with %d: %s"
           % (result.returncode, result.stderr.decode()))


def number_of_scan(box):
    """The number of the newest snapshot that a scan belongs to, or None."""
    file = begun(box.path(RUNNING))
    found = file and file.scan()
    return found and found["snapshot"]


def compare(case, box, file):
    report = box.report(file)
    wrong = report_schema.check(report)
    expect(not wrong, "; ".join(wrong))
    reachability.compare(reachability.claims(case, "seep"), sums(case, box, report),
                         "seep, in " + file)


def sums(case, box, report):
    """{function: {class: (bytes, blocks)}} of a scan that has been done."""
    scan_done = report["scan"]
    expect(scan_done is not None, "no scan is in the file")
    expect_equal(scan_done["outcome"], "done", "the outcome (%s)" % scan_done["text"])
    result = reachability.Sums(reachability.Owners(case, box))
    for site in report["sites"]:
        found = site["reachability"]
        expect(found is not None or site["live_blocks"] == 0, "a site without reachability")
        for name in reachability.CLASSES if found else ():
            result.add(name, found[name]["bytes"], found[name]["blocks"], site["stack"])
    return result.found
