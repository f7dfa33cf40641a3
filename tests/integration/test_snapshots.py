# SPDX-License-Identifier: Apache-2.0
"""test_snapshots: who asks for a snapshot gets one, and the file stays small and right."""

import functools
import os
import socket
import struct
import subprocess
import time

import snapshot_file
from case_program import find_site
from sandbox import SEEP, begun, expect, expect_equal, stop


def tests():
    for who in ("process", "thread"):
        yield "an interval brings snapshots while the program sleeps, by %s" % who, \
            functools.partial(on_interval, who)
    yield "an interval brings snapshots while the program works, inline", inline_interval
    yield "growth brings a snapshot before the interval is over", on_growth
    yield "seep snapshot PID brings one with its label", on_request
    yield "seep report PID and seep snapshots PID read a running process", on_running
    yield "another user's seep snapshot is refused", other_user
    yield "SEEP_OPTIONS works with plain LD_PRELOAD", by_options
    yield "the adaptive interval begins short and lengthens", adaptive
    yield "the file stays below max_file and right", bounded
    yield "a snapshot is in the file when seep.h's call returns", by_program
    yield "seep mark PID LABEL brings a mark each time, and says what is wrong", on_mark
    yield "a mark without a label is a bad request", nameless_mark
    for who in ("process", "thread", "inline"):
        yield "a program marks its rounds, by %s" % who, functools.partial(mark_by_program, who)
    for who in ("process", "thread"):
        yield ("marks that threads make at the same time have their labels, by %s" % who,
               functools.partial(marks_from_threads, who))
    yield "marks by the thousand stay within max_file, some of each label", many_marks
    yield "so does what the program asks for by a label", many_requests


class Server:
    """grows_on_command as a running process."""

    def __init__(self, box, *options, output="out.seep"):
        self.program = box.compile("grows_on_command.c", "-O0")
        self.box = box
        self.seep = box.start([SEEP, "run", "-q", "-o", box.path(output), *options, "--",
                               self.program], stdin=subprocess.PIPE)
        self.ask("sleep 0")
        with open("/proc/%d/task/%d/children" % (self.seep.pid, self.seep.pid)) as file:
            pids = [int(pid) for pid in file.read().split()]
        self.pid = next(pid for pid in pids if self.is_program(pid))

    def is_program(self, pid):
        return os.readlink("/proc/%d/exe" % pid) == self.program

    def ask(self, line):
        self.seep.stdin.write(line.encode() + b"\n")
        self.seep.stdin.flush()
        answer = self.seep.stdout.readline()
        expect_equal(answer, b"ok\n", "the answer to " + line)

    def end(self):
        self.seep.stdin.close()
        expect_equal(self.seep.wait(20), 0, "the exit status")
        self.seep.stdin = None


def reasons(box, name="out.seep"):
    return [snapshot.reason for snapshot in snapshot_file.read(box.path(name)).snapshots]


def work_for_snapshots(box, server, reason, wanted, line, pause_s):
    """Works on until so many snapshots were taken for this reason. Returns how often it worked, and
    how many seconds the server has been running at most."""
    started = time.monotonic()
    for times in range(1, 1000):
        server.ask(line)
        time.sleep(pause_s)
        file = begun(box.path("out.seep"))
        if file and sum(snapshot.reason == reason for snapshot in file.snapshots) >= wanted:
            break
        expect(time.monotonic() - started < 60, "%d snapshots do not come" % wanted)
    server.end()
    return times, time.monotonic() - started


def on_interval(who, box):
    server = Server(box, "--interval=50ms", "--snapshots-by=" + who)
    times, seconds = work_for_snapshots(box, server, "interval", 15, "leak 100 100", 0.1)
    count = reasons(box).count("interval")
    # The clock began a little earlier.
    expect(15 <= count <= (seconds + 1) / 0.05, "%d snapshots of 50 ms intervals in %.2f s"
           % (count, seconds))
    expect_equal(reasons(box)[-1], "final", "the last snapshot's reason")
    site = find_site(box.report(), "leak")
    expect_equal(site["live_blocks"], times * 100, "live blocks")
    series = site["series"]["live_blocks"]
    expect(len(set(series)) >= 5, "the series has %d different values: %s" % (len(set(series)), series))
    expect_equal(series, sorted(series), "the series of what only grows")


