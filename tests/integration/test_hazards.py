# SPDX-License-Identifier: Apache-2.0
"""test_hazards: programs that once hung, crashed or misled seep go on as if it were not there.

What a plain report can tell stands in cases/ alone; here are those that need a limit of time, more
than one file, or a look into the snapshot file. A program that hangs is killed after HANGS_S.
"""

import functools
import os
import resource
import shutil
import signal
import struct
import subprocess

import snapshot_file
from case_program import sum_of_sites
from process_list import processes_of
from sandbox import Skipped, expect, expect_equal, stop

HANGS_S = 20  # nothing here needs more than a few seconds


def tests():
    for who in ("process", "thread", "inline"):
        yield "fork handlers that allocate do not deadlock, with snapshots by %s" % who, \
            functools.partial(fork_handlers, who)
    yield "children of a program with generated code do not hang", generated_code
    yield "plug-ins keep their own operators new and delete", plugin_operators
    yield "the operators of 20 plug-ins are looked up once each", many_plugins
    yield "a plug-in at the place of another that went unseen", unseen_unload
    yield "the first child in a new pid namespace is number 1", pid_namespace
    yield "200 loads of one plug-in leave few modules and stacks", reopened_plugin
    yield "200 plug-ins after each other at one address take little memory", changing_plugins
    yield "a plug-in whose program headers are in its file only", moved_headers
    for how in ("dumpable", "setuid"):
        yield "snapshots go on in a program that gave up its privileges (%s)" % how, \
            functools.partial(privileges, how)
    yield "a scan of a program that has changed its user says that this is why", closed_to_scans
    yield "_exit in a signal handler during a snapshot inline", exit_in_handler
    yield "a data file that is descriptor 2 gets no message", data_file_as_stderr
    yield "workers in another folder write beside their parent's file", workers_elsewhere
    yield "after a chain of execs the last program answers", exec_chain
    for size in (0, 100):
        yield "a file size limit of %d bytes changes no exit status" % size, functools.partial(
            file_size_limit, size)
    yield "strace -f of a preloaded program ends", strace_ends
    yield "max_file bounds a file with more stacks than it can name", many_stacks
    yield "a program whose helper was killed goes on", helper_killed
    for where in ((), ("on another stack",)):
        yield " ".join(("after 10,000 jumps out of handlers all is followed", *where)), \
            functools.partial(jumps_out_of_handlers, where)
    for letter, where in (("j", "its thread"), ("t", "a thread that ends then")):
        yield ("after a handler has jumped out of a mark of %s others are made" % where,
               functools.partial(jumps_out_of_a_mark, letter.encode()))


def jumps_out_of_handlers(where, box):
    """What interrupted allocations have left is as much as there were jumps; what is allocated
    afterwards has its stack."""
    allocator = compile_plugin(box, "one_step_allocator.c")
    program = box.compile("jumps_out_of_handlers.c", "-O1")
    settings = box.preload(output=box.path("out.seep"), quiet="on", scan="off")
    settings["LD_PRELOAD"] += " " + allocator
    result = box.run([program, *where], settings, timeout=6 * HANGS_S)
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"10000\n", b""),
                 "(status, stdout, stderr)")
    report = box.wait_for_end()
    expect_equal(sum_of_sites(report, "keep_afterwards")["live_blocks"], 1000,
                 "blocks that were kept afterwards")
    nested = sum(site["live_blocks"] for site in report["sites"]
                 if "while seep was busy" in site["stack"][0]["function"])
    in_handlers = sum_of_sites(report, "keep_in_handler")["live_blocks"]
    expect_equal(in_handlers + nested, 10000, "blocks that handlers have kept")
    expect(nested > 500, "only %d handlers have interrupted the library" % nested)
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")
    expect_equal(report["lost"]["stacks"], nested, "lost stacks")
    box.note("%d of the handlers have interrupted the library" % nested)


