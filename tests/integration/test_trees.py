# SPDX-License-Identifier: Apache-2.0
"""test_trees: whatever way a process is made, replaced, confined or left alone, its file is right.

The programs do counted_work.h: what each process allocates and frees is known, and its exit status
says which one it is.
"""

import functools
import os
import re
import signal
import subprocess

import snapshot_file
from case_program import sum_of_sites
from sandbox import LIBRARY, NOBODY, SEEP, Skipped, begun, end_of, expect, expect_equal, stop
from snapshot_file import END_EXEC, END_EXIT, END_SIGNAL

INHERITED, INHERITED_FREED, OWN_FREED = 50, 10, 3  # as in counted_work.h
AT_EXEC = ("exec", 0)


def tests():
    for way in ("SYS_fork", "SYS_clone", "SYS_clone3", "clone", "CLONE_VM", "CLONE_VFORK",
                "CLONE_VFORK_exec"):
        yield "a child by %s has its own blocks or its parent's" % way, functools.partial(
            cloned, way)
    for how in ("exec", "limit", "allocate"):
        yield "a child that vforks first has a file, whoever does %s there" % how, \
            functools.partial(vforked, how)
    for who in ("process", "thread", "inline"):
        yield "each part of a chain of ten execs is there, with snapshots by %s" % who, \
            functools.partial(chain_of_execs, who)
    for how in ("itself", "fork"):
        yield "an exec that passes no door, of a short program, is one: " + how, \
            functools.partial(exec_past_doors, how)
    for how in ("closefrom", "close_range"):
        yield "a daemon that forks twice and closes all by " + how, functools.partial(daemon, how)
    for how in ("chroot", "setuid", "setreuid", "setresuid", "seteuid"):
        yield "a worker that begins with %s" % how, functools.partial(locked_in, how)
    yield "a fork that becomes another user and another program has an end", other_user_execs
    yield "a program that goes elsewhere at once writes where it was started", elsewhere
    yield "a child outlives its parent", functools.partial(outlived, "ends")
    yield "a child outlives its killed parent", functools.partial(outlived, "is_killed")
    yield "many children at once", many_children
    yield "two processes with the pid 1 write into one folder", two_first_processes
    yield "report FOLDER shows who has started whom, and a leak of three processes once", \
        report_of_tree
    yield "many processes have no tree in the summary of a run", many_in_summary


def of_fork(count, times=1):
    """(live blocks, allocations, frees) at `keep`, and (inherited ones, frees of such), in a fork
    that has worked with so many, and then perhaps with one more."""
    allocated = sum(count + i for i in range(times))
    freed = OWN_FREED * times
    return (INHERITED - INHERITED_FREED + allocated - freed, allocated, freed,
            INHERITED - INHERITED_FREED, INHERITED_FREED)


def of_program(*counts):
    """The same of one that has inherited nothing and has worked with each of these."""
    freed = OWN_FREED * len(counts)
    return (sum(counts) - freed, sum(counts), freed, 0, 0)


PARENT = (INHERITED, INHERITED, 0, 0, 0)


def numbers_in(box, path):
    """Of one process: how it ended, and what of_fork returns."""
    report, file = box.report(path), snapshot_file.read(path)
    site, totals = sum_of_sites(report, "keep"), file.snapshots[-1].totals
    expect_equal((totals["lost_blocks"], totals["unknown_frees"]), (0, 0),
                 "(lost blocks, unknown frees) in " + os.path.basename(path))
    process = report["process"]
    return ((process["end"], process["status"]),
            (site["live_blocks"], site["allocations"], site["frees"], totals["inherited_blocks"],
             totals["inherited_frees"]))


def expect_files(box, wanted):
    """Neither more nor fewer processes than in `wanted`, with these numbers."""
    found = sorted(numbers_in(box, path) for path in box.seep_files())
    expect_equal(found, sorted(wanted), "((end, status), (live, allocated, freed, inherited, "
                 "inherited freed)) of all processes")


def run(box, program, *arguments, options=(), status, stdout=b""):
    result = box.seep_run([program, *arguments], *options, output="%e.%p.seep")
    expect_equal((result.returncode, result.stdout, result.stderr), (status, stdout, b""),
                 "(status, stdout, stderr)")


