# SPDX-License-Identifier: Apache-2.0
"""test_seep_h: a program's tests check themselves through seep.h: what is lost, and what grows."""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys

from sandbox import CASES, ROOT, SEEP, expect, expect_equal
from process_list import processes_of

LOSES = "64 bytes in 1 block definitely lost, allocated at"
GROWS = "384 bytes in 6 blocks more after 6 more rounds, growing all the time, allocated at"
BUSY = "1920 bytes in 30 blocks more after 15 more rounds, growing all the time, allocated at"
WATCHED = ["watched", "nothing yet 0", "loses 2 " + LOSES, "frees 0", "since the start 2 " + LOSES,
           "grows 1 " + GROWS, "is full 0", "20 rounds", "goes again 0", "is busy 1 " + BUSY,
           "too few -22 it could not be checked: Invalid argument"]
ALONE = ["alone", "nothing yet 0", "loses 0", "frees 0", "since the start 0", "grows 0",
         "is full 0", "20 rounds", "goes again 0", "is busy 0", "too few 0"]
BUILDS = [("C", "checks_itself.c", ("-O1",)),
          ("C, no PIE", "checks_itself.c", ("-O1", "-fno-pie", "-no-pie")),
          ("C99", "checks_itself.c", ("-O2", "-std=gnu99")),
          ("C, loops unrolled", "checks_itself.c", ("-O3", "-funroll-loops")),
          ("C, all hidden", "checks_itself.c", ("-O1", "-DIS_HIDDEN")),
          ("C++", "checks_itself_in_cxx.cc", ("-O1",)),
          ("C++, no PIE", "checks_itself_in_cxx.cc", ("-O1", "-fno-pie", "-no-pie"))]
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-Wno-unused-function")


def tests():
    for name, source, flags in BUILDS:
        yield (name + ": what a test loses and what grows is found, and nothing else",
               functools.partial(checks, source, flags))
        yield name + ": without seep it is harmless", functools.partial(alone, source, flags)
        yield (name + ": a scope says what it has lost, and is silent where it has not",
               functools.partial(scopes, source, flags))
    yield "without PIE a program may be assembled in Intel's syntax", intel_syntax
    yield "as a header of the program's own it compiles without a warning in any C and C++", \
        languages
    for kind in ("thread", "inline"):
        yield "the same by --snapshots-by=" + kind, functools.partial(by, kind)
    yield "findings name function, file and line, up to main", names
    yield "what a path has of control characters is not in them", control_characters
    yield "with LD_PRELOAD alone they are what seep symbolize takes", symbolize
    for what, script in (("is gone", None), ("fails", "echo rubbish; exit 1"),
                         ("says nothing", ":"), ("is killed", "echo rubbish; kill -9 $$")):
        yield ("where the tool %s addresses are left" % what, functools.partial(no_names, script))
    yield "the tool gets the text, and nothing of the program's", tool_surroundings
    yield "seep symbolize leaves alone what it does not know", symbolize_nothing
    yield "what another thread has lost is found, and what others are just using is not", threads
    yield "what hangs under an older block that is lost is lost, too", under_an_older_block
    yield "what is left in a vector register of who checks holds nothing", vector_register
    yield "a forked child checks itself from its parent's moment on", forked
    for options, child in (((), "child 1"), (("--children=none",), "child 0")):
        yield (" ".join(("rounds go on in a child that is forked in one of them",) + options),
               functools.partial(forked_in_a_round, options, child))
    for kind in ("process", "thread", "inline"):
        yield ("rounds that are left by a jump or a thread's end leave no memory, by " + kind,
               functools.partial(left_rounds, kind))
    yield "rounds that seem to be left say so when they go on", seemingly_left_rounds
    yield "a child that is forked beside threads checks itself, too", forked_beside_threads
    yield "the program does not notice that the tool is asked for names", unnoticed
    yield "where no process can be made a check says so", sandboxed
    yield "a check takes as long as it takes, however often signals interrupt the wait", interrupted
    yield "who asks after one that has left a check gets its own findings", beside_a_left_check
    for kind in ("process", "thread", "inline"):
        yield ("threads may check at once, with snapshots by " + kind,
               functools.partial(at_once, kind))
    for kind in ("thread", "inline"):
        yield "what registers that nobody can read may hold is not called kept, by " + kind, \
            functools.partial(unsure, kind)
    yield "a thread that checks all the time lets others have their turn", in_turn
    yield "where the helper was killed a check says so", helper_killed
    yield "when all moments are used up that is said", used_up
    yield "of a scope with a long name a part is said, and then the rest", long_scope


