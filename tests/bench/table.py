# SPDX-License-Identifier: Apache-2.0
"""table: the figures as text for a terminal of 100 columns, or as Markdown.

What seep costs, with the limits of the design; all variants beside each other; how much less than
heaptrack seep adds; waits during snapshots; instructions.
"""

import textwrap

import instructions
import machine as machine_facts

PEER_LABELS = {"heaptrack": "heaptrack", "heaptrack-raw": "raw", "valgrind": "valgrind",
               "lsan": "lsan", "jemalloc": "jemalloc*", "tcmalloc": "tcmalloc"}


def number(value):
    """Three digits are enough."""
    size = abs(value)
    if size >= 99.95:
        return "%.0f" % value
    return "%.1f" % value if size >= 9.995 else "%.2f" % value


def times(ratio):
    return "%.*fx" % (0 if ratio >= 99.5 else 1 if ratio >= 9.95 else 2, ratio)


def scaled(unit, value):
    """(factor, unit) in which a figure of this size is written."""
    if unit == "s" and abs(value) < 1:
        return 1000, "ms"
    for wanted, digits in (("ms", 6), ("µs", 3)):
        if unit == "ns" and abs(value) >= 10 ** (digits + 1):
            return 1 / 10 ** digits, wanted
    for wanted, shift in (("MiB", 20), ("KiB", 10)):
        if unit == "B" and abs(value) >= 4 << shift:
            return 1 / (1 << shift), wanted
    return 1, unit


def amount(value, unit):
    factor, unit = scaled(unit, value)
    return "%s %s" % (number(value * factor), unit)


def compared(part, compare, unit):
    """The median of what a variant adds."""
    value = part["median"]
    if compare == "ratio":
        return times(value)
    return amount(value, unit) if compare == "value" else "%s%s" % (
        "+" if value >= 0 else "", amount(value, unit))


def spread(part, compare, unit):
    low, high = part["quartiles"]
    if compare == "ratio":
        return "%s..%s" % (times(low)[:-1], times(high)[:-1])
    factor = scaled(unit, part["median"])[0]
    return "%s..%s" % (number(low * factor), number(high * factor))


# What one snapshot costs: the figures of `waits_for_snapshots`, column by column.
SNAPSHOT_COLUMNS = (("between", "quiet_ms", "most"), ("preempted", "quiet_preempted_ms", "most"),
                    ("during", "snapshot_ms", "most"), ("faulting", "snapshot_fault_ms", "most"),
                    ("preempted", "snapshot_preempted_ms", "most"), ("takes", "takes_ms", "median"))


def snapshot_table(rows):
    """Header and cells: one line for each way of taking snapshots."""
    lines = [("", *(title for title, _, _ in SNAPSHOT_COLUMNS), "limit", "")]
    for workload in dict.fromkeys(row["workload"] for row in rows):
        its = {row["key"]: row for row in rows if row["workload"] == workload}
        limited = its["snapshot_ms"]
        for variant in its["quiet_ms"]["variants"]:
            values = [its[key]["variants"].get(variant) for _, key, _ in SNAPSHOT_COLUMNS]
            name = variant.replace("seep-", "by ") if variant != "native" else "without seep"
            is_limited = variant == limited["judged"]
            lines.append(("%s, %s" % (workload.replace("snapshots of ", ""), name), *(
                amount(value[pick], "ms") if value else ""
                for value, (_, _, pick) in zip(values, SNAPSHOT_COLUMNS)),
                *(limit_text(limited) if is_limited else ("", ""))))
    return lines


# What a scan costs for each GiB of heap.
SCAN_COLUMNS = (("pause", "pause_ms"), ("longest gap", "gap_ms"), ("preempted", "preempted_ms"),
                ("copy's memory", "copy_bytes"), ("takes", "scan_s"), ("reading", "read_s"))


