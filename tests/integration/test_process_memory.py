# SPDX-License-Identifier: Apache-2.0
"""test_process_memory: what a report says of the memory of the process as a whole."""

import functools
import re
import shutil
import time

import report_schema
from sandbox import Skipped, expect, expect_equal

MIB = 1 << 20
# A way of moves_its_memory: the verdict, and the parts that keep growing.
WAYS = {
    "leaks": ("leak", {"requested"}),
    "frees": ("stable", set()),
    "fragments": ("fragmentation", set()),
    "clears": ("stable", set()),
    "scatters": ("fragmentation", {"free_between_blocks"}),
    "keeps": ("not_returned", set()),
    "trims": ("stable", set()),
    "needs_again": ("stable", set()),
    "maps": ("outside_malloc", {"outside_malloc"}),
    "unmaps": ("stable", set()),
    "shares": ("outside_malloc", {"files"}),
}


def tests():
    for way in WAYS:
        yield "a program that %s is %s" % (way, WAYS[way][0].replace("_", " ")), \
            functools.partial(has_verdict, way)
    yield "the parts add up to what is resident, and seep's own is one of them", adds_up
    yield "the site that pins free memory is named, in text and JSON", names_the_site
    yield "a mapping that is followed is growth outside malloc, and its site is there", \
        names_the_mapping
    yield "the summary and the head of the report say what sites do not show", says_it
    yield "a check that passes says so in a line, of children too", check_says_it
    yield "a leak is said once, and a healthy program's summary says nothing of memory", is_quiet
    yield "a run of a second has no section on memory", short_run
    for program in ("sqlite3", "python3", "redis-server"):
        yield "%s at work is stable" % program, functools.partial(real_program, program)


def record(box, way, *options):
    program = box.compile("moves_its_memory.c", "-O1")
    # Where snapshots follow each other closely, not each looks at all pages.
    tick_ms = 150 if way in ("scatters", "needs_again") else 30
    result = box.seep("run", "--interval=1h", "-o", box.path("out.seep"), *options, "--", program,
                      way, str(tick_ms))
    expect_equal(result.returncode, 0, "the status")
    return result.stderr.decode()


def memory_of(box):
    report = box.report()
    wrong = report_schema.check(report) + report_schema.check_sums(report)
    expect(not wrong, "; ".join(wrong[:5]))
    return report["memory"], report


def growing(memory):
    parts = set(memory["parts"]) - {"own", "resident", "swapped", "live_pages", "heap",
                                    "heap_resident"}
    unknown = {name for name in parts if not memory["parts"][name]}
    expect(not unknown, "nothing is known of %s" % unknown)
    return {name for name in parts if memory["parts"][name]["keeps_growing"]}


def has_verdict(way, box):
    record(box, way)
    memory, _ = memory_of(box)
    verdict, parts = WAYS[way]
    expect_equal((memory["verdict"], memory["findings"]),
                 (verdict, memory["findings"] if verdict != "stable" else []),
                 "the verdict and what was found")
    expect(parts <= growing(memory), "what grows is %s" % growing(memory))
    expect(verdict != "stable" or not growing(memory), "what grows is %s" % growing(memory))
    rate = memory["findings"][0]["bytes_per_hour"] if memory["findings"] else 0
    expect_equal(rate > 0, bool(parts), "does it grow by %r" % rate)


def adds_up(box):
    record(box, "keeps")
    memory, _ = memory_of(box)
    parts = {name: part["bytes"] for name, part in memory["parts"].items()}
    total = sum(parts[name] for name in ("requested", "free_between_blocks", "kept_free",
                                         "outside_malloc", "files", "own"))
    expect(abs(total - parts["resident"]) < MIB, "%d in parts, %d resident" % (
        total, parts["resident"]))
    expect_equal(memory["own_bytes"], parts["own"], "seep's own")
    expect(parts["own"] > 0, "seep itself has nothing")
    expect(parts["kept_free"] > 31 * MIB, "malloc keeps %d bytes" % parts["kept_free"])


def names_the_site(box):
    record(box, "fragments")
    memory, report = memory_of(box)
    pins = memory["pinned_by"]
    expect(pins, "nothing pins")
    named = {site["id"]: site["stack"][0]["function"] for site in report["sites"]}
    expect_equal(named.get(pins[0]["site"]), "allocate_block", "the site that pins most")
    expect(pins[0]["bytes"] > 28 * MIB, "it pins %d bytes" % pins[0]["bytes"])
    text = box.seep("report", "--top=1", box.path("out.seep")).stdout.decode()
    sentence = text.split("Pinned by the live blocks of:\n")
    expect(len(sentence) == 2 and "MiB  allocate_block moves_its_memory.c:" in
           sentence[1].split("\n")[0], "the text is " + text)


