# SPDX-License-Identifier: Apache-2.0
"""test_clock: clocks that jump change no order of snapshots, make no rate infinite and no storm.

The library asks the kernel for the time, without the vDSO; fails_calls answers in its place. What
the program itself sees stays as it is.
"""

import functools
import math
import os
import signal
import subprocess
import time

import sandbox
import snapshot_file
from case_program import find_site
from sandbox import Skipped, begun, expect, expect_equal

YEAR_S, HOUR_S = 365 * 86400, 3600
ROUNDS = 12  # of 0.1 s
CANNOT_BE_RUN = 77  # as fails_calls.c
# What moves, as fails_calls wants it; by how much the run seems longer.
JUMPS = {
    "real time jumps forth and back by a year": (
        "0:300:%d,0:600:%d" % (YEAR_S, -2 * YEAR_S), 0),
    "real time is set after a start in 1971": ("0:0:-1700000000,0:500:1700000000", 0),
    "monotonic time jumps forth by an hour": ("1:500:%d" % HOUR_S, HOUR_S),
    "monotonic time goes back by an hour": ("1:500:%d" % -HOUR_S, 0),
}


def tests():
    for name in JUMPS:
        for who in ("process", "inline"):
            yield "%s, with snapshots by %s" % (name, who), functools.partial(jump, name, who)
    yield "a helper that stood still for a while makes no storm", stopped
    yield "a program in a time namespace of its own is asked like any other", time_namespace


def check_order(file, round_count):
    times = [snapshot.time_s for snapshot in file.snapshots]
    expect_equal(times, sorted(times), "the times of the snapshots")
    numbers = [snapshot.number for snapshot in file.snapshots]
    expect_equal(numbers, list(range(1, len(numbers) + 1)), "their numbers")
    expect(3 <= len(times) <= 3 * round_count, "there are %d snapshots, at %s"
           % (len(times), times))
    return times


def jump(name, who, box):
    clocks, longer_s = JUMPS[name]
    tracer = box.compile(os.path.join(sandbox.ROOT, "tests", "torture", "fails_calls.c"), "-O1")
    program = box.compile("grows_on_command.c", "-O1")
    settings = box.preload(output=box.path("out.seep"), interval="100ms", snapshots_by=who)
    del settings["LD_PRELOAD"]
    started = time.monotonic()
    result = box.run([tracer, box.path("log"), sandbox.LIBRARY, 60, 0, 12, "-", clocks, program],
                     settings, stdin=b"leak 2000 10\nsleep 100\n" * ROUNDS)
    took_s = time.monotonic() - started
    if result.returncode == CANNOT_BE_RUN:
        raise Skipped("a seccomp filter with a listener cannot be had: %s" % result.stderr)
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"ok\n" * 2 * ROUNDS, b""),
                 "(status, stdout, stderr)")
    file = snapshot_file.read(box.path("out.seep"))
    times = check_order(file, took_s / 0.1)
    expect(longer_s <= times[-1] <= longer_s + took_s, "the snapshots are at %s, after %.1f s"
           % (times, took_s))
    report = box.report()
    site = find_site(report, "leak")
    expect_equal(site["live_blocks"], 2000 * ROUNDS, "live blocks")
    for rate in (site["growth"]["bytes_per_hour"], *site["growth"]["bytes_per_hour_ci95"]):
        expect(math.isfinite(rate) and 0 <= rate < 2000 * 10 * HOUR_S / 0.02,
               "the growth is %s" % site["growth"])
    expect(longer_s <= report["span_s"] <= longer_s + took_s, "the span is %s" % report["span_s"])
    expect(not report["lost"]["last_state"], "the last state is missing")
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("ran for 1 h" in text if longer_s else "ran for %d." % times[-1] in text or
           "ran for %d " % (times[-1] * 1000) in text, "the report says %s" % text[:300])


def stopped(box):
    program = box.compile("grows_on_command.c", "-O1")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="20ms", snapshots_by="thread"),
                        stdin=subprocess.PIPE)
    box.wait_until(lambda: begun(box.path("out.seep")) and begun(box.path("out.seep")).snapshots,
                   "a snapshot")
    process.send_signal(signal.SIGSTOP)
    before = len(snapshot_file.read(box.path("out.seep")).snapshots)
    time.sleep(1.5)  # 75 intervals
    process.send_signal(signal.SIGCONT)
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the program's status")
    times = [snapshot.time_s for snapshot in snapshot_file.read(box.path("out.seep")).snapshots]
    expect_equal(times, sorted(times), "the times of the snapshots")
    expect(len(times) <= before + 20, "%d snapshots before and %d after a pause, at %s" % (
        before, len(times), times))


def time_namespace(box):
    apart = ["unshare", "-T", "--monotonic", "10000000", "--boottime", "10000000", "--fork"]
    if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
        raise Skipped("no time namespaces for this user")
    program = box.compile("grows_on_command.c", "-O1")
    settings = ["%s=%s" % item for item in box.preload(output=box.path("out.seep"), quiet="on",
                                                       interval="100ms").items()]
    process = box.start([*apart, "env", *settings, program], stdin=subprocess.PIPE)
    box.wait_until(lambda: begun(box.path("out.seep")), "the file")
    process.stdin.write(b"leak 100 100\n")
    process.stdin.flush()
    expect_equal(process.stdout.readline(), b"ok\n", "the answer")
    pid = box.report()["process"]["pid"]
    result = box.seep("snapshot", "--label=here", pid)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr) of seep snapshot")
    expect_equal(box.report()["process"]["end"], "running", "the end")
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the program's status")
    report = box.wait_for_end()
    expect_equal((report["process"]["end"], find_site(report, "leak")["live_blocks"]),
                 ("exit", 100), "(end, live blocks)")
    times = [snapshot.time_s for snapshot in snapshot_file.read(box.path("out.seep")).snapshots]
    expect(times == sorted(times) and times[-1] < 1000, "the times of the snapshots are %s" % times)
