# SPDX-License-Identifier: Apache-2.0
"""test_threads: counts add up after eight threads have fought over the same blocks."""

import functools

import snapshot_file
from case_program import find_site
from sandbox import expect, expect_equal

FIELDS = ("allocations", "frees", "live_blocks", "live_bytes")


def tests():
    yield "counts add up after eight threads and forks", functools.partial(torture, [])
    yield "counts add up while snapshots are taken all the time", functools.partial(
        torture, ["--interval=2ms"])
    for who in ("thread", "inline"):
        yield "counts add up with snapshots by %s" % who, functools.partial(
            torture, ["--interval=5ms", "--snapshots-by=" + who])


def torture(options, box):
    program = box.compile("tortures_allocator.c", "-O1", "-pthread")
    rounds = 400000 if box.is_full else 40000
    # Only the parent is of interest; the children are followed elsewhere.
    result = box.seep_run([program, str(rounds), "20"], *options)
    expect_equal(result.returncode, 0, "the exit status")
    expect_equal(result.stderr, b"", "stderr")
    report = box.report()
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")

    for line in result.stdout.decode().splitlines():
        function, *numbers = line.split()
        site = find_site(report, function)
        found = tuple(site[field] for field in FIELDS)
        expect_equal(found, tuple(map(int, numbers)), "%s's %s" % (function, ", ".join(FIELDS)))
        expect_equal(site["allocations"] - site["frees"], site["live_blocks"],
                     function + "'s allocations - frees")
    totals = report["totals"]
    expect_equal(totals["allocations"] - totals["frees"], totals["live_blocks"],
                 "the total allocations - frees")
    check_file(box, is_exact=not any("snapshots-by" in option for option in options))
    box.note("%d allocations - %d frees = %d live blocks, %d snapshots"
             % (totals["allocations"], totals["frees"], totals["live_blocks"], report["snapshots"]))


def check_file(box, is_exact):
    """The same, as an independent reader sees it in the last snapshot."""
    file = snapshot_file.read(box.path("out.seep"))
    last = file.snapshots[-1]
    # Without the helper process the last state is taken while the process still is there.
    expect(not is_exact or not last.flags & snapshot_file.IS_FUZZY, "the final snapshot is fuzzy")
    sites = file.final_sites().values()
    for index, field in enumerate(("live_blocks", "live_bytes", "allocations", "allocated_bytes")):
        expect_equal(sum(site[index] for site in sites), last.totals[field],
                     "the sum of the sites' " + field)
    for blocks, size, _, _, cohorts in sites:
        expect_equal((sum(cohort[1] for cohort in cohorts), sum(cohort[2] for cohort in cohorts)),
                     (blocks, size), "the sum of a site's cohorts")
