# SPDX-License-Identifier: Apache-2.0
"""test_limits: what a program limits or locks is meant for itself, and its numbers are right.

The numbers are those of cases/counted_work.h.
"""

import functools
import os
import resource
import subprocess

from case_program import find_site, sum_of_sites
from process_list import helper_of
from sandbox import Skipped, end_of, expect, expect_equal

LIMIT_S = 20
LIMITS = {"NOFILE": 0, "FSIZE": 0, "NPROC": 0, "STACK": 64 << 10, "AS": 100 << 20}


def tests():
    for what in LIMITS:
        yield "a program that sets the limit of %s to %d" % (what, LIMITS[what]), \
            functools.partial(limited, what)
        yield "a worker that begins with the limit of %s" % what, functools.partial(
            limited_worker, what)
    for number in (0, 3):
        yield "a helper thread whose program may have %d descriptors sleeps" % number, \
            functools.partial(sleeping_helper, number)
    yield "who asks where no descriptor is left for him has an answer", no_descriptor_left
    for number in (2, 3):
        yield "a child that may have %d descriptors, and has none, is followed to its end" % number, \
            functools.partial(without_descriptors, number)
    yield "a change of user or limits is no reason to read anything", read_in_changes
    yield "mlockall locks the program's memory and hardly any of seep's", all_locked
    yield "mlockall refuses what it refuses without seep", odd_locks
    yield "mlockall within the limit that the program needs by itself", locked_within_limit
    yield "ulimit -v 200000 leaves room for everything", address_space


def run(box, *arguments, status):
    program = box.compile("limits_itself.c", "-O1")
    result = box.seep_run([program, *arguments], output="%p.seep")
    expect_equal((result.returncode, result.stdout, result.stderr), (status, b"", b""),
                 "(status, stdout, stderr)")
    reports = [box.report(path) for path in box.seep_files()]
    for report in reports:
        expect_equal(report["lost"]["blocks"], 0, "lost blocks")
    return {report["process"]["status"]: tuple(sum_of_sites(report, "keep").values())
            for report in reports}


def limited(what, box):
    found = run(box, what, str(LIMITS[what]), "program", status=21)
    # (live blocks, live bytes, allocations, frees)
    expect_equal(found, {21: (58, 5800, 71, 13)}, "the numbers of the program")


def limited_worker(what, box):
    found = run(box, what, str(LIMITS[what]), "worker", status=40)
    expect_equal(found, {40: (50, 5000, 50, 0), 21: (58, 5800, 21, 3)},
                 "the numbers of program and worker")


def sleeping_helper(number, box):
    """It has no limits of its own. Who sleeps is asleep in 20 looks one after the other."""
    program = box.compile("limits_and_waits.c", "-O1")
    process = box.start([program, str(number)], box.preload(
        output=box.path("%p.seep"), quiet="on", snapshots_by="thread"), stdin=subprocess.PIPE)
    pid = int(process.stdout.readline())
    helper = box.wait_until(lambda: helper_of(pid, "thread"), "the helper")
    looks = []

    def is_asleep():
        with open(helper + "/stat") as file:
            looks.append(file.read().rsplit(")", 1)[1].split()[0])
        return looks[-20:] == ["S"] * 20

    box.wait_until(is_asleep, "a helper that sleeps")
    process.stdin.close()
    expect_equal(process.wait(LIMIT_S), 0, "its status")


def no_descriptor_left(box):
    """How many the helper has by itself depends on the kernel."""
    program = box.compile("limits_and_waits.c", "-O1")
    for number in range(4, 9):
        limit = 'ulimit -n %d; exec "$@"' % number
        process = box.start(["/bin/sh", "-c", limit, "sh", program, "-"],
                            box.preload(output=box.path("%p.seep"), quiet="on"),
                            stdin=subprocess.PIPE)
        pid = int(process.stdout.readline())
        box.wait_until(lambda: helper_of(pid, "process"), "the helper")
        result = box.seep("snapshot", str(pid), timeout=LIMIT_S)
        expect(result.returncode in (0, 2), "status %d" % result.returncode)
        process.stdin.close()
        expect_equal(process.wait(LIMIT_S), 0, "its status")


