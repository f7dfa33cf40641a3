# SPDX-License-Identifier: Apache-2.0
"""test_memory_alarm: a snapshot is taken shortly before memory runs out."""

import contextlib
import functools
import os
import re
import resource
import signal
import subprocess

from cgroup import Pressed
from sandbox import SEEP, Failed, Skipped, begun, expect, expect_equal
from test_memory_limit import MIB, Cgroup
from test_snapshots import Server

# No other reason to take one.
QUIET = ("--interval=1h", "--growth=off")
LIMIT = 96 * MIB


def tests():
    yield "near the limit of its cgroup", in_cgroup
    for nested in (False, True):
        for followed in (True, False):
            yield "the OOM killer leaves a file that says so, %s a limit of %s" % (
                "under seep run, at" if followed else "by itself, at",
                "a cgroup above" if nested else "its own"), \
                functools.partial(killed, nested, followed)
    yield "a limit that comes nearer while the program does nothing", lowered
    yield "near RLIMIT_AS", near_address_space
    yield "tasks of its cgroup wait for memory; those of another one are no alarm", pressed
    yield "not where it is switched off, and not far from the limit", quiet


def alarms(box):
    """Those for a limit. Pressure may come from anybody on the machine, and at any time."""
    file = begun(box.path("out.seep"))
    return [snapshot for snapshot in (file.snapshots if file else ())
            if snapshot.reason == "memory"
            and snapshot.limit_used_bytes > 0.85 * snapshot.limit_bytes]


