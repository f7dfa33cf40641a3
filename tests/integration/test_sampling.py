# SPDX-License-Identifier: Apache-2.0
"""test_sampling: --sample=BYTES sees one block in a while, and what it says of all is right.

Estimates are compared with the truth. They may be off by six standard deviations, as often as once
in 500 million times.
"""

import functools
import math
import os
import re

import case_program
import report_schema
import snapshot_file
from case_program import find_site
from sandbox import end_of, expect, expect_equal
from test_real_programs import need

SIGMAS = 6

# What a mean of 1 byte does not see as --sample=off does: frees of blocks that were never recorded
# are not counted, and of blocks of a few bytes some are left out: of 8 bytes one in 8000.
NOT_AS_EXACT = ("frees_blocks_of_another_allocator", "packs_small_blocks")
SEEN_FOR_SURE = 20  # bytes: one in a thousand million is left out


def tests():
    for case in case_program.all_cases():
        kinds = {kind for kind, _, _ in case.claims}
        if kinds != {"valgrind"} and case.name not in NOT_AS_EXACT and \
                smallest_block(case) >= SEEN_FOR_SURE:
            yield "with --sample=1 as without: " + case.name, functools.partial(as_exact, case)
    yield "a leak is found, and its estimate is as good as it says", finds_the_leak
    for who in ("thread", "inline"):
        yield "a leak is found with snapshots by " + who, functools.partial(finds_the_leak, who=who)
    yield "frees of samples are seen, none of other blocks", sees_every_free
    yield "eight threads that free each other's blocks, and forks", torture
    yield "a fork neither loses nor doubles a sample", fork
    yield "python3 with a leak", python
    yield "sqlite3: the totals are estimated", sqlite
    yield "whoever reads it is told that figures are estimates", tells_the_reader
    yield "a program that exec brings samples too", exec_samples
    yield "a bad mean is refused in one line", refuses
    yield "a bad mean under LD_PRELOAD is complained about once", complains


def smallest_block(case):
    sizes = [int(match[2]) // int(match[1]) for _, _, text in case.claims
             for match in [re.search(r"live_blocks=([1-9]\d*) live_bytes=(\d+)", text)] if match]
    return min(sizes, default=SEEN_FOR_SURE)


def as_exact(case, box):
    case.settings = dict(case.settings)
    case.settings["options"] = case.settings.get("options", "") + " --sample=1"
    case.check(box, case.variants()[-1])


def variance(blocks, size, mean):
    """Of the estimated number of so many blocks of one size."""
    p = -math.expm1(-(size + 1) / mean)
    return blocks * (1 - p) / p


def expect_near(found, wanted, sigma, what):
    expect(abs(found - wanted) <= SIGMAS * sigma + 1,
           "%s: %d, which is %.1f standard deviations of %.0f from %d"
           % (what, found, abs(found - wanted) / max(sigma, 1e-9), sigma, wanted))


def final(box, file="out.seep"):
    """The totals of the last snapshot, and what they rest on."""
    read = snapshot_file.read(box.path(file) if not os.path.isabs(file) else file)
    return read.snapshots[-1].totals, read.samples()


def finds_the_leak(box, who="process"):
    program = box.compile("leaks_beside_much_else.c", "-O1", "-pthread")
    mean = 64 << 10
    result = box.seep_run([program], "--sample=64K", "--snapshots-by=" + who)
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    report = box.report()
    wrong = report_schema.check(report) + report_schema.check_sums(report)
    expect(not wrong, "; ".join(wrong[:5]))
    leak, large = find_site(report, "leak"), find_site(report, "keep_large")

    sigma = math.sqrt(variance(80000, 100, mean))
    expect_near(leak["live_blocks"], 80000, sigma, "leaked blocks")
    expect_near(leak["allocations"], 80000, sigma, "allocations of the leak")
    expect_equal(leak["frees"], 0, "frees of the leak")
    expect(abs(leak["live_bytes"] - 100 * leak["live_blocks"]) <= 50, "a block is not 100 bytes")
    # Blocks of one size: the error follows from the number of samples.
    p = -math.expm1(-101 / mean)
    sampled = leak["sampled"]
    expect(abs(leak["live_blocks"] - sampled["samples"] / p) <= 1, "a sample does not count 1/p")
    wanted = 1.96 * math.sqrt((1 - p) / sampled["samples"])
    for key in ("live_blocks_error", "live_bytes_error"):
        expect(abs(sampled[key] - wanted) < 0.01 * wanted,
               "the %s is %g, expected %g" % (key, sampled[key], wanted))
    box.note("%d of 80000 blocks, from %d samples" % (leak["live_blocks"], sampled["samples"]))

    # So large a block is always a sample, and stands for itself.
    expect_equal((large["live_blocks"], large["live_bytes"], large["sampled"]["samples"],
                  large["sampled"]["live_bytes_error"]), (3, 48 << 20, 3, 0), "the large blocks")
    expect(not any(site["stack"][0]["function"] == "work" for site in report["sites"]),
           "a block is live that was freed")
    totals, samples = final(box)
    expect_equal(totals["lost_blocks"], 0, "lost blocks")
    expect_equal(samples["live_samples"], sum(site["sampled"]["samples"] for site in
                                              report["sites"]), "the samples of all sites")
    # 80000 times nine blocks of 20 to 319 bytes, three of them two to three times as large.
    expect(totals["frees"] > 400000, "only %d frees" % totals["frees"])