def inline_interval(box):
    server = Server(box, "--interval=50ms", "--snapshots-by=inline")
    times, seconds = work_for_snapshots(box, server, "interval", 8, "leak 10000 100", 0.06)
    count = reasons(box).count("interval")
    expect(8 <= count <= (seconds + 1) / 0.05, "%d snapshots in %.2f s" % (count, seconds))
    expect_equal(find_site(box.report(), "leak")["live_blocks"], times * 10000, "live blocks")


def on_growth(box):
    server = Server(box, "--interval=1h", "--growth=1M")
    times, _ = work_for_snapshots(box, server, "growth", 3, "leak 1000 1500", 0.15)
    count = reasons(box).count("growth")
    expect(3 <= count <= times * 1.5, "%d snapshots for %d times 1.5 MB: %s"
           % (count, times, reasons(box)))


def on_request(box):
    server = Server(box, "--interval=1h")
    server.ask("leak 123 1000")
    result = box.seep("snapshot", "--label=noon", server.pid)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr) of seep snapshot")
    snapshots = snapshot_file.read(box.path("out.seep")).snapshots
    expect_equal((snapshots[-1].label, snapshots[-1].reason), ("noon", "request"),
                 "the last snapshot in the file")
    expect(snapshots[-1].totals["live_bytes"] >= 123000, "the snapshot is older than the leak")
    server.ask("leak 1 1000")
    server.end()
    listing = box.seep("snapshots", box.path("out.seep"))
    expect(b"noon" in listing.stdout, "seep snapshots does not show the label")
    diff = box.seep("diff", box.path("out.seep") + "@noon", box.path("out.seep") + "@last")
    expect_equal((diff.returncode, diff.stderr), (0, b""), "(status, stderr) of seep diff")


def on_running(box):
    server = Server(box, "--interval=1h")
    server.ask("leak 77 1000")
    result = box.seep("report", server.pid)
    expect_equal(result.returncode, 0, "the status of seep report PID: %r" % result.stderr[:200])
    expect(b"leak" in result.stdout, "the report of a running process does not show its site")
    server.end()


def other_user(box):
    server = Server(box, "--interval=1h")
    before = len(reasons(box))
    result = box.run_as_nobody([SEEP, "snapshot", server.pid])
    check_one_line(result)
    expect_equal(len(reasons(box)), before, "the number of snapshots after the refusal")
    # The owner may, without being root.
    server.end()


def check_one_line(result):
    expect_equal(result.returncode, 2, "the exit status")
    lines = result.stderr.decode().splitlines()
    expect(len(lines) == 1 and lines[0].startswith("seep: "), "stderr is %r" % result.stderr)


def by_options(box):
    program = box.compile("grows_on_command.c", "-O1")
    folder = box.path("a:b")
    os.mkdir(folder)
    result = box.run([program], box.preload(output=os.path.join(folder, "x.%e.%p.seep"),
                                            interval="20ms", stack_depth="2", quiet="on"),
                     stdin=b"leak 10 10\nsleep 200\n")
    expect_equal((result.stdout, result.stderr), (b"ok\nok\n", b""), "(stdout, stderr)")
    names = os.listdir(folder)
    # %e is the name as ps shows it, which the kernel cuts after 15 bytes.
    expect(len(names) == 1 and names[0].startswith("x.grows_on_comman."), "files: %s" % names)
    path = os.path.join(folder, names[0])
    report = box.report(path)
    expect(report["snapshots"] >= 5, "%d snapshots" % report["snapshots"])
    site = find_site(report, "leak")
    code = [frame for frame in site["stack"] if frame["module"] and not frame["inlined"]]
    expect_equal(len(code), 2, "frames kept with stack_depth=2")
    expect(site["live_blocks"] == 10 and report["lost"]["cut_stacks"] > 0, "the stacks are cut")


