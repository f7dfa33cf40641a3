# SPDX-License-Identifier: Apache-2.0
"""valgrind_leaks: what Valgrind says of the blocks that live when a program ends.

Chapter 4.2.8 of its manual says what definitely lost, indirectly lost, possibly lost and still
reachable mean. Children that the program forks are not asked; what they exec is, where a whole tree
of processes is looked at.
"""

import glob
import os
import re
import shutil
import xml.etree.ElementTree

from sandbox import Failed, Skipped

KINDS = {"Leak_DefinitelyLost": "definitely_lost", "Leak_IndirectlyLost": "indirectly_lost",
         "Leak_PossiblyLost": "possibly_lost", "Leak_StillReachable": "reachable"}
# "40 (16 direct, 24 indirect) bytes in 1 blocks are definitely lost in loss record 1 of 2"
# Arguments of a program may hold them, and an XML parser may not.
NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
AMOUNT = re.compile(r"([\d,]+) (?:\(([\d,]+) direct, [\d,]+ indirect\) )?bytes in ([\d,]+) blocks")


def find(box, argv, environment=None):
    """Runs it; (its result, [(class, bytes, blocks, stack)]), frames as in reports of seep."""
    if not shutil.which("valgrind"):
        raise Skipped("valgrind is not installed")
    path = box.path("valgrind.xml")
    result = box.run(["valgrind", "--leak-check=full", "--show-leak-kinds=all", "--num-callers=40",
                      "--keep-debuginfo=yes", "--fair-sched=try", "--run-libc-freeres=no",
                      "--run-cxx-freeres=no", "--child-silent-after-fork=yes", "--xml=yes",
                      "--xml-file=" + path, *argv], environment)
    try:
        return result, records_of(parse(path))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        raise Failed("valgrind ends with %d: %s %s"
                     % (result.returncode, error, result.stderr.decode()[-300:]))


def tree_command(folder, skipped=()):
    """The words before a command by which Valgrind looks at all processes of it but forks and the
    programs `skipped` (which must start nobody: Valgrind would not look at those, either)."""
    return ["valgrind", "-q", "--trace-children=yes", "--leak-check=full",
            "--show-leak-kinds=definite,indirect,possible", "--num-callers=60", "--keep-debuginfo=yes",
            "--run-libc-freeres=no", "--run-cxx-freeres=no", "--child-silent-after-fork=yes",
            *(["--trace-children-skip=" + ",".join(skipped)] if skipped else []),
            "--xml=yes", "--xml-file=" + os.path.join(folder, "%p.xml")]


def read_tree(folder):
    """([(program, [(class, bytes, blocks, stack)])], how many files have no end): one for each
    process that ended. A process that was killed leaves a file without an end."""
    processes, unfinished = [], 0
    for path in sorted(glob.glob(os.path.join(folder, "*.xml"))):
        try:
            root = parse(path)
        except xml.etree.ElementTree.ParseError:
            unfinished += 1
            continue
        processes.append((root.findtext("args/argv/exe"), records_of(root)))
    return processes, unfinished


def parse(path):
    with open(path, errors="replace") as file:
        return xml.etree.ElementTree.fromstring(NO_XML.sub("?", file.read()).encode())


def records_of(root):
    records = []
    for record in root.iter("error"):
        name = KINDS.get(record.findtext("kind"))
        if name:
            whole, direct, blocks = AMOUNT.match(record.findtext("xwhat/text")).groups()
            records.append((name, number(direct or whole), number(blocks), stack_of(record)))
    return records


def number(text):
    return int(text.replace(",", ""))


def stack_of(record):
    return [{"function": frame.findtext("fn"), "file": frame.findtext("file"),
             "module": frame.findtext("obj")} for frame in record.find("stack").iter("frame")]
