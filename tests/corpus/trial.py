# SPDX-License-Identifier: Apache-2.0
"""trial: one process with one or several kinds in it, recorded by seep, reported, and compared with
the truth.
"""

import json
import os
import random
import subprocess

import sandbox
import truth

PROGRAMS = os.path.join(sandbox.BUILD, "tests", "corpus")
PERIOD_MS = 50
KINDS_IN_A_MIX = (4, 9)


class Trial:
    """What is run: the parts are (kind, is_sick)."""

    def __init__(self, program, parts, seed, periods, has_threads=False):
        self.program, self.parts, self.seed = program, parts, seed
        self.periods, self.has_threads = periods, has_threads

    def words(self):
        return ["threads"] * self.has_threads + [
            kind.name + ("=sick" if is_sick else "") for kind, is_sick in self.parts]

    def name(self):
        return "%s, seed %d, %d snapshots" % (" ".join(self.words()), self.seed, self.periods)

    def record(self, box, period_ms=PERIOD_MS, output="out.seep", is_in_step=False):
        """Runs it under seep; returns the file and what the parts have drawn. In step: a snapshot
        comes after a period's work and not after its time, however busy the machine is."""
        words = self.words()
        if is_in_step:
            words.insert(self.has_threads, "snapshots")
        argv = [os.path.join(PROGRAMS, self.program), str(self.seed), str(self.periods),
                "%g" % period_ms, *words]
        interval = "10m" if is_in_step else "%gms" % period_ms
        result = box.seep_run(argv, "--interval=" + interval, output=output)
        if result.returncode != 0:
            raise sandbox.Failed("%s ends with %d: %s" % (
                self.name(), result.returncode, result.stderr.decode()[-300:]))
        return box.path(output), result.stdout.decode()


class Outcome:
    """What a report says of a trial, against what is true."""

    def __init__(self, trial, report):
        by_file = {kind.file: kind for kind, _ in trial.parts}
        sick = {kind.name for kind, is_sick in trial.parts if is_sick}
        self.trial, self.snapshots = trial, report["snapshots"]
        self.wrong = []  # (kind's name, site): flagged, and no leak
        self.words = {}  # (kind's name, function): the word for the leak that should be flagged
        self.missed = {}  # the same: the site that should have been flagged, or None
        self.found = set()
        for kind, is_sick in trial.parts:
            for function in kind.truth["leak"] if is_sick else []:
                self.look_for(kind, function, report["sites"], by_file)
        for site in report["sites"]:
            if not site["flagged"]:
                continue
            kind = truth.kind_of_site(site, by_file)
            if kind and kind.name in sick and truth.has_function(
                    site, kind.truth["leak"] + kind.truth["may"]):
                continue
            self.wrong.append((kind.name if kind else "-", site))

    def look_for(self, kind, function, sites, by_file):
        key = (kind.name, function)
        of_leak = [site for site in sites if truth.kind_of_site(site, by_file) is kind
                   and truth.has_function(site, [function])]
        of_leak.sort(key=lambda site: (site["flagged"], site["live_blocks"]))
        if of_leak and of_leak[-1]["flagged"]:
            self.found.add(key)
        else:
            self.missed[key] = of_leak[-1] if of_leak else None
        self.words[key] = of_leak[-1]["verdict"] if of_leak else "no site"

    def of(self, name):
        """(found, missed, wrong) of one kind."""
        return (sum(key[0] == name for key in self.found),
                sum(key[0] == name for key in self.missed),
                sum(key == name for key, _ in self.wrong))


def report_of(box, path, tool=None):
    argv = [tool or sandbox.SEEP, "report", "--format=json", path]
    try:
        result = subprocess.run(argv, capture_output=True, env=box.environment(), timeout=120)
    except subprocess.TimeoutExpired:
        raise sandbox.Failed("seep report takes longer than two minutes")
    except OSError as error:
        raise sandbox.Failed("%s: %s" % (argv[0], error.strerror))
    if result.returncode != 0:
        raise sandbox.Failed("seep report ends with %d: %s" % (
            result.returncode, result.stderr.decode()[-300:]))
    return json.loads(result.stdout)


def alone(kind, is_sick, seed, periods):
    return Trial(kind.name, [(kind, is_sick)], seed, periods)


def mixed(kinds, seed, number, periods):
    """Some kinds in one process, each sick or not; every second mix has a thread for each."""
    chance = random.Random("%d %d" % (seed, number))
    chosen = chance.sample(sorted(kinds), min(len(kinds), chance.randint(*KINDS_IN_A_MIX)))
    parts = [(kinds[name], chance.choice(kinds[name].healths())) for name in chosen]
    # Other parameters than when they are alone.
    return Trial("mixed", parts, seed + 1000000 * (number + 1), periods, bool(number % 2))
