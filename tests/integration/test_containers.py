# SPDX-License-Identifier: Apache-2.0
"""test_containers: seep check is right where continuous integration runs it.

Not root, without ptrace, under the filters of system calls that container engines have, on file
systems that cannot be written, without /proc or /sys, as the first process, with little of
everything. A leaking program fails there and its twin passes; what cannot be known there is said
once. No container engine is needed: each restriction is made for itself, and then all together.
"""

import functools
import os
import re
import shutil

from sandbox import LIBRARY, NOBODY, SEEP, Skipped, expect, expect_equal
from test_memory_limit import Cgroup

PASSED = b"seep: check: passed: nothing found in 1 snapshot file; it was too short to judge growth\n"
# As little as Docker gives to a process that is not root.
UNPRIVILEGED = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
                "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
READ_ONLY = """
mount -t tmpfs none "$TMPDIR"; chmod 1777 "$TMPDIR"
while read -r _ folder _; do
    case $folder in
    /proc*|/sys*|/dev*|"$TMPDIR") ;;
    *) mount -o remount,bind,ro "$folder" 2>/dev/null ;;
    esac
done </proc/self/mounts
if touch "$HERE/written" 2>/dev/null; then exit 77; fi
"""
HIDDEN = {
    "without /sys": "mount -t tmpfs none /sys",
    "without /proc/sys": "mount -t tmpfs none /proc/sys",
    "without other users' processes in /proc": "mount -o remount,hidepid=2 /proc",
}


def tests():
    yield "nobody without any capability", unprivileged
    for calls, what in (("ptrace", "without ptrace"),
                        ("container", "without the calls that Docker forbids"),
                        ("old", "without those that an old Docker does not know, either")):
        yield what, functools.partial(filtered, calls)
    yield "where only one folder can be written", read_only
    yield "where no folder can be written there is one line", nothing_writable
    for what, setup in HIDDEN.items():
        yield what, functools.partial(hidden, setup)
    yield "without /proc what is not known is said once for all processes", no_proc
    yield "as the first process of its namespace", first_process
    yield "with all of that together", all_together
    yield "with so few processes that there is no helper", few_processes
    yield "with little memory", little_memory


# ---- the two programs, and how they are run ------------------------------------------------------

class Place:
    """Everything that is needed, in one folder that any user may read."""

    def __init__(self, box):
        self.box = box
        os.chmod(box.folder, 0o755)
        self.seep = shutil.copy(SEEP, box.folder)
        shutil.copy(LIBRARY, box.folder)
        self.leaking = box.compile("loses_a_block.c", "-O1")
        self.clean = box.compile("keeps_a_block.c", "-O1")
        os.mkdir(box.path("tmp"))
        os.chmod(box.path("tmp"), 0o777)

    def run(self, before, words, **others):
        environment = {"TMPDIR": self.box.path("tmp"), "HERE": self.box.folder,
                       **others.pop("environment", {})}
        return self.box.run([*before, *words], environment, **others)

    def check(self, before, program, *options, **others):
        return self.run(before, [self.seep, "check", *options, "--", program], **others)

    def expect_right(self, before, *options, **others):
        """The leak is found, and in its twin nothing is."""
        result = self.check(before, self.leaking, *options, **others)
        expect_equal((result.returncode, result.stdout), (1, b"ready\n"),
                     "(status, stdout) of the leaking program (%r)" % result.stderr[-400:])
        expect(result.stderr.endswith(b"\nseep: check: failed: 40 B lost at 1 site\n"),
               "of the leaking program it says %r" % result.stderr)
        result = self.check(before, self.clean, *options, **others)
        expect_equal((result.returncode, result.stdout, result.stderr), (0, b"ready\n", PASSED),
                     "(status, stdout, stderr) of its twin")
        expect_equal(os.listdir(self.box.path("tmp")), [], "what is left behind")


def only_root():
    if os.getuid() != 0:
        raise Skipped("only root can become another user")


def namespace(place, setup, *flags):
    """What is written before a command to have it in a mount namespace, set up by a shell."""
    before = ["unshare", "-m", *flags, "sh", "-ec",
              "mount --make-rprivate /\n%s\nexec \"$@\"" % setup, "sh"]
    if os.getuid() != 0:
        before[1:1] = ["-r"]
    result = place.run(before, ["true"])
    if result.returncode != 0:
        raise Skipped("no such namespace here: %s" % result.stderr.decode().strip()[-200:])
    return before


def filter_of(box, calls):
    """The same for a filter of system calls."""
    before = [box.compile("forbids_calls.c", "-O1"), calls]
    if box.run([*before, shutil.which("true")]).returncode == 3:
        raise Skipped("no seccomp here")
    return before


# ---- one restriction at a time -------------------------------------------------------------------

