# SPDX-License-Identifier: Apache-2.0
"""test_diff: what stands first in `seep diff`, and which sites of two builds are the same."""

import json

from sandbox import expect, expect_equal


def tests():
    yield "a small leak stands above traffic 100 times as large, whichever snapshots", leak_is_first


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
