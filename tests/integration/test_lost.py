# SPDX-License-Identifier: Apache-2.0
"""test_lost: what a program has lost is said where somebody looks, and fails what shall fail."""

import json
import re

import report_schema
from sandbox import expect, expect_equal, site_of
from test_snapshots import Server


def tests():
    yield "a report says what is lost, with what only that held, in text and in JSON", in_reports
    yield "what hangs in a lost tree is a line for each line of source", tree
    yield "seep check fails for a lost block and for none that is held", gate
    yield "seep scan says what a running program has lost, and lets it go on", of_running
    yield "the summary of seep run says it in a line", summary
    yield "and calls a function of C++ as a report does", summary_of_cpp
    yield "why it is not known is said, and fails nothing", not_known
    yield "seep diff and seep export know it too", others


def check_schema(report):
    wrong = (report_schema.check(report) + report_schema.check_order(report)
             + report_schema.check_sums(report))
    expect(not wrong, "; ".join(wrong[:8]))


def in_reports(box):
    program = box.compile("loses_and_keeps_lists.c", "-O1")
    box.seep_run([program], "--scan=exit")
    report = box.report()
    check_schema(report)
    scan = report["scan"]
    expect_equal((scan["outcome"], scan["stopped"], scan["unread_threads"]), ("done", True, 0),
                 "(outcome, stopped, unread)")
    node = {"bytes": 16, "blocks": 1}
    expect_equal((scan["totals"]["definitely_lost"], scan["totals"]["indirectly_lost"]),
                 (node, {"bytes": 99 * 16 + 100 * 40, "blocks": 199}), "the totals")
    head, text = site_of(report, "lost_node"), site_of(report, "lost_text")
    expect_equal((head["verdict"], text["verdict"]), ("lost", "lost"), "the verdicts")
    expect_equal(head["reachability"]["definitely_lost"], node, "what is lost at the head")
    expect_equal(head["reachability"]["held_by_lost"], scan["totals"]["indirectly_lost"],
                 "what only the head held")
    expect_equal(text["reachability"]["indirectly_lost"], {"bytes": 4000, "blocks": 100},
                 "what of the texts is lost")
    kept = site_of(report, "kept_node")
    expect_equal((kept["verdict"], kept["reachability"]["reachable"]["blocks"]), ("unfreed", 10),
                 "the list that is kept")
    findings = [(found["kind"], found["site_count"]) for found in report["findings"]]
    expect_equal(findings, [("lost", 2)], "the findings")
    output = box.seep("report", box.path("out.seep")).stdout.decode()
    for line in ("\n1 lost: 5.47 KiB at lost_node loses_and_keeps_lists.c:",
                 "\n    1 of 100 blocks (16 B) is definitely lost, with 5.45 KiB in 199 blocks that\n"
                 "    only it holds\n",
                 "\n    lost with it:\n      3.91 KiB in 100 blocks  lost_text loses_and_keeps"):
        expect(line in output, "%r is not in the report:\n%s" % (line, output))
    # Without a scan nothing is known of it.
    box.seep_run([program])
    report = box.report()
    check_schema(report)
    expect_equal((report["scan"], site_of(report, "lost_node")["reachability"]), (None, None),
                 "what is known without a scan")


def tree(box):
    """One line for what one line of source has allocated, however deep it called itself."""
    box.seep_run([box.compile("loses_a_tree.c", "-O1")], "--scan=exit")
    short = box.seep("report", box.path("out.seep")).stdout.decode()
    expect(re.search(r"\n    lost with it:\n      24\.0 KiB in 1,022 blocks  grow "
                     r"loses_a_tree\.c:\d+  1,022 sites\n\n", short), short)
    whole = box.seep("report", "--top=0", box.path("out.seep")).stdout.decode()
    expect(whole.count("  grow loses_a_tree.c:") >= 18, whole)


def gate(box):
    for name, status in (("loses_a_block.c", 1), ("frees_three_blocks.c", 0)):
        program = box.compile(name, "-O1")
        result = box.seep("check", "--", program)
        expect_equal(result.returncode, status, "the exit status for %s: %r" % (name, result.stderr))
    program = box.path("loses_a_block")
    result = box.seep("check", "--", program)
    expect(result.stderr.endswith(b"\nseep: check: failed: 40 B lost at 1 site\n"),
           "stderr is %r" % result.stderr)
    expect_equal(box.seep("check", "--scan=off", "--", program).returncode, 0, "with --scan=off")
    result = box.seep("check", "--", program, environment={"SEEP_OPTIONS": "scan=off"})
    expect_equal(result.returncode, 0, "with SEEP_OPTIONS=scan=off")
    document = json.loads(box.seep("check", "--format=json", "--", program).stderr)
    expect_equal((document["leaks"], document["lost"], document["passed"]), (1, 1, False),
                 "(leaks, lost, passed)")
    expect_equal(document["processes"][0]["scan"]["totals"]["definitely_lost"],
                 {"bytes": 40, "blocks": 1}, "what is lost")


