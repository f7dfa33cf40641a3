# SPDX-License-Identifier: Apache-2.0
"""observers: who looks at a program while it runs, and how each is put in place.

seep follows everything that the script starts, from its shell on. heaptrack and LeakSanitizer are
put before the program alone, by `$under`: heaptrack follows one process, and LeakSanitizer ends
shells. They are spared what their scripts and reports print, so only what they do counts:
heaptrack's library writes a file instead of a pipe to its interpreter, LeakSanitizer writes what it
finds to a file and changes no status.
"""

import glob
import os

from sandbox import LIBRARY, SEEP

HEAPTRACK = "/usr/lib/heaptrack/libheaptrack_preload.so"
LSAN = "/usr/lib/x86_64-linux-gnu/liblsan.so.0"
RIVALS = ("heaptrack", "lsan")


class Native:
    name = "native"

    def __init__(self, files, counter):
        self.files, self.counter = files, counter  # a folder for what it writes; call_counter.so

    def argv(self, argv):
        return argv

    def environment(self):
        return {}


class SeepRun(Native):
    name = "seep run"

    def argv(self, argv):
        return [SEEP, "run", "-q", "-o", os.path.join(self.files, "run.seep"), "--", *argv]


class SeepPreload(Native):
    """Before the counter, which so is seep's real malloc."""
    name = "LD_PRELOAD"

    def environment(self):
        return {"LD_PRELOAD": "%s:%s" % (LIBRARY, self.counter),
                "SEEP_OPTIONS": "quiet=on:output=%s/%%e.%%p.seep" % self.files,
                "COMPAT_COUNTS": os.path.join(self.files, "counts")}


class Heaptrack(Native):
    name = "heaptrack"
    reasons = (
        ("RSS value", "it keeps a descriptor of its own, and warns on the program's stderr when "
         "the program has closed it"),
        ("unshare failed", "its thread: a process that makes a user namespace must have one alone"),
        ("Aborted|134", "its thread: libc gives all threads the new user, and ends the program where "
         "they differ"),
    )

    def environment(self):
        return {"under": "env LD_PRELOAD=%s DUMP_HEAPTRACK_OUTPUT=%s/heaptrack.$$"
                % (HEAPTRACK, self.files)}

    @staticmethod
    def missing():
        return None if os.path.exists(HEAPTRACK) else "heaptrack is not installed"

    def seen(self):
        """(processes, allocations) of which it knows."""
        counts = []
        for path in glob.glob(os.path.join(self.files, "heaptrack.*")):
            with open(path, "rb") as file:
                counts.append(sum(line.startswith(b"+") for line in file))
        return sum(count > 0 for count in counts), sum(counts)


class Lsan(Native):
    name = "lsan"
    reasons = (
        ("still running", "preloaded it has no sigaction to pass on to, so a program waits for "
         "ever for the signal whose handler it could not install"),
        ("Segmentation fault|status 139|signal 11|'139'", "preloaded it has no sigaction to pass "
         "on to, and programs that call it jump to address 0, or those that they start do"),
        ("sigaction_symname", "it says on the program's stderr that it has no sigaction to pass "
         "on to"),
    )

    def environment(self):
        return {"under": "env LD_PRELOAD=%s LSAN_OPTIONS=exitcode=0:log_path=%s/lsan"
                % (LSAN, self.files)}

    @staticmethod
    def missing():
        return None if os.path.exists(LSAN) else "liblsan0 is not installed"