def scan_table(rows):
    """Header and cells: one line for each heap."""
    lines = [("", *(title for title, _ in SCAN_COLUMNS), "limit", "")]
    for workload in dict.fromkeys(row["workload"] for row in rows):
        its = {row["key"]: row for row in rows if row["workload"] == workload}
        limited = its["read_s"]
        values = [(its[key]["variants"].get(limited["judged"]), its[key]["unit"])
                  for _, key in SCAN_COLUMNS]
        lines.append((workload.replace("scan, ", ""), *(
            amount(value["median"], unit) if value else "-" for value, unit in values),
            *limit_text(limited)))
    return lines


CHECK_VARIANTS = (("seep check", "seep-check"), ("lsan", "lsan-twin"), ("valgrind", "valgrind"))


def check_table(rows):
    """Header and cells: what is added to a test, and to each of many."""
    lines = [("", "native", *(title for title, _ in CHECK_VARIANTS), "limit", "")]
    for row in rows:
        native = row["variants"].get("native")
        parts = [part_of(row, variant) for _, variant in CHECK_VARIANTS]
        lines.append((row["name"], amount(native["median"], row["unit"]) if native else "-", *(
            compared(part, row["compare"], row["unit"]) if part else "-" for part in parts),
            *limit_text(row)))
    return lines


def part_of(row, variant):
    entry = row["variants"].get(variant)
    if entry is None:
        return None
    return entry if row["compare"] == "value" else entry.get(row["compare"])


def limit_text(row):
    if row["limit"] is None:
        return "", ""
    factor, unit = scaled(row["unit"], row["limit"])
    text = "%gx" % row["limit"] if row["compare"] == "ratio" else "%g %s" % (
        row["limit"] * factor, unit)
    return "≤ " + text, {None: "", True: "met", False: "NOT MET"}[row["is_met"]]


def own_table(rows):
    """Header and cells: what seep costs."""
    lines = [("", "native", "twin", "seep", "quartiles", "limit", "")]
    for row in rows:
        native = row["variants"].get("native")
        cells = [row["name"], amount(native["median"], row["unit"]) if native else ""]
        for variant in ("twin", row["judged"]):
            part = part_of(row, variant)
            cells.append(compared(part, row["compare"], row["unit"]) if part else
                         "-" if variant in row["missing"] else "")
        part = part_of(row, row["judged"])
        cells.append(spread(part, row["compare"], row["unit"]) if part else "")
        cells += limit_text(row)
        lines.append(tuple(cells))
    return lines


def compared_shortly(row, entry):
    """How many times as long as native; where that means nothing, how much is added."""
    if row["group"] != "start-up" and "ratio" in entry:
        return times(entry["ratio"]["median"])
    return compared(entry["difference"], "difference", row["unit"])


def rows_with_peers(rows):
    return [row for row in rows if row["peer_factor_limit"] is not None and any(
        name in row["variants"] or name in row["missing"] for name in PEER_LABELS)]


def peer_table(rows):
    """Header and cells: seep beside the others."""
    rows = rows_with_peers(rows)
    shown = [name for name in PEER_LABELS
             if any(name in row["variants"] or name in row["missing"] for row in rows)]
    lines = [("", "seep", *(PEER_LABELS[name] for name in shown), "")]
    for row in rows:
        cells = [row["name"]]
        for name in ("seep", *shown):
            entry = row["variants"].get(name)
            cells.append(compared_shortly(row, entry) if entry else
                         "-" if name in row["missing"] else "")
        lines.append((*cells, ""))
    return lines


def factor_table(rows):
    """Header and cells: what heaptrack adds, divided by what seep adds."""
    lines = [("", "seep adds", "heaptrack adds", "times", "raw adds", "times", "wanted", "")]
    for row in rows_with_peers(rows):
        if not row["peer_factors"]:
            continue
        cells = [row["name"], compared(row["variants"]["seep"]["difference"], "difference",
                                       row["unit"])]
        for name in ("heaptrack", "heaptrack-raw"):
            factor = row["peer_factors"].get(name)
            if factor is None:
                cells += ["-" if name in row["missing"] else "", ""]
            else:
                cells += [compared(row["variants"][name]["difference"], "difference", row["unit"]),
                          number(factor)]
        lines.append((*cells, "≥ %d" % row["peer_factor_limit"],
                      "met" if row["is_peer_factor_met"] else "NOT MET"))
    return lines


