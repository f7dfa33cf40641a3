# SPDX-License-Identifier: Apache-2.0
"""test_extremes: millions of stacks, a terabyte of address space, blocks at both ends of it, a
thousand plug-ins, ten thousand threads: exact, or what was cut is counted; and what seep takes is
bounded.
"""

import functools
import os
import shutil

import snapshot_file
from case_program import NONE_LOST, find_site, losses, sum_of_sites
from sandbox import Skipped, expect, expect_equal

IS_ALONE = True  # each of them takes much of something
MIB = 1 << 20
PLUGINS, THREADS = 1000, 10000


def tests():
    yield "of a million stacks each is known", functools.partial(many_stacks, False)
    yield "of more than a file may name some are cut, and counted", functools.partial(
        many_stacks, True)
    yield "a terabyte of reserved addresses is scanned like any other program", terabyte
    yield "blocks at the lowest and the highest addresses", far_apart
    yield "%d plug-ins are open at the same time" % PLUGINS, many_plugins
    for who in ("process", "inline"):
        yield "%d threads are there at the same time, with snapshots by %s" % (THREADS, who), \
            functools.partial(many_threads, who)


def totals_of(path):
    """Of the last snapshot, without its millions of sites."""
    with open(path, "rb") as file:
        data = file.read()
    position, found = snapshot_file.FILE_HEADER.size, None
    while position < len(data):
        _, type_, _, size, *_ = snapshot_file.RECORD_HEADER.unpack_from(data, position)
        start = position + snapshot_file.RECORD_HEADER.size
        if type_ == snapshot_file.SNAPSHOT_TYPE and start + size <= len(data):
            fields = snapshot_file.SNAPSHOT.unpack_from(data, start)
            found = dict(zip(snapshot_file.TOTALS, fields[9:]), reason=fields[3])
        position = start + (size + 7) // 8 * 8
    return found


def many_stacks(are_too_many, box):
    """In the long form with the file that it has by itself."""
    bits = 21 if are_too_many and box.is_full else 20
    file_mib = 16 if are_too_many and not box.is_full else 64
    program = box.compile("has_many_stacks.c", "-O1")
    result = box.run([program, bits], box.preload(output=box.path("out.seep"),
                                                  max_file="%dM" % file_mib))
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")

    def last():
        totals = totals_of(box.path("out.seep"))
        return totals and snapshot_file.REASONS[totals["reason"]] == "final" and totals
    totals = box.wait_until(last, "the last state", 60)
    size = os.path.getsize(box.path("out.seep"))
    box.note("%d blocks, %d without a stack; %d MiB of seep's own, file %d MiB" % (
        totals["live_blocks"], totals["lost_stacks"], totals["own_bytes"] // MIB, size // MIB))
    expect_equal((totals["live_blocks"], totals["lost_blocks"], totals["cut_stacks"]),
                 (1 << bits, 0, 0), "(live blocks, lost blocks, cut stacks)")
    expect((totals["lost_stacks"] > 0) == are_too_many and totals["lost_stacks"] < 1 << bits,
           "%d stacks are lost" % totals["lost_stacks"])
    expect(size <= file_mib * MIB, "the file has %d bytes" % size)
    expect(totals["own_bytes"] <= 1024 * MIB, "seep takes %d bytes" % totals["own_bytes"])


def terabyte(box):
    program = box.compile("reserves_a_terabyte.c", "-O1")
    if box.run([program]).returncode == 77:
        raise Skipped("a terabyte cannot be reserved")
    result = box.seep_run([program], "--scan=exit")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = box.report()
    expect_equal(losses(report), NONE_LOST, "what was lost to seep")
    expect_equal(report["scan"]["outcome"], "done", "the outcome of the scan")
    lost = {name: find_site(report, name)["reachability"]["definitely_lost"]["blocks"]
            for name in ("keep", "keep_out_there", "lose")}
    expect_equal(lost, {"keep": 0, "keep_out_there": 0, "lose": 10}, "definitely lost blocks")
    expect(report["scan"]["work_ms"] < 60000, "the scan took %d ms" % report["scan"]["work_ms"])


def far_apart(box):
    allocator = box.compile("far_allocator.c", "-shared", "-fPIC", "-fno-builtin", "-O1",
                            output="far.so")
    program = box.compile("keeps_three_blocks.c", "-O1")
    settings = box.preload(output=box.path("out.seep"), scan="exit")
    plain = box.run([program], {"LD_PRELOAD": allocator})
    if plain.returncode == 77:
        raise Skipped("the kernel has no room at the lowest or the highest addresses")
    settings["LD_PRELOAD"] += " " + allocator
    result = box.run([program], settings)
    expect_equal((result.returncode, result.stdout, result.stderr),
                 (plain.returncode, plain.stdout, plain.stderr), "(status, stdout, stderr)")
    report = box.wait_for_end()
    expect_equal(losses(report), NONE_LOST, "what was lost")
    expect_equal(find_site(report, "keep")["live_blocks"], 3, "live blocks")
    expect_equal(report["scan"]["outcome"], "done", "the outcome of the scan")


def many_plugins(box):
    first = box.compile("plugin_that_leaks.c", "-shared", "-fPIC", output="plugin.so")
    plugins = [box.path("plugin_%d.so" % number) for number in range(PLUGINS)]
    for plugin in plugins:
        shutil.copy(first, plugin)
    program = box.compile("opens_a_thousand_plugins.c", "-O1")
    result = box.seep_run([program, *plugins])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"%d\n" % PLUGINS, b""),
                 "(status, stdout, stderr)")
    report = box.report()
    expect_equal(losses(report), NONE_LOST, "what was lost")
    expect_equal(sum_of_sites(report, "leak_in_plugin")["live_blocks"], PLUGINS, "live blocks")
    modules = {frame["module"] for site in report["sites"] for frame in site["stack"][:1]
               if frame["function"] == "leak_in_plugin"}
    expect_equal(len(modules), PLUGINS, "modules in which something is live")
    totals = totals_of(box.path("out.seep"))
    expect(totals["own_bytes"] < 16 * MIB, "seep takes %d bytes" % totals["own_bytes"])


def many_threads(who, box):
    program = box.compile("has_ten_thousand_threads.c", "-O1", "-pthread")
    plain = box.run([program, THREADS])
    if plain.returncode == 77:
        raise Skipped("the kernel does not allow %d threads" % THREADS)
    result = box.seep_run([program, THREADS], "--snapshots-by=" + who)
    expect_equal((result.returncode, result.stdout, result.stderr),
                 (plain.returncode, plain.stdout, plain.stderr), "(status, stdout, stderr)")
    file = snapshot_file.read(box.path("out.seep"))
    there = [snapshot for snapshot in file.snapshots if snapshot.label == "all are there"]
    expect_equal([snapshot.threads for snapshot in there], [THREADS + 1], "threads in the snapshot")
    own_bytes = there[0].totals["own_bytes"]
    box.note("%d KiB for each thread" % (own_bytes // THREADS >> 10))
    expect(own_bytes <= THREADS * 32 << 10, "seep takes %d bytes" % own_bytes)
    report = box.report()
    expect_equal(losses(report), NONE_LOST, "what was lost")
    site = find_site(report, "keep")
    expect_equal((site["live_blocks"], site["allocations"]), (THREADS, THREADS), "what keep keeps")
    # And of the vectors of their thread-locals those that libc does not keep with a stack.
    expect(report["totals"]["frees"] >= 10 * THREADS, "%d are freed again"
           % report["totals"]["frees"])
