# SPDX-License-Identifier: Apache-2.0
"""test_real_programs: programs from Debian run as ever under seep, and their reports add up."""

import functools
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess

import report_schema
import snapshot_file
from case_program import plain_name
from sandbox import ROOT, SEEP, Skipped, expect, expect_equal

IS_ALONE = True
GOLDEN = os.path.join(ROOT, "tests", "integration", "golden")


def tests():
    yield "sqlite3 on a script", sqlite
    yield "python3 with PYTHONMALLOC=malloc", python
    yield "cc1, the C compiler proper", cc1
    yield "a C++ program with exceptions and threads", cpp_program
    yield "redis-server under redis-benchmark", redis
    yield "nginx under load, its workers too", nginx
    for program in ("git", "perl", "gdb", "bash", "sort"):
        yield "%s behaves as ever" % program, functools.partial(command_line, program)


def need(*programs):
    found = [shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") for program in programs]
    missing = [program for program, path in zip(programs, found) if not path]
    if missing:
        raise Skipped("%s is not installed" % ", ".join(missing))
    return found


def check_report(box, file="out.seep", is_clean_end=True):
    """What must hold for the report of any program that ended by itself."""
    report = box.report(file)
    wrong = (report_schema.check(report) + report_schema.check_order(report)
             + report_schema.check_sums(report))
    expect(not wrong, "; ".join(wrong[:5]))
    expect_equal(report["lost"]["blocks"], 0, "lost blocks")
    totals = report["totals"]
    last = snapshot_file.read(file if os.path.isabs(file) else box.path(file)).snapshots[-1].totals
    expect_equal(totals["allocations"] - totals["frees"],
                 totals["live_blocks"] - last["inherited_blocks"], "allocations - frees")
    if is_clean_end:
        expect_equal(report["process"]["end"], "exit", "the end")
    box.note("%d allocations, %d live blocks at %d sites, %d snapshots, %d cut stacks"
             % (totals["allocations"], totals["live_blocks"], len(report["sites"]),
                report["snapshots"], report["lost"]["cut_stacks"]))
    return report


def same_with_and_without(box, argv, environment=None, stdin=b"", options=()):
    plain = box.run(argv, environment, stdin)
    watched = box.seep_run(argv, *options, environment=environment, stdin=stdin)
    expect_equal(watched.returncode, plain.returncode, "the exit status")
    expect_equal(watched.stdout, plain.stdout, "stdout")
    expect_equal(watched.stderr, plain.stderr, "stderr")
    return plain


def sees(report, *functions):
    """The stacks of a program with symbols go through these functions."""
    names = {plain_name(frame["function"]) for site in report["sites"] for frame in site["stack"]}
    missing = [function for function in functions if function not in names]
    expect(not missing, "no stack goes through %s" % ", ".join(missing))


def golden(box, report, name, module):
    """The sites of the program's own module in golden/NAME: its frames, blocks and bytes at exit.
    Frames of libraries are left out, because their inside differs from one update to the next."""
    with open(os.path.join(GOLDEN, name)) as file:
        wanted = sorted(line.rstrip("\n") for line in file if not line.startswith("#"))
    found = []
    for site in report["sites"]:
        frames = [plain_name(frame["function"]) for frame in site["stack"]
                  if frame["module"] == module and not frame["inlined"]]
        if frames[0:1] == [plain_name(site["stack"][0]["function"])] and site["live_blocks"]:
            found.append("%s: %d blocks, %d bytes" % (" < ".join(frames), site["live_blocks"],
                                                       site["live_bytes"]))
    expect_equal(sorted(found), wanted, "the program's own sites")


def goes_through(report, name):
    """Every line of golden/NAME is a function that some stack goes through."""
    with open(os.path.join(GOLDEN, name)) as file:
        sees(report, *(line.rstrip("\n") for line in file if not line.startswith("#")))


SQL = """
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO t SELECT i, 'name ' || i, i * 0.5 FROM n;
CREATE INDEX by_name ON t(name);
SELECT count(*), sum(value), min(name), max(name) FROM t;
SELECT name FROM t WHERE name LIKE '%77%' ORDER BY value DESC LIMIT 5;
UPDATE t SET value = value * 2 WHERE id % 3 = 0;
DELETE FROM t WHERE id % 7 = 0;
SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY name LIMIT 20);
SELECT broken FROM t;
"""


def sqlite(box):
    need("sqlite3")
    same_with_and_without(box, ["sqlite3", ":memory:"], stdin=SQL.encode())
    report = check_report(box)
    expect(report["totals"]["allocations"] > 20000, "too few allocations")
    goes_through(report, "sqlite3")
    expect(not any(site["flagged"] for site in report["sites"]), "a site is flagged")


PYTHON = """
import collections, json, re, sys, threading
words = collections.Counter()
def work(n):
    for i in range(n):
        words[re.sub(r'[0-9]', 'x', str(i * 7919))] += 1
threads = [threading.Thread(target=work, args=(3000,)) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps(sorted(words.items())))
class Node:
    pass
chain = None
for i in range(10000):
    n = Node(); n.next = chain; chain = n
try:
    1 / 0
except ZeroDivisionError as error:
    print(error, file=sys.stderr)
sys.exit(7)
"""


def python(box):
    need("/usr/bin/python3")
    environment = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    plain = same_with_and_without(box, ["/usr/bin/python3", "-S", "-E", "-c", PYTHON], environment)
    expect_equal(plain.returncode, 7, "python's own exit status")
    report = check_report(box)
    expect(report["totals"]["allocations"] > 50000, "too few allocations: PYTHONMALLOC was lost")
    goes_through(report, "python3")


def cc1(box):
    compiler = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True)
    program = compiler.stdout.strip()
    if not os.path.isabs(program):
        raise Skipped("gcc has no cc1")
    source = os.path.join(ROOT, "tests", "integration", "cases", "calls_libc_that_allocates.c")
    with open(box.path("input.i"), "wb") as file:
        file.write(box.run(["gcc", "-E", "-D_GNU_SOURCE", source]).stdout)
    argv = [program, "-fpreprocessed", "input.i", "-quiet", "-O2", "-Wall", "-Wextra", "-o"]
    plain = box.run(argv + ["plain.s"])
    watched = box.seep_run(argv + ["watched.s"])
    expect_equal((watched.returncode, watched.stdout, watched.stderr),
                 (plain.returncode, plain.stdout, plain.stderr), "(status, stdout, stderr)")
    with open(box.path("plain.s"), "rb") as first, open(box.path("watched.s"), "rb") as second:
        expect(first.read() == second.read(), "cc1 writes other code under seep")
    report = check_report(box)
    expect(report["totals"]["allocations"] > 10000, "too few allocations")
    goes_through(report, "cc1")


