# SPDX-License-Identifier: Apache-2.0
"""test_short_processes: a check of many short processes ends in one result and leaves nothing.

A test suite is a hundred programs of some milliseconds, and each of them has a helper, a socket
and a file while it runs. 1,000 processes with --full, 100 without.
"""

import functools
import glob
import json
import os
import shutil
import subprocess

from sandbox import SEEP, Skipped, expect, expect_equal

# Starts $1 processes of $2.
LOOP = 'i=0; while [ $i -lt "$1" ]; do "$2"; i=$((i+1)); done'
XARGS = 'xargs -P 4 -I @ "$2" <names'
MAKE = 'make -s -j 2 PROGRAM="$2"'
MAKEFILE = """all: %s
.PHONY: all
test_%%:
\t@$(PROGRAM)
"""
# Not what is tested: GNU xargs loses a block, GNU make keeps variables of each target.
KNOWN = "leak:xargs\nleak:make\n"
# Until most of them are gone; what looks has helpers, too.
UNTIL_FEW = """
zombies() { cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '; }
i=0
while [ "$(zombies)" -gt 10 ]; do
    [ $i -lt 200 ] || { zombies; exit; }
    i=$((i+1)); sleep 0.05
done
"""
# A first process that starts the others and waits for nobody else, as `tail -f` does in containers.
# What is left when seep has ended is listed where it cannot be missed: in a namespace of its own.
CARELESS_INIT = """
import os, sys
def processes():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open("/proc/%s/stat" % pid) as file:
            found.append(file.read().split(") ")[0])
    return sorted(found)
before = processes()
pid = os.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print([name for name in processes() if name not in before])
sys.exit(status)
"""


def tests():
    for name, script in (("a loop", LOOP), ("xargs -P", XARGS), ("make -j", MAKE)):
        yield "of many short processes of %s nothing is left behind" % name, functools.partial(
            nothing_left, script)
    yield "one leak among many short processes is one finding", one_leak
    yield "nothing is left where the first process waits for nobody", careless_init
    yield "nothing is left where seep is the first process", seep_is_init
    yield "a daemon is adopted by whom it was without seep", daemon
    yield "without a finding no debug information is opened", nothing_looked_up


def many(box):
    return 1000 if box.is_full else 100


def check(box, script, count, program, status=0):
    """The result of a check of a tree of processes, all of whose files are in $TMPDIR."""
    os.mkdir(box.path("tmp"))
    names = ["test_%d" % i for i in range(count)]
    box.write("names", "\n".join(names))
    box.write("Makefile", MAKEFILE % " ".join(names))
    result = box.seep("check", "--format=json", "-o", box.path("result.json"),
                      "--suppressions=" + box.write("known", KNOWN), "--", "sh", "-c",
                      script, "sh", str(count), program, environment={"TMPDIR": box.path("tmp")})
    expect_equal((result.returncode, result.stdout, result.stderr), (status, b"", b""),
                 "(status, stdout, stderr)")
    with open(box.path("result.json")) as file:
        return json.load(file)


def of_this_run(box):
    """Processes whose environment names our folder. A zombie has none: see careless_init."""
    mark = os.fsencode(box.folder)
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if mark in file.read():
                    found.append(path)
        except OSError:
            pass
    return found


def shared_memory():
    return {name for name in os.listdir("/dev/shm") if "seep" in name.lower()}


def expect_nothing_left(box, processes, shared_before):
    box.wait_until(lambda: not of_this_run(box), "the end of the last process")
    expect_equal(os.listdir(box.path("tmp")), [], "what is left among temporary files")
    expect_equal(sorted(os.listdir(box.folder)),
                 ["Makefile", "known", "names", "result.json", "tmp"], "the working folder")
    with open("/proc/net/unix") as file:
        names = {line.split()[-1].split(".")[1] for line in file if " @seep." in line}
    expect_equal(sorted(names & {str(process["process"]["pid"]) for process in processes}), [],
                 "the sockets that are left")
    expect_equal(shared_memory() - shared_before, set(), "what is left in /dev/shm")


def nothing_left(script, box):
    count, shared_before = many(box), shared_memory()
    result = check(box, script, count, "/bin/true")
    processes = result["processes"]
    expect_equal((result["passed"], result["unreadable"]), (True, 0), "(passed, unreadable)")
    expect_equal(sum(process["process"]["name"] == "true" for process in processes), count,
                 "the processes in the result")
    expect_equal(len({process["process"]["pid"] for process in processes}), len(processes),
                 "the different processes")
    expect_nothing_left(box, processes, shared_before)


def one_leak(box):
    program = box.compile("loses_a_block.c", "-O1")
    script = LOOP.replace('"$2"', 'true; [ $i != 7 ] || "$2" >/dev/null')
    result = check(box, script, 20, program, status=1)
    accused = [process for process in result["processes"] if process["sites"]]
    expect_equal([process["process"]["command"] for process in accused], [[program]],
                 "the processes with a finding")
    expect_equal((result["leaks"], result["lost"], result["passed"]), (1, 1, False),
                 "(leaks, lost, passed)")


def in_a_namespace(box, argv):
    command = ["unshare", "-rpf", "--mount-proc"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        raise Skipped("no namespaces for this user")
    return box.run(command + argv, {"TMPDIR": box.folder})


def careless_init(box):
    result = in_a_namespace(box, ["python3", "-S", "-E", "-c", CARELESS_INIT, SEEP, "check", "-q",
                                  "--", "sh", "-c", LOOP, "sh", "20", "/bin/true"])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"[]\n", b""),
                 "(status, what is left, stderr)")


def seep_is_init(box):
    """What has ended must not stay until the run is over: processes may be limited in number."""
    result = in_a_namespace(box, [SEEP, "check", "-q", "--", "sh", "-c", LOOP + UNTIL_FEW, "sh",
                                  "20", "/bin/true"])
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"", b""),
                 "(status, zombies, stderr)")


ORPHAN = """
import os, sys, time
if os.fork():
    os._exit(0)
first = os.getppid()
while os.getppid() == first != 1:
    time.sleep(0.01)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(os.getppid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""
# A first process that waits for whatever it is given.
CAREFUL_INIT = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGCHLD, lambda *_: None)
if os.fork() == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
"""


def daemon(box):
    script = box.write("orphan.py", ORPHAN)
    in_a_namespace(box, ["python3", "-S", "-E", "-c", CAREFUL_INIT, SEEP, "check", "-q", "--", "sh",
                         "-c", 'python3 -S -E "$1" "$2"; while [ ! -e "$2" ]; do sleep 0.02; done',
                         "sh", script, box.path("parent")])
    with open(box.path("parent")) as file:
        expect_equal(file.read(), "1", "the parent of the daemon")


def nothing_looked_up(box):
    """It takes longer than most tests run."""
    if not shutil.which("strace"):
        raise Skipped("strace is not installed")
    for name, is_opened in (("keeps_a_block.c", False), ("loses_a_block.c", True)):
        program = box.compile(name, "-O1")
        box.seep_run([program], "--scan=exit")
        trace = box.path("trace")
        result = box.run(["strace", "-f", "-qq", "-e", "trace=openat", "-o", trace, SEEP, "check",
                          box.path("out.seep")])
        if b"ptrace" in result.stderr:
            raise Skipped("ptrace is not permitted here")
        expect_equal(result.returncode, int(is_opened), "the exit status")
        with open(trace, errors="replace") as file:
            expect_equal(program in file.read(), is_opened, "%s is opened" % name)
