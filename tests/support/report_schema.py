# SPDX-License-Identifier: Apache-2.0
"""report_schema: the JSON of `seep report`, field by field.

A schema is a dictionary of fields (all of them required, no others allowed), a list with the
schema of its elements, or a function that says whether a value is right. `check` returns the
list of what is wrong, each with the path of the field.
"""

import re

VERDICTS = ("lost", "leak", "growing", "saturating", "plateau", "periodic", "stable", "unfreed")


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def count(value):
    return is_int(value) and value >= 0


def integer(value):
    return is_int(value)


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def seconds(value):
    return number(value) and value >= 0


def text(value):
    return isinstance(value, str) and value != ""


def flag(value):
    return isinstance(value, bool)


def probability(value):
    return number(value) and 0 <= value <= 1


def time(value):
    return isinstance(value, str) and re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


def one_of(*values):
    return lambda value: value in values


class Optional:
    """The schema, or null."""

    def __init__(self, schema):
        self.schema = schema


class Pair:
    """A list of exactly two numbers, the smaller first."""

    def __call__(self, value):
        return (isinstance(value, list) and len(value) == 2 and all(map(number, value))
                and value[0] <= value[1])


AMOUNT = {"bytes": count, "blocks": count}

REACHABILITY = {"definitely_lost": AMOUNT, "indirectly_lost": AMOUNT, "possibly_lost": AMOUNT,
                "reachable": AMOUNT}
SITE_REACHABILITY = {**REACHABILITY, "held_by_lost": AMOUNT}

FRAME = {"function": Optional(text), "file": Optional(text), "line": Optional(count),
         "module": Optional(text), "offset": count, "inlined": flag}

# How far off an estimate may be, as a part of it; null for an estimate of 0.
ERROR = Optional(seconds)

GROWTH = {"bytes_per_hour": number, "bytes_per_hour_ci95": Pair(), "blocks_per_hour": number,
          "since_s": seconds, "time_to_limit_s": Optional(seconds)}

# Why; null where nothing speaks for growth. Buffers that become longer have no births.
EVIDENCE = {
    "grows_in": one_of("blocks", "length"), "periods": count, "periods_that_kept": count,
    "age_s": Optional(seconds), "kept_per_period": [Optional(seconds)],
    "births": Optional(seconds), "freed": Optional(seconds), "freed_within_s": Optional(seconds),
    "kept_lately": number, "clock": one_of("time", "work", "own"),
    "decline": Optional(number), "decline_error": Optional(number),
    "chance": Optional(probability), "snapshots_needed": count,
    # What grew from one mark to the next of the same label, in so many of the steps.
    "marks": Optional({"label": text, "count": count, "steps": count, "grew": count}),
    "text": [text],
}


def site_id(value):
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{16}", value) is not None


# The largest share first; `through`: another site on the way that is flagged or grows.
HELD_BY = [{"path": text, "share": probability, "through": Optional(site_id)}]

SITE = {
    "id": site_id,
    "verdict": one_of(*VERDICTS), "flagged": flag, "confidence": probability,
    "severity": one_of("low", "medium", "high", "critical"),
    "live_bytes": count, "live_blocks": count, "allocations": count, "frees": count,
    "peak_bytes": count,
    "growth": GROWTH, "evidence": Optional(EVIDENCE),
    "minor": flag,
    "suppressed_by": Optional({"name": text, "file": text, "line": count,
                               "reason": Optional(text)}),
    # What a scan found of its blocks; null where none ran. What only its definitely lost blocks hold
    # may be of any site.
    "reachability": Optional(SITE_REACHABILITY),
    "held_by": Optional(HELD_BY),
    # Who frees, the most frequent first, at most four; null where the file does not say.
    "freed_by": Optional([{"share": probability, "stack": [FRAME]}]),
    "sampled": Optional({"samples": count, "live_bytes_error": ERROR, "live_blocks_error": ERROR}),
    "series": {"t_s": [seconds], "live_bytes": [count], "live_blocks": [count]},
    "stack": [FRAME],
}

# Sites that are one leak, or grow as one, and single ones that are flagged.
FINDING = {
    "kind": one_of("site", "caller", "callee", "together", "lost"),
    "verdict": one_of(*VERDICTS), "flagged": flag, "confidence": probability,
    "severity": one_of("low", "medium", "high", "critical"),
    "live_bytes": count, "live_blocks": count, "site_count": count,
    "share_kept": Optional(seconds), "growth": GROWTH, "evidence": Optional(EVIDENCE),
    # Of kind `lost`: that of the first site, which has lost the others.
    "reachability": Optional(SITE_REACHABILITY),
    "held_by": Optional(HELD_BY), "sites": [site_id], "stack": [FRAME],
}