def adaptive(box):
    server = Server(box)
    for _ in range(30):
        server.ask("leak 1 100")
        time.sleep(0.1)
    server.end()
    file = snapshot_file.read(box.path("out.seep"))
    times = [snapshot.time_s for snapshot in file.snapshots if snapshot.reason == "interval"]
    expect(len(times) >= 4 and times[0] < 1, "snapshots at %s" % times)
    # A pause is a 16th of the run before it; on a busy machine it can only be longer.
    for before, after in zip(times, times[1:]):
        expect(after - before > max(0.1, before / 16) * 0.95,
               "%.3f s between snapshots after %.3f s" % (after - before, before))


def bounded(box):
    """Thousands of sites and hundreds of snapshots into one megabyte."""
    server = Server(box, "--interval=10ms", "--max-file=1M")
    most = 0
    for round_ in range(40):
        server.ask("sites %d" % (2000 + round_ * 25))
        server.ask("leak 100 16")
        server.ask("sleep 50")
        most = max(most, os.path.getsize(box.path("out.seep")))
    server.end()
    size = os.path.getsize(box.path("out.seep"))
    expect(max(most, size) <= 1 << 20, "the file grew to %d bytes" % max(most, size))
    file = snapshot_file.read(box.path("out.seep"))
    expect_equal(file.whole_bytes, size, "the readable part of the file")
    expect(file.snapshots[-1].number > len(file.snapshots), "nothing was thinned: %d of %d"
           % (len(file.snapshots), file.snapshots[-1].number))
    numbers = [snapshot.number for snapshot in file.snapshots]
    expect_equal(numbers, sorted(set(numbers)), "the snapshots' numbers")
    report = box.report()
    site = find_site(report, "leak")
    expect_equal((site["live_blocks"], site["live_bytes"]), (4000, 64000), "the leak")
    series = site["series"]["live_blocks"]
    expect_equal(series, sorted(series), "the series of what only grows")
    expect_equal(sum(site["live_blocks"] for site in report["sites"]),
                 report["totals"]["live_blocks"], "the sum over the sites")


def by_program(box):
    program = box.compile("acknowledges_snapshots.c", "-O1")
    shared = box.write("progress", bytes(24))
    plain = box.run([program, shared])
    expect_equal(plain.returncode, 3, "without seep seep_is_watching()")
    process = box.start([program, shared], box.preload(output=box.path("out.seep"), quiet="on",
                                                       interval="1h"))

    def asked():
        file = begun(box.path("out.seep"))
        return file and any(snapshot.reason == "request" for snapshot in file.snapshots)
    box.wait_until(asked, "the first snapshot")
    stop(process)
    labels = [snapshot.label for snapshot in snapshot_file.read(box.path("out.seep")).snapshots
              if snapshot.reason == "request"]
    expect_equal(labels[:2], ["done-1", "done-2"][:len(labels[:2])], "the labels")


def marks_of(box):
    return [snapshot for snapshot in snapshot_file.read(box.path("out.seep")).snapshots
            if snapshot.reason == "mark"]


def on_mark(box):
    server = Server(box, "--interval=1h")
    for times in range(1, 4):
        server.ask("leak 100 100")
        result = box.seep("mark", server.pid, "idle")
        expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr) of seep mark")
        expect(result.stdout.startswith(b"mark idle at snapshot %d of " % times),
               "seep mark says %r" % result.stdout)
    expect_equal([mark.label for mark in marks_of(box)], ["idle"] * 3, "the marks in the file")
    for arguments, part in ((("mark",), "missing"), (("mark", server.pid), "label is missing"),
                            (("mark", server.pid, ""), "label is empty"),
                            (("mark", server.pid, "a", "b"), "one PID and one label"),
                            (("mark", server.pid, "last"), "unreachable"),
                            (("mark", server.pid, "x" * 128), "longer than 127 bytes"),
                            (("mark", "server", "idle"), "not the number of a process"),
                            (("mark", os.getpid(), "idle"), "not under seep")):
        result = box.seep(*arguments)
        check_one_line(result)
        expect(part in result.stderr.decode(), "%r does not say %r" % (result.stderr, part))
    expect_equal(len(marks_of(box)), 3, "the number of marks after the refusals")
    server.end()
    listing = box.seep("snapshots", box.path("out.seep")).stdout.decode().splitlines()
    rows = [line.split() for line in listing if line.endswith("idle")]
    expect_equal(["mark" in row for row in rows], [True] * 3, "the column why, of %s" % rows)


