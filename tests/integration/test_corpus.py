# SPDX-License-Identifier: Apache-2.0
"""test_corpus: programs that plainly leak are called leaks, their healthy twins are not; and what
the corpus says of seep is counted rightly. The figures of all kinds: tests/corpus/run.
"""

import functools
import json
import os
import re
import sys
import threading

from sandbox import BUILD, ROOT, clip, expect, expect_equal

CORPUS = os.path.join(ROOT, "tests", "corpus")
sys.path.append(CORPUS)

import body_trial  # noqa: E402
import trial  # noqa: E402
import truth  # noqa: E402

SEED = 2
PERIODS = 40
PERIOD_MS = 40
# Not the hard ones: a verdict that is wrong about these is of no use.
PLAIN = ("config_reload", "environment", "error_path", "event_log", "expiring_cache", "listeners",
         "log_buffer", "packets", "result_cache", "timer_wheel")
# The same as bodies of tests; what another thread has done by the end of a round is not certain.
PLAIN_BODIES = tuple(name for name in PLAIN if name != "packets")
build_lock = threading.Lock()


def tests():
    yield "plain leaks are flagged, and nothing else in their process is", plain_leaks
    yield "the healthy twins of plain leaks are not flagged", healthy_twins
    yield "a leak is flagged beside the healthy twins of others", leak_among_healthy
    yield "each kind leaks in a function of its own file, or not at all", functions_exist
    yield "every kind is in the table of README.md, with what leaks", readme
    yield "a seed gives the same work at any pace", same_work
    yield "what is flagged, missed and wrong is told apart", outcomes
    yield "the corpus prints and writes down what became of a kind", driver
    yield "the corpus ends with 2 when it cannot run", driver_fails
    for name in PLAIN_BODIES:
        yield ("as the body of a test %s fails when it leaks, and passes when it does not" % name,
               functools.partial(body, name))
    yield "what a growth check found is right, missed or wrong", body_outcomes
    yield "the corpus prints what became of a kind as the body of a test", bodies_driver


def build(box):
    with build_lock:
        result = box.run(["make", "-s", "-C", ROOT, "BUILD=" + BUILD, "corpus-programs"])
        expect(result.returncode == 0, "make corpus-programs: " + result.stderr.decode()[-400:])


def judge(box, program, parts, periods=PERIODS):
    build(box)
    one = trial.Trial(program, parts, SEED, periods)
    path, _ = one.record(box, PERIOD_MS, is_in_step=True)
    outcome = trial.Outcome(one, trial.report_of(box, path))
    expect(periods <= outcome.snapshots <= periods + 2, "%d snapshots" % outcome.snapshots)
    return outcome


def expect_right(outcome):
    wrong = ["%s: %s" % (name, [frame["function"] for frame in site["stack"][:3]])
             for name, site in outcome.wrong]
    expect(not outcome.missed and not wrong, "not flagged: %s; flagged and healthy: %s" % (
        {"%s %s" % key: outcome.words[key] for key in outcome.missed}, clip(wrong)))


def plain_parts(is_sick):
    kinds = truth.all_kinds()
    return [(kinds[name], is_sick) for name in PLAIN]


def plain_leaks(box):
    outcome = judge(box, "mixed", plain_parts(True))
    expect_right(outcome)
    expect(len(outcome.found) >= len(PLAIN), "only %d leaks were looked for" % len(outcome.found))


def healthy_twins(box):
    expect_right(judge(box, "mixed", plain_parts(False)))


def leak_among_healthy(box):
    kinds = truth.all_kinds()
    expect_right(judge(box, "mixed", [(kinds["sessions"], False), (kinds["lru_cache"], False),
                                      (kinds["config_reload"], True), (kinds["packets"], False)]))


def functions_exist(_):
    kinds = truth.all_kinds()
    for kind in kinds.values():
        with open(os.path.join(CORPUS, "kinds", kind.file)) as file:
            text = file.read()
        # What a plug-in does stands in the plug-in.
        with open(os.path.join(CORPUS, "plugin.c")) as file:
            text += file.read() if kind.name == "plugins" else ""
        for function in kind.truth["leak"] + kind.truth["may"]:
            expect(re.search(r"\b%s\b" % function, text.split("#include", 1)[1]),
                   "%s has no function %s" % (kind.file, function))
        expect_equal("is_sick" in text, bool(kind.truth["leak"]), kind.name + " can be sick")
        expect("KIND(%s);" % kind.name in text, "%s offers another kind" % kind.file)
    expect(sum(len(kind.healths()) == 2 for kind in kinds.values()) >= 14, "too few kinds leak")


def readme(_):
    with open(os.path.join(CORPUS, "README.md")) as file:
        rows = {row.split(" | ")[0][2:]: row for row in file if row.startswith("| ")}
    kinds = truth.all_kinds()
    for kind in kinds.values():
        row = rows.get(kind.name, "")
        leaks = row.rstrip("\n |").split(" | ")[-1] if kind.truth["leak"] else ""
        wanted = ", ".join(kind.truth["leak"])
        wanted += " (may: %s)" % ", ".join(kind.truth["may"]) if kind.truth["may"] else ""
        expect(row, "README.md has no row for %s" % kind.name)
        expect_equal(leaks, wanted, "what leaks in %s, as README.md says" % kind.name)


