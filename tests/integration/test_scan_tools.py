# SPDX-License-Identifier: Apache-2.0
"""test_scan_tools: the blocks that command-line tools of Debian lose are those that Valgrind finds.

They are programs that nobody wrote for it: some lose a few blocks as they end, and the obstacks,
hash tables and interpreters of others are full of pointers into the middle of blocks.
"""

import functools
import os
import shutil

import reachability
import valgrind_leaks
from sandbox import Skipped, expect_equal

NUMBERS = "".join("%d\n" % number for number in range(2000))

# Hash tables of interpreters have another layout in each run otherwise.
NOT_BY_CHANCE = {"PERL_HASH_SEED": "0", "PYTHONHASHSEED": "0"}

# Why a class may differ.
ENVIRONMENT = "it copies its environment, in which Valgrind has other variables"
LOADER = "blocks of the dynamic linker, into which it points, are its own"

# The tools, and which classes differ for which reason.
TOOLS = [
    (["sort", "-rn", "numbers"], {}),
    (["grep", "-E", "1+2", "numbers"], {}),
    (["sed", "-n", "s/1/2/p", "numbers"], {}),
    (["mawk", "{ sum += $1; last[$1 % 7] = $0 } END { print sum }", "numbers"], {}),
    (["tar", "cf", "numbers.tar", "numbers"], {}),
    (["gzip", "-kf", "numbers"], {}),
    (["find", "/usr/share/doc", "-maxdepth", "1"], {}),
    (["ls", "-la", "/usr/bin"], {}),
    (["sqlite3", ":memory:", "create table t (a, b); insert into t values (1, 'x'), (2, 'y');"
      " select * from t order by b;"], {}),
    (["git", "-C", "repository", "status"], {"reachable": ENVIRONMENT}),
    (["curl", "--version"], {"possibly_lost": LOADER, "reachable": LOADER}),
    (["openssl", "dgst", "-sha256", "numbers"], {}),
    (["bash", "-c", "for i in 1 2 3; do x=$x$i; done; echo $x"], {"reachable": ENVIRONMENT}),
    (["perl", "-e", "my %h = map { $_ => 1 } 1 .. 100; print scalar keys %h"],
     {"possibly_lost": ENVIRONMENT}),
    (["diff", "numbers", "same_numbers"], {}),
    (["tr", "a", "b"], {}),
    (["stat", "numbers"], {}),
    (["date"], {}),
    (["id"], {}),
    (["ps"], {"possibly_lost": LOADER, "reachable": LOADER}),
    (["readelf", "-h", "/bin/ls"], {}),
    (["dpkg-query", "-W", "libc6"], {}),
    (["make", "-n", "-f", "/dev/null"], {"reachable": ENVIRONMENT}),
    (["gcc", "--version"], {"reachable": ENVIRONMENT}),
    (["/usr/bin/python3", "-S", "-c", "print(sum(range(100)))"], {}),
]


def tests():
    for argv, reasons in TOOLS:
        yield os.path.basename(argv[0]), functools.partial(check, argv, reasons)


def check(argv, reasons, box):
    program = shutil.which(argv[0])
    if not program:
        raise Skipped("%s is not installed" % argv[0])
    box.write("numbers", NUMBERS)
    box.write("same_numbers", NUMBERS)
    box.run(["git", "init", "-q", "repository"])
    argv = [program, *argv[1:]]
    valgrind, seep = nothing(), nothing()
    for name, size, blocks, _ in valgrind_leaks.find(box, argv, NOT_BY_CHANCE)[1]:
        add(valgrind, name, size, blocks)
    box.seep_run(argv, "--scan=exit", "--children=none", environment=NOT_BY_CHANCE)
    for site in box.report()["sites"]:
        for name in reachability.CLASSES if site["reachability"] else ():
            amount = site["reachability"][name]
            add(seep, name, amount["bytes"], amount["blocks"])
    for who, amounts in (("seep", seep), ("valgrind", valgrind)):
        box.note("%-9s %s" % (who, ", ".join("%s %d in %d" % (name, *amounts[name])
                                             for name in reachability.CLASSES)))
    for name in reachability.CLASSES:
        if name not in reasons:
            expect_equal(seep[name], valgrind[name], name + " (bytes, blocks)")
        elif seep[name] != valgrind[name]:
            box.note("%s: %s" % (name, reasons[name]))


def nothing():
    return {name: (0, 0) for name in reachability.CLASSES}


def add(amounts, name, size, blocks):
    amounts[name] = (amounts[name][0] + size, amounts[name][1] + blocks)
