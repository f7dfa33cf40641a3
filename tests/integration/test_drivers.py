# SPDX-License-Identifier: Apache-2.0
"""test_drivers: what make and its like keep of the tests that they run is no leak of the tests."""

import json
import os
import shutil

from sandbox import expect, expect_equal
from test_check import check

# It runs the program true, and keeps more and more; with an argument it loses a block.
DRIVER = """\
#include <seep.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
void *kept[100];
__attribute__((noinline)) static void *keep(size_t bytes) { return malloc(bytes); }
__attribute__((noinline)) static void lose(void)
{
    void *volatile block = malloc(77);
    block = malloc(1);
    free(block);
    block = NULL;
}
int main(int argc, char **argv)
{
    char *words[] = {"true", NULL};
    pid_t child;
    for (int i = 0; i < 3; i++)
        if (posix_spawnp(&child, "true", NULL, NULL, words, environ) == 0)
            waitpid(child, NULL, 0);
    for (int i = 0; i < 100; i++) {
        kept[i] = keep(1000);
        if (i % 2 && usleep(10000) == 0)
            seep_snapshot(NULL);
    }
    if (argc > 1)
        lose();
    return 0;
}
"""
KEEPS = "make runs the tests and keeps something of each, at 1 site"


def tests():
    yield "what make keeps of what it runs does not fail a check, and a line says so", make
    yield "what it loses does, and all of it where it is named or nobody else was seen", counted
    yield "so it is of a folder that was kept; whoever names its file has it checked", kept
    yield "a server that starts others is no such program, unless other folders are chosen", server
    yield "a script is one by its name, whatever interprets it", script


def programs(box):
    """The same program, as make and as a server."""
    paths = [box.path(name) for name in ("make", "server")]
    program = box.compile(box.write("driver.c", DRIVER), "-O1")
    for path in paths:
        shutil.copy(program, path)
    return paths


# Its snapshots are its own; on a busy machine their distances differ, so what is undecided counts.
OPTIONS = ("--interval=1h", "--fail-on=lost,leak,growth")


def said(box, *words, status):
    return " ".join(check(box, *OPTIONS, *words, status=status).stderr.decode().split())


def make(box):
    program, _ = programs(box)
    text = said(box, "--", program, status=0)
    expect(KEEPS in text and "check: passed: nothing found" in text, "it says " + text)
    text = said(box, "-q", "--", program, status=0)
    expect_equal(text, "", "what it says when it is quiet")
    result = check(box, *OPTIONS, "--format=json", "--", program, status=0)
    document = json.loads(result.stderr)
    expect_equal([(entry["file"], entry["name"], entry["sites"])
                  for entry in document["suppressions"]],
                 [("built in", "what a program that runs the tests keeps of them", 1)],
                 "what is suppressed")
    expect_equal(document["leaks"], 0, "the leaks")


def counted(box):
    program, _ = programs(box)
    text = said(box, "--", program, "x", status=1)
    expect(KEEPS in text and "failed: 77 B lost at 1 site, in 1 of" in text, "it says " + text)
    for option in ("--children=make", "--children=true,make", "--children=none",
                   "--no-builtin-suppressions", "--children=" + box.folder):
        text = said(box, option, "--", program, status=1)
        expect("failed: 1 " in text and KEEPS not in text,
               "with %s it says %s" % (option, text))
    text = said(box, "--children=true", "--", program, status=0)
    expect(KEEPS in text, "without its name it says " + text)


def kept(box):
    program, _ = programs(box)
    os.mkdir(box.path("kept"))
    said(box, "--keep=" + box.path("kept", "%e.%p.seep"), "--", program, status=0)
    text = " ".join(check(box, *OPTIONS[1:], box.path("kept"), status=0).stdout.decode().split())
    expect(KEEPS in text, "of its folder it says " + text)
    file, = (name for name in os.listdir(box.path("kept")) if name.endswith(".seep"))
    check(box, *OPTIONS[1:], box.path("kept", file), status=1)


def server(box):
    _, program = programs(box)
    for option in "--children=all", "--children=true":
        text = said(box, option, "--", program, status=1)
        expect("failed: 1 " in text and "runs the tests" not in text,
               "with %s it says %s" % (option, text))
    folder = os.path.dirname(os.path.realpath(shutil.which("true")))
    text = said(box, "--children=" + folder, "--", program, status=0)
    expect("server runs the tests and keeps something" in text, "it says " + text)


def script(box):
    runner = box.write("pytest", "import ctypes\nimport subprocess\nimport time\nkept = []\n"
                       "snapshot = ctypes.CDLL(None).seep_snapshot_\n"
                       "subprocess.run(['true'])\nfor i in range(100):\n"
                       "    kept.append(bytearray(100000))\n    time.sleep(0.01)\n"
                       "    snapshot(None)\n")
    environment = {"PYTHONMALLOC": "malloc"}
    options = (*OPTIONS, "--", "python3")
    check(box, *options, runner, status=0, environment=environment)
    other = box.path("soak.py")
    os.rename(runner, other)
    check(box, *options, other, status=1, environment=environment)
