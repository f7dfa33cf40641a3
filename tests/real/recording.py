# SPDX-License-Identifier: Apache-2.0
"""recording: how a program is started so that seep follows it."""

import glob
import os

from sandbox import BUILD, LIBRARY, SEEP, end_of

LOST_FREES = os.path.join(BUILD, "tests", "real", "lost_frees.so")
CHOSEN_SITE = os.path.join(BUILD, "tests", "real", "chosen_site.so")


class SeepRun:
    """As a user does: seep run with its default options."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, box, argv, environment=None, **others):
        return box.start([SEEP, "run", "-q", "-o", os.path.join(self.folder, "%e.%p.seep"), "--",
                          *argv], environment, **others)

    def signal(self, process, number):
        process.send_signal(number)

    def files(self, _):
        """Of the program and of its children, the one with the most in it first."""
        found = (glob.glob(os.path.join(self.folder, "*.seep*")) +
                 glob.glob(os.path.join(self.folder, "*.children", "*.seep*")))
        return sorted((path for path in found if os.path.isfile(path)), key=os.path.getsize,
                      reverse=True)


class Preloaded:
    """With the libraries that lose frees around libseep.so, which seep run does not know."""

    def __init__(self, folder, interval_ms, changes=None):
        self.folder, self.interval_ms = folder, interval_ms
        self.changes = changes or {}

    def start(self, box, argv, environment=None, **others):
        settings = box.preload(output=os.path.join(self.folder, "%e.%p.seep"), quiet="on",
                               interval="%dms" % self.interval_ms)
        settings["LD_PRELOAD"] = ":".join((LOST_FREES, LIBRARY, CHOSEN_SITE))
        return box.start(argv, {**(environment or {}), **settings, **self.changes}, **others)

    def signal(self, process, number):
        process.send_signal(number)

    def files(self, box):
        """When the last word about each process is written."""
        found = glob.glob(os.path.join(self.folder, "*.seep*"))
        for path in found:
            box.wait_until(lambda: end_of(path), "the end record of " + os.path.basename(path), 60)
        return sorted(found, key=os.path.getsize, reverse=True)
