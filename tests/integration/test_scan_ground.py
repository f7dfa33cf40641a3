# SPDX-License-Identifier: Apache-2.0
"""test_scan_ground: that a scan is made, sees all threads, and is not noticed by the program."""

import functools
import os
import random
import resource
import signal
import subprocess
import time

import sandbox
import snapshot_file
from sandbox import Skipped, expect, expect_equal, stop
from process_list import processes_of
from test_snapshots import ask_helper

SCAN_VERB = 4


def tests():
    yield "a scan at the end of a program finds what it has lost", at_the_end
    yield "what is held by a block that realloc is moving is not lost", while_realloc_moves
    for who in ("process", "thread"):
        yield "vfork, fork, threads, timers and job control go on with scans by a " + who, \
            functools.partial(lives_with_them, who)
    yield "after a scan nothing is left of it", nothing_is_left
    yield "a program that is killed while it is scanned ends at once", killed_meanwhile
    yield "of a program that was killed its memory is scanned, its registers are not", killed
    yield "of a program that was killed nothing is lost that an epoll may have kept", killed_server
    yield "a program that one thread ends while another is in exit is scanned", ended_twice
    yield "memory that is hidden from children is seen, and stays hidden", hidden
    yield "where memory is hidden and threads cannot be stopped nothing is definitely lost", \
        stays_hidden
    yield "what only an epoll or a timer gives back is not lost", in_the_kernel
    yield "where ptrace is forbidden nothing is definitely lost that a register may hold", no_ptrace
    yield "where no copy can be made the file says so, and the program ends as ever", no_copy
    yield "in a forked child nothing is lost that threads of its parent had", in_a_child
    yield "the program of a user without rights is scanned like root's", of_nobody
    for who in ("process", "thread", "inline"):
        yield "a program asks for scans itself, with snapshots by " + who, \
            functools.partial(asks_itself, who)
    yield "without memory for it a scan says so, and the program ends as ever", no_memory
    for who in ("thread", "inline"):
        yield "with --snapshots-by=%s one thread is known, the others' registers are not" % who, \
            functools.partial(without_process, who)
    yield "threads wait on in whatever call they are, with no EINTR and no child", waits_on
    yield "a signal that comes during a scan ends a call as ever", is_interrupted
    yield "a signal that nobody wants ends no call during a scan, as ever", is_not_interrupted


def read_scan(box, name="out.seep"):
    scan = snapshot_file.read(box.path(name)).scan()
    expect(scan is not None, "there is no record of a scan in " + name)
    return scan


def expect_done(scan, is_confirmed):
    expect_equal((scan["outcome"], scan["error"]), ("done", 0), "the outcome")
    expect_equal((scan["is_stopped"], scan["is_confirmed"], scan["unread_threads"]),
                 (True, is_confirmed, 0), "(all threads stopped, confirmed, unread threads)")


def at_the_end(box):
    program = box.compile("frees_three_blocks.c", "-O1", "-g")
    expect_equal(box.seep_run([program], "--scan=exit").returncode, 0, "the exit status")
    scan = read_scan(box)
    expect_done(scan, is_confirmed=False)
    expect_equal((scan["threads"], scan["reason"]), (1, "final"), "(threads, reason)")
    expect_equal(scan["definitely"], (0, 0), "what is lost of nothing")
    program = box.compile("loses_a_block.c", "-O1", "-g")
    expect_equal(box.seep_run([program], "--scan=exit", output="lost.seep").returncode, 0,
                 "the exit status")
    scan = read_scan(box, "lost.seep")
    expect_done(scan, is_confirmed=False)
    expect_equal(scan["definitely"], (1, 40), "what is lost")


def scans_so_far(box, name="out.seep"):
    file = sandbox.begun(box.path(name))
    return file.of_type(snapshot_file.SCAN) if file else []


def wait_for_scans(box, count, name="out.seep"):
    box.wait_until(lambda: len(scans_so_far(box, name)) >= count, "%d scans" % count)


def waits_on(box):
    program = box.compile("waits_in_many_calls.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="1h", scan="30ms"),
                        stdin=subprocess.PIPE)
    wait_for_scans(box, 12)
    output, _ = process.communicate(timeout=60)
    expect_equal(output.decode().split("\n"), ["now", "over", ""], "what the calls returned")
    expect_equal(process.returncode, 0, "the exit status")
    box.wait_for_end("out.seep")
    scan = read_scan(box)
    expect_equal(scan["reason"], "final", "what asked for the last scan")
    between = [record.payload for record in scans_so_far(box)[:-1]]
    for payload in between:
        fields = snapshot_file.SCAN_HEAD.unpack_from(payload)
        expect_equal((fields[3], fields[5] & 3), (0, 3), "(outcome, confirmed and stopped)")


