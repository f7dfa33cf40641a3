# SPDX-License-Identifier: Apache-2.0
"""test_check_misuse: wrong frees fail a check, in every format, unless somebody knows them."""

import json
import re

import report_schema
from sandbox import expect, expect_equal

TITLE = re.compile(r"misuse: allocated with new\[\], freed with free at with_free\(?.*:\d+$")


def tests():
    yield "a wrong free fails, and what is right passes", fails
    yield "--fail-on chooses whether it does", chosen
    yield "each format has it", formats
    yield "Valgrind's words for it are those that CTest counts", valgrind_words
    yield "Valgrind's Memcheck:Free suppresses it, Memcheck:Leak does not", suppressed
    yield "--gen-suppressions writes what suppresses it", drafted
    yield "a baseline knows it, and nothing else", baseline
    yield "it is one finding in several processes", several
    yield "seep run says it in a line", run_line
    yield "a folder says it", folder


def build(box):
    return box.compile("mixes_allocators.cc", "-O1", "-pthread")


def check(box, *arguments, status):
    result = box.seep("check", *arguments)
    expect_equal(result.returncode, status, "status of seep check %s: %s"
                 % (" ".join(map(str, arguments)), result.stderr.decode()[-300:]))
    return result


def fails(box):
    program = build(box)
    text = check(box, "--", program, "thread", status=1).stderr.decode()
    expect(text.endswith("\nseep: check: failed: 1 wrong free\n"), text[-200:])
    expect("allocated with new[], freed with free" in text, text)
    check(box, "--error-exitcode=9", "--", program, "thread", status=9)
    check(box, "--", program, "right", status=0)


def chosen(box):
    program = build(box)
    text = check(box, "--fail-on=lost,leak", "--", program, "thread", status=0).stderr.decode()
    expect("passed: 1 wrong free, which does not fail it (--fail-on=lost,leak)" in text, text)
    check(box, "--fail-on=misuse", "--", program, "thread", status=1)


def formats(box):
    program = build(box)

    def output(form):
        return check(box, "--format=" + form, "-o", box.path("answer"), "--", program, "thread",
                     status=1) and open(box.path("answer")).read()

    answer = json.loads(output("json"))
    expect_equal(report_schema.check(answer, report_schema.CHECK, "check"), [], "the schema")
    expect_equal((answer["misuses"], answer["leaks"], answer["lost"]), (1, 0, 0), "counts")
    (finding,) = answer["findings"]
    expect(finding["rule"] == "misuse" and finding["fails"], finding)
    expect(TITLE.match(finding["title"]), finding["title"])
    expect_equal(finding["id"], answer["processes"][0]["wrong_frees"][0]["id"], "the id")
    (result,) = json.loads(output("sarif"))["runs"][0]["results"]
    expect(result["ruleId"] == "misuse" and TITLE.match(result["message"]["text"]), result)
    expect("by_new_array" in result["properties"]["details"], result)
    (entry,) = json.loads(output("gitlab"))
    expect(entry["check_name"] == "misuse" and TITLE.match(entry["description"]), entry)
    expect("by_new_array" in entry["content"]["body"], entry)
    junit = output("junit")
    expect(junit.count("<failure ") == 1 and 'type="misuse"' in junit
           and "by_new_array" in junit, junit)
    github = output("github")
    expect(github.count("::error ") == 1 and "title=misuse%3A allocated with new[]%2C freed with "
           "free" in github and "by_new_array" in github, github)


def valgrind_words(box):
    program = build(box)
    check(box, "--format=valgrind", "-o", box.path("log"), "--", program, "thread", status=1)
    text = open(box.path("log")).read()
    expect(re.search(r"^==\d+== Mismatched free\(\) / delete / delete \[\]\n==\d+==    at 0x\w+: "
                     r"with_free", text, re.M), text)
    check(box, "--fail-on=lost", "--format=valgrind", "-o", box.path("log"), "--", program,
          "thread", status=0)
    expect("Mismatched" not in open(box.path("log")).read(), "what fails nothing is counted")


