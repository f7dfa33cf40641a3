# SPDX-License-Identifier: Apache-2.0
"""result_table: what the runs came to, as a table in README.md.

Results are kept by program in $BUILD/tests/compat/results.json, so that the list may be played in
parts; the table is written anew from all of them.
"""

import json
import os
import platform
import re
import subprocess
import time

import observers
from sandbox import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
KEPT = os.path.join(BUILD, "tests", "compat", "results.json")
BEGIN, END = "<!-- results: written by --record -->\n", "<!-- end of results -->\n"
HEAD = "| program | package | processes | allocations | `seep run` | `LD_PRELOAD` | heaptrack |" \
       " LeakSanitizer |\n" + "|---" * 8 + "|\n"
COLUMNS = ("seep run", "LD_PRELOAD", "heaptrack", "lsan")
CELL_BYTES = 60


def record(rows, families):
    kept = {}
    if os.path.exists(KEPT):
        with open(KEPT) as file:
            kept = json.load(file)
    for row in rows:
        kept[row["name"]] = {**kept.get(row["name"], {}), **row}
    os.makedirs(os.path.dirname(KEPT), exist_ok=True)
    with open(KEPT, "w") as file:
        json.dump(kept, file, indent=1)
    with open(README) as file:
        before, rest = file.read().split(BEGIN)
    with open(README, "w") as file:
        file.write(before + BEGIN + table(kept, families) + END + rest.split(END)[1])


def table(kept, families):
    programs = [program for _, members in families for program in members
                if program.name in kept]
    rows = [kept[program.name] for program in programs]
    notes = []
    lines = [cells(program, row, notes) for program, row in zip(programs, rows)]
    return "\n".join([
        "%s, %s, Linux %s, %s; %d programs.\n" % (
            time.strftime("%Y-%m-%d", time.gmtime()), debian(), platform.release().split("-")[0],
            "; ".join(versions(("heaptrack", "liblsan0"))), len(rows)),
        HEAD + "\n".join(lines) + "\n", "\n".join(summary(rows)) + "\n", "\n".join(
            "%d. %s." % (number, note[0].upper() + note[1:])
            for number, note in enumerate(notes, 1)) + "\n"])


def cells(program, row, notes):
    texts = []
    for column in COLUMNS:
        found = row.get(column)
        if found is None:
            texts.append("")
            continue
        text = shortened(found[0]) if found else "same"
        if column == "heaptrack":
            text += "; sees %d in %d" % tuple(row["heaptrack saw"][::-1])
        why = found and reason(program, column, found)
        if why:
            if why not in notes:
                notes.append(why)
            text += " (%d)" % (notes.index(why) + 1)
        texts.append(text)
    package = program.packages[0] if program.packages else ""
    return "| %s | %s | %d | %d | %s |" % (
        program.name, "; ".join(versions([package])) if package else "", row["processes"],
        row["allocations"], " | ".join(texts))


def reason(program, column, found):
    """Why it is not as natively, or None when nobody has looked."""
    who = "seep" if column in COLUMNS[:2] else column
    if program.explains(who, found[0]):
        return program.apart[who][1]
    for rival in (observers.Heaptrack, observers.Lsan):
        for pattern, why in rival.reasons if rival.name == column else ():
            if re.search(pattern, "\n".join(found)):
                return why
    return None


def shortened(text):
    text = text.replace("|", "/").replace("\n", " ")
    return text if len(text) <= CELL_BYTES else text[:CELL_BYTES - 1] + "…"


def summary(rows):
    for column, who in zip(COLUMNS, ("`seep run`", "seep by `LD_PRELOAD`", "heaptrack",
                                     "LeakSanitizer")):
        played = [row[column] for row in rows if row.get(column) is not None]
        yield "- %s: %d of %d as natively" % (
            who, sum(1 for found in played if not found), len(played))
    for key in ("lost_blocks", "lost_stacks", "cut_stacks"):
        yield "- %s, all programs together: %d" % (
            key.replace("_", " "), sum(row["lost"][key] for row in rows))


def versions(packages):
    for package in packages:
        result = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}", package],
                                capture_output=True, text=True)
        if result.returncode == 0:
            yield result.stdout


def debian():
    with open("/etc/debian_version") as file:
        return "Debian " + file.read().strip()
