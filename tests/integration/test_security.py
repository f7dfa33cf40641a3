# SPDX-License-Identifier: Apache-2.0
"""test_security: what a library that runs in other people's programs must never be used for."""

import functools
import os
import shutil
import stat
import subprocess
import sys

from process_list import helper_of
from sandbox import NOBODY, SEEP, Skipped, expect, expect_equal, stop

LIMIT_S = 20
FOREIGN = b"somebody else's\n"
STRANGER = """
import socket, sys
while True:
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    caller.setblocking(False)
    try:
        caller.connect("\\0" + sys.argv[1])
    except BlockingIOError:
        pass
"""


def tests():
    for kind in ("process", "thread"):
        yield "what a program gives up its helper gives up, by " + kind, \
            functools.partial(identity, kind)
        yield "a program without new privileges has a helper without, by " + kind, \
            functools.partial(no_new_privileges, kind)
    yield "who changes back to root has a helper that does so, too", changes_back
    yield "core dumps that a program allows after it gave up root stay allowed", dumpable
    yield "the tool that knows names is started as the program's user", name_tool
    for kind in ("process", "inline"):
        yield "files are private, and lead through no link, by " + kind, \
            functools.partial(private_files, kind)
    yield "a file that somebody has put in the place of ours is not written to", replaced_file
    yield "the folder of children is no link and no stranger's", strangers_folder
    yield "what a program puts among a check's files is removed, and not what it leads to", \
        planted_link
    yield "nobody but the program's user and root may ask for anything", other_user
    yield "who may not ask keeps nobody else from it, however often he tries", stranger


def only_root():
    if os.getuid() != 0:
        raise Skipped("only root can become another user")


def start(box, how, **options):
    program = box.compile("gives_up_privileges.c", "-O1")
    return box.start([program, how], box.preload(output=box.path("out.seep"), quiet="on",
                                                 **options))


def identity(kind, box):
    """It runs on memory that the program can write."""
    only_root()
    process = start(box, "setuid", snapshots_by=kind)
    helper = box.wait_until(lambda: helper_of(process.pid, kind), "the helper")
    nobody = [str(NOBODY)] * 4
    wanted = {"Uid": nobody, "Gid": nobody, "CapPrm": ["0" * 16], "CapEff": ["0" * 16]}
    box.wait_until(lambda: identity_of(helper) == wanted, "its helper to be the same user")
    expect_equal(process.wait(LIMIT_S), 3, "its status")


def no_new_privileges(kind, box):
    process = start(box, "new ones", snapshots_by=kind)
    helper = box.wait_until(lambda: helper_of(process.pid, kind), "the helper")
    box.wait_until(lambda: field_of(helper, "NoNewPrivs") == ["1"], "its helper to have none")
    expect_equal(process.wait(LIMIT_S), 3, "its status")


def changes_back(box):
    only_root()
    process = start(box, "for a while")
    helper = box.wait_until(lambda: helper_of(process.pid, "process"), "the helper")
    for effective in (NOBODY, 0):
        wanted = ["0", str(effective), "0", str(effective)]
        box.wait_until(lambda: identity_of(helper)["Uid"] == wanted, "user %d" % effective)
    expect_equal(process.wait(LIMIT_S), 3, "its status")
    box.wait_for_end()


def dumpable(box):
    only_root()
    process = start(box, "setuid and dumpable")
    expect_equal((process.stdout.read(), process.wait(LIMIT_S)), (b"dumpable 1\ndone\n", 3),
                 "(stdout, status)")


def field_of(folder, name):
    with open(folder + "/status") as file:
        return dict(line.split(":", 1) for line in file)[name].split()


def identity_of(folder):
    return {name: field_of(folder, name) for name in ("Uid", "Gid", "CapPrm", "CapEff")}