def sees_every_free(box):
    """With a mean of 256 bytes a good part of 720,000 blocks is sampled, in four threads."""
    program = box.compile("leaks_beside_much_else.c", "-O1", "-pthread")
    box.seep_run([program], "--sample=256", "--interval=20ms")
    totals, samples = final(box)
    expect(samples["samples"] > 100000, "only %d samples" % samples["samples"])
    report = box.report()
    expect(not any(site["stack"][0]["function"] == "work" for site in report["sites"]),
           "a block is live that was freed")
    expect_equal(totals["unknown_frees"], 0, "unknown frees")
    expect_equal(totals["allocations"] - totals["frees"], totals["live_blocks"],
                 "allocations - frees")
    expect_near(find_site(report, "leak")["live_blocks"], 80000,
                math.sqrt(variance(80000, 100, 256)), "leaked blocks")
    box.note("%d samples, %d live" % (samples["samples"], samples["live_samples"]))


def torture(box):
    program = box.compile("tortures_allocator.c", "-O1", "-pthread")
    result = box.seep_run([program, "40000", "20"], "--sample=512", "--interval=5ms")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = box.report()
    wrong = report_schema.check_sums(report)
    expect(not wrong, "; ".join(wrong[:5]))
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")
    compared = 0
    for line in result.stdout.decode().splitlines():
        function, *numbers = line.split()
        live_bytes = int(numbers[3])
        sites = [site for site in report["sites"] if site["stack"][0]["function"] == function]
        expect(len(sites) <= 1, "%s has %d sites" % (function, len(sites)))
        found = sites[0]["live_bytes"] if sites else 0
        # Z * Z * (1 - p) / p is at most Z times the mean.
        expect_near(found, live_bytes, math.sqrt(512 * live_bytes), function + "'s live bytes")
        compared += 1
    expect(compared >= 5, "only %d sites were compared" % compared)


def fork(box):
    program = box.compile("forks_with_many_blocks.c", "-O1")
    mean = 16 << 10
    result = box.seep_run([program], "--sample=16K")
    expect_equal(result.returncode, 0, "the exit status")
    files = box.seep_files()
    expect_equal(len(files), 2, "the number of files")
    parent_file, child_file = sorted(files, key=lambda path: ".children" in path)
    parent, parent_samples = final(box, parent_file)
    child, child_samples = final(box, child_file)

    # The parent has freed everything, whatever the child did with its copies.
    allocated = sum(site[2] for site in snapshot_file.read(parent_file).final_sites().values())
    expect_equal(parent["allocations"] - parent["frees"], parent["live_blocks"],
                 "the parent's allocations - frees")
    report = box.report(parent_file)
    expect(not any(site["stack"][0]["function"] == "allocate" for site in report["sites"]),
           "the parent has live blocks that it has freed")
    # Each sample that was live at the fork is one in the child: still there, or freed by it.
    inherited = child["inherited_blocks"] + child["inherited_frees"]
    expect(abs(inherited - allocated) <= 0.001 * allocated + 2,
           "the child has inherited %d of %d blocks" % (inherited, allocated))
    expect_near(child["inherited_frees"], 10000, math.sqrt(variance(10000, 400, mean)),
                "the child's inherited frees")
    expect_equal(child["allocations"] - child["frees"],
                 child["live_blocks"] - child["inherited_blocks"],
                 "the child's allocations - frees")
    leak = find_site(box.report(child_file), "leak_in_child")
    expect_near(leak["live_blocks"], 10000, math.sqrt(variance(10000, 800, mean)),
                "the child's leak")
    # What the parent drew, the child did not count.
    expect(child_samples["samples"] < parent_samples["samples"] * 2, "samples were doubled")
    box.note("%d inherited, %d of them freed, %d leaked of 10000"
             % (inherited, child["inherited_frees"], leak["live_blocks"]))


LEAKING_SCRIPT = """
import os
kept = []
for i in range(100000):
    kept.append(bytes(200 + i % 100))
    b"".join([bytes(50)] * (i % 20))
os._exit(0)
"""


