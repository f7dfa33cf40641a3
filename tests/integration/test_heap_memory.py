# SPDX-License-Identifier: Apache-2.0
"""test_heap_memory: what the allocators hold, and who pins it, as glibc's own mallinfo2 knows it."""

import functools
import os
import subprocess

import snapshot_file
from sandbox import begun, end_of, expect, expect_equal

MIB = 1 << 20
WHO = ("process", "thread", "inline")


def tests():
    for way in ("one_per_page", "below_the_top", "all_blocks", "outside", "mapped", "threads",
                "nothing"):
        yield "what malloc holds is what mallinfo2 says: %s" % way, \
            functools.partial(as_mallinfo_says, way)
    yield "one block on each page pins nearly all of it, and its site is named", pins
    yield "what malloc keeps is resident, and no block lies on it", kept
    yield "what is full is not pinned", full
    yield "a mapping of the program's own is not malloc's", outside
    yield "what is not touched is not resident", untouched
    for allocator in ("tiny_allocator.c", "packing_allocator.c"):
        yield "another allocator's memory counts, too: %s" % allocator, \
            functools.partial(other_allocator, allocator)
    for who in WHO:
        yield "a running program's heap is known, by %s" % who, functools.partial(running, who)
    yield "a program that samples knows its mappings, and no pages", sampled
    yield "a forked child knows its own heap", forked
    yield "a program without rights to its own page map knows what it holds", not_dumpable


def expect_near(found, wanted, what, slack=0.03, at_least=256 << 10):
    expect(abs(found - wanted) <= max(slack * wanted, at_least),
           "%s is %d, expected about %d" % (what, found, wanted))


def run(box, way, *options):
    """The last snapshot of holds_memory, the file, and what glibc's malloc said at its end."""
    program = box.compile("holds_memory.c", "-O1", "-pthread")
    result = box.seep_run([program, way], *options)
    expect_equal(result.returncode, 0, "the status")
    file = snapshot_file.read(box.path("out.seep"))
    return file.snapshots[-1], file, sum(map(int, result.stdout.split()))


def as_mallinfo_says(way, box):
    snapshot, _, held = run(box, way)
    expect_near(snapshot.heap_bytes, held, "heap_bytes")
    expect(0 < snapshot.live_page_bytes <= snapshot.heap_resident_bytes <= snapshot.heap_bytes,
           "%d bytes live in %d resident of %d" % (
               snapshot.live_page_bytes, snapshot.heap_resident_bytes, snapshot.heap_bytes))
    expect(snapshot.heap_resident_bytes <= snapshot.anonymous_bytes,
           "%d bytes are resident, of %d" % (snapshot.heap_resident_bytes,
                                             snapshot.anonymous_bytes))


def pins(box):
    snapshot, file, _ = run(box, "one_per_page")
    expect_near(snapshot.heap_resident_bytes, 64 * MIB, "heap_resident_bytes")
    expect_near(snapshot.live_page_bytes, 64 * MIB, "live_page_bytes")
    found = file.pins()
    expect_equal(found["snapshot"], snapshot.number, "the snapshot of the pins")
    expect_near(found["pinned_bytes"], 64 * MIB * (4096 - 112) / 4096, "pinned_bytes")
    expect_equal(len(found["sites"]), 1, "the number of sites that pin")
    (stack, size), = found["sites"].items()
    expect_near(size, found["pinned_bytes"], "what the site pins")
    blocks = file.final_sites()[stack][0]
    expect_near(blocks, 64 * MIB / 4096, "the blocks of the site", at_least=0)


def kept(box):
    snapshot, file, _ = run(box, "below_the_top")
    expect_near(snapshot.heap_resident_bytes, 64 * MIB, "heap_resident_bytes")
    expect(snapshot.live_page_bytes < MIB, "blocks lie on %d bytes" % snapshot.live_page_bytes)
    expect(file.pins()["pinned_bytes"] < MIB, "%d bytes are pinned" % file.pins()["pinned_bytes"])


def full(box):
    snapshot, file, _ = run(box, "all_blocks")
    expect_near(snapshot.live_page_bytes, 64 * MIB, "live_page_bytes")
    expect(file.pins()["pinned_bytes"] < 64 << 10,
           "%d bytes are pinned" % file.pins()["pinned_bytes"])


