# SPDX-License-Identifier: Apache-2.0
"""test_memory_limit: a snapshot knows the memory limit of the cgroup that the program is in."""

import functools
import os

import snapshot_file
from sandbox import Skipped, end_of, expect, expect_equal
from test_snapshots import Server

MIB = 1 << 20
V1 = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
V2 = ("/sys/fs/cgroup", "memory.max")


def tests():
    for who in ("process", "thread", "inline"):
        yield "the limit of a memory cgroup is in the snapshots, by %s" % who, \
            functools.partial(in_cgroup, who)
    yield "a program that is moved into another cgroup has the limit of that one", moved
    yield "where nothing is limited the machine is the limit, or a cgroup above the test", unlimited


def own_cgroup():
    """The memory cgroup of the test, as a folder, and the name of its limit's file."""
    with open("/proc/self/cgroup") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            mount, limit = V1
            break
    else:
        mount, limit = V2
        path = next((path for _, controllers, path in lines if not controllers), "/")
        # A cgroup with processes in it can have limited ones below it at the top only.
        if not os.path.exists(os.path.join(mount, "cgroup.subtree_control")):
            raise Skipped("no memory cgroups are mounted")
        with open(os.path.join(mount, "cgroup.subtree_control")) as file:
            if "memory" not in file.read().split():
                raise Skipped("the memory controller of cgroups is not switched on")
        path = "/"
    folder = mount + path
    return (folder if os.path.isdir(folder) else mount), limit


class Cgroup:
    """A memory cgroup for as long as the `with` lasts."""
    def __init__(self, box, name, above=None):
        if os.geteuid() != 0:
            raise Skipped("only root can make a cgroup")
        self.box = box
        folder, self.limit_file = (above.folder, above.limit_file) if above else own_cgroup()
        self.folder = os.path.join(folder, "%s-%s" % (name, os.path.basename(box.folder)))
        try:
            os.mkdir(self.folder)
        except OSError as error:
            raise Skipped("a cgroup cannot be made: %s" % error) from None
        if not os.path.exists(os.path.join(self.folder, self.limit_file)):
            os.rmdir(self.folder)
            raise Skipped("a new cgroup has no memory limit")

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure:
            for process in self.box.processes:
                process.kill()
        self.box.wait_until(self.is_removed, "the end of all that is in the cgroup")

    def is_removed(self):
        try:
            os.rmdir(self.folder)
            return True
        except OSError:
            return False

    def limit(self, size):
        self.write(self.limit_file, size)

    def add(self, pid):
        self.write("cgroup.procs", pid)

    def write(self, name, value):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(str(value))


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