def run_both(box, argv, environment, **others):
    """The program ends as without seep; what it prints is returned."""
    plain = box.run(argv, timeout=HANGS_S, **others)
    watched = box.run(argv, environment, timeout=HANGS_S, **others)
    expect_equal((watched.returncode, watched.stdout, watched.stderr),
                 (plain.returncode, plain.stdout, plain.stderr), "(status, stdout, stderr)")
    return watched.stdout.decode()


def compile_plugin(box, source, *flags, output=None):
    name = os.path.splitext(output or source)[0]
    return box.compile(source, "-shared", "-fPIC", *flags, output=name + ".so")


def fork_handlers(who, box):
    library = compile_plugin(box, "allocates_in_fork_handlers.c", "-pthread")
    linked = box.compile("forks_with_allocating_handlers.c", "-pthread", "-Wl,--no-as-needed",
                         library, output="linked")
    alone = box.compile("forks_with_allocating_handlers.c", "-pthread", output="alone")
    settings = box.preload(output=box.path("%e.%p.seep"), quiet="on", snapshots_by=who)
    expect_equal(run_both(box, [linked], settings), "done\n", "stdout")
    # A library that is preloaded too may register its handlers before or after ours.
    seep = settings["LD_PRELOAD"]
    for order in (seep + " " + library, library + " " + seep):
        expect_equal(run_both(box, [alone], {**settings, "LD_PRELOAD": order}), "done\n", "stdout")


def generated_code(box):
    program = box.compile("forks_while_generated_code_allocates.c", "-O1", "-pthread")
    # That many places are met so fast that the limit is for a child, not for all of them.
    result = box.run([program], box.preload(output=box.path("out.seep"), quiet="on"))
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"no child hangs\n", b""),
                 "(status, stdout, stderr)")


def modules_of(file):
    """The paths of all modules in the file, once for each time they are named."""
    paths = []
    for record in file.of_type(snapshot_file.MODULES):
        position = 0
        while position < len(record.payload):
            fields = struct.unpack_from("<IIIIQQQIHH", record.payload, position)
            start = position + fields[0] + fields[8]
            paths.append(record.payload[start:start + fields[9]].decode())
            position = (start + fields[9] + 7) // 8 * 8
    return paths


def stack_nodes_of(file):
    return sum(struct.unpack_from("<III", record.payload)[2]
               for record in file.of_type(snapshot_file.STACKS))


def reopened_plugin(box):
    compile_plugin(box, "plugin_that_leaks.c")
    program = box.compile("reopens_a_plugin.c", "-O1")
    run_both(box, [program], box.preload(output=box.path("out.seep"), quiet="on"))
    report = box.wait_for_end()
    file = snapshot_file.read(box.path("out.seep"))
    loads = sum(path.endswith("plugin_that_leaks.so") for path in modules_of(file))
    nodes = stack_nodes_of(file)
    box.note("%d modules of the plug-in, %d nodes of stacks" % (loads, nodes))
    # Not one of each for every load.
    expect(1 <= loads <= 20, "the plug-in is in the file %d times" % loads)
    expect(nodes < 1000, "there are %d nodes of stacks" % nodes)
    expect_equal(sum_of_sites(report, "leak_in_plugin")["live_blocks"], 200,
                 "the plug-in's live blocks")


def changing_plugins(box):
    # Without a build-id nobody can tell that it is the same one again.
    compile_plugin(box, "plugin_that_leaks.c", "-Wl,--build-id=none")
    program = box.compile("reopens_a_plugin.c", "-O1")
    run_both(box, [program], box.preload(output=box.path("out.seep"), quiet="on"))
    report = box.wait_for_end()
    file = snapshot_file.read(box.path("out.seep"))
    loads = sum(path.endswith("plugin_that_leaks.so") for path in modules_of(file))
    own_bytes = file.snapshots[-1].totals["own_bytes"]
    box.note("%d modules of the plug-in, %d KiB of seep's own" % (loads, own_bytes >> 10))
    expect_equal(loads, 200, "times that the plug-in is in the file")
    expect(own_bytes < 4 << 20, "seep's own memory is %d bytes" % own_bytes)
    expect_equal(sum_of_sites(report, "leak_in_plugin")["live_blocks"], 200,
                 "the plug-in's live blocks")


