# SPDX-License-Identifier: Apache-2.0
"""test_injections: of a real program that loses frees at one site seep says so, and of no other;
what injections rest on. The figures for many programs and sites: tests/real/run.
"""

import os
import sys
import threading

from sandbox import BUILD, ROOT, Sandbox, Skipped, clip, expect, expect_equal

REAL = os.path.join(ROOT, "tests", "real")
sys.path.append(REAL)

import injection  # noqa: E402
import kept_runs  # noqa: E402
import programs  # noqa: E402
import snapshot_file  # noqa: E402

IS_ALONE = True  # work is given by the clock
SECONDS = 6
SEED = 7
build_lock = threading.Lock()


def tests():
    yield "sqlite3 loses frees at one site: it is flagged, nothing else; each block known", sqlite
    yield "an outcome tells found, first and wrong apart", outcomes
    yield "what is flagged in any run without injection is the program's own", own_flags
    yield "runs without injection are spread among those with one", spread
    yield "the driver of real programs ends with 2 when it cannot run", driver_fails


def build(box):
    with build_lock:
        result = box.run(["make", "-s", "-C", ROOT, "BUILD=" + BUILD, "real-libraries"])
        expect(result.returncode == 0, "make real-libraries: " + result.stderr.decode()[-400:])


def played_without(program, folder):
    box = Sandbox(False)
    try:
        recordings = injection.record(box, program, SECONDS, SEED)
        kept_runs.keep(folder, "without", recordings[0][0], program, SEED, 0)
        return injection.Baseline(program, [injection.Control(program, recordings)], SEED)
    finally:
        box.close()


