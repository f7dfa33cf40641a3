# SPDX-License-Identifier: Apache-2.0
"""leak_trial: a project that has lost a free, as its developers would meet it.

The check of its suite must fail and name who allocates what is lost, in each form in which
somebody may read it; pass as soon as that is known, by a suppression or by a baseline; and find
what Valgrind finds.
"""

import os
import xml.etree.ElementTree

import lost_by_program
from suite_runs import Suite


def play(project, place, results):
    """(what is not as it must be, a line each; what a part of the suite has lost)"""
    trial = LeakTrial(project, place.built(project, "leaking"), results)
    return trial.play(), trial.lost


class LeakTrial:
    def __init__(self, project, folder, results):
        self.suite = Suite(project.suite, folder, results)
        self.short = Suite(project.leak.seen_by, folder, results)
        self.allocates = project.leak.allocates
        self.results = results
        self.wrong = []

    def play(self):
        self.wants("by itself", self.suite.native(), 0)
        self.as_text()
        self.as_junit()
        self.suppressed()
        self.in_baseline()
        self.as_valgrind()
        return self.wrong

    def check(self, *options):
        return self.suite.seep("--children=.", *options, name="leaking")

    def wants(self, how, run, status):
        if run.status != status:
            self.wrong.append("%s: status %d, not %d: %s" % (how, run.status, status,
                                                            run.output[-300:]))

    def as_text(self):
        run = self.check()
        self.wants("a check", run, 1)
        for text in (*self.allocates, "\nseep: check: failed: ", " lost at "):
            if text not in run.output:
                self.wrong.append("the text lacks %r: %s" % (text, run.output[-300:]))

    def as_junit(self):
        path = os.path.join(self.results, "leaking.xml")
        self.wants("a check for JUnit", self.check("--format=junit", "-o", path), 1)
        root = xml.etree.ElementTree.parse(path).getroot()
        told = ["%s %s" % (failure.get("message"), failure.text)
                for failure in root.iter("failure")]
        others = [text for text in told if not any(name in text for name in self.allocates)]
        if not told or others:
            self.wrong.append("of %d failures of JUnit %d name nobody who allocates: %s"
                              % (len(told), len(others), others[:1]))

    def suppressed(self):
        path = os.path.join(self.results, "leaking.supp")
        with open(path, "w") as file:
            file.writelines("leak:%s\n" % name for name in self.allocates)
        self.wants("a check with a suppression", self.check("--suppressions=" + path), 0)

    def in_baseline(self):
        path = os.path.join(self.results, "leaking.seep-baseline")
        if os.path.exists(path):
            os.remove(path)
        self.wants("a check that writes a baseline",
                   self.check("--baseline=" + path, "--update-baseline"), 0)
        self.wants("a check with that baseline", self.check("--baseline=" + path), 0)

    def as_valgrind(self):
        run, document = self.short.seep_json("--children=.", name="short")
        seep = lost_by_program.seep_says(document, lost_by_program.ALL_LOST)
        by_valgrind, folder = self.short.valgrind()
        valgrind, _ = lost_by_program.valgrind_says(folder, lost_by_program.ALL_LOST)
        self.wants("the short form under seep", run, 1)
        self.wants("the short form under Valgrind", by_valgrind, 0)
        valgrind = valgrind.of(seep.programs)
        if not valgrind.amounts:
            self.wrong.append("Valgrind finds nothing")
        differences = lost_by_program.differences(seep, valgrind)
        if differences and not self.differs_by_chance(seep, folder):
            self.wrong += differences
        self.lost = seep

    def differs_by_chance(self, seep, folder):
        """Does some old word point into what Valgrind then calls possibly lost?"""
        valgrind, _ = lost_by_program.valgrind_says(
            folder, (*lost_by_program.ALL_LOST, "possibly_lost"))
        return not lost_by_program.differences(seep, valgrind.of(seep.programs))
