# SPDX-License-Identifier: Apache-2.0
"""test_marks: what a report makes of marks, of programs that come back to the same state."""

import functools
import subprocess

import report_schema
from case_program import find_site, plain_name
from sandbox import expect, expect_equal

EVIDENCE = 'times the program was "%s", 1 more block was live than the time before'


def tests():
    yield "six marks are enough for a leak of one block a round", six_rounds
    yield "four marks are too few, and the report says how many it takes", four_rounds
    yield "with forty rounds the figures are those of the leak", forty_rounds
    yield "a program that forgets nothing is clean, however many marks it has", clean
    for rounds in (5, 6, 8, 12, 40):
        yield ("a cache that fills, and is flat after %d rounds at the latest" % rounds,
               functools.partial(cache, rounds))
    yield "what is busy with ever more, and idle with nothing, is no leak", only_busy
    yield "of a leak among freed objects both functions that free the others are named", freers
    yield "marks by hand are as good as those of the program", by_hand


def record(box, source, *arguments, options=("--interval=10m",)):
    program = box.compile(source, "-O1", "-g")
    expect_equal(box.seep_run([program, *arguments], *options).returncode, 0, "the exit status")
    report = box.report()
    wrong = (report_schema.check(report) + report_schema.check_order(report)
             + report_schema.check_sums(report))
    expect(not wrong, "; ".join(wrong[:8]))
    return report, " ".join(box.seep("report", box.path("out.seep")).stdout.decode().split())


def flagged(report):
    return [site["stack"][0]["function"] for site in report["sites"] if site["flagged"]]


def six_rounds(box):
    report, text = record(box, "leaks_a_block_a_round.c", "6")
    expect_equal(flagged(report), ["forget"], "what is flagged")
    evidence = find_site(report, "forget")["evidence"]
    label = evidence["marks"]["label"]
    expect_equal(evidence["marks"], {"label": label, "count": 6, "steps": 4, "grew": 4},
                 "the marks")
    expect(evidence["text"][0] == "each of the last 4 " + EVIDENCE % label,
           "it says %r" % evidence["text"])
    expect("1 leak: " in text and " at forget " in text, "the text is " + text)
    expect('"busy" 6 times, "idle" 6 times' in text, "the marks are not listed: " + text)


def four_rounds(box):
    report, text = record(box, "leaks_a_block_a_round.c", "4")
    expect_equal(flagged(report), [], "what is flagged")
    expect("5 of a label are needed" in text, "the text is " + text)


def forty_rounds(box):
    report, _ = record(box, "leaks_a_block_a_round.c", "40")
    expect_equal(flagged(report), ["forget"], "what is flagged")
    site = find_site(report, "forget")
    expect_equal((site["evidence"]["marks"]["steps"], site["evidence"]["marks"]["grew"]), (38, 38),
                 "the steps")
    expect_equal(site["live_blocks"], 40, "its blocks")


def clean(box):
    for rounds in ("6", "12", "40"):
        report, text = record(box, "leaks_a_block_a_round.c", rounds, "--clean")
        expect_equal(flagged(report), [], "what is flagged")
        expect("leak: " not in text, "the text is " + text)


def cache(rounds, box):
    report, _ = record(box, "fills_a_cache_between_marks.c", str(rounds))
    expect_equal(flagged(report), [], "what is flagged after %d rounds" % rounds)


def only_busy(box):
    # The same with snapshots in between, which see what is in use become ever more.
    report, _ = record(box, "fills_a_cache_between_marks.c", "60", options=("--interval=1ms",))
    expect_equal(flagged(report), [], "what is flagged")
    used = [site for site in report["sites"] if site["stack"][0]["function"] == "use"]
    expect(all(site["verdict"] != "growing" for site in used), "it is %r" % used)


def freers(box):
    report, text = record(box, "closes_most_of_its_sessions.cc", "60")
    leaking = [site for site in report["sites"] if site["flagged"]]
    # The session, its buffer, its requests.
    expect_equal(len(leaking), 3, "the number of flagged sites")
    for site in leaking:
        shares = {}
        for freer in site["freed_by"]:
            names = [plain_name(frame["function"] or "") for frame in freer["stack"]]
            own = next(name for name in names if "~" not in name)
            shares[own] = shares.get(own, 0) + freer["share"]
        expect_equal(set(shares), {"Server::close", "Server::expire"}, "who frees")
        # Of about 90 samples, within six standard deviations.
        expect(0.5 < shares["Server::close"] <= 1, "the shares are %r" % shares)
    expect(" 99.5 % of its blocks are freed, " in text and "those by Server::close" in text,
           "the text is " + text)
    # Sites that chance has made look like one are folded; each has its own reasons in JSON.
    reasons = text + " ".join(" ".join(site["evidence"]["text"]) for site in leaking)
    expect("(Session::~Session)" in reasons, "the destructor is not named: " + reasons)
    report, _ = record(box, "closes_most_of_its_sessions.cc", "60", "--clean")
    expect_equal(flagged(report), [], "what is flagged in the clean twin")


def by_hand(box):
    program = box.compile("grows_on_command.c", "-O0")
    process = box.start([program], box.preload(output=box.path("out.seep"), interval="1h"),
                        stdin=subprocess.PIPE)

    def ask(line):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        expect_equal(process.stdout.readline(), b"ok\n", "the answer to " + line)

    ask("sites 1")
    for _ in range(7):
        ask("leak 3 100")
        expect_equal(box.seep("mark", str(process.pid), "job done").returncode, 0, "seep mark")
    report = box.report()  # of the process that goes on
    process.stdin.close()
    expect_equal(process.wait(timeout=20), 0, "the exit status")
    leaking = [site for site in report["sites"] if site["flagged"]]
    expect_equal(len(leaking), 1, "the number of flagged sites")
    expect_equal(leaking[0]["evidence"]["text"][0], "each of the last 5 times the program was "
                 '"job done", 3 more blocks were live than the time before', "the evidence")
