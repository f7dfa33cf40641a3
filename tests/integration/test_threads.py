# SPDX-License-Identifier: Apache-2.0
"""test_threads: counts add up after eight threads have fought over the same blocks, after thousands
of short ones, and where signal handlers allocate in the middle of our own code."""

import functools
import os
import signal
import subprocess

import snapshot_file
from case_program import find_site
from sandbox import expect, expect_equal, stop

FIELDS = ("allocations", "frees", "live_blocks", "live_bytes")


def tests():
    yield "counts add up after eight threads and forks", functools.partial(torture, [])
    yield "counts add up while snapshots are taken all the time", functools.partial(
        torture, ["--interval=2ms"])
    for who in ("thread", "inline"):
        yield "counts add up with snapshots by %s" % who, functools.partial(
            torture, ["--interval=5ms", "--snapshots-by=" + who])
    yield "counts add up where a timer's handler allocates in the middle of our code", timer
    yield "thousands of short threads leave no memory of seep's behind", short_threads
    for who in ("process", "thread"):
        yield "a stopped program has snapshots, and goes on, with snapshots by %s" % who, \
            functools.partial(stopped, who)


def torture(options, box):
    program = box.compile("tortures_allocator.c", "-O1", "-pthread")
    rounds = 400000 if box.is_full else 40000
    # Only the parent is of interest; the children are followed elsewhere.
    result = box.seep_run([program, str(rounds), "20"], *options)
    expect_equal(result.returncode, 0, "the exit status")
    expect_equal(result.stderr, b"", "stderr")
    report = box.report()
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")

    for line in result.stdout.decode().splitlines():
        function, *numbers = line.split()
        site = find_site(report, function)
        found = tuple(site[field] for field in FIELDS)
        expect_equal(found, tuple(map(int, numbers)), "%s's %s" % (function, ", ".join(FIELDS)))
        expect_equal(site["allocations"] - site["frees"], site["live_blocks"],
                     function + "'s allocations - frees")
    totals = report["totals"]
    expect_equal(totals["allocations"] - totals["frees"], totals["live_blocks"],
                 "the total allocations - frees")
    check_file(box, is_exact=not any("snapshots-by" in option for option in options))
    box.note("%d allocations - %d frees = %d live blocks, %d snapshots"
             % (totals["allocations"], totals["frees"], totals["live_blocks"], report["snapshots"]))


def check_file(box, is_exact):
    """The same, as an independent reader sees it in the last snapshot."""
    file = snapshot_file.read(box.path("out.seep"))
    last = file.snapshots[-1]
    # Without the helper process the last state is taken while the process still is there.
    expect(not is_exact or not last.flags & snapshot_file.IS_FUZZY, "the final snapshot is fuzzy")
    sites = file.final_sites().values()
    for index, field in enumerate(("live_blocks", "live_bytes", "allocations", "allocated_bytes")):
        expect_equal(sum(site[index] for site in sites), last.totals[field],
                     "the sum of the sites' " + field)
    for blocks, size, _, _, cohorts in sites:
        expect_equal((sum(cohort[1] for cohort in cohorts), sum(cohort[2] for cohort in cohorts)),
                     (blocks, size), "the sum of a site's cohorts")


def timer(box):
    library = box.compile("interruptible_allocator.c", "-O1", "-shared", "-fPIC",
                          output="libinterruptible.so")
    program = box.compile("allocates_in_a_timer_handler.c", "-O1", library,
                          "-Wl,-rpath," + box.folder)
    result = box.seep_run([program])
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    allocations, frees, signals = map(int, result.stdout.split())
    found = snapshot_file.read(box.path("out.seep")).snapshots[-1].totals
    box.note("%d allocations, %d of them in a handler inside of us; %d lost, %d frees unknown"
             % (allocations, found["lost_stacks"], found["lost_blocks"], found["unknown_frees"]))
    # A handler that finds a table in use lets its block go, and says so.
    expect_equal(found["allocations"] + found["lost_blocks"], allocations, "allocations and lost")
    expect_equal(found["frees"] + found["unknown_frees"], frees, "frees and unknown ones")
    expect_equal(found["live_blocks"], found["allocations"] - found["frees"], "live blocks")
    expect(found["lost_stacks"] > 20, "no handler came in the middle")
    expect(found["lost_blocks"] + found["unknown_frees"] <= signals / 50, "too many are lost")


def short_threads(box):
    count = 20000 if box.is_full else 4000
    program = box.compile("starts_many_short_threads.c", "-O1", "-pthread")
    result = box.seep_run([program, str(count)], "--interval=50ms")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = box.report()
    expect_equal(find_site(report, "keep")["live_blocks"], count, "live blocks")
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")
    snapshots = snapshot_file.read(box.path("out.seep")).snapshots
    totals = snapshots[-1].totals
    expect_equal((totals["allocations"] - totals["frees"], totals["unknown_frees"]),
                 (totals["live_blocks"], 0), "(live blocks, unknown frees)")
    own = [snapshot.totals["own_bytes"] for snapshot in snapshots]
    box.note("seep's own memory: %d KiB at first, %d KiB after %d threads"
             % (own[0] >> 10, own[-1] >> 10, count))
    # That of eight at a time, and of the blocks that are kept.
    expect(own[-1] < 4 << 20, "seep's own memory is %d bytes" % own[-1])


def stopped(who, box):
    program = box.compile("grows_on_command.c", "-O1")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="1h", snapshots_by=who),
                        stdin=subprocess.PIPE)

    def grow(command):
        process.stdin.write(command)
        process.stdin.flush()
        process.stdout.readline()

    def take(label):
        box.wait_until(lambda: box.seep("snapshot", "--label=" + label, process.pid).returncode
                       == 0, "the snapshot " + label)
    grow(b"leak 10 100\n")
    for label in ("stopped", "again"):
        process.send_signal(signal.SIGSTOP)
        if who == "process":  # a thread is stopped with all others
            take(label)
        process.send_signal(signal.SIGCONT)
        grow(b"leak 10 100\n")
        take(label + " and continued")
    process.stdin.close()
    process.stdin = None
    expect_equal(process.wait(20), 0, "the exit status")
    box.wait_for_end()
    found = {snapshot.label: snapshot.totals["live_blocks"] for snapshot
             in snapshot_file.read(box.path("out.seep")).snapshots if snapshot.label}
    wanted = {"stopped and continued": 20, "again and continued": 30}
    if who == "process":
        wanted.update({"stopped": 10, "again": 20})
    base = found["stopped and continued"] - 20
    expect_equal({label: blocks - base for label, blocks in found.items()}, wanted,
                 "the live blocks in the snapshots")