def build(box, source, flags):
    return box.compile(source, *flags, *WARNINGS)


def checks(source, flags, box):
    ended = box.seep_run([build(box, source, flags)])
    expect_equal(ended.stdout.decode().splitlines(), WATCHED, "what it is told")
    expect_equal((ended.returncode, ended.stderr), (0, b""), "(status, stderr)")


def alone(source, flags, box):
    ended = box.run([build(box, source, flags)])
    expect_equal(ended.stdout.decode().splitlines(), ALONE, "what it is told")


def by(kind, box):
    ended = box.seep_run([build(box, "checks_itself.c", ("-O1",))], "--snapshots-by=" + kind)
    expect_equal(ended.stdout.decode().splitlines(), WATCHED, "what it is told")


def scopes(source, flags, box):
    program = build(box, source, flags)
    lost = box.seep_run([program, "loses"])
    text = lost.stderr.decode()
    expect("seep: scope inner: lost what it has allocated\n" + LOSES in text
           and "seep: scope outer: lost" in text, "it says " + text)
    clean = box.seep_run([program, "frees"])
    expect_equal((clean.returncode, clean.stderr), (0, b""), "(status, stderr) of the clean twin")
    expect_equal(box.run([program, "loses"]).stderr, b"", "stderr without seep")
    ended = box.seep("check", "--", program, "loses")
    expect_equal(ended.returncode, 1, "the status of seep check")
    expect_equal(box.seep("check", "--", program, "frees").returncode, 0, "that of the clean twin")


def intel_syntax(box):
    source = box.write("watched.c", "#include <seep.h>\nint main(void)\n{\n"
                       "\treturn seep_is_watching() ? 5 : 4;\n}\n")
    program = build(box, source, ("-O1", "-masm=intel", "-fno-pie", "-no-pie"))
    expect_equal((box.run([program]).returncode, box.seep_run([program]).returncode), (4, 5),
                 "its status without seep and with it")


STRICT = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wundef", "-Wshadow", "-Werror")
LANGUAGES = [(compilers, standard)
             for compilers, standards in ((("gcc", "clang"), "c89 c99 c11 c17 gnu89"),
                                          (("g++", "clang++"), "c++98 c++11 c++17 c++20"))
             for standard in standards.split()]


def languages(box):
    """The copy is no header of the system, in which compilers keep their warnings to themselves."""
    shutil.copy(os.path.join(ROOT, "include", "seep.h"), box.folder)
    source = shutil.copy(os.path.join(CASES, "says_all_of_seep_h.c"), box.folder)
    for compilers, standard in LANGUAGES:
        language = "c++" if "++" in standard else "c"
        for compiler in filter(shutil.which, compilers):
            for pie in ("-fpie", "-fno-pie"):
                said = box.run([compiler, "-x", language, "-std=" + standard, pie, "-O1", "-I.",
                                "-S", "-o", "/dev/null", source, *STRICT])
                expect_equal((said.returncode, said.stderr), (0, b""),
                             "(status, stderr) of %s -std=%s %s" % (compiler, standard, pie))
    program = box.compile(source, "-std=c89", *STRICT)
    expect_equal((box.run([program]).returncode, box.seep_run([program]).returncode), (1, 0),
                 "its status without seep and with it")


