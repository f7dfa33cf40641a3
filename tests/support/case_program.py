# SPDX-License-Identifier: Apache-2.0
"""case_program: one small program per claim, whose head comment says what must be in its report.

The head comment of tests/integration/cases/NAME.c or .cc may hold these lines:

    build: FLAGS; FLAGS         compile with each of these (default: -O2)
    links: FLAGS                libraries
    library: FILE               another case file, built as a shared library and linked
    plugin: FILE                another case file, built as ./FILE.so for dlopen
    options: OPTIONS            for seep run
    status: N                   exit status (default 0)
    output: TEXT                what the program prints, without the newline
    expect: KEY=VALUE ...       totals of the report (live_blocks …) or lost_blocks …
    file: KEY=VALUE ...         totals of the last snapshot in the file (unknown_frees …)
    site NAME: KEY=VALUE ...    the one site whose innermost frame is NAME
    site [mmap] NAME: ...       likewise below the pseudo frame
    function NAME: KEY=VALUE    the sum over all sites whose innermost frame is NAME
    stack NAME: A@x < B < … < C the frames of the site NAME, innermost first; @x is the line that
                                ends with the comment x, … stands for any frames
    valgrind: equal             counts equal Valgrind's for the same program
    reach NAME: ...             what is lost of the blocks that NAME made: see reachability.py
    valgrind NAME: ...          what Valgrind says of them instead, and why; seep NAME: likewise

A file without any claim is used by another test.
"""

import glob
import os
import re

from sandbox import CASES, Failed, clip, expect, expect_equal
import report_schema
import snapshot_file

CLAIMS = ("expect", "file", "site", "function", "stack", "output", "valgrind")
REACH = re.compile(r"^ \* (reach|valgrind|seep) (\S+): (.*)$")
LINE = re.compile(r"^ \* (build|links|library|plugin|options|status|output|expect|file|valgrind"
                  r"|site|function|stack)(?: ((?:\[\w+\] )?\S+))?: (.*)$")


class CaseProgram:
    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.claims = []  # (kind, name, text)
        self.reach = []  # (who, function, text)
        self.settings = {}
        with open(path) as file:
            self.text = file.read().split("\n")
        for line in self.text[:self.text.index(" */")]:
            reach, match = REACH.match(line), LINE.match(line)
            if reach:
                self.reach.append(reach.groups())
            elif match and match[1] in CLAIMS:
                self.claims.append(match.groups())
            elif match:
                self.settings[match[1]] = match[3]

    def variants(self):
        return [flags.strip() for flags in self.settings.get("build", "-O2").split(";")]

    def build(self, box, flags):
        words = flags.split() + self.settings.get("links", "").split()
        if self.reach:
            words.append("-fno-optimize-sibling-calls")  # a block is known by who called malloc
        if "plugin" in self.settings:
            plugin = self.settings["plugin"]
            box.compile(plugin, "-shared", "-fPIC", output=plugin.rsplit(".", 1)[0] + ".so")
        if "library" in self.settings:
            library = self.settings["library"]
            words.append(box.compile(library, "-shared", "-fPIC",
                                     output="lib" + library.rsplit(".", 1)[0] + ".so"))
            words.append("-Wl,-rpath," + box.folder)
        return box.compile(self.path, *words)

    def line_of(self, mark):
        lines = [number for number, line in enumerate(self.text, 1)
                 if line.endswith("/* %s */" % mark)]
        expect(len(lines) == 1, "the mark %s is on the lines %s" % (mark, lines))
        return lines[0]

    def run(self, box, program):
        """Runs it under seep and returns its report."""
        plain = box.run([program])
        result = box.seep_run([program], *self.settings.get("options", "").split())
        status = int(self.settings.get("status", 0))
        expect_equal(plain.returncode, status, "the exit status without seep")
        expect_equal(result.returncode, status, "the exit status under seep")
        expect_equal(result.stdout, plain.stdout, "stdout under seep")
        expect_equal(result.stderr, plain.stderr, "stderr under seep")
        return box.report(), result

    def check(self, box, flags):
        report, result = self.run(box, self.build(box, flags))
        self.judge(box, report, result)

    def judge(self, box, report, result):
        """Does what was recorded of a run, and what it printed, keep every claim?"""
        if "--track=mmap" not in self.settings.get("options", ""):
            wrong = report_schema.check_sums(report)
            expect(not wrong, "; ".join(wrong))
        for kind, name, text in self.claims:
            if kind == "expect":
                values = dict(report["totals"])
                values.update({"lost_" + key: value for key, value in report["lost"].items()})
                compare(values, text, "the total")
            elif kind == "file":
                snapshots = snapshot_file.read(box.path("out.seep")).snapshots
                compare(snapshots[-1].totals, text, "the last snapshot's")
            elif kind == "site":
                compare(find_site(report, name), text, name + "'s")
            elif kind == "function":
                compare(sum_of_sites(report, name), text, name + "'s")
            elif kind == "stack":
                self.check_stack(find_site(report, name), text)
            elif kind == "output":
                expect_equal(result.stdout.decode().rstrip("\n"), text, "stdout")

    def check_stack(self, site, text):
        frames = [(plain_name(frame["function"]), frame) for frame in site["stack"]]
        found = " < ".join("%s@%s" % (name, frame["line"]) for name, frame in frames)
        position, may_skip = 0, False
        for wanted in text.split(" < "):
            if wanted == "…":
                may_skip = True
                continue
            name, _, mark = wanted.partition("@")
            line = self.line_of(mark) if mark else None

            def fits(at):
                return at < len(frames) and frames[at][0] == name and (
                    line is None or frames[at][1]["line"] == line)
            while may_skip and position < len(frames) and not fits(position):
                position += 1
            if not fits(position):
                raise Failed("no %s%s at frame %d of %s"
                             % (name, ":%d" % line if line else "", position, found))
            if line is not None:
                file = frames[position][1]["file"]
                expect(file and os.path.basename(file) == os.path.basename(self.path),
                       "%s lies in %s" % (name, file))
            position, may_skip = position + 1, False


