# SPDX-License-Identifier: Apache-2.0
"""test_examples: each example shows what examples/README.md says it shows."""

import os
import re

from case_program import plain_name
from sandbox import BUILD, ROOT, clip, expect, expect_equal

EXAMPLES = os.path.join(BUILD, "examples")


def tests():
    yield "the leaking server's line comes first", leaky_server
    yield "the mended server has no finding", fixed_server
    yield "what a short command leaves is unfreed, not a leak", word_counter
    yield "a C++ program's reachable leak is found with its template names", leaky_observer
    yield "preload_only.sh shows a report", preload_only
    yield "after_kill.sh shows the leak of a killed server", after_kill
    yield "compare_snapshots.sh shows the leak only", compare_snapshots
    yield "tests that check themselves fail where they leak, and say where", self_checked
    yield "gate_in_ci.sh fails with the leak and passes without", gate_in_ci
    yield "examples/README.md names every example", all_named


def line_with(source, text):
    with open(os.path.join(ROOT, "examples", source)) as file:
        return next(number for number, line in enumerate(file, 1) if text in line)


def names(site):
    return [plain_name(frame["function"]) for frame in site["stack"]]


def record(box, program, *arguments, stdin=b""):
    result = box.seep_run([os.path.join(EXAMPLES, program), *arguments], stdin=stdin)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    return box.report()


def leaky_server(box):
    report = record(box, "leaky_server", "15")
    first = report["sites"][0]
    expect_equal((first["verdict"], first["flagged"]), ("leak", True), "the first site's verdict")
    places = [(plain_name(frame["function"]), os.path.basename(frame["file"] or ""), frame["line"])
              for frame in first["stack"]]
    leak = ("session_open", "leaky_server.c", line_with("leaky_server.c", "/* the leak"))
    expect_equal(places[0], leak, "the first frame of the first site")
    flagged = [names(site)[0] for site in report["sites"] if site["flagged"]]
    expect_equal(len(flagged), 1, "the number of findings, %s," % flagged)
    text = box.seep("report", box.path("out.seep")).stdout.decode()
    place = "leaky_server.c:%d" % leak[2]
    expect(place in text, "the text does not show %s" % place)
    others = re.findall(r"leaky_server\.c:\d+", text.split(place)[0])
    expect_equal(others, [], "the lines that stand before the leak")


def fixed_server(box):
    report = record(box, "fixed_server", "15")
    flagged = [(site["verdict"], names(site)) for site in report["sites"] if site["flagged"]]
    expect_equal(flagged, [], "the findings")
    baskets = [site for site in report["sites"] if "session_open" in names(site)]
    expect(all(site["live_blocks"] <= 8 for site in baskets), "baskets are left")


def word_counter(box):
    text = b"some words\n" * 50
    report = record(box, "word_counter", stdin=text)
    site = next(site for site in report["sites"] if "trimmed" in names(site))
    expect_equal((site["verdict"], site["flagged"], site["live_blocks"], site["live_bytes"]),
                 ("unfreed", False, 50, 50 * 12), "(verdict, flagged, blocks, bytes)")


def leaky_observer(box):
    report = record(box, "leaky_observer", "5")
    first = report["sites"][0]
    expect_equal(first["flagged"], True, "the first site's flag")
    expect(any(name.startswith("Sensor::Sensor") for name in names(first)),
           "the first stack is %s" % clip(names(first)))


def self_checked(box):
    program = os.path.join(EXAMPLES, "self_checked")
    result = box.seep_run([program])
    expect_equal((result.returncode, result.stderr), (1, b""), "(status, stderr)")
    lines = result.stdout.decode().splitlines()
    expect_equal([line for line in lines if line.startswith(("ok", "FAILED"))],
                 ["ok     valid, freed", "FAILED valid, lost", "ok     names, found again",
                  "FAILED names, kept twice"], "what the tests say")
    for function, text in (("is_valid", "strdup(text)"), ("intern", "malloc(sizeof(*name))")):
        frame = re.compile(r"    %s /.*/self_checked\.c:%d( inlined)?$" % (
            function, line_with("self_checked.c", text)))
        expect(any(map(frame.match, lines)), "no line of %s: %s" % (function, clip(lines)))
    alone = box.run([program])
    expect_equal((alone.returncode, alone.stdout.count(b"ok ")), (0, 4), "without seep")


def script(box, name):
    result = box.run([os.path.join(ROOT, "examples", name)], {"BUILD": BUILD})
    expect_equal(result.returncode, 0, "the exit status (stderr %r)" % result.stderr[-300:])
    expect_equal(result.stderr, b"", "stderr")
    return result.stdout.decode()


def preload_only(box):
    text = script(box, "preload_only.sh")
    expect("trimmed" in text and "word_counter.c" in text, "the report is %s" % clip(text))


def after_kill(box):
    text = script(box, "after_kill.sh")
    expect("session_open" in text, "the report is %s" % clip(text))
    expect("signal 9" in text or "SIGKILL" in text or "killed" in text,
           "it does not say that the server was killed: %s" % clip(text))


def compare_snapshots(box):
    text = script(box, "compare_snapshots.sh")
    expect("session_open" in text, "the diff does not show the leak: %s" % clip(text))
    first = text[:text.index("session_open")]
    expect("page_get" not in first, "the cache stands before the leak")


def gate_in_ci(box):
    text = script(box, "gate_in_ci.sh")
    expect("session_open" in text and "leaky_server: exit status 1\n" in text and
           text.endswith("seep: check: passed: nothing found in 1 snapshot file\n"
                         "fixed_server: exit status 0\n"), "the output is " + clip(text))


def all_named(box):
    folder = os.path.join(ROOT, "examples")
    with open(os.path.join(folder, "README.md")) as file:
        text = file.read()
    missing = [name for name in sorted(os.listdir(folder)) if name != "README.md" and name not in text]
    expect(not missing, "README.md does not name %s" % ", ".join(missing))
