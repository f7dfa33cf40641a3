# SPDX-License-Identifier: Apache-2.0
"""cgroup: a memory cgroup of a test's own, of either version, where it can be had."""

import contextlib
import os
import signal

from sandbox import Failed, Skipped

V1 = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
V2 = ("/sys/fs/cgroup", "memory.max")


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


def end(box, folder, failure):
    """Removes it, once all that the test has started in it is gone."""
    if not failure:
        box.wait_until(lambda: is_removed(folder), "the end of all that is in the cgroup")
        return
    # What has failed is to be said, whatever becomes of the cgroup.
    with contextlib.suppress(Failed):
        box.wait_until(lambda: is_ended(folder), "the end of all that is in the cgroup")


def is_ended(folder):
    """Who was started by another than the test, such as the program of a `seep run`, too."""
    with open(os.path.join(folder, "cgroup.procs")) as file:
        for pid in file.read().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    return is_removed(folder)


def is_removed(folder):
    try:
        os.rmdir(folder)
        return True
    except OSError:
        return False


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
        end(self.box, self.folder, failure)

    def limit(self, size):
        self.write(self.limit_file, size)

    def add(self, pid):
        self.write("cgroup.procs", pid)

    def write(self, name, value):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(str(value))


class Pressed:
    """A cgroup with little memory, of which the kernel tells who waits for it (memory.pressure)."""
    def __init__(self, box, name, size):
        self.limited = Cgroup(box, name)
        self.box, self.name, self.size = box, name, size

    def __enter__(self):
        self.limited.__enter__()
        self.limited.limit(self.size)
        self.folders = [self.limited.folder]
        if os.path.exists(os.path.join(self.limited.folder, "memory.pressure")):
            return self
        # Limits are of version 1, and pressure of version 2: it is in one of each.
        folder = "/sys/fs/cgroup/unified/%s-%s" % (self.name, os.path.basename(self.box.folder))
        try:
            os.mkdir(folder)
        except OSError as error:
            self.limited.__exit__(None)
            raise Skipped("a cgroup of version 2 cannot be made: %s" % error) from None
        self.folders.append(folder)
        return self

    def __exit__(self, failure, *_):
        for folder in self.folders:
            end(self.box, folder, failure)

    def watch(self, pid):
        """Where pressure is told of, but not, if that is another one, where memory is short."""
        with open(os.path.join(self.folders[-1], "cgroup.procs"), "w") as file:
            file.write(str(pid))

    def has_pressure(self):
        """Some task has waited for a second altogether."""
        with open(os.path.join(self.folders[-1], "memory.pressure")) as file:
            return int(file.readline().split("total=")[1]) > 1000000