def moved_headers(box):
    # As tools that edit objects leave them: where the file has the table memory has a gap.
    path = compile_plugin(box, "plugin_that_leaks.c", "-Wl,--build-id=none,-z,separate-code",
                          "-Wl,-z,max-page-size=0x200000")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    offset, = struct.unpack_from("<Q", data, 32)
    bytes_each, count = struct.unpack_from("<HH", data, 54)
    data += bytes(-len(data) % 16)
    struct.pack_into("<Q", data, 32, len(data))
    data += data[offset:offset + bytes_each * count]
    with open(path, "wb") as file:
        file.write(data)
    program = box.compile("reopens_a_plugin.c", "-O1")
    run_both(box, [program], box.preload(output=box.path("out.seep"), quiet="on"))
    report = box.wait_for_end()
    expect_equal(sum_of_sites(report, "leak_in_plugin")["live_blocks"], 200,
                 "the plug-in's live blocks")


def privileges(how, box):
    if os.getuid() != 0 or not shutil.which("setpriv"):
        raise Skipped("only root has privileges to give up, and setpriv to limit them")
    program = box.compile("gives_up_privileges.c", "-O1")
    limit = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    settings = box.preload(output=box.path("out.seep"), quiet="on", interval="100ms")
    result = box.run([*limit, "env", *("%s=%s" % item for item in settings.items()), program, how],
                     timeout=HANGS_S)
    expect_equal((result.returncode, result.stdout, result.stderr), (3, b"done\n", b""),
                 "(status, stdout, stderr)")
    report = box.wait_for_end()
    snapshots = snapshot_file.read(box.path("out.seep")).snapshots
    reasons = [snapshot.reason for snapshot in snapshots]
    expect(len(snapshots) >= 5 and reasons[-1] != "exec", "the snapshots are %s" % reasons)
    expect_equal(sum_of_sites(report, "keep")["live_blocks"], 20, "live blocks")


def closed_to_scans(box):
    if os.getuid() != 0:
        raise Skipped("only root can become another user")
    program = box.compile("gives_up_privileges.c", "-O1")
    for how, is_said in (("setuid", True), ("setuid and dumpable", False)):
        result = box.seep_run([program, how], "--scan=exit")
        report = " ".join(box.seep("report", "out.seep").stdout.decode().split())
        is_there = "has changed its user or is not dumpable" in report
        expect_equal((result.returncode, is_there), (3, is_said),
                     "(status, is it said) of %s: %s" % (how, report))


def exit_in_handler(box):
    program = box.compile("exits_in_signal_handler.c", "-O1")
    for interval in ("1ms", "10ms", "50ms"):
        settings = box.preload(output=box.path(interval + ".seep"), quiet="on", interval=interval,
                               snapshots_by="inline")
        result = box.run([program], settings, timeout=HANGS_S)
        expect_equal((result.returncode, result.stderr), (5, b""), "(status, stderr)")
        box.report(interval + ".seep")


def data_file_as_stderr(box):
    """A worker's file cannot be made: its folder is gone. That is no reason to write to a file of
    the program."""
    for name in ("before", "elsewhere"):
        os.mkdir(box.path(name))
    program = box.compile("works_elsewhere.c", "-O1")
    result = box.run([program, box.path("data"), box.path("elsewhere"), box.path("before"),
                      box.path("after")], box.preload(output=box.path("before", "%p.seep")),
                     timeout=HANGS_S)
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, stdout, stderr)")
    with open(box.path("data"), "rb") as file:
        expect_equal(file.read(), b"RECORD\n", "the data file")


def workers_elsewhere(box):
    os.mkdir(box.path("elsewhere"))
    program = box.compile("works_elsewhere.c", "-O1")
    result = box.run([program, box.path("data"), box.path("elsewhere")],
                     box.preload(output="%p.seep", quiet="on"), timeout=HANGS_S)
    expect_equal(result.returncode, 0, "the exit status")
    box.wait_until(lambda: len(box.seep_files()) == 2, "the files of parent and worker")
    expect_equal(os.listdir(box.path("elsewhere")), [], "the files in the other folder")