def cpp_program(box):
    program = box.compile("throws_through_frames.cc", "-O2", "-pthread")
    same_with_and_without(box, [program])
    report = check_report(box)
    sees(report, "keep")
    golden(box, report, "cpp_program", program)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def redis(box):
    need("redis-server", "redis-benchmark", "redis-cli")
    path = box.path("redis.sock")

    def serve(*under):
        """The answers of a server to one load."""
        server = box.start([*under, shutil.which("redis-server"), "--port", "0", "--unixsocket",
                            path, "--save", "", "--dir", box.folder, "--loglevel", "warning"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cli = ["redis-cli", "-s", path]
        box.wait_until(lambda: box.run(cli + ["ping"]).stdout == b"PONG\n", "redis's answer")
        load = box.run(["redis-benchmark", "-s", path, "-q", "-n", "4000", "-c", "10",
                        "-r", "500", "-t", "set,get,lpush,lrange_100,sadd,hset,zadd", "-d", "64"])
        expect_equal(load.returncode, 0, "the status of redis-benchmark")
        answers = b"".join(box.run(cli + command).stdout for command in (
            ["flushall"], ["set", "key", "value"], ["get", "key"], ["rpush", "list", "1", "2", "3"],
            ["lrange", "list", "0", "-1"], ["eval", "return {1, 'two', {3}}", "0"], ["dbsize"],
            ["wrong"]))
        box.run(cli + ["shutdown", "nosave"])
        expect_equal(server.wait(20), 0, "the exit status of redis-server")
        return answers

    plain = serve()
    watched = serve(SEEP, "run", "-q", "-o", box.path("out.seep"), "--interval=200ms", "--")
    expect_equal(watched, plain, "redis's answers")
    report = check_report(box)
    expect(report["totals"]["allocations"] > 20000, "too few allocations")
    goes_through(report, "redis-server")


NGINX = """
daemon off; worker_processes 2; master_process on; pid nginx.pid; error_log stderr crit;
%s
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    server { listen 127.0.0.1:%d; root %s; location /x { return 200 "x$request_uri"; } }
}
"""


def nginx(box):
    program, = need("nginx")
    os.chmod(box.folder, 0o777)
    box.write("page.html", "<html>" + "some page " * 500 + "</html>")

    def serve(*under):
        port = free_port()
        box.write("nginx.conf", NGINX % ("user root;" if os.getuid() == 0 else "", port, box.folder))
        server = box.start([*under, program, "-e", "stderr", "-p", box.folder, "-c",
                            box.path("nginx.conf")],
                           stderr=open(box.path("log"), "wb"))

        def ask(path):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            return answer.status, body

        def answers():
            try:
                return ask("/page.html")
            except OSError:
                return None
        box.wait_until(answers, "nginx's answer")
        if shutil.which("ab"):
            load = box.run(["ab", "-q", "-n", "3000", "-c", "8", "http://127.0.0.1:%d/page.html" % port])
            expect_equal(load.returncode, 0, "the status of ab: %r" % load.stderr[:200])
            expect(re.search(rb"Failed requests:\s+0\n", load.stdout), "ab saw failed requests")
        seen = [ask(path) for path in ("/page.html", "/x/y?z", "/missing") for _ in range(50)]
        # The master is the child of seep run, or the server itself.
        with open(box.path("nginx.pid")) as file:
            os.kill(int(file.read()), signal.SIGQUIT)
        expect_equal(server.wait(20), 0, "the exit status of nginx")
        with open(box.path("log")) as file:
            return seen, file.read()

    plain = serve()
    watched = serve(SEEP, "run", "-q", "-o", box.path("%e.%p.seep"), "--interval=200ms", "--")
    expect_equal(watched, plain, "nginx's answers and log")
    files = box.seep_files()
    expect(len(files) >= 3, "master and two workers have %d files" % len(files))
    reports = [check_report(box, file) for file in files]
    for report in reports:
        goes_through(report, "nginx")


COMMANDS = {
    "git": ["git", "-C", ROOT, "log", "--stat", "-n", "5"],
    "perl": ["perl", "-e", 'my %h; $h{$_ * 7919 % 10007} .= "x$_" for 1..20000; '
             'print join(",", map { "$_=$h{$_}" } (sort { $a <=> $b } keys %h)[0..50]), "\\n"; exit 9'],
    "gdb": ["gdb", "-nx", "-batch", "-ex", "print 6*7", "-ex", "info line main", "/bin/true"],
    "bash": ["bash", "-c", 'for i in {1..300}; do x[i]=$(echo $i); done; echo "${x[@]}"; exit 4'],
    "sort": ["sort", "--parallel=2", "-S", "10M", "/usr/share/common-licenses/GPL-3"],
}


def command_line(program, box):
    need(program)
    same_with_and_without(box, COMMANDS[program], options=["--children=none"])
    check_report(box)
