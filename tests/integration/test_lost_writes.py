# SPDX-License-Identifier: Apache-2.0
"""test_lost_writes: where a file cannot be written for a while, or not any more, a program does not
notice, and the report says what is missing: in its text and in JSON.
"""

import fcntl
import functools
import os
import shutil
import signal
import subprocess

import snapshot_file
from case_program import NONE_LOST, find_site, losses, sum_of_sites
from sandbox import LIBRARY, NOBODY, Failed, Skipped, begun, expect, expect_equal, stop

FULL = "No space left on device"


def tests():
    for who in ("process", "thread", "inline"):
        yield "a disk that is full for a while, with snapshots by " + who, functools.partial(
            full_for_a_while, who)
    yield "a disk that stays full", full_to_the_end
    yield "a disk that is full from the beginning: one line, and no file", full_from_the_beginning
    yield "a limit of file size that comes later", file_size_limit
    yield "a folder that is removed while the program runs", removed_folder
    yield "a folder that becomes read-only while the program runs", read_only_folder
    for how in ("opens", "limits", "closes", "replaces"):
        for who in ("process", "thread", "inline"):
            yield "a program that %s descriptors, with snapshots by %s" % (how, who), \
                functools.partial(no_descriptors, how, who)
    yield "of a program that is killed the report says that its last state is missing", killed


def ask(process, command):
    process.stdin.write(command.encode() + b"\n")
    process.stdin.flush()
    expect_equal(process.stdout.readline(), b"ok\n", "the answer to " + command)