def sqlite(box):
    """A rare site and a busy one, of which so much is lost that it is no question of luck."""
    program = programs.Sqlite()
    if program.missing():
        raise Skipped(program.missing())
    build(box)
    folder = box.path("kept")
    baseline = played_without(program, folder)
    expect_equal(list(baseline.own), [],
                 "what is flagged without injection")
    expect(len(baseline.sites) > 20, "only %d sites are fit" % len(baseline.sites))
    for number, site in enumerate(baseline.draw(2)):
        site.one_in = max(2, site.frees // 200)
        in_sqlite(box, baseline, site, number, folder)
    result = driver(box, "injections", "--again", folder)
    expect_equal(result.returncode, 0, "the exit status with --again")
    lines = [line.split() for line in result.stdout.decode().split("\n")]
    expect(["sqlite3", "2", "2", "2", "2", "0", "1.000", "1.000", "0", "1.000"] in lines,
           "judged again: " + clip(result.stdout))


def in_sqlite(outer, baseline, site, number, folder):
    box = Sandbox(False)
    try:
        path, report, counts = injection.inject(box, site, SECONDS, SEED)
        file = snapshot_file.read(path)
        kept_runs.keep(folder, "injected", path, site.program, SEED, number, site, counts)
    finally:
        box.close()
    outcome = baseline.outcome(site, report, counts)
    outer.note("%d of %d frees lost, %d snapshots" % (outcome.lost, outcome.freed,
                                                      outcome.report["snapshots"]))
    expect(outcome.is_valid, "only %d frees were lost" % outcome.lost)
    expect(outcome.is_found, "the site is %s: %s" % (outcome.word(), clip(site.frames)))
    expect(outcome.is_first, "other sites come first")
    expect_equal([injection.stack_of(entry) for entry in outcome.wrong], [],
                 "what else is flagged")
    # sqlite3 frees everything as it ends, so each block that is left is one that was lost.
    stacks = file.stacks()
    of_site = [entry for stack, entry in file.final_sites().items()
               if stacks[stack] == site.frames]
    expect_equal(len(of_site), 1, "the number of sites with the chosen stack")
    blocks, _, allocations, _, _ = of_site[0]
    expect_equal(blocks, outcome.lost, "the blocks that are left")
    expect(outcome.followed <= allocations <= outcome.followed * 1.02,
           "%d of %d blocks were followed" % (outcome.followed, allocations))


def entry(id_, *offsets, flagged=True):
    return {"id": id_, "flagged": flagged, "verdict": "leak" if flagged else "stable",
            "stack": [{"module": "/m", "offset": offset, "inlined": False} for offset in offsets]
            + [{"module": "/m", "offset": 1, "inlined": True}]}


def finding(sites, *offsets, flagged=True):
    return {**entry(None, *offsets, flagged=flagged), "sites": sites}


def outcomes(_):
    site = injection.Site(None, (("/m", 10), ("/m", 20), ("/m", 30)), 1000)

    def judged(sites, findings, own=()):
        outcome = injection.Outcome(site, {"sites": sites, "findings": findings},
                                    (100, 90, injection.LEAST_LOST),
                                    {injection.stack_of(entry) for entry in own})
        return (outcome.is_found, outcome.is_first, outcome.is_first_new, len(outcome.wrong),
                len(outcome.own))

    # The innermost frame is a wrapper's, which the report leaves out.
    ours, other = entry("a", 20, 30), entry("b", 21, 30)
    quiet = entry("a", 20, 30, flagged=False)
    alone, of_other = finding(["a"], 20, 30), finding(["b"], 21, 30)
    expect_equal(judged([ours], [alone]), (True, True, True, 0, 0), "found, first, alone")
    expect_equal(judged([other, ours], [of_other, alone]), (True, False, False, 1, 0),
                 "found, not first")
    expect_equal(judged([other, ours], [of_other, alone], [other]), (True, False, True, 0, 1),
                 "another one is flagged without injection, too")
    expect_equal(judged([quiet], []), (False, False, False, 0, 0), "missed")
    expect_equal(judged([quiet, other], [of_other]), (False, False, False, 1, 0),
                 "another instead")
    expect_equal(judged([quiet], [finding(["a", "c"], 20)]), (True, True, True, 0, 0),
                 "found as one of a group")
    expect_equal(judged([ours], [alone, finding(["c", "d"], 7)]), (True, True, True, 1, 0),
                 "a group of others")
    # The others are one finding, which has a stack of its own.
    both = [finding(["b", "c"], 21), alone]
    expect_equal(judged([other, entry("c", 22, 30), ours], both, [other, entry("c", 22, 30)]),
                 (True, False, True, 0, 2), "a group that is flagged without injection, too")
    expect_equal(judged([other, entry("c", 22, 30), ours], both, [other]),
                 (True, False, False, 1, 1), "a group with one that is not")


def own_flags(_):
    def control(*flagged):
        one = injection.Control(None, [])
        one.flagged = {injection.stack_of(entry): entry for entry in flagged}
        return one

    first = control()
    first.sites = [injection.Site(None, (("/m", 10), ("/m", offset), ("/m", 30)), 1000)
                   for offset in (20, 21, 22)]
    sometimes, always = entry("a", 20, 30), entry("b", 40)
    controls = [first, control(always), control(sometimes, always)]
    baseline = injection.Baseline(programs.Sqlite(), controls, 1)
    expect_equal([baseline.flagged_in(injection.stack_of(entry))
                  for entry in (sometimes, always)], [1, 2], "in how many runs they are flagged")
    expect_equal([site.frames[1][1] for site in baseline.sites], [21, 22], "the sites that are fit")
    report = {"sites": [sometimes, always], "findings": [finding(["a"], 20, 30)]}
    counts = (100, 90, injection.LEAST_LOST)
    judged = baseline.outcome(first.sites[0], report, counts)
    expect(not judged.is_valid, "it counts that a site is found that always was")
    judged = baseline.outcome(first.sites[1], report, counts)
    expect(judged.is_valid, "a site that is never flagged without injection does not count")
    expect_equal((len(judged.own), len(judged.wrong)), (2, 0), "own flags and wrong ones")


def spread(_):
    expect_equal(injection.spread(list("abcdefgh"), [1, 2, 3]),
                 [*"ab", 1, *"cd", 2, *"ef", 3, *"gh"], "eight and three")
    expect_equal(injection.spread([], [1, 2]), [1, 2], "none and two")


def driver(box, *arguments, build=BUILD):
    return box.run([os.path.join(REAL, "run"), *arguments], {"BUILD": build})


def driver_fails(box):
    result = driver(box, "injections", "--program", "nothing_like_it")
    expect_equal(result.returncode, 2, "the exit status with an unknown program")
    result = driver(box, "injections", "--program", "sqlite3", "--injections", "1",
                    "--seconds", "1", build=box.folder)
    expect_equal(result.returncode, 2, "the exit status without seep")
    expect(b"FAILED" in result.stdout, "it prints " + clip(result.stdout))