def reasons(rows):
    """Why there is a dash: each reason once, with the workloads that it concerns."""
    found = {}
    for row in rows:
        for variant, reason in row["missing"].items():
            names = found.setdefault((variant, reason), [])
            if row["workload"] not in names:
                names.append(row["workload"])
    count = len({row["workload"] for row in rows})
    for (variant, reason), names in found.items():
        yield "%s %s%s" % (variant, reason, "" if len(names) == count else
                           " (%s)" % "; ".join(names))


def align(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1])]
        yield "  ".join([*cells, line[-1]]).rstrip()


def markdown(lines):
    for index, line in enumerate(lines):
        yield "| " + " | ".join(line) + " |"
        if index == 0:
            yield "|---" * (len(line)) + "|"


TWIN = "native, and what is added: by a library that does nothing (twin), and by seep."
INSTRUCTIONS = "Instructions for one malloc and free, and in which functions of the library."
CHECKS = "What a check adds to a short test and to each of 1,000 processes (work: processor time)."
SCANS = "What a scan takes for each GiB of heap, and the longest gaps that a thread sees meanwhile."
SNAPSHOTS = "Longest wait for malloc or free, between snapshots and while one is taken."
BESIDE = "Beside others: how many times as long as native; of start-up, what is added."
FACTORS = "What heaptrack adds (as it is used; with --raw), and how many times as much as seep."


def sections(result):
    """(headline, table) pairs."""
    snapshots = [row for row in result["rows"] if row["group"] == "snapshots"]
    scans = [row for row in result["rows"] if row["group"] == "scans"]
    checks = [row for row in result["rows"] if row["group"] == "checks"]
    others = [row for row in result["rows"]
              if row["group"] not in ("snapshots", "scans", "checks")]
    tables = ((TWIN, own_table(others)), (BESIDE, peer_table(others)),
              (FACTORS, factor_table(others)),
              (CHECKS, check_table(checks)), (SNAPSHOTS, snapshot_table(snapshots)), (SCANS, scan_table(scans)),
              (INSTRUCTIONS, instructions.table(result.get("instructions"))))
    return [(headline, lines) for headline, lines in tables if len(lines) > 1]


def notes(result):
    yield from reasons(result["rows"])
    if any("jemalloc" in row["variants"] for row in result["rows"]):
        yield "* sampled, one in 512 KiB; all others follow every allocation"
    counts = {len(entry["samples"]) for row in result["rows"]
              for name, entry in row["variants"].items() if name in ("native", "seep")}
    if counts:
        yield "medians and quartiles of %s; a ratio is taken within its round" % (
            "one round" if counts == {1} else "%d rounds" % min(counts) if len(counts) == 1
            else "%d to %d rounds" % (min(counts), max(counts)))
    if any(row["group"] in ("snapshots", "scans") for row in result["rows"]):
        yield "preempted: the kernel gave the processor to somebody else; not in the columns before"
    if "missing" in result.get("instructions", {}):
        yield "no instructions: %s" % result["instructions"]["missing"]
    if not result.get("is_complete", True):
        yield "the run was interrupted"


def as_text(result):
    lines = list(machine_facts.lines(result["machine"]))
    for headline, table in sections(result):
        lines += ["", headline, *align(table)]
    lines.append("")
    for note in notes(result):
        lines += textwrap.wrap(note, 100, subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def as_markdown(result):
    lines = ["  \n".join(machine_facts.lines(result["machine"]))]
    for headline, table in sections(result):
        lines += ["", headline, "", *markdown(table)]
    lines += ["", *("- " + note for note in notes(result))]
    return "\n".join(lines) + "\n"
