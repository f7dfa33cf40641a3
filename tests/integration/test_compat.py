# SPDX-License-Identifier: Apache-2.0
"""test_compat: the runner of tests/compat sees what an observer changes, and counts that are wrong."""

import functools
import glob
import os
import struct
import subprocess
import sys

from sandbox import ROOT, expect, expect_equal

COMPAT = os.path.join(ROOT, "tests", "compat")
sys.path.append(COMPAT)

import exact_counts  # noqa: E402
import listed_program  # noqa: E402
import listed_run  # noqa: E402
import observation  # noqa: E402
import observers  # noqa: E402
import snapshot_file  # noqa: E402

# With $under set a script does something else, and the sentence about it begins so.
CHANGES = {
    "another status": ("exit ${under:+3}", "status 3"),
    "a line of stdout": ("echo a; echo ${under:-b}; echo c", "stdout has 'x'"),
    "a line less": ("echo a; [ -n \"$under\" ] || echo b", "stdout has 1 lines, natively 2"),
    "a line of stderr": ("echo ${under:-b} >&2", "stderr has 'x'"),
    "the content of a file": ("echo ${under:-b} >file", "file file: another content"),
    "the mode of a file": ("touch file; [ -z \"$under\" ] || chmod 600 file",
                           "file file: another mode"),
    "a file more": ("[ -z \"$under\" ] || touch file", "files more: file"),
    "a file less": ("[ -n \"$under\" ] || touch file", "files lacking: file"),
    "a line beside one that varies": ("date +%N; echo ${under:-b}", "stdout has 'x'"),
    "a run without an end": ("[ -z \"$under\" ] || exec sleep 60", "still running"),
}


class Changed(observers.Native):
    def environment(self):
        return {"under": "x"}


def tests():
    for what in CHANGES:
        yield "%s is seen" % what, functools.partial(change, what)
    yield "a process that stays is seen, and ended", left_process
    yield "nothing is seen where nothing changes", no_change
    yield "a count that is wrong is seen", wrong_counts
    yield "a process without a file is seen", lacking_file


def run_of(box, script):
    counter = box.path("call_counter.so")
    source = os.path.join(COMPAT, "call_counter.c")
    built = box.run([*os.environ.get("CC", "gcc").split(), "-shared", "-fPIC", "-O2", "-Wall",
                     "-Wextra", "-Werror", "-D_GNU_SOURCE", "-fno-builtin", "-o", counter, source])
    expect_equal(built.stderr, b"", "what the compiler says of the counter")
    os.chmod(box.folder, 0o755)
    place = box.path("place")
    os.mkdir(place)
    return listed_run.ListedRun(listed_program.Program("made up", script), place, counter)


def differences(box, script, limit_s=20):
    run = run_of(box, script)
    run.play_natives()
    run.patience_s = 1
    seen = run.play(Changed, limit_s).seen
    return list(observation.differences(run.program, run.natives, seen))


def change(what, box):
    script, sentence = CHANGES[what]
    found = differences(box, script, 1 if "without an end" in what else 20)
    expect(len(found) == 1 and found[0].startswith(sentence), "the differences are %s" % found)


def left_process(box):
    # Without parent, session or descriptors of the script.
    script = "[ -z \"$under\" ] || setsid -f sleep 1000.25 >/dev/null 2>&1"
    expect_equal(differences(box, script), ["processes left: sleep"], "the differences")
    left = subprocess.run(["pgrep", "-f", "sleep 1000.25"], capture_output=True, text=True).stdout
    expect_equal(left, "", "processes that are still there")


def no_change(box):
    script = "date +%N; date +%N >file; mktemp XXXXXXXX >name; echo problem >&2; echo text"
    expect_equal(differences(box, script), [], "the differences")


def counted_run(box):
    run = run_of(box, "seq 1 100 | sort | md5sum")
    run.play_natives()
    found, played = run.play_under(observers.SeepPreload)
    expect_equal(found, [], "the differences")
    counts = exact_counts.Counts(played.files)
    expect_equal(counts.wrong, [], "what is wrong with the counts")
    expect(len(counts.files) >= 4, "%d files" % len(counts.files))
    return played.files


def wrong_counts(box):
    folder = counted_run(box)
    path = glob.glob(os.path.join(folder, "sort.*.seep"))[0]
    pid = snapshot_file.read(path).pid
    for counted in glob.glob(os.path.join(folder, "counts", "%d.*" % pid)):
        with open(counted, "r+b") as file:
            given, = struct.unpack("=Q", file.read(8))
            file.seek(0)
            file.write(struct.pack("=Q", given + 1))
    wrong = exact_counts.Counts(folder).wrong
    expect(wrong and wrong[0].startswith(os.path.basename(path)), "wrong is %s" % wrong)


def lacking_file(box):
    folder = counted_run(box)
    os.remove(glob.glob(os.path.join(folder, "sort.*.seep"))[0])
    wrong = exact_counts.Counts(folder).wrong
    expect(len(wrong) == 1 and "no file of its" in wrong[0], "wrong is %s" % wrong)
