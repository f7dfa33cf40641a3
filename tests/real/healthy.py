# SPDX-License-Identifier: Apache-2.0
"""healthy: long runs of real programs in which nothing leaks. Nothing may be flagged."""

import os

import programs
import snapshot_file
from injection import flagged_of
from recording import SeepRun

LONG_S = 300
QUICK_S = 20

# With rates at which all of them together are a fraction of a processor, and at which redis-server
# and memcached are full (130 MB, 64 MB) in the first half of five minutes.
PROGRAMS = (programs.Redis(2600), programs.NginxUnderWrk(), programs.Memcached(800),
            programs.Python(25), programs.PythonWithArenas(25), programs.Sqlite(110))


class Process:
    """What seep says of one of them."""

    def __init__(self, path, report):
        self.path, self.report = path, report
        self.flagged = flagged_of(report)
        file = snapshot_file.read(path)
        self.peak_bytes = max(snapshot.totals["live_bytes"] for snapshot in file.snapshots)
        self.site_count = len({stack for snapshot in file.snapshots for stack in snapshot.sites})


def play(box, program, seconds, seed):
    """One run as a user would have it; its processes, those with the most in their file first."""
    under = SeepRun(box.path("recordings"))
    os.makedirs(under.folder)
    program.play(box, under, seconds, seed)
    return [Process(path, box.report(path)) for path in under.files(box)]
