# SPDX-License-Identifier: Apache-2.0
"""test_own_leaks: seep loses nothing itself, whatever it is asked: each command under seep check."""

import functools
import json
import os

from sandbox import BUILD, SEEP, expect, expect_equal

# What is done with the files of two runs: `a` of a program that leaks, `b` of its twin.
COMMANDS = (
    ("report", "{a}"), ("report", "--format=json", "{a}"), ("report", "--top=0", "--all", "{a}"),
    ("report", "{folder}"), ("report", "{a}@1"), ("report", "{torn}"), ("report", "{nothing}"),
    ("diff", "{a}", "{b}"), ("diff", "--format=json", "{a}@1", "{a}"),
    ("snapshots", "{a}"), ("export", "--format=folded", "{a}"),
    ("check", "{a}", "{b}"), ("check", "{torn}", "{nothing}", "{a}"), ("check", "{folder}"),
    *(("check", "--format=" + name, "{a}")
      for name in ("json", "junit", "sarif", "github", "gitlab")),
    ("check", "--suppressions={known}", "--max-live=1K", "{a}"),
    ("check", "--baseline={base}", "--update-baseline", "{a}"),
    ("check", "--scan=off", "-q", "--", "true"), ("check", "--", "{nothing}"),
    ("run", "-q", "-o", "{run}", "--", "true"),
    ("help",), ("help", "--man", "check"), ("help", "--completion=bash"), ("snapshot", "1"),
    ("--version",), ("check", "--max-live=lots"), ("no-such-command",),
)


def tests():
    for words in COMMANDS:
        yield "seep %s loses nothing" % " ".join(words), functools.partial(loses_nothing, words)
    yield "what such a check would find is found", losses_are_found


def prepare(box):
    """The paths by their names in COMMANDS."""
    paths = {name: box.path(name) for name in
             ("a", "b", "torn", "nothing", "folder", "known", "base", "run")}
    for name, program in (("a", "leaky_server"), ("b", "fixed_server")):
        box.seep_run([os.path.join(BUILD, "examples", program), "1"], "--interval=20ms",
                     "--scan=exit", output=name)
    with open(paths["a"], "rb") as file:
        box.write("torn", file.read()[:3000])
    box.write("known", "leak:no_such_function\n# seep: max-bytes=1\nleak:session_open\n")
    os.mkdir(paths["folder"])
    for name in "ab":
        os.link(paths[name], os.path.join(paths["folder"], name + ".seep"))
    return paths


def loses_nothing(words, box):
    """Whatever it answers."""
    paths = prepare(box)
    arguments = [word.format(**paths) for word in words]
    box.seep("check", "--children=none", "--format=json", "-o", box.path("answer.json"), "--",
             SEEP, *arguments)
    with open(box.path("answer.json")) as file:
        answer = json.load(file)
    own, = answer["processes"]
    expect_equal(own["process"]["name"], "seep", "the process that was checked")
    expect_equal([site["stack"][:6] for site in own["sites"]], [], "what leaks or is lost")
    expect(answer["passed"], "the check has not passed: %s" % answer)


def losses_are_found(box):
    """The same way of asking about a program that loses something."""
    result = box.seep("check", "--children=none", "-q", "--", os.path.join(
        BUILD, "examples", "leaky_server"), "1")
    expect_equal(result.returncode, 1, "the exit status")
