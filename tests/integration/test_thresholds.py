# SPDX-License-Identifier: Apache-2.0
"""test_thresholds: a threshold that is crossed is logged in the file while the program runs."""

import functools
import os
import signal

import report_schema
import snapshot_file
from sandbox import begun, end_of, expect, expect_equal, functions_of, site_of, stop
from test_snapshots import Server

MIB = 1 << 20


def tests():
    for who in ("process", "thread", "inline"):
        yield "a running program logs a threshold with the first snapshot beyond it, by %s" % who, \
            functools.partial(logged_at_once, who)
    yield "an alert survives kill -9", survives_kill
    yield "what is crossed only at the end is logged with the last snapshot", crossed_at_the_end
    yield "a threshold that is not crossed says nothing", says_nothing
    yield "the growth of the process and of a site is logged while they grow", growth
    yield "a forked child logs its own", forked_child
    yield "the summary of seep run names what was crossed", in_summary
    yield "a file of settings gives limits to single sites", site_limits
    yield "the command line wins over a file of settings, and that over the environment", precedence
    yield "a mistake in a file of settings is one line with file and line", mistakes


def alerts(box, name="out.seep"):
    file = begun(box.path(name))
    return file.alerts() if file else []


def logged_at_once(who, box):
    # Where the program takes snapshots itself nobody can ask for one; there live bytes must grow.
    is_inline = who == "inline"
    server = Server(box, "--interval=1h", "--max-live=1M", "--snapshots-by=" + who,
                    "--growth=1M" if is_inline else "--growth=off")

    def take():
        if not is_inline:
            expect_equal(box.seep("snapshot", server.pid).returncode, 0, "seep snapshot")
    server.ask("leak 100 1000")
    take()
    expect_equal(alerts(box), [], "the alerts below the threshold")
    for _ in range(3):
        server.ask("leak 3000 1000")
        take()
    # The program is still running, and said it once, with the first of these.
    expect_equal(end_of(box.path("out.seep")), None, "the end record")
    file = snapshot_file.read(box.path("out.seep"))
    live = {snapshot.number: snapshot.totals["live_bytes"] for snapshot in file.snapshots}
    first = min(number for number in live if live[number] > MIB)
    expect_equal(file.alerts(), [("live", first, 0, live[first], MIB)], "the alerts")
    server.end()


def survives_kill(box):
    program = box.compile("grows_on_command.c", "-O0")
    process = box.start([program], box.preload(output=box.path("out.seep"), interval="20ms",
                                               quiet="on", max_live="1M"),
                        stdin=-1)
    process.stdin.write(b"leak 2000 1000\n")
    process.stdin.flush()
    box.wait_until(lambda: alerts(box), "an alert in the file of the running program")
    stop(process, signal.SIGKILL)
    report = box.wait_for_end()
    expect_equal([kind for kind, *_ in alerts(box)], ["live"], "the alerts after the kill")
    expect_equal([(alert["kind"], alert["limit"]) for alert in report["alerts"]],
                 [("live", MIB)], "the alerts of the report")
    # Nobody has told the report what the limit was.
    expect_equal([(found["kind"], found["limit"]) for found in report["thresholds"]],
                 [("live", MIB)], "the thresholds of the report")
    expect_equal(report_schema.check(report), [], "what is wrong with the report")


def crossed_at_the_end(box):
    program = box.compile("grows_on_command.c", "-O0")
    result = box.seep_run([program], "--interval=1h", "--growth=off", "--max-live=1M",
                          stdin=b"leak 2000 1000\n")
    expect_equal(result.returncode, 0, "the exit status")
    file = snapshot_file.read(box.path("out.seep"))
    expect_equal([(kind, number) for kind, number, *_ in file.alerts()],
                 [("live", file.snapshots[-1].number)], "the alerts")


def says_nothing(box):
    program = box.compile("grows_on_command.c", "-O0")
    limits = ("--max-live=100M", "--max-growth=100G/s", "--max-heap-share-of-rss=100%",
              "--max-site-live=100M", "--max-site-growth=100G/s")
    result = box.seep_run([program], "--interval=10ms", *limits,
                          stdin=b"fill 100 1000\nsleep 100\ndrop\nsleep 300\n")
    expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
    expect_equal(alerts(box), [], "the alerts")
    report = box.report("out.seep", *limits)
    expect_equal((report["thresholds"], report["alerts"]), ([], []), "(thresholds, alerts)")
    text = box.seep("report", *limits, box.path("out.seep")).stdout.decode()
    expect("hreshold" not in text, "the text speaks of thresholds: " + text)


def growth(box):
    server = Server(box, "--interval=20ms", "--max-growth=1K/s", "--max-site-growth=1K/s")
    wanted = {"growth", "site_growth"}

    def grows():
        server.ask("leak 10 2000")
        return {kind for kind, *_ in alerts(box)} >= wanted
    box.wait_until(grows, "an alert of both kinds")
    server.end()
    report = box.report()
    leak = site_of(report, "leak")
    expect_equal({alert["site"] for alert in report["alerts"] if alert["kind"] == "site_growth"},
                 {leak["id"]}, "the sites that are said to grow")
    for alert in report["alerts"]:
        expect_equal(alert["limit"], 3600 * 1024, "the limit, by the hour,")
        expect(alert["value"] > alert["limit"], "the value is %s" % alert["value"])


