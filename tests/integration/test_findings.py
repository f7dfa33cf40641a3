# SPDX-License-Identifier: Apache-2.0
"""test_findings: which sites are one leak, and which are lost in a crowd."""

import report_schema
from case_program import plain_name
from sandbox import expect, expect_equal


def tests():
    yield "a wrapper that leaks for sixteen callers is one finding, first and folded", wrapper
    yield "a bad caller of an innocent wrapper is not lost in it", caller
    yield "a crowd of small leaks is not flagged, unless --all is given", crowd
    yield "a program whose wrapper frees everything has no finding", nothing


def record(box, *arguments):
    program = box.compile("allocates_through_a_wrapper.c", "-O1", "-g")
    result = box.seep_run([program, *arguments], "--interval=20ms")
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
