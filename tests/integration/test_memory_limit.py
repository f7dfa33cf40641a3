# SPDX-License-Identifier: Apache-2.0
"""test_memory_limit: a snapshot knows the memory limit of the cgroup that the program is in."""

import functools
import os

import snapshot_file
from cgroup import Cgroup
from sandbox import end_of, expect, expect_equal
from test_snapshots import Server

MIB = 1 << 20


def tests():
    for who in ("process", "thread", "inline"):
        yield "the limit of a memory cgroup is in the snapshots, by %s" % who, \
            functools.partial(in_cgroup, who)
    yield "a program that is moved into another cgroup has the limit of that one", moved
    yield "where nothing is limited the machine is the limit, or a cgroup above the test", unlimited


def last_limit(box):
    snapshot = snapshot_file.read(box.path("out.seep")).snapshots[-1]
    return snapshot.limit_kind, snapshot.limit_bytes, snapshot.limit_used_bytes


def check_limit(box, size):
    kind, limit, used = last_limit(box)
    expect_equal((kind, limit), ("cgroup", size), "the limit")
    expect(0 < used < size, "%d of %d bytes are in use" % (used, size))


def in_cgroup(who, box):
    # Little enough to be met before any other limit; nested, for the limit may be further up.
    with Cgroup(box, "limited") as limited:
        limited.limit(64 * MIB)
        with Cgroup(box, "inner", limited) as inner:
            script = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
            program = box.compile("grows_on_command.c", "-O1")
            result = box.run(["sh", "-c", script, inner.folder, "env",
                              *("%s=%s" % item for item in box.preload(
                                  output=box.path("out.seep"), quiet="on",
                                  snapshots_by=who).items()), program],
                             stdin=b"leak 1000 1000\n")
            expect_equal((result.returncode, result.stdout), (0, b"ok\n"), "(status, stdout)")
            box.wait_until(lambda: end_of(box.path("out.seep")), "the end record")
            check_limit(box, 64 * MIB)


def moved(box):
    with Cgroup(box, "first") as first, Cgroup(box, "second") as second:
        first.limit(256 * MIB)
        second.limit(128 * MIB)
        server = Server(box, "--interval=1h")
        for cgroup, size in ((first, 256 * MIB), (second, 128 * MIB)):
            cgroup.add(server.pid)
            # What it had used stays charged to where it was used.
            server.ask("leak 1000 1000")
            expect_equal(box.seep("snapshot", server.pid).returncode, 0, "seep snapshot")
            check_limit(box, size)
        server.end()


def unlimited(box):
    server = Server(box, "--interval=1h")
    server.end()
    kind, limit, used = last_limit(box)
    expect(kind in ("machine", "cgroup"), "the limit is one of %s" % kind)
    expect(0 < used < limit, "%d of %d bytes are in use" % (used, limit))
    if kind == "machine":
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        expect(limit <= pages, "the machine has %d bytes, not %d" % (pages, limit))