def same_work(box):
    build(box)
    kind = truth.all_kinds()["hash_table"]
    one = trial.Trial(kind.name, [(kind, True)], SEED, 20)
    counts, drawn = [], []
    for period_ms in (1, 20):
        path, text = one.record(box, period_ms)
        totals = trial.report_of(box, path)["totals"]
        counts.append((totals["allocations"], totals["frees"]))
        drawn.append(text)
    expect_equal(counts[0], counts[1], "the work of a fast run")
    expect_equal(drawn[0], drawn[1], "what a fast run draws")
    expect(counts[0][0] > 500, "only %d allocations" % counts[0][0])


def site(function, file, verdict):
    return {"verdict": verdict, "flagged": verdict == "leak", "live_blocks": 1,
            "stack": [{"function": "malloc_helper", "file": None},
                      {"function": "(anonymous namespace)::%s(int)" % function, "file": file},
                      {"function": "main", "file": "play.c"}]}


def outcomes(_):
    kinds = truth.all_kinds()
    parts = [(kinds["interned_names"], True), (kinds["sessions"], True), (kinds["packets"], False)]
    one = trial.Trial("mixed", parts, SEED, PERIODS)
    names, sessions, packets = (kind.file for kind, _ in parts)

    def judged(*sites):
        outcome = trial.Outcome(one, {"snapshots": PERIODS, "sites": sites})
        return [outcome.of(kind.name) for kind, _ in parts]

    expect_equal(judged(site("name_intern", names, "leak"), site("session_open", sessions, "leak"),
                        site("packet_receive", packets, "stable")),
                 [(1, 0, 0), (1, 0, 0), (0, 0, 0)], "all right")
    expect_equal(judged(site("name_intern", names, "leak"), site("table_double", names, "leak"),
                        site("session_open", sessions, "growing")),
                 [(1, 0, 0), (0, 1, 0), (0, 0, 0)], "one that may be flagged, one missed")
    expect_equal(judged(site("start", names, "leak"), site("packet_receive", packets, "leak")),
                 [(0, 1, 1), (0, 1, 0), (0, 0, 1)], "two wrong, two without a site")
    # The function of another file is another function.
    expect_equal(judged(site("name_intern", packets, "leak")),
                 [(0, 1, 0), (0, 1, 0), (0, 0, 1)], "a function of the wrong file")


def corpus(box, *options):
    return box.run([os.path.join(CORPUS, "run"), *options], {"BUILD": BUILD})


def driver(box):
    build(box)
    path = box.path("corpus.json")
    result = corpus(box, "--kind", "config_reload", "--snapshots", "20", "--period", "20",
                    "--json", path)
    expect_equal(result.returncode, 0, "the exit status; " + result.stderr.decode()[-300:])
    text = result.stdout.decode()
    for words in (["config_reload", "healthy"], ["config_reload", "sick"],
                  ["snapshots", "found", "missed", "wrong", "precision", "recall"], ["20", "all"]):
        expect(any(line.split()[:len(words)] == words for line in text.split("\n")),
               "no line begins with %s: %s" % (words, clip(text)))
    with open(path) as file:
        of_tool = list(json.load(file).values())[0]
    expect_equal(sorted(outcome["parts"] for outcome in of_tool),
                 [["config_reload"], ["config_reload=sick"]], "the parts")
    sick = of_tool[[outcome["parts"][0] for outcome in of_tool].index("config_reload=sick")]
    expect_equal(len(sick["found"]) + len(sick["missed"]), 1, "the leaks looked for")


def driver_fails(box):
    result = corpus(box, "--kind", "nothing_like_it")
    expect_equal(result.returncode, 2, "the exit status with an unknown kind")
    expect(b"nothing_like_it" in result.stderr, "stderr: " + clip(result.stderr))
    build(box)
    result = corpus(box, "--kind", "heartbeat", "--snapshots", "2", "--tool", box.path("no_seep"))
    expect_equal(result.returncode, 2, "the exit status without a tool")


def body(name, box):
    build(box)
    kind = truth.all_kinds()[name]
    sick = body_trial.BodyTrial(kind, True, SEED).play(box)
    expect_equal((sick.has_found, sick.wrong), (True, []), "(found, wrong), sick")
    expect_equal(body_trial.BodyTrial(kind, False, SEED).play(box).wrong, [], "what grows, healthy")


def body_outcomes(_):
    one = body_trial.BodyTrial(truth.all_kinds()["interned_names"], True, SEED)

    def judged(*functions):
        lines = ["interned_names=sick seed=2", "grown %d" % len(functions)]
        for function in functions:
            lines += ["96 bytes in 2 blocks more after 15 more rounds, allocated at",
                      "    %s /src/kinds/interned_names.c:12" % function, "    main /src/play.c:9"]
        outcome = body_trial.Outcome(one, lines)
        return outcome.has_found, outcome.wrong

    expect_equal(judged(), (False, []), "nothing")
    expect_equal(judged("name_intern", "table_double"), (True, []), "the leak, and what may be")
    expect_equal(judged("start"), (False, ["start < main"]), "what is healthy")


def bodies_driver(box):
    build(box)
    argv = [os.path.join(CORPUS, "bodies"), "--kind", "config_reload", "--seed", str(SEED)]
    result = box.run(argv, {"BUILD": BUILD})
    expect_equal(result.returncode, 0, "the exit status; " + result.stderr.decode()[-300:])
    for name in ("config_reload", "all"):
        expect(any(line.split() == [name] + ["1", "of", "1"] * 2
                   for line in result.stdout.decode().split("\n")), "it says %r" % result.stdout)
    result = box.run([*argv, "--periods", "0"], {"BUILD": BUILD})
    expect_equal(result.returncode, 2, "the exit status when a program cannot run")
