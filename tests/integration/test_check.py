# SPDX-License-Identifier: Apache-2.0
"""test_check: the exit status of seep check says whether there is a finding, and else nothing."""

import functools
import glob
import json
import os
import re
import signal
import subprocess
import time

import report_schema
from sandbox import BUILD, SEEP, expect, expect_equal, functions_of, stop
from test_snapshots import Server

EXAMPLES = os.path.join(BUILD, "examples")


def tests():
    yield "the leaking server fails, around it and of its file", leaking_server
    yield "its mended twin passes, around it and of its file", mended_server
    yield "a threshold that is crossed fails, one that is not passes", thresholds
    yield "a leak in a child process fails", leaking_child
    yield "without a finding the program's own status is passed on", own_status
    yield "what cannot be done is one line and status 2", cannot
    yield "what cannot be written is one line and status 2, also with a finding", unwritable
    yield "who forgets the dashes before a program is told", forgotten_dashes
    yield "a baseline of another version, or damaged, is one line with its place", other_baselines
    yield "the program's output, input and arguments are its own", transparent
    yield "JSON has the site objects of a report", as_json
    yield "the result goes to the file of -o, and nothing of it to stderr", into_file
    yield "snapshot files are kept when that is asked for, and only then", kept
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU, signal.SIGRTMIN + 3):
        yield "a check ended by signal %d leaves no temporary files behind" % number, \
            functools.partial(ended_by_signal, number)
    yield "a program that is running can be checked", running
    yield "a kept run is checked again by its folder, with its children", kept_of_children
    yield "a run and a check inside of a check have their own files", inside_another


def check(box, *arguments, status, **others):
    result = box.seep("check", *arguments, **others)
    expect_equal(result.returncode, status, "the exit status (stderr %r)" % result.stderr[-500:])
    return result


def leaking_server(box):
    server = os.path.join(EXAMPLES, "leaky_server")
    result = check(box, "--keep=" + box.path("out.seep"), "--", server, "6", status=1)
    text = result.stderr.decode()
    # Nothing points to the baskets any more.
    failed = "\nseep: check: failed: %s lost at 1 site\n"
    lost = re.search(r"^1 lost: (.*B) at session_open leaky_server.c:\d+$", text, re.M)
    expect(lost and text.endswith(failed % lost[1]), "stderr is " + text)
    expect("session_open" in text and "leaky_server.c" in text, "the leak is not shown: " + text)
    result = check(box, box.path("out.seep"), status=1)
    expect_equal(result.stderr, b"", "stderr")
    expect(result.stdout.endswith((failed % lost[1]).encode()),
           "stdout is %r" % result.stdout)
    check(box, "--error-exitcode=9", box.path("out.seep"), status=9)
    # Without that it is a leak all the same, by its growth.
    result = check(box, "--scan=off", "--", server, "6", status=1)
    expect(result.stderr.endswith(b"\nseep: check: failed: 1 leak\n"),
           "stderr is %r" % result.stderr[-500:])


def mended_server(box):
    server = os.path.join(EXAMPLES, "fixed_server")
    result = check(box, "--keep=" + box.path("out.seep"), "--", server, "6", status=0)
    wanted = b"seep: check: passed: nothing found in 1 snapshot file\n"
    expect_equal(result.stderr, wanted, "stderr")
    result = check(box, box.path("out.seep"), status=0)
    expect_equal((result.stdout, result.stderr), (wanted, b""), "(stdout, stderr)")
    result = check(box, "-q", "--", "true", status=0)
    expect_equal(result.stderr, b"", "stderr with -q")


def thresholds(box):
    program = box.compile("grows_on_command.c", "-O0")
    work = dict(stdin=b"leak 2000 1000\n")
    check(box, "--scan=off", "--max-live=100M", "--", program, status=0, **work)
    result = check(box, "--scan=off", "--max-live=1M", "--error-exitcode=7", "--", program,
                   status=7, **work)
    text = result.stderr.decode()
    expect("1 threshold crossed:\n    live 1.92 MiB, more than 1.00 MiB" in text and
           text.endswith("\nseep: check: failed: 1 threshold crossed\n"), "stderr is " + text)
    # From a file of settings, of a file.
    box.seep_run([program], **work)
    settings = box.write("limits.ini", "max-site-live = 1M\ninterval = 5s\n")
    check(box, box.path("out.seep"), status=0)
    check(box, "--settings=" + settings, box.path("out.seep"), status=1)
    check(box, "--settings=" + settings, "--max-site-live=10M", box.path("out.seep"), status=0)
    # What the program was told itself.
    box.seep_run([program], "--max-live=1M", output="told.seep", **work)
    check(box, box.path("told.seep"), status=1)
    check(box, "--max-live=off", box.path("told.seep"), status=0)


