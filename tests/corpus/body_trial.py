# SPDX-License-Identifier: Apache-2.0
"""body_trial: a kind of the corpus played as the body of a test, and what its growth check found."""

import os
import re

import sandbox
import truth

PERIODS = 40
PERIOD_MS = 4
FRAME = re.compile(r"^    (.+?) (\S+?)(?::\d+)?(?: inlined)?$")


class Outcome:
    def __init__(self, trial, lines):
        self.drawn = lines[0] if lines else ""
        sites = []  # each the (function, file) of its frames, innermost first
        for line in lines:
            frame = FRAME.match(line)
            if line.endswith("allocated at"):
                sites.append([])
            elif frame and sites:
                sites[-1].append((truth.plain_name(frame[1]), os.path.basename(frame[2])))
        self.has_found, self.wrong = False, []
        for site in sites:
            functions = {function for function, _ in site}
            leaks = trial.is_sick and functions.intersection(trial.kind.truth["leak"])
            may = trial.is_sick and functions.intersection(trial.kind.truth["may"])
            self.has_found |= bool(leaks)
            if not leaks and not may:
                self.wrong.append(" < ".join(function for function, _ in site[:4]))


class BodyTrial:
    def __init__(self, kind, is_sick, seed):
        self.kind, self.is_sick, self.seed = kind, is_sick, seed

    def __str__(self):
        return "%s%s seed %d" % (self.kind.name, "=sick" if self.is_sick else "", self.seed)

    def play(self, box, periods=PERIODS):
        program = os.path.join(sandbox.BUILD, "tests", "corpus", self.kind.name)
        word = self.kind.name + ("=sick" if self.is_sick else "")
        argv = [program, str(self.seed), str(periods), str(PERIOD_MS), "rounds", word]
        ended = box.seep_run(argv, "--interval=10m")
        if ended.returncode != 0:
            raise sandbox.Failed("status %d: %s" % (
                ended.returncode, (ended.stdout + ended.stderr).decode()[-300:]))
        return Outcome(self, ended.stdout.decode(errors="replace").splitlines())