def is_interrupted(box):
    program = box.compile("counts_interruptions.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="1h", scan="20ms"),
                        stdin=subprocess.PIPE)
    wait_for_scans(box, 15)
    output, _ = process.communicate(timeout=60)
    expect_equal((output, process.returncode),
                 (b"0 handlers ended no call, 0 calls ended without\n", 0), "(output, status)")


def is_not_interrupted(box):
    program = box.compile("ignores_signals.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="1h", scan="20ms"),
                        stdin=subprocess.PIPE)
    wait_for_scans(box, 20)
    output, _ = process.communicate(timeout=60)
    expect_equal((output, process.returncode), (b"0 calls were interrupted\n", 0),
                 "(output, status)")


def while_realloc_moves(box):
    program = box.compile("reallocs_in_all_threads.c", "-O1", "-pthread")
    certain = 0
    for round_ in range(8):
        name = "%d.seep" % round_
        box.seep_run([program], "--scan=exit", "--interval=1h", output=name)
        scan = read_scan(box, name)
        expect_equal((scan["outcome"], scan["definitely"], scan["indirectly"]),
                     ("done", (0, 0), (0, 0)), "(outcome, lost) in round %d" % round_)
        certain += scan["unread_threads"] == 0
    box.note("%d of 8 scans found a moment without a block in the hands of realloc" % certain)


def lives_with_them(who, box):
    program = box.compile("lives_with_scans.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               children="none", interval="1h", scan="20ms",
                                               snapshots_by=who), stdin=subprocess.PIPE)
    wait_for_scans(box, 10)
    output, _ = process.communicate(timeout=60)
    expect_equal((output, process.returncode), (b"over\n", 0), "(output, status)")
    box.wait_for_end("out.seep")
    for record in scans_so_far(box):
        fields = snapshot_file.SCAN_HEAD.unpack_from(record.payload)
        expect_equal(fields[3], 0, "the outcome")


def started(box, source, *arguments, flags=("-O1", "-pthread"), **options):
    """A program that says a line when it is ready and then waits for its stdin."""
    program = box.compile(source, *flags)
    options = {"output": box.path("out.seep"), "quiet": "on", "interval": "1h", **options}
    process = box.start([program, *arguments], box.preload(**options), stdin=subprocess.PIPE)
    expect(process.stdout.readline().endswith(b"\n"), "it said nothing")
    return process, os.path.realpath(program)


def status_of(pid):
    with open("/proc/%d/status" % pid) as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def children_of(pid):
    found = []
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            if status_of(int(other))["PPid"] == str(pid):
                found.append(other)
        except (FileNotFoundError, ProcessLookupError, KeyError):
            pass
    return found


def descriptors_of(pid):
    """What each descriptor is open on; sockets and the like without their number."""
    kinds = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            kinds.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)).split(":[")[0])
        except FileNotFoundError:
            pass  # closed just now
    return sorted(kinds)


def nothing_is_left(box):
    # What watches the memory pressure is opened after a second.
    process, program = started(box, "holds_memory.c", "threads", "stay", near_limit="off")
    box.wait_until(lambda: len(processes_of(program)) == 2, "its helper")
    helper = next(pid for pid in processes_of(program) if pid != process.pid)

    def state():
        threads = os.listdir("/proc/%d/task" % process.pid)
        return {"descriptors": sorted(os.listdir("/proc/%d/fd" % process.pid)),
                "helper's descriptors": descriptors_of(helper),
                "tracers": {status_of(int(tid))["TracerPid"] for tid in threads},
                "states": {status_of(int(tid))["State"][0] for tid in threads},
                "children": children_of(process.pid) + children_of(helper),
                "processes": len(processes_of(program))}

    def mappings():
        with open("/proc/%d/maps" % process.pid) as file:
            return [line for line in file if " rw-s " in line]
    ask_helper(process.pid, SCAN_VERB, b"")

    def sockets():
        folder = "/proc/%d/fd/" % helper
        try:
            return [fd for fd in os.listdir(folder)
                    if os.readlink(folder + fd).startswith("socket:")]
        except FileNotFoundError:
            return []  # one that was closed just now
    # It answers before it closes the connection, and before it is done with its copy.
    box.wait_until(lambda: len(sockets()) == 1 and state()["processes"] == 2,
                   "the end of the connection and of the copy")
    before, shared = state(), mappings()
    for _ in range(5):
        expect_equal(ask_helper(process.pid, SCAN_VERB, b""), (1, 0), "(version, result)")
    try:
        box.wait_until(lambda: state() == before, "what there was is all that there is; it")
    except sandbox.Failed:
        expect_equal(state(), before, "what there is")  # with both of them
        raise
    expect_equal(mappings(), shared, "the shared mappings")
    expect_equal((before["tracers"], before["states"], before["children"]), ({"0"}, {"S"}, []),
                 "(tracers, states of threads, children)")
    expect_equal(len(scans_so_far(box)), 6, "the number of records")
    expect_done(read_scan(box), is_confirmed=True)
    process.stdin.close()
    expect_equal(process.wait(20), 0, "the exit status")