def outside(box):
    """Beside a run without it: what a debug build reads of seep's tables counts, too."""
    not_mallocs = []
    for way in ("nothing", "outside"):
        snapshot, _, _ = run(box, way)
        expect(snapshot.heap_bytes < MIB, "malloc holds %d bytes" % snapshot.heap_bytes)
        not_mallocs.append(snapshot.anonymous_bytes - snapshot.totals["own_bytes"]
                           - snapshot.heap_resident_bytes)
        os.remove(box.path("out.seep"))
    expect_near(not_mallocs[1] - not_mallocs[0], 32 * MIB, "what is not malloc's", at_least=MIB)


def untouched(box):
    snapshot, _, _ = run(box, "mapped")
    expect_near(snapshot.heap_bytes, 20 * (MIB + 4096), "heap_bytes")
    expect(snapshot.heap_resident_bytes < MIB,
           "%d bytes are resident" % snapshot.heap_resident_bytes)


def other_allocator(allocator, box):
    library = box.compile(allocator, "-shared", "-fPIC", "-O1", output="liballocator.so")
    program = box.compile("grows_on_command.c", "-O1")
    environment = box.preload(output=box.path("out.seep"), quiet="on")
    environment["LD_PRELOAD"] += ":" + library
    result = box.run([program], environment, stdin=b"leak 100000 100\n")
    expect_equal((result.returncode, result.stdout), (0, b"ok\n"), "(status, stdout)")
    box.wait_until(lambda: end_of(box.path("out.seep")), "the end record")
    snapshot = snapshot_file.read(box.path("out.seep")).snapshots[-1]
    live = snapshot.totals["live_bytes"]
    expect(live >= 10000000, "%d bytes are live" % live)
    expect(live < snapshot.live_page_bytes < 1.4 * live,
           "%d bytes are live, on %d of pages" % (live, snapshot.live_page_bytes))
    expect(snapshot.live_page_bytes <= snapshot.heap_resident_bytes <= snapshot.anonymous_bytes,
           "%d bytes live in %d resident" % (snapshot.live_page_bytes,
                                             snapshot.heap_resident_bytes))
    expect(snapshot.heap_resident_bytes <= snapshot.heap_bytes, "more is resident than held")


def running(who, box):
    program = box.compile("holds_memory.c", "-O1", "-pthread")
    process = box.start([program, "threads", "wait"], box.preload(
        output=box.path("out.seep"), quiet="on", interval="50ms", snapshots_by=who),
        stdin=subprocess.PIPE)
    held = sum(map(int, process.stdout.readline().split()))

    def has_found_it():
        file = begun(box.path("out.seep"))
        last = file.snapshots[-1].heap_bytes if file and file.snapshots else 0
        return abs(last - held) <= 0.03 * held
    # Nobody takes a snapshot inline while nobody allocates: then it is the one at the end.
    if who == "inline":
        process.stdin.close()
    box.wait_until(has_found_it, "heap_bytes of %d" % held)
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the status")


def sampled(box):
    snapshot, file, held = run(box, "all_blocks", "--sample=64K")
    expect_near(snapshot.heap_bytes, held, "heap_bytes")
    expect(snapshot.heap_resident_bytes > 60 * MIB,
           "%d bytes are resident" % snapshot.heap_resident_bytes)
    expect_equal((snapshot.live_page_bytes, file.pins()), (0, None), "(live pages, pins)")


def forked(box):
    program = box.compile("forks_with_many_blocks.c", "-O1")
    box.seep_run([program])
    files = [snapshot_file.read(path) for path in box.seep_files()]
    expect(len(files) > 1, "only %d processes have a file" % len(files))
    for file in files:
        last = file.snapshots[-1]
        expect(last.totals["live_bytes"] <= last.live_page_bytes <= last.heap_resident_bytes,
               "%d bytes are live, on %d of pages, of %d resident" % (
                   last.totals["live_bytes"], last.live_page_bytes, last.heap_resident_bytes))


def not_dumpable(box):
    program = box.compile("gives_up_privileges.c", "-O1")
    os.mkdir(box.path("nobodys"))
    os.chmod(box.path("nobodys"), 0o777)
    output = box.path("nobodys", "out.seep")
    result = box.run_as_nobody(
        [program, "dumpable"],
        box.preload(output=output, quiet="on", interval="100ms"))
    expect_equal((result.returncode, result.stderr), (3, b""), "(status, stderr)")
    box.wait_until(lambda: end_of(output), "the end record")
    snapshot = snapshot_file.read(output).snapshots[-1]
    expect(snapshot.heap_bytes > 0, "heap_bytes is not known")
    expect(0 < snapshot.live_page_bytes <= snapshot.heap_bytes,
           "blocks lie on %d of %d bytes" % (snapshot.live_page_bytes, snapshot.heap_bytes))
