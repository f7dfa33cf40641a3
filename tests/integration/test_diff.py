# SPDX-License-Identifier: Apache-2.0
"""test_diff: what stands first in `seep diff`, and which sites of two builds are the same."""

import functools
import json
import os
import shutil

import report_schema
from report_schema import count, integer
from sandbox import CASES, Skipped, clip, expect, expect_equal


# What is done to a program: (flags, lines above, name of the file, name of the program, compiler).
BUILDS = {
    "with lines inserted above": ("-O0", 40, None, None, None),
    "built with -O1": ("-O1", 0, None, None, None),
    "built with -O2": ("-O2", 0, None, None, None),
    "built with -O3 and without frame pointers": ("-O3 -fomit-frame-pointer", 0, None, None, None),
    "in a renamed file": ("-O0", 0, "renamed.cc", None, None),
    "in a renamed program": ("-O0", 0, None, "server-2.0", None),
    "with all of these": ("-O2", 40, "renamed.cc", "server-2.0", None),
    "built by clang": ("-O1", 0, None, None, "clang++"),
}


def tests():
    yield "a small leak stands above traffic 100 times as large, whichever snapshots", leak_is_first
    yield "--sort=bytes and --sort=blocks sort by those", other_orders
    yield "what may be traffic is called so, and the totals stand at the end", traffic_is_named
    yield "the JSON has the site objects of a report and both values", json_fields
    yield "FILE@MARK compares the first with the last of equal marks", equal_marks
    for what, change in BUILDS.items():
        yield "every site is found again in a program " + what, functools.partial(
            same_sites, change)
    yield "a leak that a new build brings is all that grew", new_leak


def diff(box, *arguments):
    result = box.seep("diff", "--format=json", *arguments)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr) of seep diff")
    return json.loads(result.stdout)


def record_traffic(box):
    program = box.compile("leaks_beside_much_traffic.c", "-O2")
    # It asks for its snapshots itself, so that they do not depend on the clock.
    result = box.seep_run([program], "--interval=10m")
    expect_equal(result.returncode, 0, "the exit status")
    return box.path("out.seep")


def leak_is_first(box):
    path = record_traffic(box)
    for operands in ([path], [path + "@noon"], [path + "@first", path + "@-2"],
                     [path + "@4", path + "@noon"]):
        sites = diff(box, *operands)["sites"]
        functions = [site["stack"][0]["function"] for site in sites]
        expect_equal(functions[0], "open_session", "what comes first of %s" % functions)
        expect("begin_request" in functions, "the traffic did not change")
        expect(sites[0]["aged"]["bytes"] > 0, "nothing of the leak has aged")
    # From the bottom of a wave to the top of one.
    whole = {site["stack"][0]["function"]: site for site in diff(box, path)["sites"]}
    leak, traffic = whole["open_session"], whole["begin_request"]
    expect(traffic["delta"]["bytes"] > 50 * leak["delta"]["bytes"], "there is not much traffic")
    expect_equal(leak["delta"], {"bytes": 43 * 25 * 48, "blocks": 43 * 25}, "the leak's growth")
    expect_equal(traffic["aged"]["bytes"], 0, "what has aged of the traffic")


def other_orders(box):
    path = record_traffic(box)
    for key in ("bytes", "blocks"):
        values = [site["delta"][key] for site in diff(box, "--sort=" + key, path)["sites"]]
        expect(len(values) > 1 and values == sorted(values, reverse=True),
               "--sort=%s gives %s" % (key, values))
    first = diff(box, "--sort=bytes", "--top=1", path)["sites"]
    expect_equal([site["stack"][0]["function"] for site in first], ["begin_request"],
                 "what is largest")


def traffic_is_named(box):
    path = record_traffic(box)
    text = box.seep("diff", path).stdout.decode()
    lines = text.splitlines()
    leak, traffic = (next(i for i, line in enumerate(lines) if name in line)
                     for name in ("open_session", "begin_request"))
    expect(leak < traffic, "the traffic comes first")
    expect_equal(lines[traffic - 1], "      nothing of it has aged: it may be traffic",
                 "the line above the traffic's stack")
    expect("traffic" not in "".join(lines[leak - 2:leak]), "the leak is called traffic")
    whole = diff(box, path)
    blocks = whole["new"]["totals"]["live_blocks"] - whole["old"]["totals"]["live_blocks"]
    expect(lines[-1].startswith("Total +") and "(+{:,} blocks)  now ".format(blocks) in lines[-1],
           "the last line is " + lines[-1])


