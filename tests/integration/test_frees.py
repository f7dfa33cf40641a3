# SPDX-License-Identifier: Apache-2.0
"""test_frees: the file says which functions free a site's blocks, and how often each.

Of many frees one in a while is looked at, so shares are compared with the truth within six standard
deviations, as chance would have it.
"""

import bisect
import collections
import functools
import math

import snapshot_file
from sandbox import expect, expect_equal

ONE_IN = 256
SIGMAS = 6
RARELY = 0.1  # of all frees of a kind
KINDS = "small large aligned new array sized reallocated moved".split()
# First blocks of a stack are looked at besides; these programs have few stacks.
FIRSTS = 64


def tests():
    yield "two functions share the blocks of each kind nine to one", alone
    yield "so they do with operators that do not end in malloc", functools.partial(
        alone, library="pool_operator_new.cc", rounds=60000)
    for who in ("thread", "inline"):
        yield "so they do with snapshots by " + who, functools.partial(
            alone, options=["--snapshots-by=" + who])
    yield "with --sample every sample that is freed is looked at", sampled
    yield "threads free each other's blocks", threads
    yield "a forked child speaks of its own frees, its parent of its", fork
    yield "a site of which one block is freed has a sample", few
    yield "stacks of frees are those that libunwind sees", selfcheck
    yield "the record stays small, and the newest one counts, when snapshots are dropped", thinned
    yield "a killed program's frees are known", killed


class Functions:
    """Where a program's functions are: it prints it, and its symbol table has their lengths."""

    def __init__(self, box, program, output):
        sizes = {}
        for line in box.run(["nm", "-S", "--defined-only", program]).stdout.decode().splitlines():
            words = line.split()
            if len(words) == 4:
                sizes[words[3]] = int(words[1], 16)
        places = sorted((int(address, 16), name) for name, address in
                        (line.split() for line in output.decode().splitlines()))
        self.starts = [start for start, _ in places]
        self.names = [name for _, name in places]
        self.ends = [start + sizes[name] for start, name in places]

    def at(self, pc):
        index = bisect.bisect_right(self.starts, pc - 1) - 1
        return self.names[index] if index >= 0 and pc - 1 < self.ends[index] else None

    def innermost(self, nodes, stack):
        """The innermost of a stack's frames that is one of these functions."""
        while stack:
            stack, pc = nodes[stack]
            if self.at(pc):
                return self.at(pc)
        return None


def pairs_of(box, functions, path):
    """(function that allocates, function that frees) to samples, and all that the record says."""
    file = snapshot_file.read(path)
    frees, nodes = file.frees(), file.nodes()
    expect(frees, "%s does not say who frees" % path)
    pairs = collections.Counter()
    for (allocation, free), samples in frees["pairs"].items():
        pairs[functions.innermost(nodes, allocation), functions.innermost(nodes, free)] += samples
    expect_equal(frees["lost"], 0, "samples that were lost")
    expect(sum(pairs.values()) <= frees["samples"], "more samples of pairs than in all")
    return pairs, frees, file


def run(box, mode, rounds, options=(), library=None):
    flags = ["-O1", "-pthread"]
    if library:
        flags += [box.compile(library, "-shared", "-fPIC", output="liboperators.so"),
                  "-Wl,-rpath," + box.folder]
    program = box.compile("frees_in_two_ways.cc", *flags)
    result = box.seep_run([program, mode, str(rounds)], *options)
    expect_equal((result.returncode, result.stderr), (0, b""), "the status, and stderr")
    return Functions(box, program, result.stdout)


def is_near(samples, share, total):
    return abs(samples - share * total) <= SIGMAS * math.sqrt(share * (1 - share) * total) + 1


def check_shares(pairs, kinds):
    for kind in kinds:
        # A block that realloc has moved is one of the realloc.
        maker = "grow_moved" if kind == "moved" else "make_" + kind
        found = {freer: samples for (made_by, freer), samples in pairs.items() if made_by == maker}
        expect(set(found) == {"often_" + kind, "rarely_" + kind},
               "%s's blocks are freed by %s" % (maker, sorted(map(str, found))))
        expect(is_near(found["rarely_" + kind], RARELY, sum(found.values())),
               "%s's blocks are freed as often as %s" % (maker, found))
    expect(not any(freer == "grow_moved" for _, freer in pairs), "realloc is said to free")


def check_number(frees, file):
    """The newest record says all that had happened by the last snapshot."""
    # Of nine frees one is a realloc that moves, which is none here.
    asked = file.snapshots[-1].totals["frees"] * 8 / 9 / ONE_IN
    expect(asked - 2 <= frees["samples"] <= asked + FIRSTS,
           "%d samples, not %d" % (frees["samples"], asked))
    expect(frees["snapshot"] <= file.snapshots[-1].number, "it speaks of a later snapshot")