def leaking_child(box):
    program = os.path.join(EXAMPLES, "leaky_server")
    result = check(box, "--", "sh", "-c", "'%s' 6; exit 3" % program, status=1)
    expect(b"session_open" in result.stderr, "the leak is not shown: %r" % result.stderr)
    check(box, "--children=none", "--", "sh", "-c", "'%s' 2; exit 3" % program, status=3)


def own_status(box):
    result = check(box, "--", "sh", "-c", "exit 3", status=3)
    expect(b"the program's own status is 3" in result.stderr, "stderr is %r" % result.stderr)
    check(box, "--error-exitcode=9", "--", "sh", "-c", "exit 2", status=2)
    check(box, "--", "sh", "-c", "kill -9 $$", status=128 + 9)
    check(box, "--", "sh", "-c", "kill -TERM $$", status=128 + 15)
    # With a finding it is the finding's.
    program = box.compile("grows_on_command.c", "-O0")
    check(box, "--max-live=1M", "--", "sh", "-c", "'%s'; exit 3" % program, status=1,
          stdin=b"leak 2000 1000\n")


def cannot(box):
    box.write("text", "not a snapshot file\n")
    box.seep_run(["true"])
    for words, reason in (
            (["--", "not-there"], "no program 'not-there'"),
            (["--", "./text"], "text"),
            (["-o", "answer", "--", "not-there"], "no program 'not-there'"),
            (["--"], "no FILE and no -- PROGRAM"),
            ([], "no FILE and no -- PROGRAM"),
            (["not-there.seep"], "not-there.seep"),
            (["text"], "text"),
            (["--interval=1s", "out.seep"], "--interval is for a program"),
            (["--keep=x.seep", "out.seep"], "--keep is for a program"),
            (["--max-live=1Q", "out.seep"], "--max-live: '1Q' is not possible"),
            (["--max-growth=5M", "out.seep"], "--max-growth: '5M' is not possible"),
            (["--error-exitcode=0", "out.seep"], "a number from 1 to 255"),
            (["--error-exitcode=256", "out.seep"], "a number from 1 to 255"),
            (["--format=xml", "out.seep"], "one of text|json"),
            (["--fail-on=lost,leaks", "out.seep"],
             "--fail-on: there is no 'leaks'; choose of lost,leak,growth,budget,misuse"),
            (["--fail-on=", "out.seep"], "--fail-on: there is no ''"),
            (["--sites", "out.seep"], "unknown option '--sites'"),
            (["-o", "no/such/folder/x", "--", "true"], "no/such/folder/x"),
            (["-o", "out.seep", "out.seep"], "is not overwritten")):
        result = check(box, *words, status=2)
        lines = result.stderr.decode().splitlines()
        expect(len(lines) == 1 and lines[0].startswith("seep: check: ") and reason in lines[0],
               "check %s says %s" % (" ".join(words), lines))
    expect(not os.path.exists(box.path("answer")), "there is a file for an answer that is none")
    # One good file does not make up for a bad one, nor a bad one for a finding.
    check(box, "out.seep", "text", status=2)
    program = box.compile("grows_on_command.c", "-O0")
    box.seep_run([program], output="large.seep", stdin=b"leak 2000 1000\n")
    check(box, "--max-live=1M", "text", "large.seep", status=1)


def unwritable(box):
    box.seep_run(["true"])
    program = box.compile("grows_on_command.c", "-O0")
    box.seep_run([program], output="large.seep", stdin=b"leak 2000 1000\n")
    box.write("file", "")
    for name, reason in (("/dev/full", "No space left on device"),
                         ("file/x", "Not a directory"), ("nowhere/x", "No such file or directory"),
                         (".", "Is a directory")):
        for options in (["-o", name], ["--gen-suppressions=" + name],
                        ["--baseline=" + name, "--update-baseline"]):
            for path in ("out.seep", "large.seep"):
                result = check(box, "--max-live=1M", *options, path, status=2)
                lines = result.stderr.decode().splitlines()
                expect(len(lines) == 1 and lines[0].startswith("seep: check: ") and
                       name in lines[0] and (reason in lines[0] or "folder" in lines[0] or
                                             "baseline" in lines[0]),
                       "check %s %s says %s" % (" ".join(options), path, lines))
    # What can be known before is, for a program may take hours.
    for options in (["-o", "nowhere/x"], ["--gen-suppressions=nowhere/x"],
                    ["--gen-suppressions="], ["--baseline=nowhere/x", "--update-baseline"],
                    ["--keep=nowhere/x"]):
        result = check(box, *options, "--", "touch", "has_run", status=2)
        expect_equal(result.stderr.count(b"\n"), 1, "lines of %r" % result.stderr)
        expect(not os.path.exists(box.path("has_run")), "the program ran with %s" % options)