def among_others(box, what, **others):
    program = box.compile("checks_itself_among_others.c", "-O1", "-g", "-pthread",
                          "-fno-optimize-sibling-calls")
    ended = box.seep_run([program, what], **others)
    expect_equal((ended.returncode, ended.stderr), (0, b""), "(status, stderr)")
    return ended.stdout.decode().splitlines()


def line_of(source, text):
    with open(os.path.join(CASES, source)) as file:
        return next(number for number, line in enumerate(file, 1) if text in line)


def names(box):
    source = os.path.join(CASES, "checks_itself_among_others.c")
    found = among_others(box, "unnoticed")[1:6]
    middle = re.sub(r":\d+$", "", found[3])
    expect_equal(found[:3] + [middle] + found[4:],
                 ["one 1", "40 bytes in 1 block definitely lost, allocated at",
                  "    lose %s:%d" % (source, line_of(source, "kept = malloc(bytes)")),
                  "    unnoticed " + source,
                  "    main %s:%d" % (source, line_of(source, "unnoticed();"))], "the findings")


def control_characters(box):
    folder = box.path("a\nb\x1b[1m")
    os.mkdir(folder)
    program = box.compile("checks_itself_among_others.c", "-O1", "-g", "-pthread",
                          "-fno-optimize-sibling-calls", output=folder + "/program")
    lines = box.seep_run([program, "unnoticed"]).stdout.decode().splitlines()
    expect_equal([line.split("+0x")[0] for line in lines[3:6]],
                 ["    %s/a?b?[1m/program" % box.folder] * 3, "the frames")


def symbolize(box):
    program = box.compile("checks_itself_among_others.c", "-O1", "-g", "-pthread",
                          "-fno-optimize-sibling-calls")
    plain = box.run([program, "unnoticed"], box.preload(output=box.path("plain.seep")))
    lines = plain.stdout.decode().splitlines()
    expect(re.fullmatch(r"    %s\+0x[0-9a-f]+" % re.escape(program), lines[3]), "it is " + lines[3])
    with_names = box.seep("symbolize", stdin=plain.stdout).stdout.decode().splitlines()
    expect_equal(with_names, among_others(box, "unnoticed"), "the text with names")
    # In the middle of a line, from a file.
    text = box.write("log", "  #0 0x55 (%s) end\n" % lines[3].strip())
    expect_equal(box.seep("symbolize", text).stdout.decode(),
                 "  #0 0x55 (%s) end\n" % with_names[3].strip(), "a line of a log")


def with_tool(box, script, interpreter="/bin/sh", what="unnoticed"):
    tool = box.path("a:tool")
    if script is not None:
        box.write("a:tool", "#!%s\n%s\n" % (interpreter, script))
        os.chmod(tool, 0o755)
    program = box.compile("checks_itself_among_others.c", "-O1", "-g", "-pthread",
                          "-fno-optimize-sibling-calls")
    ended = box.run([program, what], box.preload(output=box.path("out.seep"), tool=tool))
    expect_equal((ended.returncode, ended.stderr), (0, b""), "(status, stderr)")
    return program, ended.stdout.decode().splitlines()


def no_names(script, box):
    program, lines = with_tool(box, script)
    expect_equal(lines[2], "40 bytes in 1 block definitely lost, allocated at", "the finding")
    expect(lines[3].startswith("    %s+0x" % program), "the first frame is " + lines[3])
    expect_equal(lines[-3:], ["errno same", "descriptors same", "children 0 none"], "what it sees")


# The interpreter sets LC_CTYPE for itself, and has its script open.
SURROUNDINGS = """import os, signal, sys
paths = ["/proc/self/fd/%d" % fd for fd in range(10)]
fds = [os.readlink(path) for path in paths if os.path.lexists(path)]
print(sys.argv[1:], sorted(set(os.environ) - {"LC_CTYPE"}))
print([fd.split(":")[0] for fd in fds if "/proc/" not in fd])
print([int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])])
for line in sys.stdin:
    print("<%s>" % line.rstrip())
"""