def alone(box, options=(), library=None, rounds=60000):
    functions = run(box, "alone", rounds, options, library)
    pairs, frees, file = pairs_of(box, functions, box.path("out.seep"))
    check_shares(pairs, KINDS)
    expect_equal(frees["one_in"], ONE_IN, "one in")
    check_number(frees, file)
    for kind in KINDS:
        of_kind = sum(samples for (_, freer), samples in pairs.items()
                      if freer in ("often_" + kind, "rarely_" + kind))
        expect(is_near(of_kind, 1 / ONE_IN, rounds + FIRSTS),
               "%d samples of %d blocks of %s" % (of_kind, rounds, kind))
    box.note("%d samples of %d frees" % (frees["samples"], file.snapshots[-1].totals["frees"]))


def sampled(box):
    functions = run(box, "alone", 60000, ["--sample=20000"])
    pairs, frees, file = pairs_of(box, functions, box.path("out.seep"))
    samples = file.samples()
    expect_equal(frees["one_in"], 1, "one in")
    # 3000 and 5000 bytes are a sample often enough for shares.
    check_shares(pairs, ("large", "moved"))
    # Those that realloc moves are the rest.
    freed = samples["samples"] - samples["live_samples"]
    expect(0.5 * freed < frees["samples"] <= freed, "%d of %d" % (frees["samples"], freed))
    expect(sum(pairs.values()) == frees["samples"], "all samples are named")
    box.note("%d of %d samples were freed" % (frees["samples"], samples["samples"]))


def threads(box):
    rounds = 400000
    functions = run(box, "threads", rounds)
    pairs, frees, _ = pairs_of(box, functions, box.path("out.seep"))
    check_shares(pairs, ("small",))
    # Each of the four is within one row.
    expect(abs(frees["samples"] - rounds / ONE_IN) <= 8 + FIRSTS,
           "%d samples of %d frees" % (frees["samples"], rounds))


def fork(box):
    rounds = 30000
    functions = run(box, "fork", rounds, ["--children=all"])
    files = box.seep_files()
    expect_equal(len(files), 2, "files")
    for path in files:
        is_child = ".children" in path
        pairs, frees, _ = pairs_of(box, functions, path)
        own = rounds if is_child else 2 * rounds
        freer = "rarely_small" if is_child else "often_small"
        expect_equal({freed_by for made_by, freed_by in pairs if made_by == "make_small"}, {freer},
                     "who frees in the " + ("child" if is_child else "parent"))
        expect(not any(made_by == "make_large" for made_by, _ in pairs),
               "frees of inherited blocks are looked at")
        expect(abs(frees["samples"] - own / ONE_IN) <= 2 + FIRSTS,
               "%d samples of %d frees" % (frees["samples"], own))


def few(box):
    functions = run(box, "alone", 1)
    pairs, frees, _ = pairs_of(box, functions, box.path("out.seep"))
    for kind in KINDS:
        maker = "grow_moved" if kind == "moved" else "make_" + kind
        expect_equal(pairs[maker, "often_" + kind], 1, "samples of the only block of " + maker)


def selfcheck(box):
    functions = run(box, "alone", 4000, ["--selfcheck=1"])
    pairs, _, file = pairs_of(box, functions, box.path("out.seep"))
    check = file.self_check()
    totals = file.snapshots[-1].totals
    expect(not check["flags"], "libunwind was not there")
    expect_equal((check["different"], check["skipped"]), (0, 0), "different, skipped")
    # Each allocation, and each free that is a sample.
    expect(check["compared"] - totals["allocations"] >= 0.9 * sum(pairs.values()),
           "%d compared, %d allocations" % (check["compared"], totals["allocations"]))


def thinned(box):
    limit = 1 << 20
    functions = run(box, "alone", 150000, ["--interval=2ms", "--max-file=%d" % limit])
    pairs, frees, file = pairs_of(box, functions, box.path("out.seep"))
    check_shares(pairs, KINDS)
    expect(len(file.data) <= limit, "the file has %d bytes" % len(file.data))
    records = file.of_type(snapshot_file.FREES)
    expect(all(len(record.payload) <= limit // 64 for record in records), "a large record")
    # Only those that say an eighth more than the one before.
    expect(len(records) <= 60, "%d records" % len(records))
    check_number(frees, file)


def killed(box):
    program = box.compile("frees_in_two_ways.cc", "-O1", "-pthread")
    process = box.start([program, "alone", "100000000"],
                        box.preload(output=box.path("out.seep"), interval="20ms"))
    lines = [process.stdout.readline() for _ in range(3 * len(KINDS) + 1)]
    box.wait_until(lambda: has_records(box.path("out.seep")), "a record of frees")
    process.kill()
    process.wait()
    box.wait_for_end()
    pairs, frees, file = pairs_of(box, Functions(box, program, b"".join(lines)),
                                  box.path("out.seep"))
    check_shares(pairs, KINDS)
    check_number(frees, file)


def has_records(path):
    try:
        frees = snapshot_file.read(path).frees()
    except (OSError, ValueError):
        return False
    return frees is not None and frees["samples"] > 2000