def ask_helper(pid, verb, label):
    """(version, result) of the answer to a request that the tool would not make."""
    with open("/proc/%d/stat" % pid) as file:
        ticks = file.read().rpartition(")")[2].split()[19]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as helper:
        helper.settimeout(20)
        helper.connect("\0seep.%d.%s" % (pid, ticks))
        helper.send(struct.pack("<II128s", 1, verb, label))
        return struct.unpack_from("<II", helper.recv(8192))


def nameless_mark(box):
    server = Server(box, "--interval=1h")
    # Which waits for a helper that has only just been made.
    expect_equal(box.seep("snapshot", server.pid).returncode, 0, "the status of seep snapshot")
    expect_equal(ask_helper(server.pid, 3, b""), (1, 2), "(version, result) without a label")
    expect_equal(ask_helper(server.pid, 5, b"idle"), (1, 2), "(version, result) of an unknown verb")
    expect_equal(ask_helper(server.pid, 3, b"x" * 128), (1, 0), "(version, result) without an end")
    expect_equal([mark.label for mark in marks_of(box)], ["x" * 127], "the marks in the file")
    server.end()


def mark_by_program(who, box):
    program = box.compile("marks_its_rounds.c", "-O1")
    expect_equal(box.run([program]).returncode, 0, "the status without seep")
    result = box.seep_run([program], "--interval=1h", "--snapshots-by=" + who)
    expect_equal(result.returncode, 0, "the status under seep")
    marks = marks_of(box)
    expect_equal([mark.label for mark in marks], ["busy", "idle"] * 5 + ["x" * 127], "the labels")
    blocks = [mark.totals["live_blocks"] for mark in marks]
    # Each round keeps ten blocks, and nothing else stays.
    expect_equal([after - before for before, after in zip(blocks[1:9:2], blocks[3:10:2])], [10] * 4,
                 "what grew between idle and idle, of %s" % blocks)


def marks_from_threads(who, box):
    program = box.compile("marks_from_threads.c", "-O1", "-pthread")
    result = box.seep_run([program], "--interval=1h", "--snapshots-by=" + who)
    expect_equal(result.returncode, 0, "the number of threads whose marks were refused")
    labels = [mark.label for mark in marks_of(box)]
    expect_equal({label: labels.count(label) for label in labels},
                 {"north": 50, "east": 50, "south": 50, "west": 50}, "the labels")


def many_marks(box):
    server = Server(box, "--interval=1h", "--max-file=1M")
    server.ask("sites 6000")
    size = 0
    for times in range(1, 5000):
        server.ask("leak 1 100")
        label = ("even" if times % 2 == 0 else "odd ") * 31  # so that it takes fewer
        expect_equal(box.seep("mark", server.pid, label).returncode, 0, "the status of seep mark")
        size = max(size, os.path.getsize(box.path("out.seep")))
        marks = marks_of(box) if times % 20 == 0 else []
        if marks and len(marks) < times * 3 / 4:
            break
    server.end()
    expect(size <= 1 << 20, "the file grew to %d bytes" % size)
    labels = [mark.label for mark in marks_of(box)]
    even, odd = labels.count("even" * 31), labels.count("odd " * 31)
    expect(even > 2 and odd > 2 and abs(even - odd) <= 16,
           "%d even and %d odd are left" % (even, odd))


def many_requests(box):
    program = box.compile("asks_for_thousands_of_snapshots.c", "-O1")
    result = box.seep_run([program], "--interval=1h", "--max-file=1M")
    expect_equal(result.returncode, 0, "the number of snapshots that were refused")
    size = os.path.getsize(box.path("out.seep"))
    expect(size <= 1 << 20, "the file has %d bytes" % size)
    labels = [snapshot.label.strip() for snapshot in
              snapshot_file.read(box.path("out.seep")).snapshots]
    before, after = labels.count("before"), labels.count("after")
    expect(before > 2 and after > 2 and abs(before - after) <= 16,
           "%d before and %d after are left" % (before, after))
    box.note("%d and %d of 2000 each are left, in %d bytes" % (before, after, size))
