# SPDX-License-Identifier: Apache-2.0
"""test_bad_input: whatever is wrong, one line says what, the status is 2, and nothing is lost."""

import functools
import json
import os
import re
import shutil
import struct
import subprocess
import zlib

import report_schema
import snapshot_file
from sandbox import LIBRARY, NOBODY, SEEP, Failed, Skipped, expect, expect_equal

READERS = {
    "report": ["report"],
    "report --format=json": ["report", "--format=json"],
    "check": ["check"],
    "snapshots": ["snapshots"],
    "diff": ["diff"],
    "export": ["export", "--format=folded"],
}


def tests():
    for damage in BAD_FILES:
        yield "%s is refused by every command that reads" % damage, functools.partial(
            refused_file, damage)
    for damage in HURT_FILES:
        yield "%s is read as far as it goes" % damage, functools.partial(read_in_part, damage)
    yield "wrong options, commands and operands are refused", wrong_usage
    yield "whatever is typed, no message can write to a terminal or make two lines", harmless
    yield "wrong values of settings are refused by seep run", wrong_settings
    yield "wrong values in SEEP_OPTIONS: one line, and the program runs", wrong_seep_options
    yield "a pid that is gone, not ours or not under seep is refused", wrong_pid
    for program in BAD_PROGRAMS:
        yield "%s is refused by seep run" % program, functools.partial(refused_program, program)
    yield "a program that is not executable for us is refused", not_executable
    yield "a file that may not be read is refused", unreadable_file
    yield "output that cannot be written is refused", unwritable_output
    yield "a FIFO where a file is to be is refused, for it would be waited for", named_pipes
    yield "a pipe that somebody has opened for seep is as good as a file", open_pipes
    yield "a folder that is not there: one line, and the program runs", output_folder_missing
    yield "a disk that fills loses nothing that was written", full_disk
    yield "hostile bytes anywhere never crash the reader", hostile_bytes


def one_line(result, what, *words):
    """The contract: status 2, nothing on stdout, one line on stderr that begins with `seep: `."""
    error = result.stderr.decode(errors="replace")
    expect(result.returncode == 2, "%s: status %d, stderr %r" % (what, result.returncode, error[:200]))
    lines = error.splitlines()
    expect(len(lines) == 1 and error.endswith("\n"), "%s: stderr has %d lines: %r"
           % (what, len(lines), error[:300]))
    expect(lines[0].startswith("seep: ") and len(lines[0]) > 15, "%s: stderr is %r" % (what, error))
    expect(result.stdout == b"", "%s: there is output: %r" % (what, result.stdout[:100]))
    for word in words:
        expect(str(word) in lines[0], "%s: the message does not name %s: %r" % (what, word, error))


# ---- files ---------------------------------------------------------------------------------------

def recorded(box):
    program = box.compile("keeps_three_blocks.c", "-O1")
    box.seep_run([program], output="good.seep")
    with open(box.path("good.seep"), "rb") as file:
        return file.read()


def missing(box, data):
    return box.path("no such file")


def folder(box, data):
    os.mkdir(box.path("folder"))
    return box.path("folder")


def other_bit_order(data):
    header = data[:16] + b"\1\2\3\4" + data[20:60]
    return header + struct.pack("<I", zlib.crc32(header)) + data[64:]


def write_as(change):
    return lambda box, data: box.write("bad.seep", change(data))


BAD_FILES = {
    "a file that is not there": missing,
    "a folder": folder,
    "an empty file": write_as(lambda data: b""),
    "a text file": write_as(lambda data: b"This is no seep file.\n" * 100),
    "an ELF file": lambda box, data: LIBRARY,
    "an endless device": lambda box, data: "/dev/zero",
    "a header cut short": write_as(lambda data: data[:40]),
    "a file of a newer version": write_as(lambda data: snapshot_file.with_header(data, major=2)),
    "a file of the other byte order": write_as(other_bit_order),
    "a file cut in its first record": write_as(lambda data: data[:80]),
    "a file of another program with our name": write_as(lambda data: b"SEEP\n" + data[5:]),
}


def refused_file(damage, box):
    path = BAD_FILES[damage](box, recorded(box))
    for name, command in READERS.items():
        if command[0] == "diff":
            one_line(box.seep(*command, path, box.path("good.seep")), name + " (old)",
                     os.path.basename(path))
            one_line(box.seep(*command, box.path("good.seep"), path), name + " (new)",
                     os.path.basename(path))
        else:
            one_line(box.seep(*command, path), name, os.path.basename(path))