def name_tool(box):
    only_root()
    os.chmod(box.folder, 0o755)
    said = box.write("said", "")
    os.chmod(said, 0o666)
    tool = box.write("tool", "#!/bin/sh\nid -u >> %s\nexec cat\n" % said)
    os.chmod(tool, 0o755)
    program = box.compile("checks_itself_among_others.c", "-O1", "-pthread")
    ended = box.run([program, "as nobody"],
                    box.preload(output=box.path("out.seep"), quiet="on", tool=tool))
    lines = [line for line in ended.stdout.decode().splitlines() if line[0] != " "]
    grown = "96 bytes in 3 blocks more after 3 more rounds, growing all the time, allocated at"
    expect_equal(lines, ["as nobody",
                         "one 1", "40 bytes in 1 block definitely lost, allocated at",
                         "grown 1", grown,
                         "one -95", "what is lost is not known: 1 block may be held by the "
                         "kernel, which could not be asked",
                         "grown 1", grown], "what the program is told")
    with open(said) as file:
        expect_equal(file.read().split(), ["0"] * 2 + [str(NOBODY)] * 2,
                     "as whom the tool was started")


def private_files(kind, box):
    """Links lie where the file would be, and where it is rewritten when it is full."""
    for name in ("out.seep", "out.seep.thin"):
        os.symlink(box.write("target of " + name, FOREIGN.decode()), box.path(name))
    os.mkdir(box.path("folder"))
    os.symlink(box.path("target of out.seep"), box.path("folder", "thinned.seep.thin"))
    program = box.compile("gives_up_privileges.c", "-O1")
    for output in ("out.seep", "folder/thinned.seep"):
        box.run(["sh", "-c", "umask 0; exec %s dumpable" % program],
                box.preload(output=box.path(output), quiet="on", interval="2ms",
                            snapshots_by=kind, max_file="64k", children="none",
                            root_pid="0"))
    for name in ("out.seep", "out.seep.thin"):
        with open(box.path("target of " + name), "rb") as file:
            expect_equal(file.read(), FOREIGN, "what a link leads to")
        expect(os.path.islink(box.path(name)), "the link is gone: " + name)
    written = [path for path in box.seep_files()
               if os.path.basename(path).startswith("out.seep.") and not os.path.islink(path)]
    expect(written, "nothing was written beside the link")
    for path in written + [box.path("folder", "thinned.seep")]:
        expect_equal(stat.S_IMODE(os.lstat(path).st_mode), 0o600, "the mode of " + path)


def replaced_file(box):
    """As another user can who may write to the folder."""
    program = box.compile("gives_up_privileges.c", "-O1")
    process = box.start([program, "dumpable"],
                        box.preload(output=box.path("out.seep"), quiet="on", interval="50ms",
                                    snapshots_by="inline"))
    box.wait_until(lambda: os.path.exists(box.path("out.seep")), "the file")
    os.rename(box.path("out.seep"), box.path("ours"))
    box.write("out.seep", FOREIGN.decode())
    expect_equal(process.wait(LIMIT_S), 3, "its status")
    with open(box.path("out.seep"), "rb") as file:
        expect_equal(file.read(), FOREIGN, "the file in the place of ours")


def strangers_folder(box):
    """Who guesses its name can make it first. The file lies beside it, then."""
    os.mkdir(box.path("elsewhere"))
    os.symlink(box.path("elsewhere"), box.path("link"))
    os.mkdir(box.path("ours"), 0o700)
    os.mkdir(box.path("strangers"))
    if os.getuid() == 0:
        os.chown(box.path("strangers"), NOBODY, NOBODY)
        os.chmod(box.path("strangers"), 0o777)
    else:
        os.rmdir(box.path("strangers"))
        os.symlink("ours", box.path("strangers"))
    program = box.compile("grows_on_command.c", "-O1")
    for name, lies_in in (("link", "."), ("strangers", "."), ("ours", "ours"), ("new", "new")):
        ended = box.run([program], box.preload(
            output=box.path(name + ".seep"), quiet="on", root_pid="1",
            children_output=box.path(name, "child.seep")), stdin=b"leak 20 100\n")
        expect_equal((ended.returncode, ended.stdout), (0, b"ok\n"), "(status, stdout)")
        places = [path for path in (box.path(name + ".seep"), box.path(name, "child.seep"))
                  if os.path.exists(path)]
        expect_equal([os.path.relpath(os.path.dirname(path), box.folder) for path in places],
                     [lies_in], "where the file lies, with the folder " + name)
    expect_equal(os.listdir(box.path("elsewhere")), [], "what lies where the link leads")


