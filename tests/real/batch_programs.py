# SPDX-License-Identifier: Apache-2.0
"""batch_programs: real programs that work through their input and end."""

import atexit
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

from sandbox import ROOT, Failed
from pace import ticks
from programs import Program, find

sys.path.append(os.path.join(ROOT, "tests", "bench"))

import real_programs  # noqa: E402

FILES = 60
COMMITS = 4500


def history(seed, commits=COMMITS):
    """A repository as a stream for git fast-import, commit by commit: files that grow, change and
    are moved."""
    chance = random.Random(seed)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 11)))
             for _ in range(3000)]

    def line():
        return b" ".join(chance.choices(words, k=chance.randint(1, 12)))

    files = {b"folder_%d/file_%d.c" % (i % 7, i): [line() for _ in range(chance.randint(20, 400))]
             for i in range(FILES)}
    for number in range(commits):
        message, parts = line(), []
        parts.append(b"commit refs/heads/main\ncommitter A U Thor <a@example.org> %d +0000\n"
                     b"data %d\n%s\n" % (1600000000 + 600 * number, len(message), message))
        changed = files if number == 0 else chance.sample(sorted(files), chance.randint(1, 4))
        for path in changed:
            text = files[path]
            for _ in range(chance.randint(1, 12)):
                at = chance.randrange(len(text) + 1)
                text[at:at + chance.choice((0, 0, 1, 2))] = [line()]
            content = b"\n".join(text) + b"\n"
            parts.append(b"M 644 inline %s\ndata %d\n%s\n" % (path, len(content), content))
        if number % 25 == 24:
            path = chance.choice(sorted(files))
            moved = b"moved_%d/%s" % (number, path.split(b"/")[-1])
            files[moved] = files.pop(path)
            parts.append(b"R %s %s\n" % (path, moved))
        yield b"".join(parts)


class Repository:
    """Made once, and copied for every run."""

    def __init__(self):
        self.lock, self.folder = threading.Lock(), None

    def copy_to(self, box):
        with self.lock:
            if not self.folder:
                self.make(box)
        shutil.copytree(self.folder, box.path("repository"))

    def make(self, box):
        folder = tempfile.mkdtemp(prefix="seep-test-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for argv, stdin in ((["git", "init", "-q", "-b", "main", folder], b""),
                            (["git", "-C", folder, "fast-import", "--quiet"], b"".join(history(1))),
                            (["git", "-C", folder, "reset", "-q", "--hard"], b"")):
            made = box.run(argv, GIT_ENVIRONMENT, stdin)
            if made.returncode != 0:
                raise Failed("git: %r" % made.stderr[-300:])
        self.folder = folder


GIT_ENVIRONMENT = {"HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}


class Git(Program):
    needs = ("git",)
    repository = Repository()

    def __init__(self, name, interval_ms, *arguments):
        super().__init__()
        self.name, self.interval_ms, self.arguments = "git " + name, interval_ms, arguments

    def play(self, box, under, seconds, seed):
        self.repository.copy_to(box)
        process = under.start(box, [find("git"), "-C", box.path("repository"), *self.arguments],
                              GIT_ENVIRONMENT, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if process.wait(300) != 0:
            raise Failed("%s ends with %d" % (self.name, process.returncode))


class GitServer(Git):
    """One that answers requests for objects until its input ends."""

    rounds = 8  # each object so many times

    def __init__(self, interval_ms):
        super().__init__("cat-file", interval_ms, "cat-file", "--batch", "--buffer")

    def requests(self, box, seed):
        listed = box.run([find("git"), "-C", box.path("repository"), "cat-file", "--batch-check",
                          "--batch-all-objects"], GIT_ENVIRONMENT)
        names = [line.split()[0] for line in listed.stdout.splitlines()] * self.rounds
        random.Random(seed).shuffle(names)
        with open(box.path("requests"), "wb") as file:
            file.write(b"\n".join(names) + b"\n")
        return open(box.path("requests"), "rb")

    def play(self, box, under, seconds, seed):
        self.repository.copy_to(box)
        with self.requests(box, seed) as requests:
            process = under.start(box, [find("git"), "-C", box.path("repository"),
                                        *self.arguments], GIT_ENVIRONMENT, stdin=requests,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if process.wait(300) != 0:
                raise Failed("%s ends with %d" % (self.name, process.returncode))


class GitImport(Program):
    """One that is sent commits for as long as it is asked to, as by a mirror of another system."""

    name = "git fast-import"
    needs = ("git",)
    rate = 150  # commits in a second

    def play(self, box, under, seconds, seed):
        folder = box.path("imported")
        made = box.run([find("git"), "init", "-q", "-b", "main", folder], GIT_ENVIRONMENT)
        if made.returncode != 0:
            raise Failed("git: %r" % made.stderr[-300:])
        process = under.start(box, [find("git"), "-C", folder, "fast-import", "--quiet"],
                              GIT_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        commits = history(seed, int(seconds * self.rate) + 1)
        for count in ticks(seconds, self.rate):
            process.stdin.write(b"".join(itertools.islice(commits, count)))
            process.stdin.flush()
        process.stdin.close()
        if process.wait(300) != 0:
            raise Failed("%s ends with %d" % (self.name, process.returncode))


# The server and the import go on for as long as they are fed; the others are commands that end,
# with a history that they take some seconds for.
GIT = (GitServer(40), GitImport(), Git("log", 100, "log", "-p", "--stat", "-M"),
       Git("log -S", 20, "log", "-Szebra", "--oneline", "--name-status"),
       Git("fsck", 25, "fsck", "--full", "--no-progress"),
       Git("repack", 60, "-c", "pack.threads=1", "repack", "-adfq", "--window=50"))


class Cc1(Program):
    """The C compiler proper on one large file."""

    name = "cc1"
    units = 50
    interval_ms = 60

    def missing(self):
        return None if real_programs.program_of_gcc("cc1") else "gcc has no cc1"

    def play(self, box, under, seconds, seed):
        path = real_programs.Cc1().make_input(box, self.units)
        process = under.start(box, [
            real_programs.program_of_gcc("cc1"), "-fpreprocessed", path, "-quiet", "-O2", "-o",
            os.devnull])
        if process.wait(300) != 0:
            raise Failed("cc1 ends with %d" % process.returncode)