def exec_chain(box):
    """Each program's helper leaves the socket to the next one's."""
    command = "exec /bin/sh -c 'exec /bin/sh -c \"exec /bin/sleep 60\"'"
    for turn in range(5):
        folder = box.path(str(turn))
        os.mkdir(folder)
        process = box.start(["/bin/sh", "-c", command],
                            box.preload(output=os.path.join(folder, "%e.%p.seep"), quiet="on"))
        output = os.path.join(folder, "sleep.%d.seep" % process.pid)
        box.wait_until(lambda: os.path.exists(output), "the file of the last program")
        box.wait_until(lambda: box.seep("snapshot", "--label=here", process.pid).returncode == 0,
                       "an answer of the last program")
        labels = [snapshot.label for snapshot in snapshot_file.read(output).snapshots]
        expect("here" in labels, "the last program's snapshots are labelled %s" % labels)
        stop(process, signal.SIGKILL)


def file_size_limit(size, box):
    program = box.compile("keeps_three_blocks.c", "-O1")
    for who in ("process", "thread", "inline"):
        limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
        settings = box.preload(output=box.path(who + ".seep"), quiet="on", snapshots_by=who)
        plain = box.run([program], preexec_fn=limit, timeout=HANGS_S)
        watched = box.run([program], settings, preexec_fn=limit, timeout=HANGS_S)
        expect_equal((watched.returncode, watched.stdout), (plain.returncode, plain.stdout),
                     "(status, stdout) with snapshots by " + who)


def strace_ends(box):
    if not shutil.which("strace"):
        raise Skipped("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        raise Skipped("ptrace is not permitted here")
    settings = box.preload(output=box.path("%p.seep"), quiet="on")
    # strace is preloaded too, and waits for every child that it finds.
    for command in (["/bin/true"], ["/bin/sh", "-c", "/bin/ls / >/dev/null; exit 4"]):
        plain = box.run(command)
        result = box.run(["strace", "-f", "-o", box.path("trace"), *command], settings,
                         timeout=HANGS_S)
        expect_equal(result.returncode, plain.returncode, "the exit status")


def many_stacks(box):
    program = box.compile("has_many_stacks.c", "-O1")
    # The last state is worth more than the limit, so it may be passed once.
    limit_bytes = 1 << 20
    run_both(box, [program], box.preload(output=box.path("out.seep"), quiet="on", max_file="1M"))
    report = box.wait_for_end()
    size = os.path.getsize(box.path("out.seep"))
    box.note("%d bytes, %d stacks lost" % (size, report["lost"]["stacks"]))
    expect(size <= limit_bytes, "the file has %d bytes" % size)
    expect(report["lost"]["stacks"] > 0, "no stack is counted as lost")
    # Blocks of lost stacks are counted all the same.
    expect(report["totals"]["live_blocks"] >= 1 << 18, "there are %d live blocks"
           % report["totals"]["live_blocks"])


def helper_killed(box):
    program = box.compile("outlives_its_helper.c", "-O1")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on"),
                        stdin=subprocess.PIPE)

    def answer(line):
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    expect_equal(process.stdout.readline(), b"ready\n", "the first line")
    expect_equal(answer(b"x"), b"taken\n", "the answer while the helper lives")
    helpers = [pid for pid in processes_of(os.path.realpath(program)) if pid != process.pid]
    expect_equal(len(helpers), 1, "the number of helpers")
    os.kill(helpers[0], signal.SIGKILL)
    # Without its helper a program may refuse, but not wait.
    process.stdin.write(b"xx")
    process.stdin.close()
    process.stdin = None
    try:
        status = process.wait(HANGS_S)
    except subprocess.TimeoutExpired:
        status = "still running"
    expect_equal(status, 6, "the exit status")
    labels = [snapshot.label for snapshot in snapshot_file.read(box.path("out.seep")).snapshots]
    expect("asked" in labels, "the snapshots are labelled %s" % labels)
    expect(sum_of_sites(box.report(), "keep")["live_blocks"] >= 10, "blocks are missing")