def says_it(box):
    summary = record(box, "fragments")
    expect(re.search(r"^seep: memory: fragmentation, [23]\d\.\d MiB are free", summary, re.M),
           "the summary is " + summary)
    result = box.seep("run", "--interval=1h", "-o", box.path("sh.seep"), "--", "sh", "-c",
                      '"$@"; true', "sh", box.path("moves_its_memory"), "fragments", "30")
    wanted = r"^seep: memory of child process \d+: fragmentation, [23]\d\.\d MiB are free"
    expect(re.search(wanted, result.stderr.decode(), re.M), "it says %r" % result.stderr)
    result = box.seep("check", "--max-live=1", box.path("out.seep"))
    expect(result.returncode == 1 and re.search(
        rb"^seep: check: memory of moves_its_memor \(\d+\): fragmentation, ", result.stdout, re.M),
        "a check that fails for another reason says %r" % result.stdout)
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    head = text.split("\n 1. ")[0]
    expect("\nMemory: fragmentation, " in head, "the head is " + head)
    expect("\nMemory   " in text and "\nFragmentation: " in text, "the text is " + text)
    expect(max(map(len, text.splitlines())) <= 80, "a line is wider than 80 columns")


def check_says_it(box):
    program = box.compile("moves_its_memory.c", "-O1")
    for way, note in (("fragments", r"fragmentation, \d\d\.\d MiB are free but pinned"),
                      ("maps", r"what is outside malloc grows by .*/h"), ("frees", None)):
        result = box.seep("check", "--interval=1h", "--", "sh", "-c", '"$@"; true', "sh", program,
                          way, "30")
        lines = result.stderr.decode().splitlines()
        expect_equal(result.returncode, 0, "the status of a check of one that " + way)
        expect(lines[0].startswith("seep: check: passed: "), "the check says %s" % lines)
        expect_equal(len(lines), 2 if note else 1, "the number of lines, of %s" % lines)
        wanted = r"seep: check: memory of moves_its_memor \(\d+\): %s" % note
        expect(not note or re.fullmatch(wanted, lines[1]), "the check says %s" % lines)
    result = box.seep("check", "-q", "--interval=1h", "--", program, "fragments", "30")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr) with -q")


def names_the_mapping(box):
    record(box, "maps", "--track=mmap")
    report = box.report()
    memory = report["memory"]
    expect_equal([finding["verdict"] for finding in memory["findings"]], ["outside_malloc"],
                 "what was found")
    frames = [site["stack"][0]["function"] for site in report["sites"]]
    expect("[mmap]" in frames, "the sites begin with %s" % frames)
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("sites with [mmap] show who maps it." in " ".join(text.split()), "the text is " + text)


def is_quiet(box):
    for way in ("leaks", "frees"):
        summary = record(box, way)
        expect("memory:" not in summary, "the summary is " + summary)
        text = box.seep("report", box.path("out.seep")).stdout.decode()
        expect("\nMemory:" not in text, "the text is " + text)
        wanted = "\nLeak: the one above adds" if way == "leaks" else "\nStable: no part"
        expect(wanted in text, "the text is " + text)


def short_run(box):
    result = box.seep("run", "-o", box.path("out.seep"), "--", "/bin/true")
    expect("memory:" not in result.stderr.decode(), "the summary is " + result.stderr.decode())
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    expect("Memory" not in text, "the text is " + text)
    memory, _ = memory_of(box)
    expect_equal((memory["verdict"], memory["confidence"]), ("unknown", 0), "the verdict")


SQL = """
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO t SELECT i, 'name ' || i FROM n;
""" + "SELECT count(*), max(name) FROM t WHERE name LIKE '%77%' ORDER BY name;\n" * 600
PYTHON = """
words = {i: str(i) for i in range(50000)}
for i in range(240):
    sum(len(word) for word in sorted(words.values()))
"""


def real_program(name, box):
    path = shutil.which(name)
    if not path:
        raise Skipped("%s is not installed" % name)
    if name == "redis-server":
        redis(box, path)
    else:
        argument, stdin = (":memory:", SQL) if name == "sqlite3" else ("-", PYTHON)
        box.seep_run([path, argument], "--interval=30ms", stdin=stdin.encode(),
                     environment={"PYTHONMALLOC": "malloc"})
    memory, report = memory_of(box)
    box.note("%d snapshots, %s" % (report["snapshots"], memory["verdict"]))
    expect(report["snapshots"] >= 12, "only %d snapshots" % report["snapshots"])
    expect_equal((memory["verdict"], memory["findings"]), ("stable", []), "the verdict")


REDIS_S = 3  # some thirty snapshots, however fast the machine is


def redis(box, path):
    """Keys that are written over and over again."""
    socket = box.path("redis.sock")
    server = box.start([path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly",
                        "no"], box.preload(output=box.path("out.seep"), quiet="on",
                                           interval="100ms"))
    command = shutil.which("redis-benchmark")
    if not command:
        raise Skipped("redis-benchmark is not installed")
    box.wait_until(lambda: box.run(["redis-cli", "-s", socket, "ping"]).stdout == b"PONG\n",
                   "an answer of redis")
    until = time.monotonic() + REDIS_S
    while time.monotonic() < until:
        box.run([command, "-s", socket, "-q", "-n", "20000", "-r", "2000", "-d", "100", "-t",
                 "set,get"])
    server.terminate()
    server.wait(20)
    box.wait_for_end()