DIFFERENCE = {"count": count, "thread": count, "ours": [FRAME], "libunwind": [FRAME]}

SELFCHECK = {"one_in": count, "works": flag, "compared": count, "different": count,
             "libunwind_gave_up": count, "cut": count, "skipped": count,
             "differences": [DIFFERENCE]}

KINDS = one_of("growth", "live", "heap_share_of_rss", "site_growth", "site_live")

# Where the run went beyond what it may, and what the program itself has noted of that.
THRESHOLD = {"kind": KINDS, "site": Optional(site_id), "value": seconds, "limit": seconds,
             "crossed": flag, "at_s": Optional(seconds)}
ALERT = {"kind": KINDS, "site": Optional(site_id), "value": seconds, "limit": seconds,
         "at_s": seconds, "snapshot": count}

# The memory of the process as a whole. A part is null where the file does not say.
MEMORY_PARTS = ("requested", "free_between_blocks", "kept_free", "outside_malloc", "files", "own",
                "resident", "swapped", "live_pages", "heap", "heap_resident")
MEMORY_PART = Optional({
    "bytes": count, "peak_bytes": count, "keeps_growing": flag,
    "growth": Optional({"bytes_per_hour": number, "ci95": Pair()}), "series": [Optional(count)],
})
MEMORY_VERDICTS = ("unknown", "stable", "leak", "growing", "fragmentation", "not_returned",
                   "outside_malloc")
MEMORY = {
    "verdict": one_of(*MEMORY_VERDICTS), "confidence": probability,
    "findings": [{"verdict": one_of(*MEMORY_VERDICTS[2:]), "part": one_of(*MEMORY_PARTS),
                  "bytes": count, "bytes_per_hour": number, "confidence": probability}],
    "own_bytes": count, "pinned_by": [{"site": Optional(site_id), "bytes": count}],
    "t_s": [seconds], "parts": {name: MEMORY_PART for name in MEMORY_PARTS},
}

# The newest scan; totals are null where it was not done, and `text` says why.
SCAN = {
    "outcome": one_of("done", "no_copy", "no_memory", "failed", "sampled", "lost", "too_late",
                      "unknown"),
    "text": text, "snapshot": count, "t_s": seconds, "confirmed": flag, "stopped": flag,
    "pause_ms": seconds, "work_ms": seconds, "threads": count, "unread_threads": count,
    "totals": Optional(REACHABILITY),
}

# Memory that is given back by another family than it is from.
WRONG_FREE = {
    "id": site_id, "kind": one_of("family", "fatal"), "allocated_with": Optional(text),
    "freed_with": text,
    "flagged": flag, "samples": count,
    "suppressed_by": Optional({"name": text, "file": text, "line": count,
                               "reason": Optional(text)}),
    "allocated_by": [FRAME], "freed_by": [FRAME],
    # Of the free that has ended the program, and of the live block that it points into.
    "message": Optional(text), "block": Optional({"bytes": count, "offset": count}),
}

REPORT = {
    "schema": one_of("seep.report/1"),
    "process": {"pid": count, "parent_pid": count, "name": text,
                "command": [lambda value: isinstance(value, str)],
                "started": time, "ended": Optional(time),
                "end": one_of("exit", "signal", "exec", "running", "unknown"), "status": integer,
                "own_malloc": flag},
    "span_s": seconds, "snapshots": count,
    "lost": {"blocks": count, "stacks": count, "cut_stacks": count, "snapshots": count,
             "snapshots_error": Optional(text), "last_state": flag,
             "unknown_frees": count, "unseen_frees": count},
    "totals": {"live_bytes": count, "live_blocks": count, "allocations": count, "frees": count,
               "rss_bytes": count},
    "sampling": Optional({"bytes": count, "samples": Optional(count), "live_bytes_error": ERROR,
                          "live_blocks_error": ERROR}),
    "scan": Optional(SCAN),
    "selfcheck": Optional(SELFCHECK),
    "thresholds": [THRESHOLD], "alerts": [ALERT],
    "memory": MEMORY,
    "wrong_frees": [WRONG_FREE],
    "sites": [SITE],
    "findings": [FINDING],
}

SUPPRESSION = {"name": text, "file": text, "line": count, "reason": Optional(text),
               "state": one_of("used", "unused", "expired", "exceeded", "not_run",
                               "not_reached"),
               "sites": count, "live_bytes": count, "live_blocks": count}