def without_descriptors(number, box):
    program = box.compile("forks_without_descriptors.c", "-O1")
    result = box.seep_run([program, str(number)], output="%p.seep")
    expect_equal((result.returncode, result.stdout, result.stderr), (40, b"", b""),
                 "(status, stdout, stderr)")
    box.wait_until(lambda: all(end_of(path) for path in box.seep_files()), "all ends")
    reports = [box.report(path) for path in box.seep_files()]
    found = {tuple(sum_of_sites(report, "keep").values()) for report in reports}
    # (live blocks, live bytes, allocations, frees)
    expect_equal(found, {(50, 5000, 50, 0), (77, 7700, 43, 6)}, "the numbers of both")


def read_in_changes(box):
    """Some servers change their user for each request."""
    program = box.compile("says_who_it_is_often.c", "-O1")
    plain = box.run([program])
    if plain.returncode == 2:
        raise Skipped("this kernel does not count what a process reads")
    result = box.run([program], box.preload(output=box.path("out.seep"), quiet="on"))
    expect_equal((result.returncode, result.stdout, result.stderr), (0, plain.stdout, b""),
                 "(status, reads, stderr)")


def locked_kib(box, name):
    with open(box.path(name)) as file:
        return int(file.read())


def all_locked(box):
    program = box.compile("locks_all_its_memory.c", "-O1")
    plain = box.run([program, box.path("plain")])
    if plain.returncode == 2:
        raise Skipped("this user may not lock that much memory")
    expect_equal(plain.returncode, 0, "the status without seep")
    result = box.seep_run([program, box.path("watched")])
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = box.report()
    expect_equal(find_site(report, "keep")["live_blocks"], 20000, "live blocks")
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")
    more = locked_kib(box, "watched") - locked_kib(box, "plain")
    box.note("%d KiB are locked besides the program's %d" % (more, locked_kib(box, "plain")))
    # The library itself; its tables would be 40 MiB and a quarter of the heap.
    expect(0 <= more < 4096, "%d KiB more are locked than without seep" % more)


def odd_locks(box):
    program = box.compile("asks_for_odd_locks.c", "-O1")
    plain = box.run([program])
    result = box.seep_run([program])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, plain.stdout, b""),
                 "(status, stdout, stderr)")


def locked_within_limit(box):
    """Nobody's limit counts for root. Our tables take more address space than there is of it."""
    program = box.compile("locks_all_its_memory.c", "-O1")
    os.mkdir(box.path("open"), 0o777)
    os.chmod(box.path("open"), 0o777)
    limit_bytes = 8 << 20
    most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if most != resource.RLIM_INFINITY and most < limit_bytes:
        raise Skipped("there is a limit of %d locked bytes" % most)
    settings = box.preload(output=box.path("open", "%e.seep"), quiet="on")
    command = ["/bin/sh", "-c", 'ulimit -l %d && exec "$@"' % (limit_bytes >> 10), "sh", program]
    plain = box.run_as_nobody([*command, box.path("open", "plain")])
    expect_equal((plain.returncode, plain.stderr), (0, b""), "(status, stderr) without seep")
    result = box.run_as_nobody([*command, box.path("open", "watched")], settings)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = box.wait_for_end(os.path.join("open", "locks_all_its_m.seep"))
    expect_equal(find_site(report, "keep")["live_blocks"], 20000, "live blocks")
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")


def address_space(box):
    program = box.compile("keeps_three_blocks.c", "-O1")
    result = box.run(["/bin/bash", "-c", 'ulimit -v 200000; exec "$@"', "sh", "env",
                      *("%s=%s" % item for item in box.preload(
                          output=box.path("out.seep"), quiet="on").items()), program])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    report = box.wait_for_end()
    expect_equal(find_site(report, "keep")["live_blocks"], 3, "live blocks")
    expect_equal([report["lost"][what] for what in ("blocks", "stacks", "cut_stacks")], [0, 0, 0],
                 "what was lost")