def change_record(data, type_, change):
    """The same file with the payload of the first record of a type changed, checksums right."""
    record = snapshot_file.SnapshotFile(data).of_type(type_)[0]
    end = record.offset + 32 + (len(record.payload) + 7) // 8 * 8
    return (data[:record.offset] + snapshot_file.frame(
        type_, change(record.payload), record.sequence, record.time_ns) + data[end:])


def put(offset, number, size="<I"):
    def change(payload):
        return payload[:offset] + struct.pack(size, number) + payload[offset + struct.calcsize(size):]
    return change


def unknown_record(data):
    first = snapshot_file.SnapshotFile(data).records[1].offset
    return data[:first] + snapshot_file.frame(999, b"from the future", 1) + data[first:]


def flip_in_second_record(data):
    offset = snapshot_file.SnapshotFile(data).records[1].offset + 33
    return data[:offset] + bytes([data[offset] ^ 255]) + data[offset + 1:]


# Every one is right on the outside (checksums) or torn; the reader finds out inside.
HURT_FILES = {
    "a header with a wrong checksum": lambda data: data[:20] + b"\xff" + data[21:],
    "a header of impossible size": lambda data: snapshot_file.with_header(
        data, header_bytes=1 << 31),
    "a torn tail": lambda data: data[:-10],
    "a tail of zeros": lambda data: data + bytes(100000),
    "a tail of noise": lambda data: data + bytes(range(256)) * 64,
    "a flipped bit in a record": flip_in_second_record,
    "a record from the future": unknown_record,
    "a snapshot with a huge entry count": lambda data: change_record(
        data, snapshot_file.SNAPSHOT_TYPE, put(24, 0xffffffff)),
    "a snapshot with a label beyond its end": lambda data: change_record(
        data, snapshot_file.SNAPSHOT_TYPE, put(16, 0x7fffffff)),
    "a snapshot with entries before its struct": lambda data: change_record(
        data, snapshot_file.SNAPSHOT_TYPE, put(20, 0)),
    "stacks with a huge count": lambda data: change_record(
        data, snapshot_file.STACKS, put(8, 0xffffffff)),
    "stacks whose parents are newer than they": lambda data: change_record(
        data, snapshot_file.STACKS, lambda payload: payload[:16] + b"\0" * len(payload[16:])),
    "stacks of endless varints": lambda data: change_record(
        data, snapshot_file.STACKS, lambda payload: payload[:16] + b"\xff" * len(payload[16:])),
    "a module with a path beyond its end": lambda data: change_record(
        data, snapshot_file.MODULES, put(46, 0xffff, "<H")),
    "a module of no size": lambda data: change_record(data, snapshot_file.MODULES, put(0, 0)),
    "a process with strings beyond its end": lambda data: change_record(
        data, snapshot_file.PROCESS, put(20, 0x7ffffff0)),
}


def read_in_part(damage, box):
    """Either it is read, with what is missing said, or refused with one line; never a crash."""
    box.write("hurt.seep", HURT_FILES[damage](recorded(box)))
    for name, command in READERS.items():
        operands = [box.path("hurt.seep")] * (2 if command[0] == "diff" else 1)
        result = box.seep(*command, *operands)
        if result.returncode == 2:
            one_line(result, name, "hurt.seep")
        else:
            expect_equal((result.returncode, result.stderr), (0, b""), "%s: (status, stderr)" % name)
        if "json" in name and result.returncode == 0:
            # What stood in a damaged header or process record is not known any more.
            wrong = [text for text in report_schema.check(json.loads(result.stdout))
                     if not text.startswith("report.process.")]
            expect(not wrong, "; ".join(wrong[:5]))
    if damage.startswith(("a torn", "a tail", "a record")):
        report = box.report("hurt.seep")
        expect(report["snapshots"] >= 1 or damage == "a torn tail", "the snapshots are gone")