def killed_meanwhile(box):
    seed = int(os.environ.get("SEEP_TEST_SEED") or time.time_ns() % 1000000)
    box.note("SEEP_TEST_SEED=%d" % seed)
    moments = random.Random(seed)
    for round_ in range(6):
        name = "%d.seep" % round_
        process, _ = started(box, "holds_memory.c", "threads", "stay", scan="10ms",
                             output=box.path(name))
        time.sleep(moments.uniform(0, 0.3))
        stop(process, signal.SIGKILL)
        box.wait_for_end(name)
        expect_equal(snapshot_file.read(box.path(name)).snapshots[-1].reason, "final",
                     "the last snapshot")
        scan = read_scan(box, name)
        expect(scan["outcome"] == "done", "the last scan is %s" % scan)
        expect_equal((scan["reason"], scan["definitely"]), ("final", (0, 0)), "(reason, lost)")


def killed(box):
    process, _ = started(box, "loses_a_block.c", scan="exit")
    stop(process, signal.SIGKILL)
    box.wait_for_end("out.seep")
    scan = read_scan(box)
    expect_equal((scan["outcome"], scan["is_stopped"], scan["definitely"]),
                 ("done", True, (0, 0)), "(outcome, stopped, definitely lost)")
    # Where its stack ended is not known any more, so what is below the end counts, too.
    expect_equal(scan["possibly"][0] + scan["reachable"][0], 1, "the blocks that may be held")
    expect(scan["unread_threads"] > 0, "all registers were read")


def ended_twice(box):
    program = box.compile("ends_while_it_ends.c", "-O1", "-pthread")
    for round_ in range(5):
        name = "%d.seep" % round_
        box.run([program], environment=box.preload(output=box.path(name), scan="exit", quiet="on"))
        box.wait_for_end(name)
        scan = read_scan(box, name)
        expect_equal((scan["outcome"], scan["definitely"]), ("done", (0, 0)), "(outcome, lost)")


def killed_server(box):
    for arguments, is_blind, lost in ((), True, (0, 0)), (("lose",), False, (300, 12000)):
        name = "%d.seep" % len(arguments)
        process, _ = started(box, "keeps_or_loses_many.c", *arguments, scan="exit",
                             interval="20ms", output=box.path(name))
        before = len(sandbox.begun(box.path(name)).snapshots)
        box.wait_until(lambda: len(sandbox.begun(box.path(name)).snapshots) > before + 2,
                       "a snapshot that has looked at it")
        stop(process, signal.SIGTERM)
        box.wait_for_end(name)
        scan = read_scan(box, name)
        expect_equal((scan["outcome"], scan["is_blind"], scan["definitely"]),
                     ("done", is_blind, lost), "(outcome, blind, lost) of %s" % (arguments,))


def ask_for_scan(box, process):
    """Its helper may only just have been made."""
    def answer():
        try:
            return ask_helper(process.pid, SCAN_VERB, b"")
        except ConnectionRefusedError:
            return None
    expect_equal(box.wait_until(answer, "an answer"), (1, 0), "(version, result)")


def hidden(box):
    process, _ = started(box, "hides_memory_from_children.c", scan="exit", children="none")
    for _ in range(2):
        ask_for_scan(box, process)
        scan = read_scan(box)
        expect_done(scan, is_confirmed=True)
        expect_equal((scan["definitely"], scan["reachable"][0] >= 1000), ((0, 0), True),
                     "(definitely lost, whether 1000 blocks are reachable)")
    output, _ = process.communicate(timeout=20)
    expect_equal(output, b"0 are copied\n", "what it said")
    box.wait_for_end("out.seep")
    scan = read_scan(box)
    expect_equal((scan["reason"], scan["outcome"], scan["definitely"]), ("final", "done", (0, 0)),
                 "(reason, outcome, lost) of the last scan")