def planted_link(box):
    os.makedirs(box.path("kept", "below"))
    os.mkdir(box.path("tmp"))
    box.write("kept/file", FOREIGN.decode())
    # The program knows where the files are: it writes one of them.
    script = ('cd "$(echo tmp/seep-check-*)" && ln -s "$1" link && mkdir folder &&'
              ' ln -s "$1" folder/link && ln "$1/file" file && ln -s "$1" out.seep.children')
    ended = box.seep("check", "--", "sh", "-c", script, "sh", box.path("kept"),
                     environment={"TMPDIR": box.path("tmp")}, cwd=box.folder)
    expect_equal(ended.returncode, 0, "the status (stderr %r)" % ended.stderr)
    expect_equal(os.listdir(box.path("tmp")), [], "what is left")
    expect_equal(sorted(os.listdir(box.path("kept"))), ["below", "file"], "what is there")
    with open(box.path("kept", "file"), "rb") as file:
        expect_equal(file.read(), FOREIGN, "the file")


def other_user(box):
    only_root()
    if not shutil.which("setpriv"):
        raise Skipped("setpriv is not installed")
    process = start(box, "dumpable")
    box.wait_until(lambda: os.path.exists(box.path("out.seep")), "the file")
    for verb in (["snapshot"], ["scan"], ["mark"], ["report"]):
        argv = [SEEP, *verb, str(process.pid)] + (["label"] if verb == ["mark"] else [])
        asked = box.run_as_nobody(argv)
        expect_equal((asked.returncode, asked.stdout), (2, b""), "seep %s by nobody" % verb[0])
    expect_equal(box.seep("snapshot", str(process.pid)).returncode, 0, "seep snapshot by root")
    expect_equal(process.wait(LIMIT_S), 3, "its status")
    given_up = start(box, "setuid")
    helper = box.wait_until(lambda: helper_of(given_up.pid, "process"), "the helper")
    box.wait_until(lambda: identity_of(helper)["Uid"] == [str(NOBODY)] * 4, "the change of user")
    asked = box.run_as_nobody([SEEP, "snapshot", str(given_up.pid)])
    expect_equal(asked.returncode, 0, "by the user that the program has become")
    expect_equal(given_up.wait(LIMIT_S), 3, "its status")


def stranger(box):
    only_root()
    if not shutil.which("setpriv"):
        raise Skipped("setpriv is not installed")
    process = box.start([box.compile("grows_on_command.c", "-O1")],
                        box.preload(output=box.path("out.seep"), quiet="on", interval="1h"),
                        stdin=subprocess.PIPE)
    box.wait_until(lambda: box.seep("snapshot", process.pid).returncode == 0, "a snapshot")
    with open("/proc/%d/stat" % process.pid) as file:
        start_ticks = file.read().rsplit(")", 1)[1].split()[19]
    user = str(NOBODY)
    other = box.start(["setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups",
                       sys.executable, "-c", STRANGER,
                       "seep.%d.%s" % (process.pid, start_ticks)])
    for _ in range(20):
        asked = box.seep("snapshot", process.pid)
        # He may have filled the queue at the moment.
        expect(asked.returncode == 0 or b"too many are asking" in asked.stderr,
               "seep snapshot says %r" % asked.stderr)
    box.wait_until(lambda: box.seep("snapshot", process.pid).returncode == 0, "an answer")
    expect_equal(other.poll(), None, "the end of who asks all the time")
    stop(other)
    process.stdin.close()
    expect_equal(process.wait(LIMIT_S), 0, "the status of the program")