def forgotten_dashes(box):
    program = box.compile("keeps_three_blocks.c", "-O1")
    for name in program, "true", "keeps_three_blocks":
        said = check(box, name, status=2).stderr.decode()
        expect_equal(said, "seep: check: %s is a program, and no snapshot file; to run and check "
                     "it, write seep check -- %s\n" % (name, name), "what it says")
    said = check(box, box.write("text", "text"), status=2).stderr.decode()
    expect("is not a seep file" in said, "of a text it says " + said)


def other_baselines(box):
    """Each with its file and line, and what to do."""
    endless = check(box, "--baseline=/dev/zero", "--", "true", status=2).stderr
    expect_equal(endless, b"seep: check: /dev/zero has more than 16 MiB; is it a baseline?\n",
                 "of what has no end")
    for text, reason in (
            ("seep-baseline 3\n", ":1: a baseline of version 3, but this seep reads version 2; "
             "remove it and write it anew with --update-baseline"),
            ("hello\n", ":1: this is no baseline: that begins with \"seep-baseline 2\"; "),
            ("", ":1: this is no baseline"),
            ("seep-baseline 1\nlost abc 3 blocks\n", ":2: the id of a site has 16 hex"),
            ("seep-baseline 1\n\nlost 0123456789abcdef x blocks 4 bytes y\n",
             ":3: 'N blocks N bytes' is missing"),
            ("seep-baseline 1\ngone 0123456789abcdef 3\n",
             ":2: lines of a baseline begin with lost, leak or free")):
        path = box.write("known.baseline", text)
        for more in ([], ["--update-baseline"]):
            result = check(box, "--baseline=" + path, *more, "--", "touch", "has_run", status=2)
            said = result.stderr.decode()
            expect("known.baseline" + reason in said and said.count("\n") == 1, "it says " + said)
            expect(not os.path.exists(box.path("has_run")), "the program ran")
        with open(path) as file:
            expect_equal(file.read(), text, "what is in the file then")
    said = check(box, "--baseline=nope", "--", "true", status=2).stderr.decode()
    expect("No such file or directory; --update-baseline writes one" in said, "it says " + said)


def transparent(box):
    script = 'read line; echo "out $line $1"; echo "err" >&2'
    result = check(box, "-q", "--", "sh", "-c", script, "sh", "--format=json", status=0,
                   stdin=b"in\n")
    expect_equal((result.stdout, result.stderr), (b"out in --format=json\n", b"err\n"),
                 "(stdout, stderr)")
    # Neither does a signal stop the check, nor the check the signal.
    process = box.start([SEEP, "check", "--", "sh", "-c", "echo ready; sleep 60"])
    expect_equal(process.stdout.readline(), b"ready\n", "the first line")
    expect_equal(stop(process, signal.SIGTERM), 128 + 15, "the exit status")


def as_json(box):
    program = box.compile("grows_on_command.c", "-O0")
    result = check(box, "--format=json", "--max-site-live=1M", "--", "sh", "-c",
                   "'%s'; exit 3" % program, status=1, stdin=b"leak 2000 1000\nfill 10 10\n")
    document = json.loads(result.stderr)
    processes = document.pop("processes")
    words = document["command"].pop("words")
    findings = document.pop("findings")
    expect_equal([(found["rule"], found["fails"], found["function"]) for found in findings],
                 [("lost", True, "leak"), ("threshold", True, "leak")], "the findings")
    expect_equal([process["name"] for found in findings for process in found["processes"]],
                 ["grows_on_comman"] * 2, "their processes")
    expect_equal(words[:2], ["sh", "-c"], "the words of the command")
    expect_equal(document, {"schema": "seep.check/1", "command": {"status": 3}, "leaks": 1,
                            "lost": 1, "growing": 0, "suppressions": [], "suppressed": 0,
                            "fail_on": ["lost", "leak", "budget", "misuse"],
                            "thresholds_crossed": 1, "misuses": 0, "unreadable": 0, "passed": False,
                            "exit_status": 1}, "the document")
    expect(len(processes) >= 2, "%d processes" % len(processes))
    for process in processes:
        expect_equal(report_schema.check(process), [], "what is wrong with a process")
    sites = [site for process in processes for site in process["sites"]]
    expect_equal([functions_of(site)[0] for site in sites], ["leak"], "the sites")
    crossed = [found for process in processes for found in process["thresholds"]]
    expect_equal([(found["kind"], found["site"]) for found in crossed],
                 [("site_live", sites[0]["id"])], "the thresholds")
    result = check(box, "--format=json", "--", "true", status=0)
    document = json.loads(result.stderr)
    expect_equal((document["passed"], document["exit_status"], len(document["processes"])),
                 (True, 0, 1), "(passed, exit status, processes)")


