# SPDX-License-Identifier: Apache-2.0
"""test_secrets: nothing of the environment is stored, of arguments the command line or nothing."""

import os

from sandbox import expect

SECRET = "s3cret-of-a-test"
# It copies its secrets to the heap and the stack, holds and loses blocks, forks, and execs itself.
PROGRAM = """\
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static char *held;
int main(int argc, char **argv)
{
    char on_stack[64] = "";
    char *volatile lost = strdup(getenv("TOKEN"));
    held = strdup(argv[1]);
    strncpy(on_stack, argv[1], sizeof(on_stack) - 1);
    lost = NULL;
    for (int i = 0; i < 20; i++)
        free(malloc(100));
    if (argc > 2)
        return !held || lost || !*on_stack;
    if (fork() == 0) {
        for (volatile int i = 0; i < 20; i++)
            held = realloc(held, 100 + i);
        _exit(0);
    }
    wait(NULL);
    execl("/proc/self/exe", argv[0], argv[1], "again", NULL);
    return 1;
}
"""
PARTS = {
    "a run": ["run", "-q", "--scan=exit", "--track=mmap"],
    "a run that samples": ["run", "-q", "--sample=64"],
    "a run that checks itself": ["run", "-q", "--selfcheck"],
}


def tests():
    yield "the environment of a program is in none of its files", environment
    yield "nor are its arguments with --command-line=off", arguments
    yield "nor in what a check says of it then", answers
    yield "without it they are in the file, so they would be found", control


def build(box):
    box.write("keeps_secrets.c", PROGRAM)
    program = box.path("keeps_secrets")
    result = box.run(["cc", "-O1", "-o", program, box.path("keeps_secrets.c")])
    expect(result.returncode == 0, result.stderr)
    return program


def with_secret(folder):
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                if SECRET.encode() in file.read():
                    found.append(name)
    return found


def recorded(box, options, argument):
    """The names of the files with the secret in them, of each way to run."""
    program, found = build(box), []
    for index, words in enumerate(PARTS.values()):
        folder = box.path("files%d" % index)
        os.mkdir(folder)
        result = box.seep(*words, *options, "-o", os.path.join(folder, "%e.%p.seep"), "--", program,
                          argument, environment={"TOKEN": SECRET, SECRET: "x"})
        expect(result.returncode == 0, "%s: %s" % (words, result.stderr))
        # The program itself, its fork, and what it became.
        files = os.listdir(folder)
        expect(len(files) >= 3, "%s: only %s" % (words, files))
        found += with_secret(folder)
    return found


def environment(box):
    found = recorded(box, [], "plain")
    expect(not found, "it is in " + ", ".join(found))


def arguments(box):
    found = recorded(box, ["--command-line=off"], SECRET)
    expect(not found, "they are in " + ", ".join(found))


def answers(box):
    program, folder = build(box), box.path("answers")
    os.mkdir(folder)
    for form in ("text", "json", "junit", "sarif", "gitlab", "github"):
        result = box.seep("check", "--command-line=off", "--format=" + form, "-o",
                          os.path.join(folder, form), "--keep=" + os.path.join(folder, "%p.seep"),
                          "--", program, SECRET, environment={"TOKEN": SECRET})
        expect(result.returncode in (0, 1), "%s: %s" % (form, result.stderr))
    expect(not with_secret(folder), "they are in " + ", ".join(with_secret(folder)))


def control(box):
    expect(recorded(box, [], SECRET), "they are not")