def cloned(way, box):
    program = box.compile("clones_by_hand.c", "-O1")
    run(box, program, way, status=40, stdout=b"21\n")
    parent, wanted = PARENT, []
    if way.startswith("CLONE_V") and not way.endswith("exec"):
        # It has worked in its parent's memory.
        parent = (INHERITED - INHERITED_FREED + 21 - OWN_FREED, INHERITED + 21,
                  INHERITED_FREED + OWN_FREED, 0, 0)
    else:
        wanted.append((("exit", 21), of_program(21) if way.endswith("exec") else of_fork(21)))
    expect_files(box, [(("exit", 40), parent), *wanted])


def vforked(how, box):
    program = box.compile("vforks_first.c", "-O1")
    run(box, program, how, status=40)
    expect_files(box, [(("exit", 40), PARENT), (("exit", 21), of_fork(21)),
                       (("exit", 0), (0, 0, 0, 0, 0))])


def chain_of_execs(who, box):
    program = box.compile("becomes_other_programs.c", "-O1")
    run(box, program, options=["--snapshots-by=" + who], status=30)
    expect_files(box, [*((AT_EXEC, of_program(20 + step)) for step in range(10)),
                       (("exit", 30), of_program(30))])
    expect_equal(len({snapshot_file.read(path).pid for path in box.seep_files()}), 1,
                 "the number of pids")


def exec_past_doors(how, box):
    program = box.compile("becomes_others_past_the_doors.c", "-O1")
    if how == "fork":
        # Of a fork that has only become another program nothing is left.
        run(box, program, how, status=40)
        expect_files(box, [(("exit", 40), PARENT)])
    else:
        run(box, program, status=22)
        wait_for_ends(box, 2)
        expect_files(box, [(AT_EXEC, of_program(21)), (("exit", 22), of_program(22))])


def wait_for_ends(box, count):
    def ended():
        files = [path for path in box.seep_files() if end_of(path)]
        return len(files) == count
    box.wait_until(ended, "the end of all %d processes" % count)


def daemon(how, box):
    program = box.compile("closes_everything_as_daemon.c", "-O1")
    run(box, program, how, status=30)
    wait_for_ends(box, 3)
    expect_files(box, [(("exit", 30), PARENT), (("exit", 31), (INHERITED, 0, 0, INHERITED, 0)),
                       (("exit", 23), of_fork(21, times=2))])


def locked_in(how, box):
    if os.getuid() != 0:
        raise Skipped("only root can become another user or change its root")
    program = box.compile("locks_itself_in_first.c", "-O1")
    os.mkdir(box.path("cell"))
    run(box, program, how, box.path("cell") if how == "chroot" else str(NOBODY), status=40)
    wait_for_ends(box, 2)
    expect_files(box, [(("exit", 40), PARENT), (("exit", 21), of_fork(21))])


def elsewhere(box):
    program = box.compile("goes_elsewhere_at_once.c", "-O1")
    for name in ("one", "other"):
        os.mkdir(box.path(name))
    result = box.run([program, box.path("one"), box.path("other")],
                     {"LD_PRELOAD": LIBRARY, "SEEP_OPTIONS": "output=%e.%p.seep"})
    expect_equal((result.returncode, result.stderr), (40, b""), "(status, stderr)")
    wait_for_ends(box, 2)
    expect_equal([os.listdir(box.path(name)) for name in ("one", "other")], [[], []],
                 "what is in the other folders")
    expect_files(box, [(("exit", 40), PARENT), (("exit", 21), of_fork(21))])


def outlived(how, box):
    program = box.compile("is_outlived_by_its_child.c", "-O1")
    process = box.start([program, how], box.preload(output=box.path("%p.seep"), quiet="on"))
    child = int(process.stdout.readline())
    of_child, of_parent = box.path("%d.seep" % child), box.path("%d.seep" % process.pid)
    box.wait_until(lambda: begun(of_child) and begun(of_parent), "the files")
    if how == "is_killed":
        # Before its helper looks nobody would know how it ended.
        box.wait_until(lambda: box.seep("snapshot", process.pid).returncode == 0, "an answer")
        expect_equal(stop(process, signal.SIGKILL), -signal.SIGKILL, "the parent's status")
    else:
        expect_equal(process.wait(20), 40, "the parent's status")
    wait_for_ends(box, 2)
    parent_end = ("signal", int(signal.SIGKILL)) if how == "is_killed" else ("exit", 40)
    expect_equal(end_of(of_child), (END_EXIT, 22), "the end of the child")
    expect_equal(end_of(of_parent), (END_SIGNAL if how == "is_killed" else END_EXIT, parent_end[1]),
                 "the end of the parent")
    expect_files(box, [(parent_end, PARENT), (("exit", 22), of_fork(21, times=2))])