def stays_hidden(box):
    process, _ = started(box, "hides_memory_from_children.c", "thread", scan="exit",
                         children="none", snapshots_by="thread")
    output, _ = process.communicate(timeout=20)
    expect_equal(output, b"0 are copied\n", "what it said")
    box.wait_for_end("out.seep")
    scan = read_scan(box)
    expect_equal((scan["outcome"], scan["is_blind"], scan["definitely"], scan["indirectly"]),
                 ("done", True, (0, 0), (0, 0)), "(outcome, blind, lost)")
    expect(scan["possibly"][0] >= 1000, "the hidden blocks were seen: %s" % scan)


def in_the_kernel(box):
    program = box.compile("keeps_in_the_kernel.c", "-O1")
    expect_equal(box.seep_run([program], "--scan=exit").returncode, 0, "the exit status")
    scan = read_scan(box)
    expect_done(scan, is_confirmed=False)
    expect_equal((scan["definitely"], scan["possibly"]), ((0, 0), (0, 0)), "what is lost")
    process, _ = started(box, "keeps_in_the_kernel.c", output=box.path("runs.seep"))
    ask_for_scan(box, process)
    scan = read_scan(box, "runs.seep")
    expect_done(scan, is_confirmed=True)
    expect_equal((scan["definitely"], scan["possibly"]), ((0, 0), (0, 0)), "what is lost")


def forbidden(box, call, source, name="out.seep"):
    starter = box.compile("forbids_calls.c", "-O1")
    program = box.compile(source, "-O1", "-pthread")
    under_seep = box.preload(output=box.path(name), scan="exit", quiet="on")
    result = box.run([starter, call, "/usr/bin/env",
                      *("%s=%s" % pair for pair in under_seep.items()), program])
    if result.returncode == 3:
        raise Skipped("no seccomp here: %r" % result.stderr)
    expect_equal(result.returncode, 0, "the exit status")
    box.wait_for_end(name)
    return read_scan(box, name)


def no_ptrace(box):
    # The thread that ends the program says itself what is in its registers.
    scan = forbidden(box, "ptrace", "loses_a_block.c")
    expect_equal((scan["outcome"], scan["threads"], scan["unread_threads"], scan["definitely"]),
                 ("done", 1, 0, (1, 40)), "(outcome, threads, unread, lost) of one thread")
    scan = forbidden(box, "ptrace", "loses_in_registers_of_sleeping_threads.c", name="many.seep")
    expect_equal((scan["outcome"], scan["is_stopped"], scan["definitely"]),
                 ("done", False, (0, 0)), "(outcome, stopped, lost) of many threads")
    expect_equal(scan["unread_threads"], scan["threads"] - 1, "the unread threads")
    expect(scan["threads"] > 1, "it has one thread only")


def no_copy(box):
    scan = forbidden(box, "copy", "loses_a_block.c")
    expect_equal((scan["outcome"], scan["error"], scan["definitely"], scan["threads"]),
                 ("no_copy", 11, (0, 0), 0), "(outcome, error, lost, threads)")
    expect_equal(snapshot_file.read(box.path("out.seep")).snapshots[-1].reason, "final",
                 "the last snapshot")


def without_process(who, box):
    program = box.compile("loses_a_block.c", "-O1")
    by = "--snapshots-by=" + who
    expect_equal(box.seep_run([program], "--scan=exit", by).returncode, 0, "the exit status")
    scan = read_scan(box)
    expect_equal((scan["outcome"], scan["threads"], scan["unread_threads"], scan["definitely"]),
                 ("done", 1, 0, (1, 40)), "(outcome, threads, unread, lost) of one thread")
    expect_equal(box.report()["process"]["end"], "exit", "the end")
    program = box.compile("loses_in_registers_of_sleeping_threads.c", "-O1", "-pthread")
    result = box.seep_run([program], "--scan=exit", by, output="many.seep")
    expect_equal(result.returncode, 0, "the exit status")
    scan = read_scan(box, "many.seep")
    expect_equal((scan["outcome"], scan["is_stopped"], scan["definitely"],
                  scan["unread_threads"]), ("done", False, (0, 0), scan["threads"] - 1),
                 "(outcome, stopped, lost, unread) of many threads")