def suppressed(box):
    program = build(box)

    def block(kind, *frames):
        return box.write("known.supp", "{\n   name\n   %s\n%s}\n"
                         % (kind, "".join("   %s\n" % frame for frame in frames)))

    for frames in (("fun:free", "fun:with_free"), ("fun:with_free",),
                   ("...", "fun:free_it"), ("fun:free", "obj:*/mixes_allocators")):
        known = block("Memcheck:Free", *frames)
        text = check(box, "--suppressions=" + known, "--", program, "thread",
                     status=0).stderr.decode()
        expect("matched nothing" not in text and "; 1 known wrong free suppressed" in text, text)
    for kind, frames in (("Memcheck:Leak", ("fun:with_free",)),
                         ("Memcheck:Free", ("fun:_ZdlPv", "fun:with_free")),
                         ("Memcheck:Free", ("fun:by_new_array",))):
        known = block(kind, *frames)
        text = check(box, "--suppressions=" + known, "--", program, "thread",
                     status=1).stderr.decode()
        expect("has matched nothing" in text, text)
    known = box.write("lsan.supp", "leak:with_free\n")
    check(box, "--suppressions=" + known, "--", program, "thread", status=1)
    box.seep_run([program, "thread"])
    (wrong,) = box.report("out.seep", "--suppressions="
                          + block("Memcheck:Free", "fun:free", "fun:with_free"))["wrong_frees"]
    expect(not wrong["flagged"] and wrong["suppressed_by"]["name"] == "name", wrong)


def drafted(box):
    program, known = build(box), box.path("known.supp")
    check(box, "--gen-suppressions=" + known, "--", program, "all", status=1)
    text = open(known).read()
    expect("   Memcheck:Free\n   fun:_ZdaPv\n   fun:with_delete_array\n" in text, text)
    expect("max-b" not in text, text)
    check(box, "--suppressions=" + known, "--", program, "all", status=0)
    check(box, "--suppressions=" + known, "--", program, "thread", status=1)


def baseline(box):
    program, known = build(box), box.path("baseline")
    check(box, "--baseline=" + known, "--update-baseline", "--", program, "thread", status=0)
    lines = open(known).read().splitlines()
    expect(len(lines) == 2 and re.match(r"free [0-9a-f]{16} mixes_allocator: with_free\S* "
                                        r"\(\S*mixes_allocators.cc\)$", lines[1]), lines)
    check(box, "--baseline=" + known, "--", program, "thread", status=0)
    check(box, "--baseline=" + known, "--", program, "moved", status=1)
    text = check(box, "--baseline=" + known, "--", program, "right", status=0).stderr.decode()
    expect("does not occur any more" in text, text)
    check(box, "--baseline=" + known, "--update-baseline", "--", program, "thread", status=0)
    expect_equal(open(known).read().splitlines(), lines, "the baseline, written anew")


def several(box):
    program = build(box)
    result = check(box, "--format=json", "-o", box.path("answer"), "--", "sh", "-c",
                   "%s thread; %s thread" % (program, program), status=1)
    expect_equal(result.stderr, b"", "stderr")
    (finding,) = json.load(open(box.path("answer")))["findings"]
    expect_equal(len(finding["processes"]), 2, "processes")
    text = check(box, "--", "sh", "-c", "%s thread; %s thread" % (program, program),
                 status=1).stderr.decode()
    expect_equal(text.count("    freed by\n"), 1, "how often it is shown: " + text)


def run_line(box):
    text = box.seep("run", "-o", box.path("out.seep"), "--", build(box),
                    "thread").stderr.decode()
    expect(re.search(r"^seep: 1 wrong free: allocated with new\[\], freed with free in with_free"
                     r".*mixes_allocators.cc:\d+$", text, re.M), text)
    text = box.seep("run", "-o", box.path("right.seep"), "--", box.path("mixes_allocators"),
                    "right").stderr.decode()
    expect("wrong free" not in text, text)


def folder(box):
    program = build(box)
    for name, how in (("a", "right"), ("b", "thread"), ("c", "right")):
        box.seep_run([program, how], output=name + ".seep")
    text = box.seep("report", box.folder).stdout.decode()
    expect(": 3 processes, none leaks, 1 wrong free\n" in text, text)
    expect("allocated with new[], freed with free" in text, text)