def many_children(box):
    count = 500 if box.is_full else 60
    program = box.compile("has_many_children_at_once.c", "-O1")
    run(box, program, str(count), status=10, stdout=b"%d of %d\n" % (count, count))
    expect_files(box, [(("exit", 10), PARENT), *((("exit", 20 + i % 100), of_fork(20 + i % 100))
                                                 for i in range(count))])


def two_first_processes(box):
    if subprocess.run(["unshare", "-Urpf", "true"], capture_output=True).returncode != 0:
        raise Skipped("no namespaces for this user")
    program = box.compile("is_first_in_two_namespaces.c", "-O1")
    result = box.run(["unshare", "-Ur", SEEP, "run", "-q", "-o", box.path("%e.%p.seep"), "--",
                      program])
    expect_equal((result.returncode, result.stdout, result.stderr), (40, b"", b""),
                 "(status, stdout, stderr)")
    wait_for_ends(box, 5)
    expect_files(box, [(("exit", 40), PARENT),
                       *((("exit", 20 + i), of_fork(20 + i)) for i in range(2)),
                       *((("exit", 30 + i), of_second(i)) for i in range(2))])


def of_second(number):
    """The child of such a first process has inherited its work, too, and frees none of it."""
    kept = INHERITED - INHERITED_FREED + 20 + number - OWN_FREED
    own = 30 + number
    return (kept + own - OWN_FREED, own, OWN_FREED, kept, 0)


def report_of_tree(box):
    loses = box.compile("loses_a_block.c", "-O1")
    keeps = box.compile("keeps_a_block.c", "-O1")
    script = '"$1"; sh -c \'"$1"; "$2"; true\' sh "$1" "$2"; "$1"; true'
    os.mkdir(box.path("run"))
    run_result = box.seep("run", "--scan=exit", "-o", box.path("run", "x.seep"), "--", "sh", "-c",
                          script, "sh", loses, keeps)
    tree = re.compile(r"^(?:seep:)?(  +)(\w+) \((\d+)\)(.*)$", re.M)

    def shape_of(text, skipped):
        return ["%s%s%s" % (indent[skipped:], name, ", leaks" if " lost" in rest or "leaks" in rest
                            else "") for indent, name, _, rest in tree.findall(text)]
    wanted = ["sh", "  loses_a_block, leaks", "  sh", "    loses_a_block, leaks",
              "    keeps_a_block", "  loses_a_block, leaks"]
    expect_equal(shape_of(run_result.stderr.decode(), 3), wanted, "the tree in the summary")
    result = box.seep("report", box.path("run"))
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    text = result.stdout.decode()
    expect_equal(text.split("\n")[0], box.path("run") + ": 6 processes, 3 of them leak",
                 "the title")
    expect("\nIn several processes:\n  lost: 120 B in 3 blocks at " in text and
           ", in 3 processes\n" in text, "what is merged is not in " + text)
    expect_equal(text.count("LOST "), 1, "the reports of the leak")
    # Here those of one parent come by what there is to say of them.
    wanted.insert(2, wanted.pop())
    expect_equal(shape_of(text[text.index("\nAll processes:\n"):], 2), wanted, "the tree")


def many_in_summary(box):
    program = box.compile("has_many_children_at_once.c", "-O1")
    for count, lines in ((9, 10), (10, 0)):
        result = box.seep("run", "-o", box.path("%d.seep" % count), "--", program, str(count))
        expect_equal(result.stderr.count(b"\nseep:   "), lines,
                     "the lines of the tree with %d children" % count)


def other_user_execs(box):
    if os.getuid() != 0:
        raise Skipped("only root can become another user")
    # The file is in a folder in which that user may remove nothing, and the helper may have become
    # that user, too, or not yet: then nothing is left of a fork that has only become another.
    program = ("import os, time\nif os.fork() == 0:\n    os.setgid(%d); os.setuid(%d)\n"
               "    time.sleep(0.5); os.execv('/bin/true', ['true'])\nos.wait()"
               % (NOBODY, NOBODY))
    result = box.seep_run(["/usr/bin/python3", "-c", program], "--interval=1h",
                          output="%e.%p.seep")
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    files = box.seep_files()
    box.wait_until(lambda: all(end_of(path) for path in files), "an end of each file")
    ends = sorted(end_of(path)[0] for path in files)
    # That of the new program is lent, where that user can read the library.
    ends = [end for end in ends[1:] if ends[0] == END_EXIT]
    expect(ends in ([], [END_EXEC], [END_EXIT], [END_EXIT, END_EXEC]), "the ends are %s" % ends)