def hostile_bytes(box):
    """Each byte in turn with three values, outside and (with the checksum made right) inside."""
    data = recorded(box)
    records = snapshot_file.SnapshotFile(data).records
    step = 1 if box.is_full else 23
    tried = 0
    for record in records:
        for offset in range(0, len(record.payload), step):
            for value in (0, 255):
                payload = record.payload[:offset] + bytes([value]) + record.payload[offset + 1:]
                end = record.offset + 32 + (len(record.payload) + 7) // 8 * 8
                box.write("hostile.seep", data[:record.offset] + snapshot_file.frame(
                    record.type, payload, record.sequence, record.time_ns) + data[end:])
                result = box.seep("report", "--format=json", box.path("hostile.seep"), timeout=20)
                tried += 1
                if result.returncode == 2:
                    one_line(result, "byte %d of record %d" % (offset, record.sequence))
                elif result.returncode != 0:
                    raise Failed("status %d for byte %d = %d of the record of type %d"
                                 % (result.returncode, offset, value, record.type))
    box.note("%d files" % tried)


# ---- the command line ------------------------------------------------------------------------------

def harmless(box):
    recorded(box)
    bad, good = "x\x1b[31m\ny\x9b\u202e", box.path("good.seep")
    for arguments in ([bad], ["report", bad], ["report", "--" + bad, good], ["check", "--", bad],
                      ["check", "--fail-on=" + bad, good], ["check", "--format=" + bad, good],
                      ["check", "--suppressions=" + bad, good], ["check", "--" + bad],
                      ["check", "--keep=" + bad + "/x", "--", "true"],
                      ["run", "-o", bad + "/x", "true"],
                      ["check", "--error-exitcode=" + bad, good], ["report", good + "@" + bad],
                      ["check", "--baseline=" + bad, good], ["run", "--interval=" + bad, "true"],
                      ["report", "--top=" + bad, good], ["report", "--settings=" + bad, good]):
        result = box.seep(*arguments)
        what = "seep " + ascii(arguments)
        one_line(result, what)
        said = result.stderr.decode()
        expect(not any(letter in said for letter in "\x1b\x9b\u202e"),
               "%s says %s" % (what, ascii(said)))
    # What a program is called stands in the summary of its run.
    name = box.path("x\x1b[31m\ny")
    shutil.copy(shutil.which("true"), name)
    said = box.seep("run", "-o", box.path("out.seep"), "--", name).stderr.decode()
    expect("x?[31m?y (" in said and "\x1b" not in said, "the summary is " + ascii(said))
    # And its own file, and that of a child which loses something, are called so.
    shutil.copy(box.compile("loses_a_block.c", "-O1"), name)
    said = box.seep("run", "--scan=exit", "-o", box.path("%e.seep"), "--", name).stderr.decode()
    said += box.seep("run", "--scan=exit", "-o", box.path("out.seep"), "--", "sh", "-c",
                     '"$1"; true', "sh", name).stderr.decode()
    # What it says to type works as it is.
    commands = re.findall("more: (seep report .*)$", said, re.M)
    expect_equal(len(commands), 2, "commands in " + ascii(said))
    for command in commands:
        result = box.run(["bash", "-c", '"$SEEP"' + command[len("seep"):]], {"SEEP": SEEP})
        expect(result.returncode == 0 and b"1 lost: " in result.stdout, "%s: %r"
               % (ascii(command), result))
    expect(said.count("more: seep report") == 2 and ", in x?[31m?y." in said and
           "\x1b" not in said, "the summary is " + ascii(said))


