# SPDX-License-Identifier: Apache-2.0
"""test_bench: the benchmarks run, and count what they say they count. No figure is judged."""

import functools
import json
import os
import re
import shutil
import sys
import threading

from sandbox import BUILD, LIBRARY, ROOT, SEEP, Skipped, expect, expect_equal

BENCH = os.path.join(ROOT, "tests", "bench")
PROGRAMS = os.path.join(BUILD, "tests", "bench")
sys.path.append(BENCH)
build_lock = threading.Lock()

# Program, the parameters of a small and of a larger run. No thread may be able to end before the next
# one starts: libc would reuse what it has allocated for it.
COUNTED = {
    "allocates_in_pairs": (["7", "2", "800"], ["7", "2", "4000"]),
    "wanders_in_call_tree": (["2", "500"], ["2", "3000"]),
    "pushes_and_pops_lists": (["1", "300"], ["1", "2000"]),
    "makes_many_stacks": (["100", "2"], ["1000", "3"]),
    "keeps_blocks": (["64", "80"], ["64", "900"]),
    "keeps_threads": (["1", "3"], ["1", "3"]),
    "idles": ([], []),
}


def tests():
    yield "every workload runs once, and the table and the JSON tell of it", smoke
    for name in COUNTED:
        yield "%s allocates what it says" % name, functools.partial(counts_blocks, name)
    yield "allocates_in_pairs has stacks as deep as it says", depth_of_pairs
    yield "makes_many_stacks makes so many stacks", number_of_stacks
    yield "waits_for_snapshots keeps its blocks and takes its snapshots", waits
    yield "waits_for_scans keeps its blocks within reach, in pages as wished", scans
    yield "the empty twin has the doors of the library", doors_of_twin
    yield "a variant that cannot be preloaded is named with the reason", broken_variant
    yield "a variant that hangs is given up, and the next one runs", hanging_variant
    yield "ratios are taken within a round", pairing
    yield "a limit that is not kept is called so", limits
    yield "instructions of a pair come from its functions", instructions_of_pair
    yield "a wrong option ends with 2 and says why", wrong_options


def build(box):
    with build_lock:
        result = box.run(["make", "-s", "-C", ROOT, "BUILD=" + BUILD, "bench-programs"])
        expect(result.returncode == 0, "make bench-programs: " + result.stderr.decode()[-400:])


def bench(box, *options, build_folder=BUILD):
    return box.run([os.path.join(BENCH, "run"), *options], {"BUILD": build_folder})


def smoke(box):
    build(box)
    path = box.path("bench.json")
    listed = bench(box, "--smoke", "--list").stdout.decode().split("\n\n")[0].split("\n")
    result = bench(box, "--smoke", "--json", path)
    expect_equal(result.returncode, 0, "the exit status: %r" % result.stderr[-300:])
    with open(path) as file:
        written = json.load(file)
    expect_equal(written["schema"], "seep.bench/1", "the schema")
    expect(written["is_complete"], "the run is not complete")
    for key in ("date", "commit", "cpu", "cores", "kernel", "glibc", "gcc", "load_at_start"):
        expect(written["machine"].get(key), "the machine has no %s" % key)
    workloads = list(dict.fromkeys(row["workload"] for row in written["rows"]))
    expect_equal(workloads, listed[:-1], "the workloads in the JSON")
    for row in written["rows"]:
        # Redis and sqlite3 need not be there.
        reasons = set(row["missing"].values())
        expect(all("not installed" in reason or "has no cc1" in reason for reason in reasons),
               "%s: %s" % (row["name"], reasons))
        wanted = () if reasons else (row["judged"],) if row["compare"] == "value" else (
            "native", row["judged"])
        for variant in wanted:
            expect_equal(len(row["variants"].get(variant, {}).get("samples", ())), 1,
                         "samples of %s, %s" % (row["name"], variant))
    text = result.stdout.decode()
    wide = [line for line in text.split("\n") if len(line) > 100]
    expect(not wide, "wider than 100 columns: %r" % wide[:1])
    for row in written["rows"]:
        if row["group"] not in ("snapshots", "scans"):
            expect(re.search("^%s  " % re.escape(row["name"]), text, re.M),
                   "the table lacks %s" % row["name"])
    expect(re.search("^a test of 10 ms  .* ≤ 15 ms  (met|NOT MET)$", text, re.M),
           "the table lacks the check: " + text)
    expect(re.search("^256 B blocks  .* ≤ 500 ms  (met|NOT MET)$", text, re.M),
           "the table lacks the scan: " + text)
    markdown = bench(box, "--markdown", "--json", path).stdout.decode()
    expect(markdown.count("\n| " + written["rows"][0]["name"] + " | ") == 1,
           "no line of the Markdown is %s" % written["rows"][0]["name"])
    left = [name for name in os.listdir(box.folder) if name != "bench.json"]
    expect_equal(left, [], "what is left behind")


