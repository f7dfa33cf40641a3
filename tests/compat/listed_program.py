# SPDX-License-Identifier: Apache-2.0
"""listed_program: a program of the list, as a script that makes it work.

The script runs in an empty folder, as a new session, with a small environment: HOME and the
current folder are that folder, TZ is UTC, `port` is a free port, and `given` the folder with what
programs are given to work on. `$under` stands in front of the program itself: it is empty but for
those who cannot follow a whole tree of processes from a shell on. What a script starts it ends.
"""

import os
import re
import shutil
import subprocess


class Program:
    """name: as in the table. packages: Debian's, without versions. script: for `shell`; prepare:
    likewise, but run natively. vary: (what, regular expression, reason): text in stdout, stderr,
    or names of files ("names") that says when, where or by which pid, and so is no difference.
    apart: {who: (regular expression, why)} for results that are not as natively, who is "seep",
    "heaptrack" or "lsan"; of seep each difference must match it. limit_s: for one native run."""

    def __init__(self, name, script, packages="", prepare="", shell="/bin/sh", vary=(), apart=None,
                 is_quick=False, limit_s=120, needs_root=False):
        self.name, self.script, self.prepare = name, script, prepare
        self.packages = packages.split()
        self.shell, self.limit_s, self.is_quick = shell, limit_s, is_quick
        self.vary = [(what, re.compile(pattern.encode()), reason)
                     for what, pattern, reason in vary]
        self.apart = {who: (re.compile(pattern), why)
                      for who, (pattern, why) in (apart or {}).items()}
        self.needs_root = needs_root

    def missing(self):
        """Why it cannot run here, or None."""
        absent = [package for package in self.packages if not is_installed(package)]
        if absent:
            return "%s: not installed" % ", ".join(absent)
        if not shutil.which(self.shell):
            return "no %s" % self.shell
        if self.needs_root and os.getuid() != 0:
            return "only root can"
        return None

    def explains(self, who, difference):
        return who in self.apart and self.apart[who][0].search(difference)

    def same(self, what, content):
        """The content without what varies."""
        for where, pattern, _ in self.vary:
            if where == what:
                content = pattern.sub(b"~", content)
        return content


def is_installed(package):
    result = subprocess.run(["dpkg-query", "-W", "-f=${Status}", package], capture_output=True)
    return result.stdout == b"install ok installed"