def wrong_usage(box):
    recorded(box)
    good = box.path("good.seep")
    for arguments, words in (
            (["frobnicate"], ["frobnicate"]),
            (["--frobnicate"], ["--frobnicate"]),
            (["report"], []), (["snapshots"], []), (["export"], []), (["snapshot"], []),
            (["diff"], []), (["run"], []), (["run", "--"], []),
            (["diff", good, good, good], []),
            (["snapshots", good, good], []),
            (["report", "--frobnicate", good], ["--frobnicate"]),
            (["report", "--format=xml", good], ["xml"]),
            (["report", "--format"], ["format"]),
            (["report", "--top=many", good], ["many"]),
            (["report", "--min-bytes=big", good], ["big"]),
            (["report", "--from=nolabel", good], ["nolabel"]),
            (["diff", "--format=xml", good, good], ["xml"]),
            (["export", good], ["format"]),
            (["export", "--format=folded", "--value=weight", good], ["weight"]),
            (["export", "--format=folded", good + "@nolabel"], ["nolabel"]),
            (["export", "--format=xml", good], ["xml"]),
            (["snapshots", "--frobnicate", good], ["--frobnicate"]),
            (["export", "--frobnicate", good], ["--frobnicate"]),
            (["diff", "--frobnicate", good, good], ["--frobnicate"]),
            (["snapshot", "--frobnicate", "1"], ["--frobnicate"]),
            (["run", "--frobnicate", "--", "/bin/true"], ["--frobnicate"]),
            (["diff", good + "@nolabel", good], ["nolabel"]),
            (["diff", good, good + "@999"], ["999"]),
            (["diff", good + "@-999", good], ["-999"]),
            (["snapshot", "notapid"], ["notapid"]),
            (["snapshot", "-5"], []),
            # What was left out or mistyped is named.
            (["run", "--inteval=5s", "--", "/bin/true"], ["did you mean '--interval'"]),
            (["/bin/true"], ["did you mean 'seep run /bin/true'"]),
            ([good], ["did you mean 'seep report " + good]),
            (["4711"], ["did you mean 'seep report 4711'"]),
            (["help", "rn"], ["did you mean 'seep help run'"]),
            (["run", "--children=none,sh", "--", "/bin/true"], ["'none' stands alone"]),
            (["scan", good], ["is a file", "give its PID"]),
            (["check", "--baseline=-", good], ["--baseline needs a file"]),
            (["check", "--gen-suppressions=-", good], ["--gen-suppressions needs a file"]),
            (["snapshot", "99999999999999999999"], ["99999999999999999999"])):
        one_line(box.seep(*arguments), "seep " + " ".join(arguments).replace(box.folder, ""), *words)


def wrong_settings(box):
    for option in ("--interval=soon", "--interval=-1s", "--interval=", "--growth=big",
                   "--stack-depth=0", "--stack-depth=513", "--stack-depth=x", "--track=disk",
                   "--snapshots-by=magic", "--max-file=1K", "--max-file=x", "--command-line=maybe",
                   "--error-exitcode=x", "--error-exitcode=300"):
        result = box.seep("run", option, "--", "/bin/echo", "started")
        one_line(result, "seep run " + option, option.split("=")[0].lstrip("-"))


def wrong_seep_options(box):
    for options in ("interval=soon", "no_such_setting=1", "stack_depth", "snapshots_by=magic",
                    "track=foo,mmap"):
        result = box.run(["/bin/echo", "started"], {"LD_PRELOAD": LIBRARY, "SEEP_OPTIONS":
                                                    "output=%s:%s" % (box.path("o.seep"), options)})
        expect_equal((result.returncode, result.stdout), (0, b"started\n"), "(status, stdout)")
        lines = result.stderr.decode().splitlines()
        expect(len(lines) == 1 and lines[0].startswith("seep: "), "%s: stderr is %r"
               % (options, result.stderr))
        expect(options.split("=")[0] in lines[0], "%s is not named: %r" % (options, lines[0]))


# ---- processes -------------------------------------------------------------------------------------

def helper_of(output):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/comm" % pid) as name, open("/proc/%s/environ" % pid, "rb") as words:
                if name.read().startswith("seep:") and output.encode() in words.read():
                    return pid
        except OSError:
            continue  # it is gone, or somebody else's
    raise Failed("there is no helper")


def wrong_pid(box):
    gone = box.start(["/bin/true"])
    gone.wait()
    sleeper = box.start(["/bin/sleep", "60"])
    for command in (["snapshot"], ["report"], ["snapshots"]):
        one_line(box.seep(*command, gone.pid), command[0] + " of a pid that is gone", gone.pid)
        one_line(box.seep(*command, sleeper.pid), command[0] + " of a pid without seep", sleeper.pid)
        one_line(box.seep(*command, 1), command[0] + " of process 1")
    watched = box.start(["/bin/sleep", "60"], box.preload(output=box.path("out.seep")))
    box.wait_until(lambda: box.seep("snapshot", watched.pid).returncode == 0, "a snapshot")
    # pidof names two processes; of the wrong one it is said that it is the wrong one.
    helper = helper_of(box.path("out.seep"))
    one_line(box.seep("snapshot", helper), "snapshot of a helper", helper, "ask that one")
    if os.getuid() != 0:
        return
    result = box.run_as_nobody([SEEP, "snapshot", watched.pid])
    one_line(result, "snapshot of another user's process", watched.pid)