def no_memory(box):
    outcomes = []
    for kib in (0, 128, 512, 1024, 2048, 4096, 8192, 65536, 1048576):
        name = "%d.seep" % kib
        process, program = started(box, "loses_a_block.c", scan="exit", output=box.path(name))
        box.wait_until(lambda: len(processes_of(program)) == 2, "its helper")
        helper = next(pid for pid in processes_of(program) if pid != process.pid)
        # The helper has the limits of a process of its own, and its copy inherits them.
        limit = (int(status_of(helper)["VmSize"].split()[0]) + kib) * 1024
        resource.prlimit(helper, resource.RLIMIT_AS, (limit, limit))
        process.stdin.close()
        expect_equal(process.wait(20), 0, "the exit status with %d KiB" % kib)
        box.wait_until(lambda: not processes_of(program), "the end of the helper")
        scan = snapshot_file.read(box.path(name)).scan()
        outcomes.append(scan["outcome"] if scan else "nothing")
        if scan and scan["outcome"] != "done":
            expect_equal((scan["definitely"], scan["possibly"], scan["reachable"]),
                         ((0, 0),) * 3, "what is said without a result")
    box.note("with ever more memory: " + ", ".join(outcomes))
    expect_equal(outcomes[-1], "done", "the outcome with enough")
    expect(set(outcomes) & {"no_memory", "failed"}, "there was always enough: %s" % outcomes)


def in_a_child(box):
    program = box.compile("forks_beside_threads.c", "-O1", "-pthread")
    result = box.seep_run([program], "--scan=exit", output="%p.seep")
    expect_equal(result.returncode, 0, "the exit status")
    scans = [snapshot_file.read(path).scan() for path in box.seep_files()]
    expect_equal(len(scans), 2, "the number of files")
    for scan in scans:
        expect_equal((scan["outcome"], scan["definitely"], scan["indirectly"]),
                     ("done", (0, 0), (0, 0)), "(outcome, lost)")
        expect(scan["reachable"][0] >= 40, "the blocks are not reachable: %s" % scan)
    expect_equal(sorted(scan["unread_threads"] for scan in scans), [0, 4], "the unread threads")


def of_nobody(box):
    program = box.compile("loses_in_registers_of_sleeping_threads.c", "-O1", "-pthread")
    twin = box.compile("keeps_in_registers_of_sleeping_threads.c", "-O1", "-pthread")
    folder = box.path("theirs")
    os.mkdir(folder)
    os.chown(folder, sandbox.NOBODY, sandbox.NOBODY)
    found = {}
    for path in (program, twin):
        name = "theirs/%s.seep" % os.path.basename(path)
        result = box.run_as_nobody([path], box.preload(output=box.path(name), scan="exit"))
        expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
        box.wait_for_end(name)
        found[path] = read_scan(box, name)
        expect_done(found[path], is_confirmed=False)
        expect(found[path]["threads"] > 1, "it has one thread only")
    expect(found[program]["definitely"][0] > 0, "nothing is lost: %s" % found[program])
    expect_equal(found[twin]["definitely"], (0, 0), "what is lost of the twin's")


def asks_itself(who, box):
    program = box.compile("scans_itself.c", "-O1", "-I" + os.path.join(sandbox.ROOT, "include"))
    said = "".join("round %d: Success\n" % i for i in range(3)).encode()
    # Without seep it does nothing.
    expect_equal(box.run([program]).stdout, said, "what it says without seep")
    result = box.seep_run([program], "--interval=1h", "--snapshots-by=" + who)
    expect_equal((result.returncode, result.stdout), (0, said), "(status, output)")
    file = snapshot_file.read(box.path("out.seep"))
    numbers = {shot.label: shot.number for shot in file.snapshots if shot.label}
    scans = [snapshot_file.SCAN_HEAD.unpack_from(record.payload)
             for record in file.of_type(snapshot_file.SCAN)]
    expect_equal([scan[1] for scan in scans], [numbers["round %d" % i] for i in range(3)],
                 "the snapshots that the scans belong to")
    # Fields of the head: reason, outcome, definitely lost blocks.
    expect_equal([(scan[2], scan[3], scan[14]) for scan in scans],
                 [(2, 0, 1), (2, 0, 2), (2, 0, 3)], "(reason, outcome, lost)")
    refused = box.seep_run([program], "--interval=1h", "--sample=1M", output="sampled.seep")
    expect(refused.stdout.count(b"not supported") == 3,
           "with --sample it says %r" % refused.stdout)
