# SPDX-License-Identifier: Apache-2.0
"""table: the figures as text for a terminal of 100 columns, or as Markdown.

Two tables: what seep costs, with the limits of the design; and all variants beside each other.
"""

import machine as machine_facts

PEER_LABELS = {"heaptrack": "heaptrack", "valgrind": "valgrind", "lsan": "lsan",
               "jemalloc": "jemalloc*", "tcmalloc": "tcmalloc"}


def number(value):
    """Three digits are enough."""
    size = abs(value)
    if size >= 99.95:
        return "%.0f" % value
    return "%.1f" % value if size >= 9.995 else "%.2f" % value


def amount(value, unit):
    if unit == "s" and abs(value) < 1:
        value, unit = value * 1000, "ms"
    return "%s %s" % (number(value), unit)


def compared(part, compare, unit):
    """The median of what a variant adds."""
    value = part["median"]
    if compare == "ratio":
        return "%.2fx" % value
    return amount(value, unit) if compare == "value" else "%+.*f %s" % (
        0 if abs(value) >= 99.95 else 1, value, unit)


def spread(part, compare):
    low, high = part["quartiles"]
    if compare == "ratio":
        return "%.2f..%.2f" % (low, high)
    return "%s..%s" % (number(low), number(high))


def part_of(row, variant):
    entry = row["variants"].get(variant)
    if entry is None:
        return None
    return entry if row["compare"] == "value" else entry.get(row["compare"])


def limit_text(row):
    if row["limit"] is None:
        return "", ""
    text = "%gx" % row["limit"] if row["compare"] == "ratio" else "%g %s" % (
        row["limit"], row["unit"])
    return "≤ " + text, {None: "", True: "met", False: "NOT MET"}[row["is_met"]]


def own_table(rows):
    """Header and cells: what seep costs."""
    lines = [("", "native", "twin", "seep", "quartiles", "limit", "")]
    for row in rows:
        native = row["variants"].get("native")
        cells = [row["name"], amount(native["median"], row["unit"]) if native else ""]
        for variant in ("twin", "seep"):
            part = part_of(row, variant)
            cells.append(compared(part, row["compare"], row["unit"]) if part else
                         "-" if variant in row["missing"] else "")
        part = part_of(row, "seep")
        cells.append(spread(part, row["compare"]) if part else "")
        cells += limit_text(row)
        lines.append(tuple(cells))
    return lines


def times(ratio):
    return "%.*fx" % (0 if ratio >= 99.5 else 1 if ratio >= 9.95 else 2, ratio)


def peer_table(rows):
    """Header and cells: seep beside the others, and how many times less it adds than heaptrack."""
    rows = [row for row in rows if any(name in row["variants"] or name in row["missing"]
                                       for name in PEER_LABELS) and row["compare"] != "value"]
    shown = [name for name in PEER_LABELS
             if any(name in row["variants"] or name in row["missing"] for row in rows)]
    if not shown:
        return []
    lines = [("", "seep", *(PEER_LABELS[name] for name in shown), "heaptrack/seep", "")]
    for row in rows:
        cells = [row["name"]]
        for name in ("seep", *shown):
            entry = row["variants"].get(name)
            if entry is None:
                cells.append("-" if name in row["missing"] else "")
            elif row["compare"] == "ratio" or "ratio" in entry and row["group"] in (
                    "pairs", "trees", "stacks"):
                cells.append(times(entry["ratio"]["median"]))
            else:
                cells.append(compared(entry["difference"], "difference", row["unit"]))
        factor = row["peer_factor"]
        cells.append("" if factor is None else "%.0f ≥ %d" % (factor, row["peer_factor_limit"])
                     if factor >= 10 else "%.1f ≥ %d" % (factor, row["peer_factor_limit"]))
        cells.append({None: "", True: "met", False: "NOT MET"}[row["is_peer_factor_met"]])
        lines.append(tuple(cells))
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
BESIDE = "Beside others: how many times as long as native, and heaptrack's overhead / seep's."


def sections(result):
    """(headline, table) pairs."""
    rows = result["rows"]
    own = own_table(rows)
    peers = peer_table(rows)
    return [(headline, lines) for headline, lines in ((TWIN, own), (BESIDE, peers)) if lines]


def notes(result):
    yield from reasons(result["rows"])
    if any("jemalloc" in row["variants"] for row in result["rows"]):
        yield "* sampled, one in 512 KiB; all others follow every allocation"
    counts = {len(entry["samples"]) for row in result["rows"]
              for name, entry in row["variants"].items() if name in ("native", "seep")}
    if counts:
        yield "medians and quartiles of %s rounds; a ratio is taken within its round" % (
            "%d" % min(counts) if len(counts) == 1 else "%d to %d" % (min(counts), max(counts)))


def as_text(result):
    lines = list(machine_facts.lines(result["machine"]))
    for headline, table in sections(result):
        lines += ["", headline, *align(table)]
    lines += ["", *notes(result)]
    return "\n".join(lines) + "\n"


def as_markdown(result):
    lines = ["  \n".join(machine_facts.lines(result["machine"]))]
    for headline, table in sections(result):
        lines += ["", headline, "", *markdown(table)]
    lines += ["", *("- " + note for note in notes(result))]
    return "\n".join(lines) + "\n"