def tool_surroundings(box):
    _, lines = with_tool(box, SURROUNDINGS, sys.executable)
    expect_equal(lines[2:6], ["['symbolize'] []", "['pipe', 'pipe', '/dev/null']", "[]",
                              "<40 bytes in 1 block definitely lost, allocated at>"],
                 "arguments and environment, descriptors, blocked signals, the text")


def symbolize_nothing(box):
    box.write("text file", "no ELF\n")
    text = "".join(line + "\n" for line in (
        "plain", "", "/no/such/file+0x12", "%s+0x12" % box.path("text file"), "+0x", "/bin+0x1",
        "/bin/true+0xffffffffffffffffff", "/bin/true+0xzz", "%s+0x1" % box.folder)) + "no newline"
    ended = box.seep("symbolize", stdin=text.encode())
    expect_equal((ended.returncode, ended.stdout.decode()), (0, text), "(status, text)")
    # A piece of a program, a line of places that are none, and one without an end.
    hostile = (b"before\0after %s+0x12\n" % sys.executable.encode() + b"/a/b+0x1 " * 7000 + b"\n"
               + b"x" * 300000 + b"\n" + os.urandom(5000).replace(b"+0x", b"+1x"))
    ended = box.seep("symbolize", stdin=hostile)
    expect(ended.returncode == 0 and ended.stdout == hostile, "hostile text is not as it was")
    ended = box.run(["sh", "-c", "ulimit -v 500000; %s symbolize < /dev/zero | head -c 600000000 | "
                     "wc -c" % SEEP])
    expect_equal(ended.stdout.strip(), b"600000000", "how much of /dev/zero comes through")
    ended = box.seep("symbolize", box.folder)
    expect_equal((ended.returncode, b"Is a directory" in ended.stderr), (2, True), "of a folder")
    broken = box.write("broken", "")
    with open(broken, "wb") as file, open("/bin/true", "rb") as whole:
        file.write(whole.read(3000))
    line = b"%s+0x2345\n" % broken.encode()
    ended = box.seep("symbolize", stdin=line)
    expect_equal((ended.returncode, ended.stdout), (0, line), "of half a program")
    ended = box.seep("symbolize", "/no/such/file")
    expect_equal((ended.returncode, ended.stdout), (2, b""), "(status, text) of a missing file")
    expect(b"/no/such/file: No such file" in ended.stderr, "it says %r" % ended.stderr)


def threads(box):
    lines = [line for line in among_others(box, "threads") if not line.startswith("    ")]
    expect_equal(lines, ["threads", "nothing 0", "one 1",
                         "40 bytes in 1 block definitely lost, allocated at", "since then 0"],
                 "what it is told")


def under_an_older_block(box):
    lines = [line for line in among_others(box, "under an older block") if line[0] != " "]
    expect_equal(lines, ["under an older block", "one 1",
                         "32 bytes in 1 block indirectly lost, allocated at"], "what it is told")


def vector_register(box):
    lines = [line for line in among_others(box, "vector register") if line[0] != " "]
    expect_equal(lines, ["vector register", "one 1",
                         "40 bytes in 1 block definitely lost, allocated at"], "what it is told")


def forked(box):
    lines = [line for line in among_others(box, "fork") if not line.startswith("    ")]
    expect_equal(lines, ["fork", "child 1", "48 bytes in 1 block definitely lost, allocated at",
                         "parent 0"], "what they are told")


def forked_in_a_round(options, child, box):
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    ended = box.seep_run([program, "fork in a round"], *options)
    lines = [line for line in ended.stdout.decode().splitlines() if line[0] != " "]
    grown = ["144 bytes in 6 blocks more after 6 more rounds, growing all the time, allocated at"]
    expect_equal(lines, ["fork in a round", child] + (grown if child == "child 1" else []) +
                 ["parent 1"] + grown, "what they are told")


