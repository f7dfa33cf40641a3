# SPDX-License-Identifier: Apache-2.0
"""test_scan_ground: that a scan is made, sees all threads, and that the program does not notice it."""

import snapshot_file
from sandbox import expect, expect_equal


def tests():
    yield "a scan at the end of a program finds what it has lost", at_the_end


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