CHECK = {
    "schema": one_of("seep.check/1"),
    "processes": [REPORT],
    "command": Optional({"words": [lambda value: isinstance(value, str)], "status": count}),
    "findings": [{
        "rule": one_of("lost", "leak", "growth", "threshold", "misuse"), "fails": flag,
        "title": text,
        "fingerprint": text, "id": Optional(site_id),
        "severity": one_of("low", "medium", "high", "critical"),
        "bytes": count, "blocks": count, "bytes_per_hour": seconds, "function": Optional(text),
        "file": Optional(text), "line": count,
        "processes": [{"pid": count, "name": text,
                       "command": [lambda value: isinstance(value, str)]}]}],
    "suppressions": [SUPPRESSION],
    "fail_on": [one_of("lost", "leak", "growth", "budget", "misuse")],
    "lost": count, "leaks": count, "growing": count, "thresholds_crossed": count,
    "misuses": count, "suppressed": count, "unreadable": count, "passed": flag,
    "exit_status": count,
}


def check(value, schema=None, path="report"):
    schema = REPORT if schema is None else schema
    if isinstance(schema, Optional):
        return [] if value is None else check(value, schema.schema, path)
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return ["%s is no object: %r" % (path, value)]
        wrong = ["%s.%s is missing" % (path, key) for key in schema if key not in value]
        wrong += ["%s.%s is not in the contract" % (path, key) for key in value if key not in schema]
        for key in schema.keys() & value.keys():
            wrong += check(value[key], schema[key], "%s.%s" % (path, key))
        return wrong
    if isinstance(schema, list):
        if not isinstance(value, list):
            return ["%s is no list: %r" % (path, value)]
        wrong = []
        for index, element in enumerate(value):
            wrong += check(element, schema[0], "%s[%d]" % (path, index))
        return wrong
    return [] if schema(value) else ["%s has a wrong value: %r" % (path, value)]


def check_order(report):
    """Sites: flagged, then by bytes per hour, then by live bytes."""
    def rank(site):
        return (not site["flagged"], -site["growth"]["bytes_per_hour"], -site["live_bytes"])
    ranks = [rank(site) for site in report["sites"]]
    return [] if ranks == sorted(ranks) else ["sites do not come in the order of the contract"]


def check_sums(report):
    """What must hold between the fields of every report of malloc and its family."""
    wrong = []
    totals = report["totals"]
    for field in ("live_bytes", "live_blocks"):
        total = sum(site[field] for site in report["sites"])
        if total != totals[field]:
            wrong.append("sites have %s %d together, totals say %d" % (field, total, totals[field]))
    for site in report["sites"]:
        series = site["series"]
        if not len(series["t_s"]) == len(series["live_bytes"]) == len(series["live_blocks"]):
            wrong.append("the series of site %s have different lengths" % site["id"])
        elif series["t_s"] != sorted(series["t_s"]):
            wrong.append("time goes back in the series of site %s" % site["id"])
        elif series["live_bytes"] and series["live_bytes"][-1] != site["live_bytes"]:
            wrong.append("the series of site %s does not end in its live bytes" % site["id"])
        if site["peak_bytes"] < site["live_bytes"]:
            wrong.append("site %s has a peak below its live bytes" % site["id"])
        if site["flagged"] != (site["verdict"] in ("leak", "lost")):
            wrong.append("site %s is %s but flagged is %s"
                         % (site["id"], site["verdict"], site["flagged"]))
        if site["minor"] and site["verdict"] != "growing":
            wrong.append("site %s is minor but %s" % (site["id"], site["verdict"]))
    scan = report["scan"]
    is_done = scan is not None and scan["outcome"] == "done"
    if scan is not None and is_done != (scan["totals"] is not None):
        wrong.append("the scan is %s, and its totals are %s" % (scan["outcome"], scan["totals"]))
    for site in report["sites"]:
        if site["reachability"] is not None and not is_done:
            wrong.append("site %s knows of a scan that was not done" % site["id"])
    memory = report["memory"]
    if memory["findings"] and memory["findings"][0]["verdict"] != memory["verdict"]:
        wrong.append("the memory's verdict is not that of its first finding")
    for name, part in memory["parts"].items():
        if part and len(part["series"]) != len(memory["t_s"]):
            wrong.append("the series of %s has another length than its times" % name)
    known = {site["id"] for site in report["sites"]}
    named = {id for finding in report["findings"] for id in finding["sites"]}
    if not named <= known:
        wrong.append("findings name sites that are not in the report")
    if not named >= {site["id"] for site in report["sites"] if site["flagged"]}:
        wrong.append("a flagged site is in no finding")
    return wrong