def fill(server, size):
    """In blocks of nearly a page each, whose first bytes are written."""
    server.ask("leak %d 4000" % (size // 4096))


def in_cgroup(box):
    with Cgroup(box, "alarm") as cgroup:
        cgroup.limit(LIMIT)
        server = Server(box, *QUIET)
        cgroup.add(server.pid)
        fill(server, 40 * MIB)
        server.ask("sleep 1500")
        expect_equal(len(alarms(box)), 0, "snapshots with half of the limit in use")
        fill(server, 50 * MIB)
        first = box.wait_until(lambda: alarms(box), "a snapshot near the limit")[0]
        expect_equal(first.limit_kind, "cgroup", "the kind of limit")
        live = first.totals["live_bytes"]
        expect(0.85 * LIMIT < live < LIMIT, "%d are live" % live)
        # It stays where it is: no stream of snapshots.
        server.ask("sleep 3000")
        expect(len(alarms(box)) <= 3, "%d snapshots of an idle program" % len(alarms(box)))
        server.end()


def killed(nested, followed, box):
    """By itself nobody is left to see the end: the OOM killer takes the helper, too."""
    program = box.compile("grows_on_command.c", "-O1")
    out = box.path("out.seep")
    with Cgroup(box, "killed") as limited:
        limited.limit(LIMIT)
        with Cgroup(box, "inner", limited) if nested else contextlib.nullcontext(limited) as cgroup:
            script = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
            settings = dict(output=out, quiet="on", interval="1h", growth="off")
            if followed:
                how = [SEEP, "run", "-q", *("--%s=%s" % item for item in settings.items()
                                            if item[0] != "quiet"), "--"]
            else:
                how = ["env", *("%s=%s" % item for item in box.preload(**settings).items())]
            result = box.run(["sh", "-c", script, cgroup.folder, *how, program],
                             stdin=b"".join(b"leak 256 4000\nsleep 5\n" for _ in range(200)))
    expect_equal(result.returncode, 128 + 9 if followed else -9,
                 "the status of a program that was out of memory")
    seen = alarms(box)
    expect(seen and seen[-1].totals["live_bytes"] > 0.85 * LIMIT,
           "the last alarm has %s" % [snapshot.totals["live_bytes"] for snapshot in seen])
    text = box.seep("report", out).stdout
    # All of it is in the first line, which is cut at the edge of the screen.
    end = b"killed by SIGKILL, out of memory" if followed else b"gone, probably out of memory"
    expect(re.match(br".*\), " + end + br": (9\d|100) % of its lim(it|\xe2\x80\xa6)\n", text),
           "%r" % text[:300])
    site = text[text.index(b" 1. "):].split(b"\n 2. ")[0]
    expect(b"leak  grows_on_command.c:" in site, "who holds the memory is not first: %r" % site)


def lowered(box):
    """Somebody else lowers it, and then raises it."""
    with Cgroup(box, "lowered") as cgroup:
        cgroup.limit(4 * LIMIT)
        server = Server(box, *QUIET)
        cgroup.add(server.pid)
        fill(server, 60 * MIB)
        expect_equal(len(alarms(box)), 0, "snapshots far from the limit")
        cgroup.limit(66 * MIB)
        first = box.wait_until(lambda: alarms(box), "a snapshot near the new limit")[0]
        expect_equal(first.limit_bytes, 66 * MIB, "the limit")
        # Far again, and near that one: as if it were the first time.
        cgroup.limit(LIMIT)
        box.wait_until(lambda: box.seep("snapshot", server.pid).returncode == 0, "a snapshot")
        server.ask("sleep 6000")
        fill(server, 30 * MIB)
        box.wait_until(lambda: [snapshot for snapshot in alarms(box)
                                if snapshot.limit_bytes == LIMIT], "one near the old limit")
        server.end()


def pressed(box):
    """The program does nothing. Somebody else reads ever again what does not fit."""
    box.write("text", "")
    file = os.open(box.path("text"), os.O_RDWR)
    os.write(file, os.urandom(64 * MIB))
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)  # it is not the test's memory
    os.close(file)
    with Pressed(box, "neighbours", 12 * MIB) as others, Pressed(box, "own", 12 * MIB) as own:
        server = Server(box, *QUIET)
        own.watch(server.pid)
        box.wait_until(lambda: os.path.exists(box.path("out.seep")), "the file")
        server.ask("sleep 2000")  # the kernel is asked for its word after a second
        for cgroup in (others, own):
            with readers(box, cgroup):
                try:
                    box.wait_until(cgroup.has_pressure, "somebody to wait for memory", 30)
                except Failed as reason:
                    raise Skipped("nobody waits for what this disk holds: %s" % reason) from None
                if cgroup is own:
                    box.wait_until(lambda: memory_snapshots(box), "an alarm")
            if cgroup is others:
                expect_equal(len(memory_snapshots(box)), 0, "alarms for others")
        server.end()


def memory_snapshots(box):
    return [snapshot for snapshot in begun(box.path("out.seep")).snapshots
            if snapshot.reason == "memory"]


@contextlib.contextmanager
def readers(box, cgroup):
    """Four of them; one alone waits too little on a fast disk."""
    script = ('for folder; do echo $$ > "$folder/cgroup.procs"; done;'
              ' while :; do cat "%s" > /dev/null; done' % box.path("text"))
    processes = [box.start(["sh", "-c", script, "reader", *cgroup.folders], process_group=0,
                           stderr=subprocess.DEVNULL) for _ in range(4)]
    try:
        yield
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def size_of(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def near_address_space(box):
    server = Server(box, *QUIET)
    size = size_of(server.pid)
    resource.prlimit(server.pid, resource.RLIMIT_AS, (size * 10 // 8, size * 10 // 8))
    box.wait_until(lambda: os.path.exists(box.path("out.seep")), "the file")
    expect_equal(len(alarms(box)), 0, "snapshots at 80 % of the limit")
    fill(server, size // 8 + MIB)
    first = box.wait_until(lambda: alarms(box), "a snapshot near the limit")[0]
    expect_equal(first.limit_kind, "address space", "the kind of limit")
    server.end()


def quiet(box):
    with Cgroup(box, "quiet") as cgroup:
        cgroup.limit(LIMIT)
        server = Server(box, *QUIET, "--near-limit=off")
        cgroup.add(server.pid)
        fill(server, 90 * MIB)
        server.ask("sleep 2500")
        expect_equal(len(alarms(box)), 0, "snapshots without near_limit")
        server.end()
