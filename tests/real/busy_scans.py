# SPDX-License-Identifier: Apache-2.0
"""busy_scans: programs at work, scanned again and again. Nothing that they use may be called lost.

A pointer of a busy program is on its way at any instant: in a register, in a block that realloc
moves, between two lists. Whoever looks at the wrong instant, or not at all places, calls lost what
is in use.
"""

import json
import os
import re
import subprocess
import threading
import time

import programs
from recording import SeepRun
from sandbox import SEEP

LONG_S = 120
QUICK_S = 6
# Who is about to end when the answer comes has ended after this time.
ENDING_S = 3
# Blocks of these functions are lost, Valgrind says so, too (memcheck 3.19, Debian 12).
REALLY_LOST = {
    # nginx 1.22 makes one in ngx_regex_compile and forgets where.
    "nginx": {"pcre2_compile_context_create_8"},
}

HERE = os.path.dirname(os.path.abspath(__file__))


class Node(programs.Program):
    name = "node"
    needs = ("node",)

    def play(self, box, under, seconds, seed):
        process = under.start(box, [programs.find("node"), os.path.join(HERE, "node_worker.js"),
                                    str(seconds), str(seed)], stdout=subprocess.DEVNULL)
        if process.wait(seconds + 120) != 0:
            raise programs.Failed("node ends with %d" % process.returncode)


class ThreadPool(programs.Program):
    name = "C++ thread pool"

    def play(self, box, under, seconds, seed):
        program = box.compile(os.path.join(HERE, "thread_pool.cc"), "-O2", "-pthread")
        process = under.start(box, [program, str(seconds), str(seed)])
        if process.wait(seconds + 120) != 0:
            raise programs.Failed("the pool ends with %d" % process.returncode)


PROGRAMS = (programs.Redis(1500), programs.NginxUnderWrk(), programs.Python(20),
            programs.PythonWithArenas(20), Node(), ThreadPool())


class Scans(SeepRun):
    """A run whose processes are scanned from beside, one after the other, until they end."""

    def __init__(self, folder):
        super().__init__(folder)
        self.reports, self.refused = [], []
        self.has_ended = threading.Event()
        self.thread = threading.Thread(target=self.scan)

    def pids(self):
        found = []
        for path in self.files(None):
            pid = int(re.search(r"\.(\d+)\.seep", os.path.basename(path)).group(1))
            if os.path.exists("/proc/%d" % pid):
                found.append(pid)
        return found

    def lives_on(self, pid):
        """A process that ends may refuse; for a while it is still to be seen, at last as a zombie."""
        deadline = time.monotonic() + ENDING_S
        while time.monotonic() < deadline:
            try:
                with open("/proc/%d/stat" % pid) as file:
                    state = file.read().rpartition(")")[2].split()[0]
            except OSError:
                return False
            if state in "ZX" or self.has_ended.wait(0.05):
                return False
        return True

    def scan(self):
        while not self.has_ended.wait(0.05):
            for pid in self.pids():
                result = subprocess.run([SEEP, "scan", "--format=json", str(pid)],
                                        capture_output=True, text=True, timeout=120)
                if result.returncode == 0:
                    self.reports.append(json.loads(result.stdout))
                elif self.lives_on(pid):
                    self.refused.append(result.stderr or result.stdout[:200])

    def end(self):
        self.has_ended.set()
        self.thread.join()


class Outcome:
    def __init__(self, program, scans):
        self.program = program
        self.reports, self.refused = scans.reports, scans.refused
        lost = [(report, site) for report in scans.reports for site in report["sites"]
                if site["reachability"] and site["reachability"]["definitely_lost"]["blocks"]]
        known = REALLY_LOST.get(program.name, set())
        self.lost = [(report, site) for report, site in lost
                     if not known & {frame["function"] for frame in site["stack"]}]
        self.really_lost = len(lost) - len(self.lost)
        self.pauses = sorted(report["scan"]["pause_ms"] for report in scans.reports)
        self.possibly = sum(1 for report in scans.reports
                            if report["scan"]["totals"]["possibly_lost"]["blocks"])
        self.unread = sum(report["scan"]["unread_threads"] > 0 for report in scans.reports)


def play(box, program, seconds, seed):
    scans = Scans(box.path("recordings"))
    os.makedirs(scans.folder, exist_ok=True)
    scans.thread.start()
    try:
        program.play(box, scans, seconds, seed)
    finally:
        scans.end()
    return Outcome(program, scans)


