# SPDX-License-Identifier: Apache-2.0
"""observation: what was seen of a run from outside, and what of it is not as it was natively.

The program runs natively twice. What differs between these two is no difference: of a text, those
lines; of a file, its content. Where they are the same, every byte counts.
"""

import hashlib
import os
import stat

LINES_SHOWN = 3
TEXT_BYTES = 120


class Observation:
    def __init__(self, result, stdout, stderr, files):
        self.status = result["status"]  # None: the time was up
        self.wall_s = result["wall_s"]
        self.processes_left = result["processes_left"]
        self.files_left = result["files_left"]
        self.stdout, self.stderr = stdout, stderr
        self.files = files  # {name: (kind and mode, content's hash)}


def files_in(folder, program):
    """{name: (kind and mode, hash of the content or target of the link)}. Of files that vary by
    a pid or the time only that they are there is known."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(place, name)
            own = os.path.relpath(path, folder).encode(errors="surrogateescape")
            known_as = program.same("names", own)
            found[known_as.decode(errors="replace")] = (
                seen_of(path) if known_as == own else ("", ""))
    return found


def seen_of(path):
    info = os.lstat(path)
    kind = stat.filemode(info.st_mode)
    if stat.S_ISLNK(info.st_mode):
        return kind, os.readlink(path)
    if not stat.S_ISREG(info.st_mode):
        return kind, ""
    with open(path, "rb") as file:
        return kind, hashlib.sha256(file.read()).hexdigest()


def differences(program, natives, seen):
    """Sentences; none when the run was like the native ones."""
    first, second = natives
    if seen.status is None:
        yield "still running after the time limit"
        return
    if seen.status not in (first.status, second.status):
        yield "status %s, natively %s" % (status_text(seen.status), status_text(first.status))
    for what in ("stdout", "stderr"):
        texts = [program.same(what, getattr(run, what)) for run in (first, second, seen)]
        yield from text_differences(what, *texts)
    yield from file_differences(first.files, second.files, seen.files)
    yield from left_differences("processes left", first.processes_left, second.processes_left,
                                seen.processes_left)
    yield from left_differences("files left", first.files_left, second.files_left,
                                seen.files_left)


def status_text(status):
    return "none" if status is None else str(status) if status >= 0 else "signal %d" % -status


def text_differences(what, first, second, seen):
    if seen in (first, second):
        return
    wanted, other, found = (text.split(b"\n") for text in (first, second, seen))
    if len(wanted) != len(other):
        # The lines that both have, in this order, must be there.
        missing = not_in_order(common_lines(wanted, other), found)
        if missing:
            yield "%s lacks %s" % (what, lines_text(missing))
        return
    if len(found) != len(wanted):
        extra = [line for line in found if line not in wanted]
        missing = [line for line in wanted if line not in found]
        yield "%s has %d lines, natively %d%s%s" % (
            what, len(found) - 1, len(wanted) - 1, extra and "; more: " + lines_text(extra) or "",
            missing and "; less: " + lines_text(missing) or "")
        return
    wrong = [line for line, one, two in zip(found, wanted, other) if one == two and line != one]
    if wrong:
        yield "%s has %s" % (what, lines_text(wrong))


def common_lines(one, two):
    """In the order of both; without what is in another order in the other."""
    places, common = {}, []
    for place, line in enumerate(two):
        places.setdefault(line, []).append(place)
    last = -1
    for line in one:
        for place in places.get(line, ()):
            if place > last:
                common.append(line)
                last = place
                break
    return common


def not_in_order(wanted, found):
    missing, rest = [], iter(found)
    for line in wanted:
        if line not in found:
            missing.append(line)
        elif line not in rest:
            rest = iter(())
            missing.append(line)
    return missing


def lines_text(lines):
    shown = [line[:TEXT_BYTES].decode(errors="replace") for line in lines[:LINES_SHOWN]]
    more = len(lines) - len(shown)
    return " / ".join(repr(line) for line in shown) + (" and %d more" % more if more > 0 else "")


def file_differences(first, second, seen):
    both = {name for name in first if name in second}
    lacking = sorted(both - set(seen))
    if lacking:
        yield "files lacking: %s" % names_text(lacking)
    if set(first) == set(second):
        more = sorted(set(seen) - both)
        if more:
            yield "files more: %s" % names_text(more)
    for name in sorted(both & set(seen)):
        if first[name] == second[name] and seen[name] != first[name]:
            what = "content" if seen[name][0] == first[name][0] else "mode"
            yield "file %s: another %s" % (name, what)
        elif first[name][0] == second[name][0] != seen[name][0]:
            yield "file %s: another mode" % name


def left_differences(what, first, second, seen):
    if seen not in (first, second):
        more = list(seen)
        for name in first:
            if name in more:
                more.remove(name)
        yield "%s: %s" % (what, names_text(more) if more else "less than natively")


def names_text(names):
    more = len(names) - LINES_SHOWN
    return ", ".join(names[:LINES_SHOWN]) + (" and %d more" % more if more > 0 else "")


def varying_lines(program, natives):
    """How many lines of both texts cannot be compared, and files whose content cannot."""
    first, second = natives
    lines = 0
    for what in ("stdout", "stderr"):
        one, two = (program.same(what, getattr(run, what)).split(b"\n") for run in natives)
        if len(one) == len(two):
            lines += sum(1 for pair in zip(one, two) if pair[0] != pair[1])
        else:
            lines += max(len(one), len(two)) - len(common_lines(one, two))
    files = sum(1 for name in first.files if second.files.get(name) != first.files[name])
    return lines, files
