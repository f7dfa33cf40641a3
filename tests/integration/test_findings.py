# SPDX-License-Identifier: Apache-2.0
"""test_findings: which sites are one leak, and which are lost in a crowd."""

import json
import os

import report_schema
from case_program import plain_name
from sandbox import expect, expect_equal


def tests():
    yield "a wrapper that leaks for sixteen callers is one finding, first and folded", wrapper
    yield "a bad caller of an innocent wrapper is not lost in it", caller
    yield "forgotten sessions of five blocks are one finding, who holds them first", sessions
    yield "two that are forgotten equally often, each by itself, are two findings", apart
    yield "sessions that are all closed are no finding", closed
    yield "a site of several that leak together is suppressed alone", one_known
    yield "what one function loses for all of its callers is one finding, in all processes", callers
    yield "what is known in part is found as a whole, and counted once", known_in_part
    yield "where a caller frees what he got, those who do not are findings of their own", one_frees
    yield "a crowd of small leaks is not flagged, unless --all is given", crowd
    yield "a program whose wrapper frees everything has no finding", nothing


def record(box, *arguments, source="allocates_through_a_wrapper.c", options=()):
    program = box.compile(source, "-O1", "-g")
    result = box.seep_run([program, *arguments], "--interval=20ms", *options)
    expect_equal(result.returncode, 0, "the exit status")
    report = box.report()
    wrong = (report_schema.check(report) + report_schema.check_order(report)
             + report_schema.check_sums(report))
    expect(not wrong, "; ".join(wrong[:8]))
    return report, box.seep("report", box.path("out.seep")).stdout.decode()


def flagged(values):
    return [value for value in values if value["flagged"]]


def functions(value):
    names = [plain_name(frame["function"]) for frame in value["stack"]]
    return [name for name in names if name != "use_copies"]  # inlined


def wrapper(box):
    report, text = record(box, "wrapper")
    expect_equal(len(flagged(report["sites"])), 16, "the number of flagged sites")
    expect_equal(len(flagged(report["findings"])), 1, "the number of findings")
    finding = report["findings"][0]
    expect_equal(functions(finding)[0], "copy_of", "the function of the finding")
    expect_equal((finding["site_count"], len(finding["sites"])), (16, 16), "its sites")
    evidence = finding["evidence"]
    expect(evidence["grows_in"] == "blocks" and evidence["freed"] > 0, "it is %r" % evidence)
    first = text.index(" 1. LEAK")
    expect(text.index("16 sites are one leak: whoever calls copy_of keeps") > first,
           "the text does not fold the sites: " + text)
    expect("\n 2. LEAK" not in text and "handler_3" not in text, "the sites stand apart: " + text)
    everything = box.seep("report", "--top=0", box.path("out.seep")).stdout.decode()
    expect("handler_3" in everything, "--top=0 does not show the sites")


def caller(box):
    report, text = record(box, "caller")
    leaking = flagged(report["sites"])
    expect_equal({functions(site)[1] for site in leaking}, {"part_7"}, "what leaks")
    expect_equal(len(leaking), 16, "the number of flagged sites")
    expect_equal([(finding["kind"], functions(finding)) for finding in flagged(report["findings"])],
                 [("callee", ["copy_of", "part_7"])], "the findings")
    expect("1 leak: " in text and " at part_7 " in text, "the text does not name the caller")


def record_sessions(box, *arguments):
    return record(box, *arguments, source="forgets_whole_sessions.c", options=("--scan=exit",))


def sessions(box):
    report, text = record_sessions(box, "sessions")
    leaks = flagged(report["sites"])
    expect_equal(len(leaks), 5, "the number of flagged sites")
    expect_equal([(finding["kind"], finding["site_count"])
                  for finding in flagged(report["findings"])], [("together", 5)],
                 "the findings of " + text)
    finding = report["findings"][0]
    expect_equal(functions(finding)[0], "session_open", "the function of the finding")
    expect_equal(sorted(finding["sites"]), sorted(site["id"] for site in leaks), "its sites")
    rate = sum(site["growth"]["bytes_per_hour"] for site in leaks)
    expect(abs(finding["growth"]["bytes_per_hour"] - rate) < 0.02 * rate, "its growth")
    expect("1 leak: " in text and ", 5 sites that are born and kept together" in text, text)
    expect("5 sites are one leak: they are born and kept together" in text, text)
    # Where nobody has seen who holds whom, they may be several mistakes of one caller.
    _, unseen = record(box, "sessions", source="forgets_whole_sessions.c")
    expect("5 sites are one leak, or several: they are born" in unseen, unseen)
    parts = text[text.index("    together:\n"):].splitlines()
    expect("session_open" in parts[2], "the session is not first: %s" % parts[2])
    expect(" blocks/h" in parts[1], "how many it is: %s" % parts[1])
    expect(" 2. LEAK" not in text, "a part stands apart: " + text)