def python(box):
    argv = [need("python3")[0], "-c", LEAKING_SCRIPT]
    environment = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    box.seep_run(argv, output="exact.seep", environment=environment)
    box.seep_run(argv, "--sample=64K", environment=environment)
    exact, sampled = box.report("exact.seep"), box.report()
    largest = max(exact["sites"], key=lambda site: site["live_bytes"])
    expect(largest["live_bytes"] > 20 << 20, "python3 does not leak")
    same = [site for site in sampled["sites"] if site["id"] == largest["id"]]
    expect_equal(len(same), 1, "the number of sites with the leak's stack")
    expect_equal(same[0]["id"], max(sampled["sites"], key=lambda site: site["live_bytes"])["id"],
                 "the largest site")
    error = math.sqrt(largest["live_bytes"] * (64 << 10))
    expect_near(same[0]["live_bytes"], largest["live_bytes"], error, "the leak's bytes")
    box.note("%.1f of %.1f MB, stated ±%.0f %%, from %d samples"
             % (same[0]["live_bytes"] / 1e6, largest["live_bytes"] / 1e6,
                100 * same[0]["sampled"]["live_bytes_error"], same[0]["sampled"]["samples"]))


def sqlite(box):
    argv = [need("sqlite3")[0], "-batch", ":memory:",
            "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n "
            "where i < 60000) insert into t select i, hex(zeroblob(i % 50)) from n; "
            "create index u on t(b); select sum(length(b)) from t; select count(*) from t;"]
    plain = box.run(argv)
    exact = box.seep_run(argv, output="exact.seep")
    sampled = box.seep_run(argv, "--sample=64K")
    for run in (exact, sampled):
        expect_equal((run.returncode, run.stdout, run.stderr),
                     (plain.returncode, plain.stdout, plain.stderr), "(status, stdout, stderr)")
    wanted, found = final(box, "exact.seep")[0], final(box)[0]
    for key in ("allocated_bytes", "freed_bytes", "live_bytes"):
        # As far as two runs are the same; the variance is at most the bytes times the mean.
        expect_near(found[key], wanted[key],
                    math.sqrt(wanted[key] * (64 << 10)) + 0.005 * wanted[key], "the " + key)
    box.note("%.1f of %.1f MB allocated" % (found["allocated_bytes"] / 1e6,
                                            wanted["allocated_bytes"] / 1e6))


def tells_the_reader(box):
    program = box.compile("leaks_beside_much_else.c", "-O1", "-pthread")
    result = box.seep("run", "-o", box.path("out.seep"), "--sample=512K", "--", program)
    expect(b"\nseep: these are estimates, from one block in 512 KiB allocated\n" in result.stderr,
           "the summary says %r" % result.stderr)
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("\n  sampled   one block in 512 KiB allocated: estimates, live ±" in text,
           "the report says %r" % text[:600])
    expect_equal(box.report()["sampling"]["bytes"], 512 << 10, "sampling.bytes")
    # And not where they are none.
    box.seep_run([program], output="exact.seep")
    text = box.seep("report", box.path("exact.seep")).stdout.decode()
    expect("sampled" not in text and "±" not in text, "the exact report says %r" % text[:600])
    report = box.report("exact.seep")
    expect(report["sampling"] is None and report["sites"][0]["sampled"] is None,
           "the exact report is sampled")


def exec_samples(box):
    """Each program reads the setting anew."""
    program = box.compile("leaks_beside_much_else.c", "-O1", "-pthread", output="leaker")
    shell = need("sh")[0]
    box.seep_run([shell, "-c", "exec " + program], "--sample=64K", output="%e.seep")
    samples = final(box, "leaker.seep")[1]
    expect(100 < samples["samples"] < 100000, "%d samples" % samples["samples"])
    expect_equal(snapshot_file.read(box.path("leaker.seep")).sample_bytes(), 64 << 10,
                 "the mean in the file")


def refuses(box):
    for value in ("0", "2G", "on", "64X", "-1", ""):
        result = box.seep("run", "--sample=" + value, "--", "/bin/true")
        expect_equal((result.returncode, result.stdout), (2, b""), "(status, stdout) of " + value)
        lines = result.stderr.decode().splitlines()
        expect(len(lines) == 1 and lines[0].startswith("seep: run: --sample: '%s' is not possible; "
                                                       "give off, or a size from 1 to 1G" % value),
               "%r leads to %r" % (value, lines))


def complains(box):
    program = box.compile("keeps_three_blocks.c", "-O0")
    result = box.run([program], box.preload(output=box.path("out.seep"), sample="64X"))
    expect_equal((result.returncode, result.stdout), (0, b""), "(status, stdout)")
    expect_equal(result.stderr, b"seep: SEEP_OPTIONS: cannot use 'sample=64X'; see 'seep run "
                 b"--help'\n", "stderr")
    box.wait_until(lambda: end_of(box.path("out.seep")), "the end record")
    file = snapshot_file.read(box.path("out.seep"))
    expect_equal(file.sample_bytes(), 0, "the mean in the file")
    expect_equal(file.samples(), None, "the samples in the file")