def unprivileged(box):
    only_root()
    Place(box).expect_right(UNPRIVILEGED)


def filtered(calls, box):
    Place(box).expect_right(filter_of(box, calls))


def read_only(box):
    place = Place(box)
    before = namespace(place, READ_ONLY)
    place.expect_right(before)
    # A folder that can be written is all that it takes, wherever its name comes from.
    script = '"$1" check --keep="$TMPDIR/kept.seep" -- "$2"; ls "$TMPDIR"'
    result = place.run(before, ["sh", "-c", script, "sh", place.seep, place.clean],
                       environment={"LC_ALL": "C"})
    expect_equal((result.stdout, result.stderr), (b"ready\nkept.seep\n", PASSED),
                 "(stdout, stderr) with --keep")


def nothing_writable(box):
    place = Place(box)
    before = namespace(place, READ_ONLY + 'mount -o remount,ro "$TMPDIR"')
    result = place.check(before, place.clean)
    expect_equal((result.returncode, result.stdout), (2, b""), "(status, stdout)")
    wanted = "seep: check: cannot make a folder for snapshots in %s: Read-only file system; " \
             "set TMPDIR, or give --keep=FILE\n" % box.path("tmp")
    expect_equal(result.stderr.decode(), wanted, "stderr")


def hidden(setup, box):
    only_root()
    place = Place(box)
    before = namespace(place, setup, "-pf", "--mount-proc")
    place.expect_right([*before, *UNPRIVILEGED])


def no_proc(box):
    """Then nobody knows what memory there is, so nothing is known to be lost."""
    place = Place(box)
    before = namespace(place, "mount -t tmpfs none /proc")
    result = place.check(before, place.leaking)
    wanted = r"seep: check: loses_a_block \(\d+\): what is lost is not known: what memory the " \
             r"program has could not be read from /proc; mount it\n"
    text = re.sub(r"\n {13}", " ", result.stderr.decode())
    expect_equal((result.returncode, result.stdout), (0, b"ready\n"), "(status, stdout)")
    expect(re.fullmatch(re.escape(PASSED.decode()) + wanted, text), "stderr is " + text)
    script = "for i in 1 2 3 4 5; do '%s'; done" % place.leaking
    result = place.run(before, [place.seep, "check", "--", "sh", "-c", script])
    text = re.sub(r"\n {13}", " ", result.stderr.decode())
    expect_equal(text.count("not known"), 1, "the lines about what is not known in " + text)
    expect(re.search(r"\) and 5 others: what is lost is not known", text), "stderr is " + text)


def first_process(box):
    """Without a /proc of that namespace, too."""
    place = Place(box)
    for more in (["--mount-proc"], []):
        before = ["unshare", *(["-r"] if os.getuid() != 0 else []), "-pf", *more]
        if place.run(before, ["true"]).returncode != 0:
            raise Skipped("no namespace of processes here")
        place.expect_right(before)


def all_together(box):
    only_root()
    place = Place(box)
    before = namespace(place, READ_ONLY, "-pf", "--mount-proc")
    place.expect_right([*before, *UNPRIVILEGED, *filter_of(box, "old")])


# ---- little of everything ------------------------------------------------------------------------

def few_processes(box):
    """The limit is one of a user, so it is that of a user who has no other processes."""
    only_root()
    place, user = Place(box), str(100000 + os.getpid())
    unknown = found = 0
    for most in range(1, 8):
        before = ["setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", "prlimit",
                  "--nproc=%d:%d" % (most, most)]
        result = place.check(before, place.leaking)
        text = result.stderr.decode()
        if result.returncode == 2:
            expect_equal(text, "seep: check: cannot start a process: Resource temporarily "
                         "unavailable\n", "what it says with %d processes" % most)
            continue
        expect_equal(result.stdout, b"ready\n", "stdout with %d processes" % most)
        if result.returncode == 1:
            expect("40 B lost at 1 site" in text, "with %d processes: %s" % (most, text))
            found += 1
        else:
            expect_equal(result.returncode, 0, "the status with %d processes" % most)
            expect("a limit of processes is reached" in text, "%d processes: %s" % (most, text))
            unknown += 1
        result = place.check(before, place.clean)
        expect_equal((result.returncode, result.stdout), (0, b"ready\n"),
                     "(status, stdout) of the twin with %d processes" % most)
    box.note("with up to 7 processes: %d times not known, %d times found" % (unknown, found))
    expect(unknown and found, "the limit has made no difference")


def little_memory(box):
    place = Place(box)
    with Cgroup(box, "little") as cgroup:
        with open(os.path.join(cgroup.folder, cgroup.limit_file), "w") as file:
            file.write(str(24 << 20))
        place.expect_right(["sh", "-ec", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', "sh",
                            cgroup.folder])