# What a site has in a diff and not in a report.
CHANGE = {"delta": {"bytes": integer, "blocks": integer}, "aged": {"bytes": integer},
          "old": {"live_bytes": count, "live_blocks": count, "allocations": count}}


def json_fields(box):
    path = record_traffic(box)
    whole = diff(box, path)
    wrong = report_schema.check(whole["sites"], [dict(report_schema.SITE, **CHANGE)], "sites")
    expect(not wrong, "; ".join(wrong[:8]))
    for site in whole["sites"]:
        for key in ("bytes", "blocks"):
            expect_equal(site["old"]["live_" + key] + site["delta"][key], site["live_" + key],
                         "the older value and the change of " + key)
        expect(site["old"]["allocations"] < site["allocations"], "nothing was allocated")
    for key in ("bytes", "blocks"):
        total = sum(site["delta"][key] for site in whole["sites"])
        expect_equal(total, whole["new"]["totals"]["live_" + key]
                     - whole["old"]["totals"]["live_" + key], "the sum of all changes of " + key)


def equal_marks(box):
    program = box.compile("marks_its_rounds.c", "-O0")
    expect_equal(box.seep_run([program], "--interval=10m").returncode, 0, "the exit status")
    path = box.path("out.seep")
    for operands in ([path + "@idle"], [path + "@idle", path + "@idle"]):
        whole = diff(box, *operands)
        expect_equal((whole["old"]["label"], whole["new"]["label"]), ("idle", "idle"), "the labels")
        # Five rounds, so four from the first mark to the last; each keeps 10 blocks of 100 bytes.
        expect_equal([(site["stack"][0]["function"], site["delta"], site["aged"])
                      for site in whole["sites"]],
                     [("keep", {"bytes": 4000, "blocks": 40}, {"bytes": 4000})], "what grew")
    whole = diff(box, path + "@busy", path + "@idle")
    expect_equal(whole["sites"][0]["delta"], {"bytes": 4000, "blocks": 40}, "from busy to idle")


def build(box, flags, lines_above, file, program, compiler):
    """A build of allocates_in_many_ways in a folder of its own, and its run's snapshot file."""
    if compiler and not shutil.which(compiler):
        raise Skipped("there is no " + compiler)
    file = file or "allocates_in_many_ways.cc"
    with open(os.path.join(CASES, "allocates_in_many_ways.cc")) as source:
        text = source.read()
    folder = box.path("build%d" % len(os.listdir(box.folder)))
    os.mkdir(folder)
    source = os.path.join(folder, file)
    with open(source, "w") as out:
        out.write("\n" * lines_above + text)
    program = os.path.join(folder, program or "server")
    result = box.run([compiler or "g++", "-g", *flags.split(), "-o", program, source])
    expect_equal(result.returncode, 0, "the compiler's status")
    output = os.path.join(folder, "out.seep")
    box.seep("run", "-q", "-o", output, "--", program)
    return output


def same_sites(change, box):
    old = build(box, "-O0", 0, None, None, None)
    new = build(box, *change)
    whole = diff(box, old, new)
    expect_equal(whole["old"]["totals"]["live_blocks"], whole["new"]["totals"]["live_blocks"],
                 "the live blocks of the new build")
    names = ["%s %s" % (site["delta"], [frame["function"] for frame in site["stack"]])
             for site in whole["sites"]]
    expect(not names, "sites that differ: " + clip(names))


def new_leak(box):
    record = {}
    for name in ("old", "new"):
        with open(os.path.join(CASES, "grows_on_command.c")) as source:
            text = source.read()
        if name == "new":
            # Lines above, and every answer of the server leaves something behind.
            text = "\n" * 30 + text.replace('puts("ok");', "fill(1, 100); puts(\"ok\");")
        program = box.compile(box.write(name + ".c", text), "-O0", output=name)
        record[name] = box.path(name + ".seep")
        box.seep_run([program], output=name + ".seep", stdin=b"leak 50 64\n" * 20)
    sites = diff(box, record["old"], record["new"])["sites"]
    expect_equal({site["stack"][0]["function"] for site in sites}, {"fill"}, "what grew")