def left_rounds(kind, box):
    program = box.compile("leaves_rounds.c", "-O1", "-pthread")
    ended = box.seep_run([program], "--snapshots-by=" + kind, "--interval=1h")
    expect_equal(ended.stdout.decode().splitlines(),
                 ["jumps nothing left", "threads nothing left", "inside 1", "grows 1", "stays 0"],
                 "what it is told")


def seemingly_left_rounds(box):
    expect_equal(among_others(box, "rounds on two stacks"),
                 ["rounds on two stacks", "outer -125",
                  "it could not be checked: the thread has begun other rounds, outside of these"],
                 "what it is told")


def forked_beside_threads(box):
    lines = [line for line in among_others(box, "fork beside threads") if line[0] != " "]
    expect_equal(lines, ["fork beside threads", "child 1",
                         "48 bytes in 1 block definitely lost, allocated at"], "what it is told")


def unnoticed(box):
    lines = [line for line in among_others(box, "unnoticed") if not line.startswith("    ")]
    expect_equal(lines[3:], ["errno same", "descriptors same", "children 0 none"], "what it sees")


def sandboxed(box):
    lines = among_others(box, "sandbox")
    expect_equal(lines, ["sandbox", "sandboxed", "nothing 0", "one -95",
                         "what is lost is not known: the kernel makes no copy of the process: "
                         "Operation not permitted"], "what it is told")


def interrupted(box):
    _, lines = with_tool(box, "sleep 1; exec cat", what="interrupted")
    lines = [line for line in lines if not line.startswith("    ")]
    expect_equal(lines, ["interrupted", "one 1",
                         "40 bytes in 1 block definitely lost, allocated at",
                         "interrupted often"], "what it is told")


def beside_a_left_check(box):
    _, lines = with_tool(box, "sleep 1; exec cat", what="beside a left check")
    lines = [line for line in lines if line[0] != " "]
    expect_equal(lines, ["beside a left check", "rounds 1",
                         "72 bytes in 3 blocks more after 3 more rounds, growing all the time, "
                         "allocated at"], "what it is told")


def at_once(kind, box):
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    ended = box.seep_run([program, "at once"], "--snapshots-by=" + kind)
    expect_equal(ended.stdout, b"at once\n0 not checked\n", "what it counts")


def unsure(kind, box):
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    ended = box.seep_run([program, "beside a sleeping thread"], "--snapshots-by=" + kind)
    lines = [line for line in ended.stdout.decode().splitlines() if line[0] != " "]
    expect_equal(lines, [
        "beside a sleeping thread", "none 0", "one -95",
        "what is lost is not known: 1 block may be held by registers of threads, which could "
        "not be read"], "what it is told")


def in_turn(box):
    expect_equal(among_others(box, "in turn"), ["in turn", "others in turn"], "what it counts")


def helper_killed(box):
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    process = box.start([program, "without a helper"], box.preload(output=box.path("out.seep")),
                        stdin=subprocess.PIPE)
    first = process.stdout.readline()
    helper, = [pid for pid in processes_of(os.path.realpath(program)) if pid != process.pid]
    os.kill(helper, signal.SIGKILL)
    said, _ = process.communicate(b"go on\n", timeout=60)
    expect_equal((first + said).decode().splitlines(),
                 ["without a helper", "one -3",
                  "it could not be checked: seep's process beside this one is gone"],
                 "what it is told")


def used_up(box):
    expect_equal(among_others(box, "too many moments"),
                 ["too many moments", "262 thousand", "none -75", "check -75",
                  "it could not be checked: the 262143 moments, checks and snapshots of a process "
                  "are used up"], "what it is told")


def long_scope(box):
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    lines = box.seep_run([program, "long scope"]).stderr.decode().splitlines()
    expect_equal(lines[:2], ["seep: scope %s: lost what it has allocated" % ("n" * 160),
                             "40 bytes in 1 block definitely lost, allocated at"], "stderr")
