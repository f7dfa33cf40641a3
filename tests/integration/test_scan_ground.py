# SPDX-License-Identifier: Apache-2.0
"""test_scan_ground: that a scan is made, sees all threads, and that the program does not notice it."""

import subprocess

import sandbox
import snapshot_file
from sandbox import expect, expect_equal


def tests():
    yield "a scan at the end of a program finds what it has lost", at_the_end
    yield "what is held by a block that realloc is moving is not lost", while_realloc_moves
    yield "vfork, fork, threads, timers and job control go on while scans are made", lives_with_them
    yield "threads wait on in whatever call they are, with no EINTR and no child", waits_on


def read_scan(box, name="out.seep"):
    scan = snapshot_file.read(box.path(name)).scan()
    expect(scan is not None, "there is no record of a scan in " + name)
    return scan


def expect_done(scan, is_confirmed):
    expect_equal((scan["outcome"], scan["error"]), ("done", 0), "the outcome")
    expect_equal((scan["is_stopped"], scan["is_confirmed"], scan["unread_threads"]),
                 (True, is_confirmed, 0), "(all threads stopped, confirmed, unread threads)")


def at_the_end(box):
    program = box.compile("frees_three_blocks.c", "-O1", "-g")
    expect_equal(box.seep_run([program], "--scan=exit").returncode, 0, "the exit status")
    scan = read_scan(box)
    expect_done(scan, is_confirmed=False)
    expect_equal((scan["threads"], scan["reason"]), (1, "final"), "(threads, reason)")
    expect_equal(scan["definitely"], (0, 0), "what is lost of nothing")
    program = box.compile("loses_a_block.c", "-O1", "-g")
    expect_equal(box.seep_run([program], "--scan=exit", output="lost.seep").returncode, 0,
                 "the exit status")
    scan = read_scan(box, "lost.seep")
    expect_done(scan, is_confirmed=False)
    expect_equal(scan["definitely"], (1, 40), "what is lost")


def scans_so_far(box, name="out.seep"):
    file = sandbox.begun(box.path(name))
    return file.of_type(snapshot_file.SCAN) if file else []


def wait_for_scans(box, count, name="out.seep"):
    box.wait_until(lambda: len(scans_so_far(box, name)) >= count, "%d scans" % count)


def waits_on(box):
    program = box.compile("waits_in_many_calls.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="1h", scan="30ms"),
                        stdin=subprocess.PIPE)
    wait_for_scans(box, 12)
    output, _ = process.communicate(timeout=60)
    expect_equal(output.decode().split("\n"), ["now", "over", ""], "what the calls returned")
    expect_equal(process.returncode, 0, "the exit status")
    box.wait_for_end("out.seep")
    scan = read_scan(box)
    expect_equal(scan["reason"], "final", "what asked for the last scan")
    between = [record.payload for record in scans_so_far(box)[:-1]]
    for payload in between:
        fields = snapshot_file.SCAN_HEAD.unpack_from(payload)
        expect_equal((fields[3], fields[5] & 3), (0, 3), "(outcome, confirmed and stopped)")


def while_realloc_moves(box):
    program = box.compile("reallocs_in_all_threads.c", "-O1", "-pthread")
    certain = 0
    for round_ in range(8):
        name = "%d.seep" % round_
        box.seep_run([program], "--scan=exit", "--interval=1h", output=name)
        scan = read_scan(box, name)
        expect_equal((scan["outcome"], scan["definitely"], scan["indirectly"]),
                     ("done", (0, 0), (0, 0)), "(outcome, lost) in round %d" % round_)
        certain += scan["unread_threads"] == 0
    box.note("%d of 8 scans found a moment without a block in the hands of realloc" % certain)


def lives_with_them(box):
    program = box.compile("lives_with_scans.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               children="none", interval="1h", scan="20ms"),
                        stdin=subprocess.PIPE)
    wait_for_scans(box, 15)
    output, _ = process.communicate(timeout=60)
    expect_equal((output, process.returncode), (b"over\n", 0), "(output, status)")
    box.wait_for_end("out.seep")
    for record in scans_so_far(box):
        fields = snapshot_file.SCAN_HEAD.unpack_from(record.payload)
        expect_equal(fields[3], 0, "the outcome")
