# SPDX-License-Identifier: Apache-2.0
"""test_signal_stack: what the program gives to the kernel by sigaltstack is held for as long."""

import snapshot_file
from sandbox import expect_equal


def tests():
    yield "the stack of signal handlers is held by nobody but the kernel", is_held
    yield "once it is taken back it is lost", is_lost


def lost_of(box, source):
    program = box.compile(source, "-O2", "-fno-optimize-sibling-calls")
    ended = box.seep_run([program], "--scan=exit")
    expect_equal((ended.returncode, ended.stdout), (0, b"ready\n"), "(status, output)")
    box.wait_for_end()
    scan = snapshot_file.read(box.path("out.seep")).scan()
    return scan["definitely"], scan["possibly"]


def is_held(box):
    expect_equal(lost_of(box, "keeps_the_stack_of_signal_handlers.c"), ((0, 0), (0, 0)),
                 "what is lost, and possibly")


def is_lost(box):
    expect_equal(lost_of(box, "loses_the_former_stack_of_signal_handlers.c"),
                 ((1, 65536), (0, 0)), "what is lost, and possibly")
