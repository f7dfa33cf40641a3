# SPDX-License-Identifier: Apache-2.0
"""suite_runs: one run of a test suite, by itself or under one of those who look for leaks."""

import json
import os
import shutil
import subprocess
import time

import valgrind_leaks
from sandbox import SEEP
from workplace import clean_environment

# Programs that start no other, of which suites run hundreds; Valgrind takes a second for each.
LEAF_TOOLS = ("*/rm", "*/cmp", "*/basename", "*/mkdir", "*/cat", "*/dirname", "*/true", "*/chmod")
RUN_S = 1800


class Run:
    def __init__(self, status, wall_s, output):
        self.status = status
        self.wall_s = wall_s
        self.output = output  # of the suite, and of seep in its text format


class Suite:
    """A suite, words for sh, of what was built in `folder`. What is written lies in `results`."""

    def __init__(self, text, folder, results):
        self.words = ["sh", "-ec", text]
        self.folder = folder
        self.results = results

    def run(self, before=(), environment=None, name="run"):
        log = os.path.join(self.results, name + ".log")
        start = time.monotonic()
        with open(log, "wb") as file:
            process = subprocess.Popen([*before, *self.words], cwd=self.folder, stdout=file,
                                       stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                       env={**clean_environment(), **(environment or {})})
            try:
                process.wait(RUN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        wall_s = time.monotonic() - start
        with open(log, errors="replace") as file:
            return Run(process.returncode, wall_s, file.read())

    def native(self):
        return self.run(name="native")

    def seep(self, *options, name="seep"):
        return self.run([SEEP, "check", *options, "--"], name=name)

    def seep_json(self, *options, name="seep"):
        """(run, document)"""
        path = os.path.join(self.results, name + ".json")
        run = self.seep("--format=json", "-o", path, *options, name=name)
        with open(path) as file:
            return run, json.load(file)

    def lsan(self):
        """The suite goes on where something leaks: what is found is in files."""
        folder = self.fresh("lsan")
        return self.run(environment={"LSAN_OPTIONS": "exitcode=0:log_exe_name=1:log_path="
                                     + os.path.join(folder, "found")}, name="lsan"), folder

    def valgrind(self):
        folder = self.fresh("valgrind")
        return self.run(valgrind_leaks.tree_command(folder, LEAF_TOOLS), name="valgrind"), folder

    def fresh(self, name):
        folder = os.path.join(self.results, name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        return folder
