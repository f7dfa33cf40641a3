# SPDX-License-Identifier: Apache-2.0
"""test_report: what the reading commands say about one recorded run."""

import json
import os
import pty
import re

import report_schema
from case_program import find_site
from sandbox import CASES, SEEP, expect, expect_equal

COMMANDS = "leak 100 1000\nfill 300 200\nsites 200\nsleep 60\n" * 8


def tests():
    yield "the JSON holds the contract's fields and no others", json_fields
    yield "the JSON of a running, a forked and an empty run holds the contract too", json_of_others
    yield "the leak comes first with its line, in text and JSON", leak_comes_first
    yield "the text keeps to 80 columns and has no colour in a pipe", text_shape
    yield "colour on a terminal, none with NO_COLOR", colour
    yield "a cache that was dropped is not flagged", dropped_cache
    yield "a leak that is freed as the program ends is said to be", freed_at_end
    yield "seep snapshots lists each snapshot once", snapshots_list
    yield "seep diff shows what grew between two snapshots", diff_two
    yield "seep diff matches the sites of two runs by their ids", diff_runs
    yield "folded stacks add up to the live bytes", folded
    yield "-o writes the same as stdout", output_file
    yield "the summary of seep run names the file and goes to stderr only", summary


def record(box, commands=COMMANDS, output="out.seep", flags="-O0"):
    program = box.compile("grows_on_command.c", flags)
    result = box.seep_run([program], "--interval=20ms", output=output, stdin=commands.encode())
    expect_equal(result.returncode, 0, "the exit status")
    return box.path(output)


def check_schema(report):
    wrong = (report_schema.check(report) + report_schema.check_order(report)
             + report_schema.check_sums(report))
    expect(not wrong, "; ".join(wrong[:8]))


def json_fields(box):
    record(box)
    report = box.report()
    check_schema(report)
    expect(report["sites"], "no sites")
    expect_equal(report["process"]["command"], [box.path("grows_on_command")], "the command")
    expect(all(site["reachability"] is None and site["held_by"] is None
               for site in report["sites"]), "there was no scan, but the report shows one")
    expect(all("libseep" not in (frame["module"] or "")
               for site in report["sites"] for frame in site["stack"]), "a frame lies in libseep")


def json_of_others(box):
    box.seep_run(["/bin/sh", "-c", "(true; exit 3); /bin/true; kill -9 $$"], output="%e.%p.seep")
    for path in box.seep_files():
        check_schema(box.report(path))
    box.seep_run([box.compile("frees_three_blocks.c", "-O2")], output="clean.seep")
    report = box.report("clean.seep")
    check_schema(report)
    expect_equal(report["totals"]["live_blocks"], 0, "live blocks")


def leak_comes_first(box):
    # Long enough for the verdict; the cache is filled at the start and stays.
    path = record(box, "fill 2000 500\n" + "leak 20 100\nsleep 25\n" * 60)
    report = box.report()
    first = report["sites"][0]
    expect_equal((first["stack"][0]["function"], first["verdict"], first["flagged"]),
                 ("leak", "leak", True), "the first site")
    expect_equal([site["stack"][0]["function"] for site in report["sites"] if site["flagged"]],
                 ["leak"], "the flagged sites")
    expect(first["growth"]["bytes_per_hour"] > 0, "the growth is not positive")
    low, high = first["growth"]["bytes_per_hour_ci95"]
    expect(low <= first["growth"]["bytes_per_hour"] <= high, "the rate lies outside its interval")
    text = box.seep("report", path).stdout.decode()
    line = first["stack"][0]["line"]
    place = "grows_on_command.c:%d" % line
    expect(place in text, "the text does not show " + place)
    expect(not re.search(r"\bfill\b", text.split(place)[0]), "fill stands before the leak")


def text_shape(box):
    path = record(box)
    result = box.seep("report", path)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    text = result.stdout.decode()
    expect("\x1b" not in text, "there are escape sequences in a pipe")
    wide = [line for line in text.splitlines() if len(line) > 80]
    expect(not wide, "%d lines are wider than 80 columns: %r" % (len(wide), wide[:3]))
    expect("grows_on_command" in text, "the header does not name the process")


def on_terminal(box, environment, *arguments):
    """What seep prints when stdout is a terminal."""
    ours, its = pty.openpty()
    process = box.start([SEEP, *arguments], environment, stdout=its, stderr=its, stdin=its)
    os.close(its)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(ours)
    expect_equal(process.wait(10), 0, "the status on a terminal")
    return text.decode()


def colour(box):
    path = record(box)
    colours = {"NO_COLOR": "", "TERM": "xterm-256color"}
    expect("\x1b[" in on_terminal(box, colours, "report", path), "no colour on a terminal")
    colours["NO_COLOR"] = "1"
    expect("\x1b[" not in on_terminal(box, colours, "report", path), "colour in spite of NO_COLOR")


def dropped_cache(box):
    record(box, ("fill 400 100\nsleep 25\n" * 5 + "drop\nsleep 25\n") * 8)
    report = box.report()
    flagged = [site["stack"][0]["function"] for site in report["sites"] if site["flagged"]]
    expect_equal(flagged, [], "the flagged sites")