# ---- programs --------------------------------------------------------------------------------------

def elf32(box):
    """A 32-bit program that needs an interpreter, written by hand."""
    interpreter = b"/lib/ld-linux.so.2\0"
    header = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x8048000, 52, 0,
                                                       0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<8I", 3, 84, 0x8048054, 0x8048054, len(interpreter), len(interpreter), 4, 1)
    return box.write("program", header + segment + interpreter)


def foreign_machine(box):
    """An aarch64 program on any other machine."""
    with open("/bin/true", "rb") as file:
        data = bytearray(file.read())
    data[18:20] = struct.pack("<H", 183 if data[18] != 183 else 62)
    return box.write("program", bytes(data))


def static(box, how="-static"):
    source = box.write("static.c", "int main(void)\n{\n\treturn 0;\n}\n")
    return box.compile(source, how, output="program")


def setuid(box):
    if os.getuid() != 0:
        raise Skipped("only root can make a program of another user setuid")
    # Setuid to another user: for root a program of root is no change of user.
    shutil.copy("/bin/true", box.path("program"))
    os.chown(box.path("program"), NOBODY, NOBODY)
    os.chmod(box.path("program"), 0o4755)
    return box.path("program")


def script_for(make):
    def build(box):
        return box.write("script", "#!%s\n" % make(box))
    return build


BAD_PROGRAMS = {
    "a program that is not there": lambda box: box.path("no-such-program"),
    "a name that is not in PATH": lambda box: "no-such-program-anywhere",
    "a folder": lambda box: box.folder,
    "a static program": static,
    "a static program that can lie anywhere": lambda box: static(box, "-static-pie"),
    "a setuid program": setuid,
    "a 32-bit program": elf32,
    "a program for another machine": foreign_machine,
    "a script of a static program": script_for(static),
    "a cut ELF file": lambda box: box.write("program", b"\x7fELF\2\1\1" + bytes(20)),
}


def refused_program(kind, box):
    program = BAD_PROGRAMS[kind](box)
    for name in ("program", "script"):
        if os.path.exists(box.path(name)):
            os.chmod(box.path(name), os.stat(box.path(name)).st_mode | 0o755)
    result = box.seep("run", "-o", box.path("out.seep"), "--", program)
    # What is wrong with a script is its interpreter.
    name = "program" if os.path.basename(program) == "script" else os.path.basename(program)
    one_line(result, "seep run", name)
    expect(not os.path.exists(box.path("out.seep")), "there is a file of a program that never ran")


def not_executable(box):
    path = box.write("program", "#!/bin/sh\n")
    os.chmod(path, 0o644)
    one_line(box.seep("run", "--", path), "seep run", "program")


def unreadable_file(box):
    recorded(box)
    os.chmod(box.path("good.seep"), 0o600)
    for name, command in READERS.items():
        operands = [box.path("good.seep")] * (2 if command[0] == "diff" else 1)
        result = box.run_as_nobody([SEEP, *command, *operands])
        one_line(result, name, "good.seep")


# ---- output ----------------------------------------------------------------------------------------

def unwritable_output(box):
    recorded(box)
    good = box.path("good.seep")
    for target in ("/dev/full", box.path("no folder", "x"), box.folder):
        for command in (["report"], ["report", "--format=json"], ["export", "--format=folded"]):
            one_line(box.seep(*command, "-o", target, good), "%s -o %s" % (command[0], target),
                     os.path.basename(target))
    # stdout that is full is no success either.
    with open("/dev/full", "wb") as full:
        result = subprocess.run([SEEP, "report", good],
                                stdout=full, stderr=subprocess.PIPE, env=box.environment())
    expect_equal(result.returncode, 2, "the status of seep report >/dev/full")