def plain_name(function):
    """A demangled name without its parameters and template arguments of the function itself."""
    return re.sub(r"\(.*\)( const)?$", "", function or "?")


NONE_LOST = {"blocks": 0, "stacks": 0, "cut_stacks": 0, "snapshots": 0, "snapshots_error": None,
             "last_state": False}


def losses(report):
    """What a report says that seep has lost itself; NONE_LOST where that is nothing."""
    return {name: report["lost"][name] for name in NONE_LOST}


def find_site(report, name):
    pseudo, _, function = name.rpartition(" ")
    start = 1 if pseudo else 0
    found = []
    for site in report["sites"]:
        stack = site["stack"]
        if len(stack) > start and plain_name(stack[start]["function"]) == function and (
                not pseudo or stack[0]["function"] == pseudo):
            found.append(site)
    if len(found) != 1:
        raise Failed("%d sites of %s; sites begin with %s" % (len(found), name, clip(
            [" < ".join(str(frame["function"]) for frame in site["stack"][:2])
             for site in report["sites"]])))
    return found[0]


def sum_of_sites(report, function):
    sums = {"live_blocks": 0, "live_bytes": 0, "allocations": 0, "frees": 0}
    for site in report["sites"]:
        if site["stack"] and plain_name(site["stack"][0]["function"]) == function:
            for key in sums:
                sums[key] += site[key]
    return sums


def compare(values, text, whose):
    wrong = []
    for word in text.split():
        key, wanted = word.split("=")
        if str(values[key]) != wanted:
            wrong.append("%s %s is %s, expected %s" % (whose, key, values[key], wanted))
    if wrong:
        raise Failed("; ".join(wrong))


def every_program():
    return map(CaseProgram, sorted(glob.glob(os.path.join(CASES, "*.c"))
                                   + glob.glob(os.path.join(CASES, "*.cc"))))


def all_cases():
    """Those that claim something of their report."""
    return (case for case in every_program() if case.claims)


def scanned_cases():
    """Those that claim something of what is lost."""
    return (case for case in every_program() if case.reach)
