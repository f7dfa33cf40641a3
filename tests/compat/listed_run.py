# SPDX-License-Identifier: Apache-2.0
"""listed_run: a program of the list played natively and under each observer, in the same folder.

Below `place` lie work/, in which the script runs and which is made anew for each run, and a folder
for each run with what the observer writes and with the output.
"""

import functools
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import observation
import observers
from sandbox import BUILD, ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
SUPERVISOR = os.path.join(HERE, "supervisor.py")
PREPARE_S = 300
# So much longer than natively a run may take before it counts as one that hangs.
LIMIT_FACTOR, LIMIT_S = 10, 20
# In a root folder of its own, where the counter is not, its absence is no matter of seep.
ABOUT_COUNTER = re.compile(rb"ERROR: ld.so: object '[^']*/call_counter.so'.*\n")
# What is still there when the script has ended: helpers write a last snapshot, servers close files.
PATIENCE_S = 15
FIRST_PORT, PORTS, PORTS_EACH = 20000, 10000, 4
given_ports = itertools.count(0, PORTS_EACH)


class NotPlayed(Exception):
    """The reason: natively something is missing or wrong."""


class Played:
    """One run: what was seen of it, the observer, and the folder in which that has written."""

    def __init__(self, seen, observer):
        self.seen, self.observer, self.files = seen, observer, observer.files


class ListedRun:
    def __init__(self, program, place, counter):
        self.program, self.place = program, place
        self.is_isolated = can_isolate()
        self.work = os.path.join(place, "work")
        self.port = free_port()
        self.counter = counter
        self.patience_s = PATIENCE_S
        self.natives = []
        self.runs = 0

    def play(self, observer_class, limit_s):
        self.runs += 1
        files = os.path.join(self.place, "run%d" % self.runs)
        os.makedirs(os.path.join(files, "counts"))
        # Programs that become another user write there, too.
        for folder in (files, os.path.join(files, "counts")):
            os.chmod(folder, 0o777)
        observer = observer_class(files, self.counter)
        self.prepare()
        script = os.path.join(files, "script")
        with open(script, "w") as file:
            file.write(self.program.script)
        stdout, stderr = os.path.join(files, "stdout"), os.path.join(files, "stderr")
        result = self.supervise(files, {
            "argv": observer.argv([shutil.which(self.program.shell), script]),
            "environment": {**self.environment(), **observer.environment()},
            "folder": self.work, "stdout": stdout, "stderr": stderr, "limit_s": limit_s,
            "patience_s": self.patience_s, "is_isolated": self.is_isolated,
            "kept": [self.place, BUILD, ROOT, os.path.dirname(self.counter)]})
        files_seen = observation.files_in(self.work, self.program)
        return Played(observation.Observation(
            result, read(stdout), ABOUT_COUNTER.sub(b"", read(stderr)), files_seen), observer)

    def play_natives(self):
        for _ in range(2):
            seen = self.play(observers.Native, self.program.limit_s).seen
            if seen.status is None:
                raise NotPlayed("natively it runs for more than %d s" % self.program.limit_s)
            if seen.status != 0:
                raise NotPlayed("natively it ends with %s: %s" % (
                    observation.status_text(seen.status),
                    (seen.stderr or seen.stdout)[-300:].decode(errors="replace")))
            if seen.processes_left:
                raise NotPlayed("natively it leaves %s" % ", ".join(seen.processes_left))
            self.natives.append(seen)

    def play_under(self, observer_class):
        """(what is not as natively, the run)"""
        slower = max(native.wall_s for native in self.natives)
        played = self.play(observer_class, LIMIT_FACTOR * slower + LIMIT_S)
        wrong = list(observation.differences(self.program, self.natives, played.seen))
        return wrong, played

    def prepare(self):
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        os.chmod(self.work, 0o777)
        if not self.program.prepare:
            return
        result = subprocess.run(["/bin/sh", "-ec", self.program.prepare], cwd=self.work,
                                env=self.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PREPARE_S)
        if result.returncode != 0:
            raise NotPlayed("cannot be prepared: " + result.stdout[-300:].decode(errors="replace"))

    def environment(self):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/games",
                "HOME": self.work, "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                "port": str(self.port), "under": "",
                "given": os.path.join(HERE, "given")}

    @staticmethod
    def supervise(files, request):
        paths = [os.path.join(files, name) for name in ("request", "result")]
        with open(paths[0], "w") as file:
            json.dump(request, file)
        result = subprocess.run([sys.executable, "-B", SUPERVISOR, *paths], capture_output=True)
        if result.returncode != 0:
            raise NotPlayed("the supervisor ends with %d: %s" % (
                result.returncode, result.stderr[-500:].decode(errors="replace")))
        with open(paths[1]) as file:
            return json.load(file)


def read(path):
    with open(path, "rb") as file:
        return file.read()


@functools.lru_cache(None)
def can_isolate():
    """Root in a container may be without the right to mount; then runs share what all share."""
    try:
        return os.getuid() == 0 and subprocess.run(
            ["unshare", "--mount", "--net", "mount", "-t", "tmpfs", "none", "/dev/shm"],
            capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def free_port():
    """Below those that the kernel gives to clients. No other program of this run gets it, nor the
    few behind it."""
    for _ in range(PORTS // PORTS_EACH):
        port = FIRST_PORT + (os.getpid() * 7 + next(given_ports)) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise NotPlayed("no free port")