def named_pipes(box):
    recorded(box)
    fifo, good = box.path("fifo"), box.path("good.seep")
    os.mkfifo(fifo, 0o700)
    shutil.copy(good, good + ".copy")
    program = box.compile("keeps_three_blocks.c", "-O1")
    commands = [
        ["report", "-o", fifo, good], ["report", "--format=json", "-o", fifo, good],
        ["export", "--format=folded", "-o", fifo, good], ["snapshots", "-o", fifo, good],
        ["diff", "-o", fifo, good, box.path("good.seep.copy")], ["check", "-o", fifo, good],
        ["check", "-o", fifo, "--", program], ["check", "--settings=" + fifo, good],
        ["report", "--settings=" + fifo, good], ["run", "--settings=" + fifo, "--", program],
        ["run", "--log-file=" + fifo, "--", program],
        ["report", "--suppressions=" + fifo, good], ["check", "--suppressions=" + fifo, good],
        ["run", "-o", fifo, "--", program], ["check", "--keep=" + fifo, "--", program]]
    for is_read in (False, True):
        # The same with somebody at the other end.
        other_end = os.open(fifo, os.O_RDWR) if is_read else -1
        for command in commands:
            one_line(box.seep(*command, timeout=20), "seep " + " ".join(command), "fifo", "FIFO")
        if is_read:
            os.close(other_end)
    one_line(box.seep("run", "--", fifo, timeout=20), "seep run FIFO", "fifo")


def open_pipes(box):
    recorded(box)
    good = box.path("good.seep")
    expected = box.seep("report", good)
    for path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        result = box.seep("report", "-o", path, good)
        expect_equal((result.returncode, result.stdout, result.stderr),
                     (expected.returncode, expected.stdout, b""), "report -o " + path)
    expect_equal(box.seep("report", "-o", "/dev/null", good).returncode, expected.returncode,
                 "the status of report -o /dev/null")
    result = box.seep("check", "--settings=/dev/stdin", good, stdin=b"max_live = 1\n")
    expect(result.returncode == 1 and b"1 threshold crossed" in result.stdout,
           "a setting from stdin is not taken: %r" % result.stdout)
    # A FIFO that the shell has opened: seep run ... >fifo.
    os.mkfifo(box.path("fifo"))
    other_end = os.open(box.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
    with open(box.path("fifo"), "wb") as fifo:
        result = subprocess.run([SEEP, "report", "-o", "/dev/stdout", good], stdout=fifo,
                                stderr=subprocess.PIPE, env=box.environment(), timeout=20)
    expect_equal((result.returncode, result.stderr), (expected.returncode, b""), "report >fifo")
    expect_equal(os.read(other_end, 1 << 20), expected.stdout, "what came through the FIFO")
    os.close(other_end)


def output_folder_missing(box):
    program = box.compile("keeps_three_blocks.c", "-O1")
    result = box.seep("run", "-o", box.path("no folder", "x.seep"), "--", program)
    one_line(result, "seep run -o", "no folder")
    # With plain preloading nobody can refuse to start; the program's behaviour is what counts.
    result = box.run(["/bin/echo", "started"], box.preload(output=box.path("no folder", "x.seep")))
    expect_equal((result.returncode, result.stdout), (0, b"started\n"), "(status, stdout)")
    lines = result.stderr.decode().splitlines()
    expect(len(lines) == 1 and lines[0].startswith("seep: "), "stderr is %r" % result.stderr)


def full_disk(box):
    if os.getuid() != 0 or subprocess.run(
            ["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skipped("only root can mount a small disk")
    program = box.compile("grows_on_command.c", "-O0")
    os.mkdir(box.path("disk"))
    script = """mount -t tmpfs -o size=128k tmpfs disk || exit 77
        "$@"; status=$?; cp disk/out.seep saved.seep; exit $status"""
    commands = "".join("leak 10 10\nsites %d\nsleep 20\n" % (count * 400) for count in range(1, 12))
    result = box.run(["unshare", "-m", "sh", "-c", script, "sh",
                      SEEP, "run", "--interval=10ms", "-o",
                      "disk/out.seep", "--", program], stdin=commands.encode())
    if result.returncode == 77:
        raise Skipped("tmpfs cannot be mounted: %s" % result.stderr.decode()[:100])
    expect_equal(result.stdout, b"ok\n" * 33, "the program's stdout")
    lines = [line for line in result.stderr.decode().splitlines() if line.startswith("seep: ")]
    expect(any("space" in line for line in lines), "nobody says that the disk is full: %r"
           % result.stderr)
    file = snapshot_file.read(box.path("saved.seep"))
    expect(len(file.snapshots) >= 2, "only %d snapshots were kept" % len(file.snapshots))
    expect_equal(box.report("saved.seep")["snapshots"], len(file.snapshots), "snapshots read")