def of_running(box):
    server = Server(box, "--interval=1h")
    server.ask("fill 100 50")
    clean = box.seep("scan", str(server.pid))
    expect_equal(clean.returncode, 0, "the exit status (stderr %r)" % clean.stderr)
    server.ask("leak 20 50")
    result = box.seep("scan", "--label=after", str(server.pid))
    # The newest may still lie in a register or in a frame that is over.
    text = result.stdout.decode()
    found = re.match(r"scan of grows_on_comman \(%d\): (\d+) blocks \(\S+ \S+\) definitely lost"
                     % server.pid, text)
    expect(found and 15 <= int(found[1]) <= 20, "seep scan says " + text)
    expect("the program stood still for" in " ".join(text.split()), "seep scan says " + text)
    expect(re.search(r"\n      leak grows_on_command\.c:\d+ ← main", text), "seep scan says " + text)
    report = json.loads(box.seep("scan", "--format=json", str(server.pid)).stdout)
    expect_equal([site["stack"][0]["function"] for site in report["sites"]], ["leak"], "the sites")
    expect_equal((report["scan"]["confirmed"], report["scan"]["stopped"]), (True, True),
                 "(confirmed, stopped)")
    # It goes on, and what is dropped is no longer held but free.
    server.ask("drop")
    expect_equal(box.seep("scan", str(server.pid)).returncode, 0, "the exit status after drop")
    server.end()
    expect("after" in box.seep("snapshots", box.path("out.seep")).stdout.decode(), "no label")
    for words, reason in (([], "the PID of a process is missing"), (["1", "2"], "one PID at a time"),
                          (["--label=7", "1"], "would be unreachable"), (["x"], "is not the number")):
        result = box.seep("scan", *words)
        lines = result.stderr.decode().splitlines()
        expect(result.returncode == 2 and len(lines) == 1 and reason in lines[0] and
               not result.stdout, "seep scan %r: %r" % (words, result))


def summary(box):
    program = box.compile("loses_a_block.c", "-O1")
    result = box.seep("run", "-o", box.path("out.seep"), "--scan=exit", "--", program)
    expect(re.search(rb"^seep: 1 block \(40 B\) definitely lost in \w+, loses_a_block\.c:\d+$",
                     result.stderr, re.M), "the summary is %r" % result.stderr)
    program = box.compile("frees_three_blocks.c", "-O1")
    result = box.seep("run", "-o", box.path("out.seep"), "--scan=exit", "--", program)
    expect(b"\nseep: nothing is lost, every block can be reached\n" in result.stderr,
           "the summary is %r" % result.stderr)


def summary_of_cpp(box):
    """Functions are called there as a report calls them, without the parameters."""
    program = box.compile("forgets_a_name.cc", "-O1")
    for arguments, wanted in ([], rb"lost in Registry::enter, forgets_a_name\.cc:\d+$"), \
            (["--clean"], rb"^seep: nothing is lost, every block can be reached$"):
        result = box.seep("run", "-o", box.path("out.seep"), "--scan=exit", "--", program,
                          *arguments)
        expect(re.search(wanted, result.stderr, re.M), "the summary is %r" % result.stderr)


def not_known(box):
    program = box.compile("loses_a_block.c", "-O1")
    # Nor does the program wait for a scan that nobody makes.
    result = box.seep("check", "--sample=4K", "--", program, timeout=30)
    expect_equal(result.returncode, 0, "the exit status with --sample")
    expect(b": what is lost is not known: with --sample" in result.stderr,
           "stderr is %r" % result.stderr)
    # A shell that has become another program has nothing to lose.
    result = box.seep("check", "--", "sh", "-c", "exec true")
    expect(result.returncode == 0 and b"lost" not in result.stderr, "stderr is %r" % result.stderr)


def others(box):
    program = box.compile("loses_and_keeps_lists.c", "-O1")
    box.seep_run([program], "--scan=exit")
    result = box.seep("export", "--format=folded", "--lost", "--value=live_blocks",
                      box.path("out.seep"))
    counts = {line.rsplit(" ", 1)[0].split(";")[-1]: int(line.rsplit(" ", 1)[1])
              for line in result.stdout.decode().splitlines()}
    expect_equal(counts, {"lost_node": 100, "lost_text": 100}, "what is exported")
    box.seep_run(["true"], output="true.seep")
    result = box.seep("export", "--format=folded", "--lost", box.path("true.seep"))
    expect(result.returncode == 2 and b"does not say what is lost" in result.stderr,
           "export of a file without a scan: %r" % result.stderr)
    result = box.seep("diff", box.path("true.seep"), box.path("out.seep"))
    expect(b"is definitely lost, with" in result.stdout and
           re.search(rb"\n  new .* in 210 blocks, 5.47 KiB lost ", result.stdout) and
           not re.search(rb"\n  old .* lost", result.stdout), "the diff is %r" % result.stdout)