def apart(box):
    report, text = record_sessions(box, "apart")
    found = flagged(report["findings"])
    expect_equal(sorted((finding["kind"], functions(finding)[0]) for finding in found),
                 [("site", "reply"), ("site", "write_log")], "the findings")
    expect("2 lost: " in text and "together" not in text, text)


def closed(box):
    report, _ = record_sessions(box)
    expect_equal(flagged(report["sites"]) + flagged(report["findings"]), [], "what is flagged")


def one_known(box):
    program = box.compile("forgets_whole_sessions.c", "-O1", "-g")
    with open(box.path("known.supp"), "w") as file:
        file.write("leak:name_of\n")
    result = box.seep("check", "--interval=20ms", "--suppressions=" + box.path("known.supp"),
                      "--format=json", "-o", box.path("check.json"), "--", program, "sessions")
    expect_equal(result.returncode, 1, "the exit status")
    with open(box.path("check.json")) as file:
        document = json.load(file)
    finding, = document["findings"]
    expect("4 sites together" in finding["title"], "the title is " + finding["title"])
    kinds = [(found["kind"], found["site_count"]) for found in document["processes"][0]["findings"]]
    expect_equal(kinds, [("together", 4)], "the findings of the process")


def check_callers(box, *programs):
    program = box.compile("loses_for_all_callers.c", "-O1", "-g")
    script = "".join("%s %s\n" % (program, mode) for mode in programs)
    result = box.seep("check", "--format=json", "-o", box.path("check.json"), "--", "sh", "-c",
                      script)
    expect_equal(result.returncode, 1, "the exit status")
    with open(box.path("check.json")) as file:
        return json.load(file)["findings"]


def callers(box):
    finding, = check_callers(box, "first", "second")
    expect_equal((finding["function"], len(finding["processes"])), ("item_name", 2), "who loses")
    # Five callers in the one, three in the other, and what hangs in what they lose.
    expect_equal((finding["bytes"], finding["blocks"]), (8 * 96 + 8 * 30, 16), "how much")
    other, = check_callers(box, "second", "first")
    expect_equal(other["fingerprint"], finding["fingerprint"], "what tells it from run to run")
    result = box.seep("check", "--", box.path("loses_for_all_callers"), "first")
    text = result.stderr.decode()
    expect("10 sites are one leak: what item_name allocates is lost, whoever calls it" in text,
           text)
    expect(text.endswith("failed: 630 B lost at 1 place\n"), text)
    # In what a report says of all of them, too, no end of a line is cut off.
    script = "{0} first\n{0} second\n".format(box.path("loses_for_all_callers"))
    os.mkdir(box.path("run"))
    box.seep("run", "--scan=exit", "-o", box.path("run", "x.seep"), "--", "sh", "-c", script)
    text = " ".join(box.seep("report", box.path("run")).stdout.decode().split())
    expect("loses_for_all_callers.c:22, in 2 processes" in text, text)


def known_in_part(box):
    program = box.compile("loses_for_all_callers.c", "-O1", "-g")
    baseline = box.path("known.seep-baseline")
    box.seep("check", "--baseline=" + baseline, "--update-baseline", "--", program, "first")
    with open(baseline) as file:
        lines = file.read().splitlines()
    # What hangs in what is lost, and nothing else.
    with open(baseline, "w") as file:
        file.writelines(line + "\n" for line in lines if " 96 bytes" not in line)
    result = box.seep("check", "--baseline=" + baseline, "--format=json", "-o",
                      box.path("check.json"), "--", program, "first")
    expect_equal(result.returncode, 1, "the exit status")
    with open(box.path("check.json")) as file:
        document = json.load(file)
    finding, = document["findings"]
    expect_equal((finding["bytes"], finding["blocks"]), (630, 10), "what is found")
    expect_equal(document["suppressed"], 0, "what counts as known besides")
    expect_equal({entry["state"] for entry in document["suppressions"]}, {"used"}, "the entries")


def one_frees(box):
    found = check_callers(box, "frees")
    expect_equal([finding["function"] for finding in found], ["item_name"] * 3, "who loses")
    expect_equal({finding["blocks"] for finding in found}, {2}, "how much")


def crowd(box):
    report, text = record(box, "crowd")
    expect_equal(flagged(report["sites"]) + flagged(report["findings"]), [], "what is flagged")
    minor = [site for site in report["sites"] if site["minor"]]
    expect(len(minor) > 200, "only %d sites are minor" % len(minor))
    expect(all(site["snapshots_needed"] > 0 for site in
               (site["evidence"] for site in minor)), "a minor leak never becomes one")
    expect("copy_of" in text and "sites grow as one" in text, "the text is " + text)
    everything = box.report("out.seep", "--all")
    expect(len(flagged(everything["sites"])) > 200, "--all flags too few")


def nothing(box):
    report, _ = record(box)
    expect_equal(flagged(report["sites"]) + flagged(report["findings"]), [], "what is flagged")
