# SPDX-License-Identifier: Apache-2.0
"""test_transparency: a program that looks at itself sees the same with and without seep."""

import difflib
import functools
import os
import shutil

from sandbox import LIBRARY, NOBODY, Failed, Skipped, expect_equal


def tests():
    for who in ("process", "inline", "thread"):
        yield "descriptors, tasks, signals, children and environment with snapshots by %s" % who, \
            functools.partial(shows_the_same, who)
    for who in ("process", "inline", "thread"):
        yield "signals that a program waits for are its own, with snapshots by %s" % who, \
            functools.partial(own_signals, who)
    yield "stdin, arguments and working folder reach the program", passes_everything_on
    yield "a closed stdin, stdout and stderr stay closed", closed_descriptors
    yield "an ignored SIGCHLD and SIGPIPE stay ignored", ignored_signals
    for way in ("execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve",
                "execveat", "vfork", "posix_spawn", "posix_spawnp", "system", "popen",
                "posix_spawn in a small thread"):
        yield "a program that can no longer reach the library starts others in peace, by %s" % way, \
            functools.partial(library_out_of_reach, way)
    yield "a library that another user may not read is kept from that user's programs", \
        unreadable_library
    yield "a shell script with pipes and jobs runs as ever", shell_script


def difference(plain, watched):
    return "\n".join(difflib.unified_diff(plain.decode().splitlines(), watched.decode().splitlines(),
                                          "plain", "under seep", lineterm="", n=0))


def shows_the_same(who, box):
    program = box.compile("shows_its_process.c", "-O1")
    plain = box.run([program])
    watched = box.run([program], box.preload(output=box.path("out.seep"), snapshots_by=who,
                                             interval="20ms", quiet="on"))
    plain_text, watched_text = plain.stdout, watched.stdout
    if who == "thread":
        # That is what the choice costs: one more task, and no user namespace.
        drop = (b"tasks ", b"unshare ")
        plain_text, watched_text = (b"\n".join(line for line in text.split(b"\n")
                                               if not line.startswith(drop))
                                    for text in (plain_text, watched_text))
    if plain_text != watched_text:
        raise Failed("\n" + difference(plain_text, watched_text))
    expect_equal(watched.returncode, plain.returncode, "the exit status")
    expect_equal(watched.stderr, plain.stderr, "stderr")
    expect_equal(box.report()["process"]["status"], 42, "the status in the report")


def own_signals(who, box):
    program = box.compile("waits_for_its_signals.c", "-O1")
    plain = box.run([program])
    watched = box.run([program], box.preload(output=box.path("out.seep"), snapshots_by=who,
                                             quiet="on"))
    expect_equal((watched.returncode, watched.stdout, watched.stderr),
                 (plain.returncode, plain.stdout, b""), "(status, stdout, stderr)")


def passes_everything_on(box):
    script = 'cat; pwd; printf "<%s>" "$@"; echo problem >&2; exit 5'
    argv = ["/bin/sh", "-c", script, "name", "", "a b", "--help", "-o", "--"]
    plain = box.run(argv, stdin=b"some\0bytes\n")
    watched = box.seep_run(argv, stdin=b"some\0bytes\n")
    expect_equal((watched.stdout, watched.stderr, watched.returncode),
                 (plain.stdout, plain.stderr, plain.returncode), "(stdout, stderr, status)")


def closed_descriptors(box):
    program = box.compile("shows_its_process.c", "-O1")
    command = 'exec 0<&- 2>&-; exec "$@"'
    plain = box.run(["/bin/sh", "-c", command, "sh", program])
    watched = box.run(["/bin/sh", "-c", command, "sh", program],
                      box.preload(output=box.path("out.seep")))
    if plain.stdout != watched.stdout:
        raise Failed("\n" + difference(plain.stdout, watched.stdout))
    expect_equal(watched.returncode, plain.returncode, "the exit status")


def ignored_signals(box):
    program = box.compile("shows_its_process.c", "-O1")
    command = 'trap "" CHLD PIPE USR1; exec "$@"'
    plain = box.run(["/bin/sh", "-c", command, "sh", program])
    watched = box.run(["/bin/sh", "-c", command, "sh", program],
                      box.preload(output=box.path("out.seep"), quiet="on"))
    if plain.stdout != watched.stdout:
        raise Failed("\n" + difference(plain.stdout, watched.stdout))


def shell_script(box):
    if not os.path.exists("/bin/bash"):
        raise Skipped("no /bin/bash")
    script = box.write("script", """
        seq 1 2000 | sort -rn | head -3
        (sleep 0.05; echo late) & wait $!; echo "waited $?"
        x=$(printf '%s\\n' a b c | tr a-c x-z); echo "$x"
        find /etc -maxdepth 1 -name 'pass*' | wc -l
        while read -r line; do echo "<$line>"; done < <(echo one; echo two)
        kill -TERM $BASHPID
        """)
    plain = box.run(["/bin/bash", script])
    watched = box.seep_run(["/bin/bash", script], output="%e.%p.seep")
    expect_equal((watched.stdout, watched.stderr), (plain.stdout, plain.stderr), "(stdout, stderr)")
    expect_equal((plain.returncode, watched.returncode), (-15, 143), "the exit statuses")
    for file in box.seep_files():
        totals = box.report(file)["totals"]
        if not box.report(file)["process"]["end"] == "running":
            expect_equal(totals["live_blocks"] >= 0, True, "a report")


def other_library():
    """Any that is there; it is kept."""
    with open("/proc/self/maps") as file:
        return next(line.split()[-1] for line in file if "/libc.so.6" in line)


def library_out_of_reach(way, box):
    program = box.compile("starts_others_after_the_library_is_gone.c", "-O1", "-pthread")
    copy, other = shutil.copy(LIBRARY, box.path("libseep.so")), other_library()
    options = {**box.preload(quiet="on", output=box.path("out.seep")),
               "LD_PRELOAD": "%s:%s" % (copy, other)}
    result = box.run([program, copy, way], options)
    expect_equal((result.returncode, result.stdout.decode(), result.stderr),
                 (0, other + "\n", b""), "(status, stdout, stderr)")


def unreadable_library(box):
    if os.getuid() != 0:
        raise Skipped("only root can become another user")
    os.mkdir(box.path("own"), 0o700)
    copy = shutil.copy(LIBRARY, box.path("own", "libseep.so"))
    argv = ["/usr/bin/python3", "-c", "import os; os.setgid(%d); os.setuid(%d)\n"
            "os.execl('/bin/sh', 'sh', '-c', 'echo from sh; echo \"<$LD_PRELOAD>\"')"
            % (NOBODY, NOBODY)]
    result = box.run(argv, {**box.preload(quiet="on", output=box.path("out.seep")),
                            "LD_PRELOAD": copy})
    expect_equal((result.returncode, result.stdout, result.stderr), (0, b"from sh\n<>\n", b""),
                 "(status, stdout, stderr)")
