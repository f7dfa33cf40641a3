# SPDX-License-Identifier: Apache-2.0
"""test_other_users: processes that may not begin a file have one all the same, and hear of nothing.

The folder of the files belongs to who has started the run, and nobody else may enter it.
"""

import array
import functools
import os
import shutil
import socket
import stat
import subprocess

import test_trees
from sandbox import LIBRARY, NOBODY, SEEP, Failed, Skipped, end_of, expect, expect_equal

SOMEBODY = 1  # neither root nor nobody


def tests():
    for who in ("process", "thread"):
        for how in ("itself", "child", "forks"):
            yield "another user's %s in a closed folder, with snapshots by %s" % (
                "program" if how == "itself" else "child" if how == "child" else "fork", who), \
                functools.partial(another_user, how, who)
    yield "a fork after a change of root", fork_in_cell
    yield "with snapshots inline nobody else's file is begun", inline
    yield "a program started by one without the library", after_a_stranger
    for how, status in (("itself", 21), ("child", 40)):
        yield "how many have no file is said, and why: " + how, \
            functools.partial(refused, how, status)
    yield "a file from neither root nor the own user is not written to", unbelievable_lender
    yield "of more descriptors than one the program has none", too_many_descriptors
    yield "without seep run a tree says once that it cannot write", said_once
    yield "without seep run other users say nothing", nothing_said
    yield "who has a parent that was never followed does not wait for it", stranger_is_no_parent


class Closed:
    """A folder that only root may enter, beside programs that everybody may run."""

    def __init__(self, box, source="becomes_another_user.c"):
        if os.getuid() != 0:
            raise Skipped("only root can become another user")
        self.box = box
        os.chmod(box.folder, 0o755)
        self.seep = shutil.copy(SEEP, box.folder)
        self.library = shutil.copy(LIBRARY, box.folder)
        self.program = box.compile(source, "-O1")
        os.mkdir(box.path("closed"), 0o700)

    def path(self, *names):
        return self.box.path("closed", *names)

    def run(self, *arguments, options=()):
        return self.box.run([self.seep, "run", "-o", self.path("x.seep"), "--log-file",
                             self.box.path("log"), *options, "--", *arguments])

    def log(self):
        with open(self.box.path("log")) as file:
            return file.read()

    def files(self):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.path())
                      for name in names)

    def expect_files(self, wanted):
        self.box.wait_until(lambda: all(end_of(path) for path in self.files()), "all ends")
        found = sorted(test_trees.numbers_in(self.box, path) for path in self.files())
        # Of a fork that has only become another user and program a file is left or not: its helper
        # may have become that user before it removed it.
        found = [numbers for numbers in found if numbers != ONLY_EXECS]
        expect_equal(found, sorted(wanted), "((end, status), (live, allocated, freed, inherited, "
                     "inherited freed)) of all processes")
        for path in self.files():
            status = os.lstat(path)
            expect_equal((status.st_uid, stat.S_IMODE(status.st_mode)), (0, 0o600),
                         "(owner, mode) of " + os.path.basename(path))


def expect_silent(result, status):
    expect_equal((result.returncode, result.stdout, result.stderr), (status, b"", b""),
                 "(status, stdout, stderr)")


ONLY_EXECS = (test_trees.AT_EXEC, (50, 0, 0, 50, 0))
OF_WORKER = [(("exit", 21), test_trees.of_program(21)),
             (("exit", 22), (18 + 22 - 3, 22, 3, 18, 0))]


def another_user(how, who, box):
    closed = Closed(box)
    result = closed.run(closed.program, "setuid", NOBODY, how, options=["--snapshots-by=" + who])
    expect_silent(result, 21 if how == "itself" else 40)
    first = (test_trees.AT_EXEC if how == "itself" else ("exit", 40), test_trees.PARENT)
    if how == "forks":
        wanted = [first, (("exit", 21), test_trees.of_fork(21))]
    else:
        wanted = [first, *OF_WORKER]
    if who == "process":
        closed.expect_files(wanted)
    else:
        # What a thread cannot open again lacks the state at the end.
        expect(len(closed.files()) >= len(wanted), "files are missing: %s" % closed.files())
    expect("could not be recorded" not in closed.log(), closed.log())


def fork_in_cell(box):
    closed = Closed(box)
    os.mkdir(box.path("cell"))
    expect_silent(closed.run(closed.program, "chroot", box.path("cell"), "forks"), 40)
    closed.expect_files([(("exit", 40), test_trees.PARENT),
                         (("exit", 21), test_trees.of_fork(21))])
    expect_equal(os.listdir(box.path("cell")), [], "what is in the other root")


def inline(box):
    closed = Closed(box)
    expect_silent(closed.run(closed.program, "setuid", NOBODY, "itself",
                             options=["--snapshots-by=inline"]), 21)
    expect_equal(len(closed.files()), 1, "the number of files")