def jumps_out_of_a_mark(letter, box):
    program = box.compile("jumps_out_of_a_mark.c", "-O1", "-pthread")
    process = box.start([program], box.preload(output=box.path("out.seep"), quiet="on",
                                               interval="1h"), stdin=subprocess.PIPE)

    def ask(line):
        process.stdin.write(line)
        process.stdin.flush()
    expect_equal(process.stdout.readline(), b"ready\n", "the first line")
    helpers = [pid for pid in processes_of(os.path.realpath(program)) if pid != process.pid]
    expect_equal(len(helpers), 1, "the number of helpers")
    # While the helper stands still a mark waits for it.
    os.kill(helpers[0], signal.SIGSTOP)
    try:
        ask(letter)
        expect_equal(process.stdout.readline(), b"left\n", "the answer while the helper is stopped")
    finally:
        os.kill(helpers[0], signal.SIGCONT)
    ask(b"m")
    process.stdin.close()
    process.stdin = None
    try:
        status = process.wait(HANGS_S)
    except subprocess.TimeoutExpired:
        status = "still running"
    expect_equal(status, 6, "the exit status")
    labels = [snapshot.label for snapshot in snapshot_file.read(box.path("out.seep")).snapshots]
    expect("made" in labels, "the snapshots are labelled %s" % labels)


def plugin_operators(box):
    compile_plugin(box, "plugin_with_pool_operators.cc")
    # With its own libstdc++, the usual way to ship one.
    compile_plugin(box, "plugin_with_plain_operators.cc", "-static-libstdc++")
    program = box.compile("opens_plugins_with_operators.c", "-O1")
    settings = box.preload(output=box.path("%p.seep"), quiet="on")
    for static in (True, False):
        if not static:
            compile_plugin(box, "plugin_with_plain_operators.cc")
        run_both(box, [program], settings)
        run_both(box, [program, "close"], settings)


def many_plugins(box):
    """The dynamic linker's own log says how often each plug-in was asked."""
    compile_plugin(box, "plugin_with_plain_operators.cc")
    plugins = [box.path("plugin_%d.so" % i) for i in range(20)]
    for plugin in plugins:
        shutil.copy(box.path("plugin_with_plain_operators.so"), plugin)
    program = box.compile("uses_many_plugins_with_operators.c", "-O1")
    settings = box.preload(output=box.path("out.seep"), quiet="on")
    settings.update(LD_DEBUG="files", LD_DEBUG_OUTPUT=box.path("linker"))
    result = box.run([program, "30", *plugins], settings, timeout=HANGS_S)
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    logs = [name for name in os.listdir(box.folder) if name.startswith("linker.")]
    with open(box.path(logs[0]), encoding="utf-8", errors="replace") as log:
        text = log.read()
    opened = sum(text.count("opening file=" + plugin) for plugin in plugins)
    # By the program, for new and for delete; each of them may meet a full row of places.
    box.note("%d openings of %d plug-ins" % (opened, len(plugins)))
    expect(len(plugins) <= opened <= 8 * len(plugins), "%d openings" % opened)


def unseen_unload(box):
    compile_plugin(box, "plugin_with_large_frame.c", "-DFRAME=0x20008", output="large")
    compile_plugin(box, "plugin_with_large_frame.c", "-DFRAME=0x10008", output="small")
    program = box.compile("replaces_a_plugin_unseen.c", "-O1")
    text = run_both(box, [program], box.preload(output=box.path("out.seep"), quiet="on"))
    box.note("the second plug-in lies at the " + text.split("\n")[0])


def pid_namespace(box):
    program = box.compile("makes_a_pid_namespace.c", "-O1")
    plain = box.run([program], timeout=HANGS_S)
    if plain.stdout == b"no namespace\n":
        raise Skipped("no pid namespaces for this user")
    text = run_both(box, [program], box.preload(output=box.path("%p.seep"), quiet="on"))
    expect_equal(text, "the first is 1\n", "what the program says")