def program_under_seep(box, name, arguments, *options):
    """What the program prints, and the totals of its report."""
    result = box.seep_run([os.path.join(PROGRAMS, name), *arguments], *options)
    expect_equal(result.returncode, 0, "the exit status: %r" % result.stderr[-300:])
    return json.loads(result.stdout), box.report()


def counts_blocks(name, box):
    """What libc allocates for itself is the same in both runs."""
    build(box)
    rest = []
    for arguments in COUNTED[name]:
        said, report = program_under_seep(box, name, arguments)
        expect_equal(report["lost"]["blocks"], 0, "lost blocks")
        rest.append(report["totals"]["allocations"] - said["allocations"])
    expect_equal(rest[0], rest[1], "allocations that are not the program's, in the longer run")
    expect(0 <= rest[0] < 40, "%d allocations are not the program's" % rest[0])


def depth_of_pairs(box):
    """Seen at the moment when the program is stopped in the middle."""
    build(box)
    if not shutil.which("gdb"):
        raise Skipped("gdb is not installed")
    for depth in (5, 20):
        result = box.run(["gdb", "-nx", "-batch", "-ex", "break allocate_pairs", "-ex", "run",
                          "-ex", "backtrace", "--args", os.path.join(PROGRAMS, "allocates_in_pairs"),
                          str(depth), "1", "100"])
        frames = re.findall(r"^#(\d+) ", result.stdout.decode(), re.M)
        expect_equal(len(frames), depth, "the frames that gdb sees at depth %d: %r"
                     % (depth, result.stdout[-300:]))


def number_of_stacks(box):
    build(box)
    _, report = program_under_seep(box, "makes_many_stacks", ["300", "2"])
    few = stack_count(box)
    program_under_seep(box, "makes_many_stacks", ["1300", "2"])
    expect_equal(stack_count(box) - few, 1000, "the stacks of a thousand more")


def stack_count(box):
    import snapshot_file
    return len(snapshot_file.read(box.path("out.seep")).final_sites())


def waits(box):
    build(box)
    said, report = program_under_seep(box, "waits_for_snapshots", ["5000", "3"], "--interval=1h",
                                      "--growth=off")
    expect(5000 <= report["totals"]["live_blocks"] < 5040,
           "%d blocks are live" % report["totals"]["live_blocks"])
    expect_equal(report["snapshots"], 4, "the snapshots with the last")
    expect(said["takes_most_ms"] >= said["takes_ms"] > 0, "a snapshot takes no time")
    expect(said["quiet_count"] + said["snapshot_count"] > 0, "nothing was watched")


def scans(box):
    import snapshot_file
    build(box)
    for is_huge in (0, 1):
        said, report = program_under_seep(box, "waits_for_scans", ["16", "256", str(is_huge), "2"],
                                          "--interval=1h", "--growth=off")
        live = report["totals"]["live_blocks"]
        expect(said["kept"] == (16 << 20) // 272 <= live < said["kept"] + 40,
               "%d blocks are live" % live)
        if not is_huge:
            expect_equal(said["huge_bytes"], 0, "bytes in huge pages")
        scan = snapshot_file.read(box.path("out.seep")).scan()
        expect(scan["outcome"] == "done" and scan["is_confirmed"], "the scan is %s" % scan)
        expect(scan["reachable"][0] >= said["kept"], "%d are reachable" % scan["reachable"][0])
        expect(scan["pause_ns"] > 0 and scan["work_ns"] > 0 and scan["own_bytes"] > 0,
               "the scan has taken nothing: %s" % scan)
        expect(said["scan_s"] >= scan["work_ns"] / 1e9, "the program waited %s" % said["scan_s"])
        expect(said["quiet_count"] > 0 and said["scan_count"] > 0, "nothing was watched")


def doors_of_twin(box):
    build(box)

    def exports(path):
        listed = box.run(["nm", "-D", "--defined-only", path]).stdout.decode()
        return {line.split()[-1].split("@")[0] for line in listed.splitlines()}
    with open(os.path.join(ROOT, "lib", "interpose", "doors.h")) as file:
        sections = re.split(r"/\* (\w+\.c)", file.read())
    named = {name: set(re.findall(r"X\((\w+)\)", text))
             for name, text in zip(sections[1::2], sections[2::2])}
    wanted = named["malloc_doors.c"] | named["operator_doors.c"]
    expect(len(wanted) > 30 and wanted < exports(LIBRARY), "doors.h is read wrongly")
    expect_equal(sorted(exports(os.path.join(PROGRAMS, "libempty_twin.so"))), sorted(wanted),
                 "the doors of the twin")