def into_file(box):
    for option in ("-o", "--output", "--log-file"):
        result = check(box, option, box.path("result"), "--max-live=0", "--", "sh", "-c",
                       "echo x >&2", status=1)
        expect_equal(result.stderr, b"x\n", "stderr")
        with open(box.path("result")) as file:
            text = file.read()
        expect(text.endswith("crossed\n"), "the file holds " + text)


def kept(box):
    os.mkdir(box.path("tmp"))
    check(box, "--", "sh", "-c", "true; sh -c true", status=0,
          environment={"TMPDIR": box.path("tmp")})
    expect_equal(os.listdir(box.path("tmp")), [], "what is left among temporary files")
    expect_equal(box.seep_files(), [], "the snapshot files")
    for folder in (box.path("not-there"), box.path("100%")):
        result = check(box, "--", "true", status=2, environment={"TMPDIR": folder})
        expect(folder.encode() in result.stderr and b"--keep=FILE" in result.stderr,
               "stderr is %r" % result.stderr)
    check(box, "--keep=" + box.path("%e.seep"), "--", "true", status=0)
    expect_equal(box.seep_files(), [box.path("true.seep")], "the snapshot files")
    check(box, "--", "true", status=0,
          environment={"SEEP_OPTIONS": "output=" + box.path("chosen.seep")})
    expect(os.path.exists(box.path("chosen.seep")), "the file that SEEP_OPTIONS names is not kept")


def inside_another(box):
    """A suite that is checked may check something itself; the files of each are its own."""
    box.write("sees_two.sh", '"$1" run -q -o inner.seep -- true && "$1" check -- true')
    result = check(box, "--keep=" + box.path("outer.seep"), "--", "sh", "sees_two.sh", SEEP,
                   status=0)
    expect_equal(result.stderr.count(b"passed: nothing found in 1 snapshot file;"), 1,
                 "answers of the inner check in %r" % result.stderr)
    expect_equal(box.report("inner.seep")["process"]["name"], "true", "what the inner run ran")


def kept_of_children(box):
    """All of a run's files, as one folder: a leak of a child must not be left out of the answer."""
    os.mkdir(box.path("kept"))
    program = os.path.join(EXAMPLES, "leaky_server")
    check(box, "--keep=" + box.path("kept/%e.seep"), "--", "sh", "-c", "'%s' 1; :" % program,
          status=1)
    for name in ("kept", "kept/"):
        result = check(box, "--format=json", box.path(name), status=1)
        names = [process["process"]["name"] for process in json.loads(result.stdout)["processes"]]
        expect_equal(sorted(names), ["leaky_server", "sh"], "the processes in " + name)


def full_pipe():
    """Who writes into it waits, for nobody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def ended_by_signal(number, box):
    """The program has ended or goes on, and the answer cannot be written."""
    os.mkdir(box.path("tmp"))
    reader, writer = full_pipe()
    process = box.start([SEEP, "check", "--", "sh", "-c", "sh -c 'sh -c :; :'; read line"],
                        environment={"TMPDIR": box.path("tmp")}, stdin=subprocess.PIPE,
                        stderr=writer)
    os.close(writer)
    box.wait_until(lambda: glob.glob(box.path("tmp/seep-check-*/*.seep")), "temporary files")
    # As long as the program runs it gets what people send, and the check goes on.
    end = time.monotonic() + 30
    while process.poll() is None:
        expect(time.monotonic() < end, "the check goes on")
        process.send_signal(number)
        time.sleep(0.05)
    os.close(reader)
    expect_equal(process.returncode, -number, "the exit status")
    expect_equal(os.listdir(box.path("tmp")), [], "what is left among temporary files")


def running(box):
    server = Server(box, "--interval=20ms")
    end = time.monotonic() + 20
    while box.seep("check", server.pid).returncode != 1:
        expect(time.monotonic() < end, "the leak is not found")
        for _ in range(20):
            server.ask("leak 20 500")
            server.ask("sleep 20")
    server.end()