def in_summary(box):
    program = box.compile("grows_on_command.c", "-O0")
    settings = box.write("limits.ini", "max-site-live = 1K\n[site leak]\nmax-site-live = off\n")
    for options, wanted in (
            (["--max-live=1M"], ["live 1.92 MiB, more than 1.00 MiB"]),
            (["--max-live=2M"], []),
            (["--max-site-live=1M"], ["site live 1.91 MiB, more than 1.00 MiB"]),
            # What is for single functions is the report's.
            (["--max-live=1M", "--settings=" + settings], ["live 1.92 MiB, more than 1.00 MiB"])):
        result = box.seep("run", "-o", box.path("out.seep"), *options, program,
                          stdin=b"leak 2000 1000\n")
        lines = [line.split(": ", 2)[2] for line in result.stderr.decode().splitlines()
                 if line.startswith("seep: threshold crossed: ")]
        expect_equal(lines, wanted, "what the summary says with %s" % " ".join(options))
        os.unlink(box.path("out.seep"))


def forked_child(box):
    source = box.write("forks.c", """
        #include <stdlib.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(void)
        {
            void *volatile kept = malloc(2000000);
            if (fork() == 0) {
                for (int i = 0; i < 20; i++)
                    kept = malloc(i == 9 ? 3000000 : 10);
                exit(0);
            }
            wait(NULL);
            return !kept;
        }
        """)
    program = box.compile(source)
    result = box.seep_run([program], "--interval=1h", "--growth=off", "--max-live=1M")
    expect_equal(result.returncode, 0, "the exit status")
    child = next(path for path in box.seep_files() if os.path.basename(path) != "out.seep")
    for path, least in ((box.path("out.seep"), 2000000), (child, 5000000)):
        found = snapshot_file.read(path).alerts()
        expect_equal([kind for kind, *_ in found], ["live"], "the alerts in " + path)
        expect(least <= found[-1][3] < least + 100000, "the value is %d" % found[-1][3])


def site_limits(box):
    program = box.compile("grows_on_command.c", "-O0")
    box.seep_run([program], stdin=b"leak 300 1000\nfill 200 1000\n")
    settings = box.write("limits.ini", "# for the test\nmax-site-live = 100K\n\n"
                                       "[site le?k]\nmax-site-live = 1M\n"
                                       "[site fill]\nmax-site-live = 150K\n")
    report = box.report("out.seep", "--settings=" + settings, "--top=1")
    expect_equal([(found["kind"], found["limit"]) for found in report["thresholds"]],
                 [("site_live", 150 * 1024)], "the thresholds")
    report = box.report("out.seep", "--settings=" + settings)
    site = next(site for site in report["sites"]
                if site["id"] == report["thresholds"][0]["site"])
    expect_equal((functions_of(site)[0], site["live_bytes"]), ("fill", 200000), "the site")
    text = box.seep("report", "--settings=" + settings, box.path("out.seep")).stdout.decode()
    expect("1 threshold crossed:\n    site live 195 KiB, more than 150 KiB" in text,
           "the text is " + text)


def precedence(box):
    program = box.compile("grows_on_command.c", "-O0")
    settings = box.write("limits.ini", "max-live = 2K\nmax_site_live = 2K\n")

    def limits(*options, environment="max_live=1K:max_site_live=1K:max_heap_share_of_rss=0%"):
        name = "%d.seep" % len(os.listdir(box.folder))
        result = box.seep_run([program], "--interval=1h", *options, stdin=b"leak 10 1000\n",
                              output=name, environment={"SEEP_OPTIONS": environment})
        expect_equal((result.returncode, result.stderr), (0, b""), "(status, stderr)")
        return {(kind, limit) for kind, *_, limit in alerts(box, name) if "share" not in kind}
    expect_equal(limits(), {("live", 1024), ("site_live", 1024)}, "the environment's limits")
    expect_equal(limits("--settings=" + settings), {("live", 2048), ("site_live", 2048)},
                 "the file's limits")
    expect_equal(limits("--max-live=3K", "--settings=" + settings),
                 {("live", 3072), ("site_live", 2048)}, "the command line's and the file's limits")
    expect_equal(limits("--settings=" + settings, "--max-live=off"), {("site_live", 2048)},
                 "the limits without the one that is off")


def mistakes(box):
    settings = box.write("limits.ini", "interval = 1s\nmax-live = much\n")
    for words in (("run", "--settings=" + settings, "true"),
                  ("report", "--settings=" + settings, "x.seep"),
                  ("check", "--settings=" + settings, "--", "true"),
                  ("check", "--settings=" + settings, "x.seep")):
        result = box.seep(*words)
        wanted = ("seep: %s: %s:2: max-live: 'much' is not possible; give off, or a size such as "
                  "512K, 64M, 1G\n" % (words[0], settings))
        expect_equal((result.returncode, result.stderr.decode()), (2, wanted), "(status, stderr)")
    result = box.seep("report", "--settings=not-there.ini", "x.seep")
    expect_equal(result.returncode, 2, "the exit status")
    expect(b"not-there.ini" in result.stderr, "stderr is %r" % result.stderr)
