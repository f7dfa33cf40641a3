# SPDX-License-Identifier: Apache-2.0
"""workplace: where the projects are built, once in each way that is asked for.

A build that is there is used again: below the folder lie sources/PACKAGE, untouched, and
PROJECT/WAY, a copy of it that was built.
"""

import os
import shutil
import subprocess

from sources import Sources

# How it is built; `leaking` without a free.
WAYS = {"plain": "", "lsan": "-fsanitize=leak", "leaking": ""}
BUILD_S = 600


class BuildFailed(Exception):
    """What the build said last."""


class Workplace:
    def __init__(self, folder):
        self.folder = folder
        self.sources = Sources(os.path.join(folder, "sources"))

    def built(self, project, way):
        """The folder in which the suite of this build is run."""
        place = os.path.join(self.folder, project.name, way)
        done = place + ".built"
        if not os.path.exists(done):
            tree = self.sources.tree(project.package)
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(tree, place, symlinks=True)
            if way == "leaking":
                project.break_source(place)
            self.build(project, way, os.path.join(place, project.folder))
            with open(done, "w"):
                pass
        return os.path.normpath(os.path.join(place, project.folder))

    @staticmethod
    def build(project, way, folder):
        flags = ("-g -O2 " + WAYS[way]).strip()
        environment = {**clean_environment(), "CFLAGS": flags, "CXXFLAGS": flags,
                       "LDFLAGS": WAYS[way], "LSAN_OPTIONS": "detect_leaks=0"}
        try:
            result = subprocess.run(["sh", "-ec", project.build], cwd=folder, env=environment,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=BUILD_S)
        except subprocess.TimeoutExpired:
            raise BuildFailed("still building after %d s" % BUILD_S)
        if result.returncode != 0:
            raise BuildFailed(result.stdout.decode(errors="replace")[-600:])


def clean_environment():
    """As the user's, but nothing of the make that has started us or of seep."""
    return {key: value for key, value in os.environ.items()
            if not key.startswith(("MAKE", "SEEP_", "LSAN_", "LD_"))
            and key not in ("MFLAGS", "BUILD", "CC", "CXX", "CFLAGS", "DESTDIR", "VERBOSE")}