def after_a_stranger(box):
    """As of a program that changes the user and is linked statically: nothing of it passes a door."""
    closed = Closed(box)
    stranger = box.write("stranger.c", "#include <stdlib.h>\n#include <unistd.h>\n"
                         "int main(int count, char **words) { (void)count; return "
                         "setgid(%d) || setuid(%d) || execv(words[1], words + 1); }\n"
                         % (NOBODY, NOBODY))
    program = box.compile(stranger, "-static")
    expect_silent(closed.run("/bin/sh", "-c", 'exec "$0" "$1"', program, closed.program), 21)
    files = [path for path in closed.files() if "becomes_another" in os.path.basename(path)]
    box.wait_until(lambda: all(end_of(path) for path in files), "all ends")
    expect_equal(sorted(test_trees.numbers_in(box, path) for path in files), OF_WORKER,
                 "what the programs after it have done")


def refused(how, status, box):
    closed = Closed(box)
    os.mkdir(closed.path("x.children"))
    box.write("closed/x.children/keep", "")
    os.chown(closed.path("x.children"), SOMEBODY, SOMEBODY)
    expect_silent(closed.run(closed.program, "setuid", NOBODY, how), status)
    expect("seep: run: 1 process of another user or root could not be recorded, nor its forks: "
           "Operation not permitted\n" in closed.log(), "the summary is " + closed.log())


def lend_once(box, lender, path, name, key, count=1):
    """As a user: answers one request with `count` descriptors of `path`, which root has opened."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server, open(path, "wb+") as file:
        server.bind("\0seep.lender." + name)
        pid = os.fork()
        if pid != 0:
            return pid
        try:
            os.setuid(lender)
            server.settimeout(20)
            request, asker = server.recvfrom(4096)
            if request[8:40] == key.encode():
                rights = array.array("i", [file.fileno()] * count)
                server.sendmsg([b"\1\0\0\0\0\0\0\0" + path.encode() + b"\0"],
                               [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], 0, asker)
        finally:
            os._exit(0)


def run_with_lender(closed, lender, path, number, argv, count=1):
    """As somebody; `number` is another one for each lender of a process."""
    name, key = "%015x%x" % (os.getpid(), number), "%032d" % 7
    pid = lend_once(closed.box, lender, path, name, key, count)
    environment = closed.box.environment({
        "LD_PRELOAD": closed.library,
        "SEEP_OPTIONS": "output=%s/x.seep:file_lender=%s%s:quiet=on" % (closed.path(), name, key)})
    result = subprocess.run(argv, env=environment, cwd="/", user=SOMEBODY, group=SOMEBODY,
                            extra_groups=[], capture_output=True, timeout=60)
    os.waitpid(pid, 0)
    return result


def too_many_descriptors(box):
    closed = Closed(box)
    path = box.path("lent")
    for number, count in ((8, 1), (9, 2), (10, 40)):
        result = run_with_lender(closed, 0, path, number, ["/bin/ls", "-l", "/proc/self/fd"], count)
        expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
        expect("/proc/" in result.stdout.decode() and path not in result.stdout.decode(),
               "with %d descriptors the program has %s" % (count, result.stdout.decode()))


def unbelievable_lender(box):
    closed = Closed(box)
    for number, (lender, is_written) in enumerate(((NOBODY, False), (0, True), (SOMEBODY, True))):
        path = box.path("lent%d" % number)
        expect_silent(run_with_lender(closed, lender, path, number, [closed.program]), 21)
        if is_written:
            box.wait_until(lambda: end_of(path), "the end of a file from user %d" % lender)
        elif os.path.getsize(path):
            raise Failed("what user %d has lent was written to" % lender)


def said_once(box):
    result = box.run(["sh", "-c", "/bin/true; sh -c '/bin/true; /bin/true'; /bin/true"],
                     {"LD_PRELOAD": LIBRARY, "SEEP_OPTIONS": "output=/no such/x.seep"})
    expect_equal(result.stderr, b"seep: cannot write snapshots to /no such/x.seep: No such file or "
                 b"directory\n", "stderr")


def nothing_said(box):
    closed = Closed(box)
    result = box.run([closed.program, "setuid", NOBODY, "child"],
                     {"LD_PRELOAD": closed.library,
                      "SEEP_OPTIONS": "output=%s/%%e.%%p.seep" % closed.path()})
    expect_silent(result, 40)


def stranger_is_no_parent(box):
    closed = Closed(box)
    starter = box.compile("starts_who_must_not_sleep.c", "-O1")
    result = box.run([starter, str(SOMEBODY), closed.library,
                      "output=%s/x.seep" % closed.path(), "/bin/true"])
    expect_equal((result.returncode, result.stderr.count(b"cannot write snapshots")), (0, 1),
                 "(status, lines that say so)")
