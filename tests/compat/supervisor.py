#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""supervisor: runs one script in a small world of its own, and says how it ended and what it left.

    supervisor.py REQUEST RESULT        both are JSON

Who is root gets a /tmp and a /dev/shm that nobody else uses, and a network in which there is the
loopback alone. Every process that the script leaves behind becomes a child of this one, whatever
session or parent it has chosen, so none is overlooked; what is still there when all had their time
to end is named in the result and killed.

A process of its own, because the mounts and the orphans belong to a process.
"""

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000
MOUNT_BIND, MOUNT_RECURSIVE, MOUNT_PRIVATE = 0x1000, 0x4000, 0x40000
SET_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36
GET_FLAGS, SET_FLAGS, IS_UP = 0x8913, 0x8914, 1
SHARED_FOLDERS = ("/tmp", "/dev/shm")

libc = ctypes.CDLL(None, use_errno=True)


class TimeIsUp(Exception):
    pass


def call(function, *arguments):
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (function.__name__, os.strerror(error)))


def mount(source, target, kind=None, flags=0):
    call(libc.mount, source.encode(), target.encode(), kind and kind.encode(),
         ctypes.c_ulong(flags), None)


def make_own_world(kept):
    """`kept` are paths that must stay reachable even where they lie in /tmp."""
    call(libc.unshare, NEW_MOUNTS | NEW_NETWORK)
    mount("none", "/", flags=MOUNT_RECURSIVE | MOUNT_PRIVATE)
    fresh = os.path.join(kept[0], "tmp")
    os.makedirs(fresh, exist_ok=True)
    mount("compat", fresh, "tmpfs")
    os.chmod(fresh, 0o1777)
    for path in kept:
        if path.startswith("/tmp/"):
            place = fresh + path[len("/tmp"):]
            os.makedirs(place, exist_ok=True)
            mount(path, place, flags=MOUNT_BIND)
    mount(fresh, "/tmp", flags=MOUNT_BIND | MOUNT_RECURSIVE)
    mount("compat", "/dev/shm", "tmpfs")
    os.chmod("/dev/shm", 0o1777)
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack_from("16xh", fcntl.ioctl(any_socket, GET_FLAGS, request))[0]
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | IS_UP))


def left_in(folder, kept):
    """What lies there, but for the ways to the kept paths."""
    found = []
    for place, folders, names in os.walk(folder):
        for name in folders[:] + names:
            path = os.path.join(place, name)
            if path in kept:
                folders.remove(name)
            elif not any(keeper.startswith(path + "/") for keeper in kept):
                found.append(path)
    return sorted(found)


def descendants():
    """{pid: its name} of everybody below this process who is no zombie."""
    parents, names = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, "rb") as file:
                    head, tail = file.read().rsplit(b")", 1)
            except OSError:
                continue
            state, parent = tail.split()[:2]
            parents[int(entry)] = int(parent)
            if state not in (b"Z", b"X"):
                names[int(entry)] = head.split(b"(", 1)[1].decode(errors="replace")
    found, below = {}, {os.getpid()}
    while below:
        below = {pid for pid, parent in parents.items() if parent in below}
        found.update({pid: names[pid] for pid in below if pid in names})
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def wait_for_all(seconds):
    """Until nobody is left; who is, at the end."""
    end = time.monotonic() + seconds
    while True:
        reap()
        left = descendants()
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.01)


def kill_all():
    for _ in range(100):
        left = descendants()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        if not left:
            break
        time.sleep(0.02)


def end_early(number, frame):
    """Somebody stops the whole trial: nothing stays."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kill_all()
    os._exit(1)


def start(request):
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        os.setsid()
        os.chdir(request["folder"])
        os.umask(0o022)
        for number, (path, flags) in enumerate((
                (os.devnull, os.O_RDONLY), (request["stdout"], os.O_WRONLY | os.O_CREAT),
                (request["stderr"], os.O_WRONLY | os.O_CREAT))):
            opened = os.open(path, flags, 0o644)
            os.dup2(opened, number)
            if opened > 2:
                os.close(opened)
        # Python ignores it, programs expect it not to be.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.execve(request["argv"][0], request["argv"], request["environment"])
    except OSError as error:
        os.write(2, ("cannot start: %s\n" % error).encode())
    finally:
        os._exit(127)


def wait_for(pid, seconds):
    """Its wait status, or None when the time is up. Reaps others on the way."""
    def time_is_up(number, frame):
        raise TimeIsUp()
    signal.signal(signal.SIGALRM, time_is_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == pid:
                return status
    except TimeIsUp:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    if request["is_isolated"]:
        make_own_world(request["kept"])
    call(libc.prctl, SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, end_early)
    call(libc.prctl, SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    before = time.monotonic()
    pid = start(request)
    status = wait_for(pid, request["limit_s"])
    wall_s = time.monotonic() - before
    left = wait_for_all(request["patience_s"]) if status is not None else descendants()
    kill_all()
    folders = SHARED_FOLDERS if request["is_isolated"] else ()
    result = {
        "status": None if status is None else os.waitstatus_to_exitcode(status),
        "wall_s": wall_s,
        "processes_left": sorted(left.values()),
        "files_left": [path for folder in folders for path in left_in(folder, request["kept"])],
    }
    with open(sys.argv[2], "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
