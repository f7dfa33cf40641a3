# SPDX-License-Identifier: Apache-2.0
"""measure: one program run and timed, and what many such runs say together.

A run is over when everything is gone that it brought with it, seep's helper and heaptrack's
interpreter too; so no run disturbs the next. Its time is that of the program alone. The process
that measures waits for any child, so it must have no others.
"""

import contextlib
import ctypes
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time

from variants import Unfit

PR_SET_CHILD_SUBREAPER = 36
WALL = 0x40000000  # __WALL of wait4: also children that send no signal when they end


def adopt_orphans():
    """What a program leaves behind becomes our child, so that its end can be waited for."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def children():
    found = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            with open("/proc/self/task/%s/children" % task) as file:
                found += [int(word) for word in file.read().split()]
    return found


def kill_children():
    """All of them, and those that we inherit from them."""
    for _ in range(100):
        alive = children()
        if not alive:
            return
        for pid in alive:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


# Figures of a run that are no rows of a table; their medians are in the JSON.
ALSO = ("work_s", "all_work_s", "gone_s", "output_bytes")


def work_of(usage):
    return usage.ru_utime + usage.ru_stime


class Running:
    """A program that has been started under a variant; wait() says how long it took."""

    def __init__(self, box, variant, argv, limit_s, stdin=None, environment=None):
        self.variant, self.argv, self.limit_s = variant, argv, limit_s
        self.folder = tempfile.mkdtemp(prefix=variant.name + "-", dir=box.folder)
        self.is_overdue = False
        self.process = None
        argv, added = variant.prepare([str(arg) for arg in argv], self.folder)
        companion = variant.companion(self.folder)
        if companion:
            subprocess.Popen(companion, env=box.environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.timer = threading.Timer(limit_s, self.give_up)
        self.timer.daemon = True
        self.timer.start()
        with open(self.path("stdout"), "wb") as stdout, open(self.path("stderr"), "wb") as stderr, \
                open(stdin or os.devnull, "rb") as input_file:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                argv, env=box.environment({**(environment or {}), **added}), cwd=self.folder,
                stdin=input_file, stdout=stdout, stderr=stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), errors="replace") as file:
            return file.read()

    def stop_timer(self):
        """Also waits for it: it must not kill what is started next."""
        self.timer.cancel()
        self.timer.join()

    def give_up(self):
        self.is_overdue = True
        kill_children()

    def wait(self):
        """Its figures; raises Unfit when it did not work out. `work` is processor time, `gone` when
        the last process that came with it was gone."""
        _, status, usage = os.wait4(self.process.pid, 0)
        wall_s = time.perf_counter() - self.started
        self.process.returncode = os.waitstatus_to_exitcode(status)
        all_work_s = work_of(usage) + self.wait_for_the_rest()
        gone_s = time.perf_counter() - self.started
        self.stop_timer()
        if self.is_overdue:
            raise Unfit("was not done after %g s" % self.limit_s)
        self.judge(self.process.returncode)
        return {"wall_s": wall_s, "work_s": work_of(usage), "all_work_s": all_work_s,
                "gone_s": gone_s, "output_bytes": self.output_bytes()}

    def close(self):
        """Ends it when it has not ended, and leaves nothing behind."""
        self.stop_timer()
        if self.process is not None and self.process.returncode is None:
            kill_children()
            self.wait_for_the_rest()
        remove(self.folder)

    def output_bytes(self):
        """What the variant has written beside the program."""
        return sum(os.lstat(os.path.join(path, name)).st_size
                   for path, _, names in os.walk(self.folder)
                   for name in names if name not in ("stdout", "stderr"))

    def wait_for_the_rest(self):
        work_s = 0.0
        while True:
            try:
                _, _, usage = os.wait4(-1, WALL)
            except ChildProcessError:
                return work_s
            work_s += work_of(usage)

    def judge(self, status):
        stderr = self.read("stderr")
        if status < 0:
            raise Unfit(self.variant.explain(-status) or "crashes: signal %d" % -status)
        if status != 0:
            raise Unfit("ends with status %d: %s" % (status, last_line(stderr)))
        if "cannot be preloaded" in stderr:
            raise Unfit("cannot be preloaded")
        self.variant.check(self.folder, stderr)


def last_line(text):
    lines = [line for line in text.strip().split("\n") if line.strip()]
    return lines[-1][:90] if lines else "no message"


def run(box, variant, argv, limit_s, **others):
    """Runs to the end; its figures and what it printed."""
    running = Running(box, variant, argv, limit_s, **others)
    try:
        figures = running.wait()
        return figures, running.read("stdout")
    finally:
        running.close()


def remove(folder):
    for path, folders, names in os.walk(folder, topdown=False):
        for name in names:
            os.unlink(os.path.join(path, name))
        os.rmdir(path)


def summary(values):
    """Median and quartiles."""
    if len(values) == 1:
        quartiles = [values[0]] * 3
    else:
        quartiles = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": quartiles[1], "quartiles": [quartiles[0], quartiles[2]], "most": max(values)}


def overhead(row, name):
    """What a variant adds to native, as a part of native: the medians of the pairs."""
    ratio = row["variants"].get(name, {}).get("ratio")
    return None if ratio is None else ratio["median"] - 1


class Samples:
    """All samples of one workload: by variant and round, each a dict of figures."""

    def __init__(self):
        self.values = {}    # variant: list of (round, sample, native sample of that round)
        self.missing = {}   # variant: reason

    def add(self, variant, sample, native):
        self.values.setdefault(variant, []).append((sample, native))

    def row(self, workload, measure):
        """What there is to say about one figure of the workload."""
        row = {"workload": workload.name, "group": workload.group, "key": measure.key,
               "name": measure.name_of(workload), "unit": measure.unit,
               "compare": measure.compare, "judged": measure.judged, "limit": measure.limit,
               "peer_factor_limit": measure.peer_factor, "variants": {}, "missing": self.missing}
        for variant, samples in self.values.items():
            pairs = [(sample[measure.key], native and native.get(measure.key))
                     for sample, native in samples if sample.get(measure.key) is not None]
            if not pairs:
                continue
            entry = {"samples": [value for value, _ in pairs],
                     **summary([value for value, _ in pairs])}
            also = {key: statistics.median(sample[key] for sample, _ in samples)
                    for key in ALSO if all(key in sample for sample, _ in samples)}
            entry.update(also)
            paired = [(value, native) for value, native in pairs if native is not None]
            if paired and variant != "native":
                entry["difference"] = summary([value - native for value, native in paired])
                if all(native > 0 for _, native in paired):
                    entry["ratio"] = summary([value / native for value, native in paired])
            row["variants"][variant] = entry
        self.judge(row, measure)
        return row

    def judge(self, row, measure):
        """Limits of the design, and how much less than heaptrack's the overhead is."""
        row["is_met"] = row["is_peer_factor_met"] = None
        row["peer_factors"] = {}
        judged = row["variants"].get(measure.judged, {})
        part = judged if measure.compare == "value" else judged.get(measure.compare)
        if measure.limit is not None and part:
            # To three digits, as it is printed.
            row["is_met"] = float("%.3g" % part[measure.pick]) <= measure.limit
        ours = overhead(row, "seep")
        for peer in ("heaptrack", "heaptrack-raw"):
            theirs = overhead(row, peer)
            if measure.peer_factor is not None and ours is not None and theirs is not None:
                # Below half a percent nothing can be seen between two runs.
                row["peer_factors"][peer] = theirs / max(ours, 0.005)
        if row["peer_factors"]:
            # As it is used, or, where that does not work, as it would work.
            row["is_peer_factor_met"] = next(iter(
                row["peer_factors"].values())) >= measure.peer_factor