def freed_at_end(box):
    program = box.compile("frees_as_it_ends.c", "-O1")
    for arguments, how, status in (([], "", 0), (["keep"], "mostly ", 9)):
        result = box.seep("run", "--interval=20ms", "--error-exitcode=9", "-o", box.path("out.seep"),
                          "--", program, *arguments)
        summary = result.stderr.decode()
        expect("1 leak: " in summary and "%sfreed at the end" % how in summary,
               "the summary is " + summary)
        expect_equal(result.returncode, status, "the exit status")
        text = box.seep("report", box.path("out.seep")).stdout.decode()
        expect(re.search(r"LEAK  \d+ KiB in [\d,]+ blocks at its peak, .*freed at the end", text),
               "the report is " + text)
        expect_equal(text.count("freed at the end"), 1, "how often the report says so")


def snapshots_list(box):
    path = record(box)
    result = box.seep("snapshots", path)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    rows = [line for line in result.stdout.decode().splitlines() if re.match(r"\s*\d+\s", line)]
    expect_equal(len(rows), box.report()["snapshots"], "the number of rows")


def diff_two(box):
    path = record(box, "leak 50 64\nsleep 100\nleak 30 64\nfill 10 10\nsleep 100\n")
    snapshots = box.report()["snapshots"]
    expect(snapshots > 4, "only %d snapshots" % snapshots)
    result = box.seep("diff", "--format=json", path + "@2", path + "@last")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    sites = json.loads(result.stdout)["sites"]
    grown = [site["stack"][0]["function"] for site in sites]
    expect("fill" in grown and "leak" in grown, "what grew is %s" % grown)
    text = box.seep("diff", path + "@2", path + "@last").stdout.decode()
    expect("fill" in text, "the text does not show fill")
    same = box.seep("diff", path + "@last", path + "@last")
    expect_equal((same.returncode, same.stdout), (2, b""), "(status, stdout) of a diff with itself")


def diff_runs(box):
    old = record(box, "leak 50 64\nfill 20 10\n", "old.seep")
    new = record(box, "leak 80 64\nfill 20 10\n", "new.seep")
    result = box.seep("diff", "--format=json", old, new)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    report = json.loads(result.stdout)
    grown = [site["stack"][0]["function"] for site in report["sites"]]
    expect_equal(grown[:1], ["leak"], "what grew")
    expect("fill" not in grown or grown.index("fill") > 0, "fill did not grow")
    ids = {site["stack"][0]["function"]: site["id"] for site in box.report("old.seep")["sites"]}
    # Other lines, same functions: the id stays.
    with open(box.path("moved.c"), "w") as moved:
        with open(os.path.join(CASES, "grows_on_command.c")) as source:
            moved.write("\n\n\n/* moved */\n" + source.read())
    program = box.compile(box.path("moved.c"), "-O0", output="grows_on_command")
    box.seep_run([program], output="moved.seep", stdin=b"leak 50 64\nfill 20 10\n")
    for site in box.report("moved.seep")["sites"]:
        function = site["stack"][0]["function"]
        if function == "leak":
            expect_equal(site["id"], ids["leak"], "the id of leak after its lines moved")


def folded(box):
    path = record(box)
    result = box.seep("export", "--format=folded", path)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    total = 0
    for line in result.stdout.decode().splitlines():
        match = re.fullmatch(r"(\S.*) (\d+)", line)
        expect(match, "not a folded line: %r" % line)
        total += int(match[2])
        if "leak" in match[1]:
            expect(re.search(r"main;(.*;)?leak$", match[1]), "root is not first: " + line)
    expect_equal(total, box.report()["totals"]["live_bytes"], "the sum of the folded stacks")


def output_file(box):
    path = record(box)
    for command in (["report"], ["report", "--format=json"], ["export", "--format=folded"]):
        plain = box.seep(*command, path)
        written = box.seep(*command, "-o", box.path("output"), path)
        expect_equal((written.returncode, written.stdout, written.stderr), (0, b"", b""),
                     "(status, stdout, stderr) of %s -o" % command[0])
        with open(box.path("output"), "rb") as file:
            expect_equal(file.read(), plain.stdout, "the file of %s" % " ".join(command))


def summary(box):
    program = box.compile("grows_on_command.c", "-O0")
    result = box.seep("run", "-o", box.path("out.seep"), "--", program, stdin=b"leak 10 10\n")
    expect_equal((result.returncode, result.stdout), (0, b"ok\n"), "(status, stdout)")
    expect("out.seep" in result.stderr.decode(), "the summary does not name the file")
    expect(find_site(box.report(), "leak")["live_blocks"] == 10, "the leak is not in the file")
    logged = box.seep("run", "--log-file=" + box.path("log"), "-o", box.path("out.seep"), "--",
                      program, stdin=b"leak 10 10\n")
    expect_equal((logged.stdout, logged.stderr), (b"ok\n", b""), "(stdout, stderr) with --log-file")
    with open(box.path("log")) as file:
        expect("out.seep" in file.read(), "the log does not name the file")