def other_twin(box):
    """A build folder like ours, whose twin is to be replaced: its path."""
    build(box)
    os.makedirs(box.path("build", "tests"))
    for path in (SEEP, LIBRARY):
        os.symlink(path, box.path("build", os.path.basename(path)))
    shutil.copytree(PROGRAMS, box.path("build", "tests", "bench"))
    os.unlink(box.path("build", "tests", "bench", "libempty_twin.so"))
    return "build/tests/bench/libempty_twin.so"


def only_twin_is_missing(box, reason, *options):
    result = bench(box, "--smoke", "-k", "pairs, depth 5, 1", *options,
                   build_folder=box.path("build"))
    expect_equal(result.returncode, 0, "the exit status: %r" % result.stderr[-300:])
    with open(box.path("build", "bench-part.json")) as file:
        row, = json.load(file)["rows"]
    expect_equal(row["missing"], {"twin": reason}, "what is missing")
    expect_equal(sorted(row["variants"]), ["native", "seep"], "the variants with figures")
    expect("twin " + reason in result.stdout.decode(), "the table does not say why")


def broken_variant(box):
    box.write(other_twin(box), "no library\n")
    only_twin_is_missing(box, "cannot be preloaded")


def hanging_variant(box):
    source = box.write("hangs.c", "#include <unistd.h>\n__attribute__((constructor)) "
                       "static void hang(void) { for (;;) pause(); }\n")
    box.compile(source, "-shared", "-fPIC", output=other_twin(box))
    only_twin_is_missing(box, "was not done after 5 s", "--give-up", "5")


def made_up_row(limit, seep, heaptrack):
    """A row out of three rounds on a machine that gets slower and slower."""
    import measure
    import workloads
    samples = measure.Samples()
    for native, ratio in ((100.0, 1.0), (200.0, 1.0), (400.0, 1.0)):
        plain = {"s": native}
        samples.add("native", plain, plain)
        samples.add("seep", {"s": native * ratio * seep}, plain)
        samples.add("heaptrack", {"s": native * heaptrack}, plain)
    workload = workloads.Workload("made up", "group", {}, [
        workloads.Measure("s", "s", "ratio", limit=limit, peer_factor=5)])
    return samples.row(workload, workload.measures[0])


def pairing(box):
    row = made_up_row(1.25, 1.2, 3.0)
    expect_equal({key: round(value, 6) for key, value in row["variants"]["seep"]["ratio"].items()
                  if key != "quartiles"}, {"median": 1.2, "most": 1.2}, "seep's ratio")
    expect_equal(round(row["variants"]["seep"]["difference"]["median"], 6), 40.0,
                 "seep's difference")
    expect_equal(round(row["peer_factors"]["heaptrack"], 6), 10.0, "heaptrack's overhead by ours")


def limits(box):
    import table
    kept, broken = made_up_row(1.25, 1.2, 3.0), made_up_row(1.25, 1.3, 2.0)
    expect_equal((kept["is_met"], kept["is_peer_factor_met"]), (True, True), "what is met")
    expect_equal((broken["is_met"], broken["is_peer_factor_met"]), (False, False), "what is met")
    for row, word in ((kept, "met"), (broken, "NOT MET")):
        expect_equal(table.own_table([row])[1][-2:], ("≤ 1.25x", word), "the end of the line")
        expect_equal(table.factor_table([row])[1][-1], word, "the end of the line")


def instructions_of_pair(box):
    if not shutil.which("valgrind"):
        raise Skipped("valgrind is not installed")
    build(box)
    path = box.path("counted.json")
    result = bench(box, "--smoke", "--instructions", "--json", path)
    expect_equal(result.returncode, 0, "the exit status: %r" % result.stderr[-300:])
    with open(path) as file:
        counted = json.load(file)["instructions"]
    expect("missing" not in counted, "nothing was counted: %s" % counted)
    entry, = counted["workloads"]
    functions = dict(entry["functions"])
    expect(20 < entry["native"] < 1000, "%g instructions without seep" % entry["native"])
    expect({"malloc", "free"} <= set(functions), "no cost in the doors: %s" % functions)
    expect(any("stack" in function for function in functions), "no stack is taken: %s" % functions)
    # What the library adds is in its own functions, and a little in libc.
    added, ours = entry["seep"] - entry["native"], sum(functions.values())
    expect(50 < added and abs(added - ours) < 0.2 * added,
           "%g instructions are added, %g are in the library" % (added, ours))


def wrong_options(box):
    build(box)
    for options, word in ((["-k", "no such workload"], "no such workload"),
                          (["--variants", "native,other"], "no variant is called other"),
                          (["--unknown"], "--unknown")):
        result = bench(box, *options)
        expect_equal(result.returncode, 2, "the exit status with " + " ".join(options))
        expect(word in result.stderr.decode(), "stderr is %r" % result.stderr[-200:])