class SmallDisk:
    """A program whose snapshots go to a disk of its own, and a way to fill that."""

    def __init__(self, box, who="process", kibibytes=96, quiet="on"):
        if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                              capture_output=True).returncode != 0:
            raise Skipped("only root can mount a small disk")
        self.box = box
        program = box.compile("grows_on_command.c", "-O1")
        os.mkdir(box.path("disk"))
        settings = box.preload(output=box.path("disk", "out.seep"), quiet=quiet, interval="20ms",
                               snapshots_by=who)
        script = 'mount -t tmpfs -o size=%dk tmpfs disk && touch disk/mounted && read line && ' \
                 'exec env "$@"' % kibibytes
        self.process = box.start(["unshare", "-m", "sh", "-c", script, "sh",
                                  *("%s=%s" % item for item in settings.items()), program],
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.folder = "/proc/%d/root%s" % (self.process.pid, box.path("disk"))
        box.wait_until(self.is_mounted, "the small disk")
        self.kept = os.open(self.folder, os.O_RDONLY)  # so that it stays
        self.output = "/proc/self/fd/%d/out.seep" % self.kept

    def is_mounted(self):
        if self.process.poll() is not None:
            raise Skipped("tmpfs cannot be mounted")
        return os.path.exists(os.path.join(self.folder, "mounted"))

    def go(self):
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def fill(self):
        with open("/proc/self/fd/%d/filler" % self.kept, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError as error:
                expect_equal(error.strerror, FULL, "why the disk takes no more")

    def empty(self):
        os.unlink("/proc/self/fd/%d/filler" % self.kept)

    def snapshots(self):
        file = begun(self.output)
        return file.snapshots if file else []

    def write_in_vain(self):
        """Makes the program have more stacks until they do not come to the file any more."""
        for number in range(100):
            size = os.path.getsize(self.output)
            ask(self.process, "sites %d" % (1500 + 50 * number))
            ask(self.process, "sleep 60")
            ask(self.process, "leak 2000 1")
            if os.path.getsize(self.output) == size:
                return
        raise Failed("the disk does not become full")

    def end(self):
        """The JSON of the report, and its text."""
        self.process.stdin.close()
        expect_equal(self.process.wait(20), 0, "the program's status")
        expect_equal(self.process.stderr.read(), b"", "stderr")
        try:
            # Who shares a lock on the file has ended.
            self.box.wait_until(self.is_left, "the end of the helper")
            shutil.copy(self.output, self.box.path("copy.seep"))
        finally:
            os.close(self.kept)
        return self.box.report("copy.seep"), self.box.seep(
            "report", self.box.path("copy.seep")).stdout.decode()

    def is_left(self):
        with open(self.output, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                return False


def full_for_a_while(who, box):
    disk = SmallDisk(box, who)
    disk.go()
    ask(disk.process, "leak 5000 100")
    ask(disk.process, "sleep 60")
    ask(disk.process, "leak 5000 100")
    box.wait_until(disk.snapshots, "a snapshot before")
    disk.fill()
    disk.write_in_vain()
    before = len(disk.snapshots())
    if who == "process":
        result = box.seep("snapshot", disk.process.pid)
        expect_equal(result.returncode, 2, "the status of seep snapshot")
        expect(FULL in result.stderr.decode(), "seep snapshot says %r" % result.stderr)
    disk.empty()
    ask(disk.process, "sleep 60")
    ask(disk.process, "leak 5000 100")
    box.wait_until(lambda: len(disk.snapshots()) > before, "a snapshot afterwards")
    report, text = disk.end()
    lost = losses(report)
    expect(lost["snapshots"] >= 1, "no snapshot is said to be missing: %s" % lost)
    expect_equal({**lost, "snapshots": 0}, {**NONE_LOST, "snapshots_error": FULL}, "what was lost")
    count = "%d snapshot%s could not be written" % (lost["snapshots"],
                                                   "s" * (lost["snapshots"] != 1))
    expect(count in " ".join(text.split()) and FULL in text, "the report does not say %s: %s"
           % (count, text[:600]))
    expect_equal(sum_of_sites(report, "leak")["live_blocks"] >= 15000, True, "15,000 live blocks")
    file = snapshot_file.read(box.path("copy.seep"))
    expect_equal(file.whole_bytes, len(file.data), "the readable part of the file")


def full_to_the_end(box):
    disk = SmallDisk(box)
    disk.go()
    ask(disk.process, "leak 100 100")
    box.wait_until(disk.snapshots, "a snapshot before")
    disk.fill()
    disk.write_in_vain()
    report, text = disk.end()
    expect(report["lost"]["last_state"], "the last state is not said to be missing: %s"
           % report["lost"])
    expect("the state at the end is not in the file" in " ".join(text.split()),
           "the report says %s" % text[:600])


def full_from_the_beginning(box):
    disk = SmallDisk(box, quiet="off")
    disk.fill()
    disk.go()
    ask(disk.process, "leak 100 100")
    disk.process.stdin.close()
    expect_equal(disk.process.wait(20), 0, "the program's status")
    lines = disk.process.stderr.read().decode().splitlines()
    expect(len(lines) == 1 and lines[0].startswith("seep: cannot write snapshots to ") and
           lines[0].endswith(FULL), "stderr is %s" % lines)
    expect_equal(sorted(os.listdir("/proc/self/fd/%d" % disk.kept)), ["filler", "mounted"],
                 "what is on the disk")
    os.close(disk.kept)


def file_size_limit(box):
    """prlimit of another process: the kernel would send SIGXFSZ to whoever writes."""
    program = box.compile("grows_on_command.c", "-O1")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="20ms", snapshots_by="inline"),
                        stdin=subprocess.PIPE)
    ask(process, "leak 5000 100")
    ask(process, "sleep 60")
    ask(process, "sites 3000")
    size = os.path.getsize(box.path("out.seep"))
    limit = ["prlimit", "--pid", str(process.pid)]
    subprocess.run([*limit, "--fsize=%d:unlimited" % size], check=True)
    ask(process, "sleep 60")
    ask(process, "leak 5000 100")
    ask(process, "sleep 60")
    ask(process, "sites 6000")
    expect_equal(os.path.getsize(box.path("out.seep")), size, "the size of the file")
    subprocess.run([*limit, "--fsize=unlimited"], check=True)
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the program's status")
    lost = losses(box.report())
    expect(lost["snapshots"] > 0, "no snapshot is said to be missing: %s" % lost)
    expect_equal({**lost, "snapshots": 0}, {**NONE_LOST, "snapshots_error": "File too large"},
                 "what was lost")


def removed_folder(box):
    os.mkdir(box.path("folder"))
    program = box.compile("grows_on_command.c", "-O1")
    process = box.start([program], box.preload(output=box.path("folder", "out.seep"), quiet="on",
                                               interval="20ms"), stdin=subprocess.PIPE)
    ask(process, "leak 100 100")
    box.wait_until(lambda: begun(box.path("folder", "out.seep")), "the file")
    shutil.rmtree(box.path("folder"))
    result = box.seep("snapshot", process.pid)
    expect_equal(result.returncode, 2, "the status of seep snapshot; it says %r" % result.stdout)
    expect(len(result.stderr.decode().splitlines()) == 1 and b"out.seep" in result.stderr,
           "seep snapshot says %r" % result.stderr)
    ask(process, "sites 300")
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the program's status")
    expect(not os.path.exists(box.path("folder")), "the folder is there again")


def read_only_folder(box):
    """What is in the file goes on growing, but it cannot be replaced by a shorter one."""
    if os.getuid() != 0:
        raise Skipped("only root can become another user")
    program = box.compile("grows_on_command.c", "-O1")
    os.chmod(box.folder, 0o755)
    os.mkdir(box.path("folder"))
    os.chown(box.path("folder"), NOBODY, NOBODY)
    settings = box.preload(output=box.path("folder", "out.seep"), quiet="on", interval="10ms",
                           max_file="1M")
    settings["LD_PRELOAD"] = shutil.copy(LIBRARY, box.folder)
    process = box.start([program], settings, stdin=subprocess.PIPE, user=NOBODY, group=NOBODY,
                        extra_groups=[])
    ask(process, "leak 100 100")
    box.wait_until(lambda: begun(box.path("folder", "out.seep")), "the file")
    os.chmod(box.path("folder"), 0o555)
    for number in range(30):
        ask(process, "sites %d" % (1000 + 500 * number))
        ask(process, "sleep 30")
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the program's status")
    report = box.wait_for_end("folder/out.seep")
    expect_equal(os.listdir(box.path("folder")), ["out.seep"], "what is in the folder")
    expect(report["lost"]["snapshots"] > 0, "no snapshot is said to be missing: %s"
           % report["lost"])
    expect_equal(report["lost"]["snapshots_error"], "Permission denied", "why")
    expect(not report["lost"]["last_state"], "the last state is missing")
    expect_equal(find_site(report, "leak")["live_blocks"], 100, "live blocks")


def no_descriptors(how, who, box):
    program = box.compile("uses_up_descriptors.c", "-O1")
    result = box.run([program, how, box.path("data")],
                     box.preload(output=box.path("out.seep"), snapshots_by=who))
    expect_equal((result.returncode, result.stdout, result.stderr), (3, b"", b""),
                 "(status, stdout, stderr)")
    report = box.wait_for_end()
    labels = [snapshot.label for snapshot in snapshot_file.read(box.path("out.seep")).snapshots]
    # Only the program's own threads need a descriptor then.
    none_is_left = who == "inline" and how in ("opens", "limits", "replaces")
    expect_equal("meanwhile" in labels, not none_is_left, "whether the first is among %s" % labels)
    expect("after" in labels, "the labels are %s" % labels)
    wanted = {**NONE_LOST, "snapshots": 1, "snapshots_error": "Too many open files"} \
        if none_is_left else NONE_LOST
    expect_equal(losses(report), wanted, "what was lost")
    expect_equal(find_site(report, "keep")["live_blocks"], 100, "live blocks")


def killed(box):
    program = box.compile("grows_on_command.c", "-O1")
    for who, is_missing in (("process", False), ("thread", True), ("inline", True)):
        process = box.start([program], box.preload(output=box.path(who + ".seep"), quiet="on",
                                                   interval="20ms", snapshots_by=who),
                            stdin=subprocess.PIPE)
        ask(process, "leak 5000 100")
        ask(process, "sleep 60")
        ask(process, "leak 5000 100")
        box.wait_until(lambda: begun(box.path(who + ".seep")).snapshots, "a snapshot")
        stop(process, signal.SIGKILL)
        report = box.wait_for_end(who + ".seep") if who == "process" else box.report(who + ".seep")
        expect_equal(report["lost"]["last_state"], is_missing, "whether the last state of %s is "
                     "missing" % who)
