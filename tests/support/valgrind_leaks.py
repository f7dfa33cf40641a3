# SPDX-License-Identifier: Apache-2.0
"""valgrind_leaks: what Valgrind says of the blocks that live when a program ends.

Chapter 4.2.8 of its manual says what definitely lost, indirectly lost, possibly lost and still
reachable mean. Children that the program forks are not asked.
"""

import re
import shutil
import xml.etree.ElementTree

from sandbox import Failed, Skipped

KINDS = {"Leak_DefinitelyLost": "definitely_lost", "Leak_IndirectlyLost": "indirectly_lost",
         "Leak_PossiblyLost": "possibly_lost", "Leak_StillReachable": "reachable"}
# "40 (16 direct, 24 indirect) bytes in 1 blocks are definitely lost in loss record 1 of 2"
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
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        raise Failed("valgrind ends with %d: %s %s"
                     % (result.returncode, error, result.stderr.decode()[-300:]))
    records = []
    for record in root.iter("error"):
        name = KINDS.get(record.findtext("kind"))
        if name:
            whole, direct, blocks = AMOUNT.match(record.findtext("xwhat/text")).groups()
            records.append((name, number(direct or whole), number(blocks), stack_of(record)))
    return result, records


def number(text):
    return int(text.replace(",", ""))


def stack_of(record):
    return [{"function": frame.findtext("fn"), "file": frame.findtext("file"),
             "module": frame.findtext("obj")} for frame in record.find("stack").iter("frame")]
