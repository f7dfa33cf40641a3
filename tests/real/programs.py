# SPDX-License-Identifier: Apache-2.0
"""programs: real programs and the work they are given, under seep.

A program's play(box, under, seconds, seed) starts it with under.start(box, argv, ...), gives it
work for so long and waits for its end. What it keeps it keeps up to a bound, which it reaches in
the first half of the time. What is not installed is said by missing().
"""

import os
import shutil
import signal
import socket
import subprocess

from sandbox import Failed
import memcached_load
import redis_load
import sqlite_script
from pace import ticks

HERE = os.path.dirname(os.path.abspath(__file__))
# A cache is full after this part of the time.
FULL_AT = 0.3
PYTHON = "/usr/bin/python3"


def find(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")


class Program:
    name = ""
    needs = ()
    rate = 0  # pieces of work in a second
    interval_ms = None  # of snapshots, where the program decides how long it takes

    def __init__(self, rate=None):
        self.rate = rate or self.rate

    def missing(self):
        absent = [program for program in self.needs if not find(program)]
        return "%s is not installed" % ", ".join(absent) if absent else None


def wait_for_socket(box, process, path):
    def answers():
        if process.poll() is not None:
            raise Failed("ends with %d before it listens" % process.returncode)
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
                return True
            except OSError:
                return False
    box.wait_until(answers, "the answer of a server")


class Redis(Program):
    name = "redis-server"
    needs = ("redis-server", "redis-cli")
    rate = 3000

    def play(self, box, under, seconds, seed):
        path = box.path("redis.sock")
        # What a string costs beside its bytes: the key, three blocks, a part of the table.
        room = FULL_AT * seconds * self.rate * redis_load.SET_NEW_SHARE * (
            redis_load.MEAN_BYTES + 150)
        server = under.start(box, [
            find("redis-server"), "--port", "0", "--unixsocket", path, "--save", "", "--dir",
            box.folder, "--loglevel", "warning", "--maxmemory", str(int(room) + (4 << 20)),
            "--maxmemory-policy", "allkeys-lru",
            # It fills on busy machines only.
            "--slowlog-log-slower-than", "-1"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_for_socket(box, server, path)
        load = redis_load.RedisLoad(path, seed, seconds * self.rate)
        for count in ticks(seconds, self.rate):
            load.send(count)
        load.close()
        evicted = subprocess.run(["redis-cli", "-s", path, "info", "stats"], capture_output=True,
                                 text=True).stdout.split("evicted_keys:")[1].split()[0]
        box.note("redis-server has evicted %s keys" % evicted)
        subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], capture_output=True)
        if server.wait(30) != 0:
            raise Failed("redis-server ends with %d" % server.returncode)


class Memcached(Program):
    name = "memcached"
    needs = ("memcached",)
    rate = 1200

    def play(self, box, under, seconds, seed):
        path = box.path("memcached.sock")
        room = FULL_AT * seconds * self.rate * memcached_load.SET_SHARE * (
            memcached_load.MEAN_BYTES + 80)
        server = under.start(box, [
            find("memcached"), "-s", path, "-m", str(max(4, int(room) >> 20)), "-t", "2",
            *(["-u", "root"] if os.getuid() == 0 else [])])
        wait_for_socket(box, server, path)
        load = memcached_load.MemcachedLoad(path, seed)
        for count in ticks(seconds, self.rate):
            load.send(count)
        load.close()
        under.signal(server, signal.SIGTERM)
        server.wait(30)


NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr crit;
%(user)s
events { worker_connections 256; }
http {
    access_log access.log; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s; gzip on; gzip_types text/plain; gzip_min_length 100;
    keepalive_timeout 2; open_file_cache max=20; client_header_buffer_size 256;
    upstream self { server 127.0.0.1:%(port)d; keepalive 4; }
    map $arg_kind $kind { default "none"; ~^a(?<rest>.*) "a $rest"; b "b"; }
    server {
        listen 127.0.0.1:%(port)d; root %(folder)s;
        location /text { default_type text/plain; return 200 "$kind $request_uri\\n"; }
        location /proxy/ { proxy_pass http://self/; proxy_http_version 1.1;
                           proxy_set_header Connection ""; }
        location ~ ^/rewritten/(.*)$ { rewrite ^/rewritten/(.*)$ /page_$1.html break; }
        location /ssi { ssi on; default_type text/html; }
    }
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx(Program):
    """Its worker does the work; the loads, one after the other, make pauses."""

    name = "nginx"
    needs = ("nginx", "ab")
    rate = 5  # loads in a second
    requests = 100
    pages = ("page_1.html", "page_2.html", "text?kind=abc", "proxy/page_1.html", "missing",
             "rewritten/2", "proxy/text?kind=b", "ssi.html", "text?kind=" + "x" * 900)

    def load(self, box, number, port):
        """Every second one keeps its connections."""
        page = self.pages[number // 2 % len(self.pages)]
        result = box.run(["ab", "-q", "-n", str(self.requests), "-c", "4",
                          *(["-k"] if number % 2 else []), "-H", "Accept-Encoding: gzip",
                          "-H", "X-Long: " + "y" * (number % 5 * 100),
                          "http://127.0.0.1:%d/%s" % (port, page)])
        if result.returncode != 0:
            raise Failed("ab: %r" % result.stderr[:200])

    def play(self, box, under, seconds, seed):
        os.chmod(box.folder, 0o777)
        box.write("page_1.html", "<html>" + "some page " * 500 + "</html>")
        box.write("page_2.html", "x" * 60000)
        os.makedirs(box.path("ssi"), exist_ok=True)
        box.write("ssi.html", '<!--#include virtual="/text?kind=a1" --> <!--#echo var="kind" -->')
        port = free_port()
        box.write("nginx.conf", NGINX % {
            "user": "user root;" if os.getuid() == 0 else "", "port": port, "folder": box.folder})
        server = under.start(box, [find("nginx"), "-e", "stderr", "-p", box.folder, "-c",
                                   box.path("nginx.conf")], stderr=subprocess.DEVNULL)

        def listens():
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0
        box.wait_until(listens, "nginx's answer")
        number = 0
        for count in ticks(seconds, self.rate):
            for _ in range(count):
                self.load(box, number, port)
                number += 1
        with open(box.path("nginx.pid")) as file:
            os.kill(int(file.read()), signal.SIGQUIT)
        server.wait(30)


class NginxUnderWrk(Nginx):
    """One load for the whole time; its connections wait between requests."""

    needs = ("nginx", "wrk")
    script = """
local pages = {%s}
local number = 0
function delay() return math.random(5, 60) end
function request()
    number = number + 1
    local headers = {["Accept-Encoding"] = "gzip"}
    if number %% 7 == 0 then headers["Connection"] = "close" end
    return wrk.format("GET", "/" .. pages[number %% #pages + 1], headers)
end
"""

    def play(self, box, under, seconds, seed):
        box.write("load.lua", self.script % ", ".join('"%s"' % page for page in self.pages))
        self.seconds, self.process = seconds, None
        super().play(box, under, seconds, seed)
        self.process.wait(30)

    def load(self, box, number, port):
        if not self.process:
            self.process = box.start([
                "wrk", "-t1", "-c16", "-d%ds" % max(1, int(self.seconds) - 1), "-s",
                box.path("load.lua"), "http://127.0.0.1:%d/" % port], stdout=subprocess.DEVNULL)


class Sqlite(Program):
    """A database of which a part fits into the page cache."""

    name = "sqlite3"
    needs = ("sqlite3",)
    rate = 400  # statements in a second

    def play(self, box, under, seconds, seed):
        # Every statement looks at two pages or so; the cache is full when most of them are new.
        cached = max(300, int(FULL_AT * seconds * self.rate * 0.5))
        rows = cached * 3 * (sqlite_script.PAGE_BYTES // sqlite_script.ROW_BYTES)
        made = box.run(["sqlite3", "base.db"], stdin=sqlite_script.tables(rows).encode())
        if made.returncode != 0:
            raise Failed("sqlite3: %r" % made.stderr[:200])
        shell = under.start(box, [find("sqlite3"), "base.db"], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        script = sqlite_script.SqliteScript(rows, seed)
        shell.stdin.write(b"PRAGMA cache_size = %d; PRAGMA synchronous = OFF;\n" % cached)
        for count in ticks(seconds, self.rate):
            shell.stdin.write(script.statements(count).encode())
            shell.stdin.flush()
        shell.stdin.close()
        shell.wait(60)


class Python(Program):
    """Without an allocator of its own, so that seep sees every object."""

    name = "python3"
    rate = 60  # orders in a second
    environment = {"PYTHONMALLOC": "malloc"}

    def missing(self):
        return None if os.path.exists(PYTHON) else PYTHON + " is not there"

    def play(self, box, under, seconds, seed):
        process = under.start(box, [
            PYTHON, "-S", os.path.join(HERE, "python_worker.py"), str(seconds), str(self.rate),
            str(seed)], {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
                         **self.environment}, stdout=subprocess.DEVNULL)
        if process.wait(seconds + 120) != 0:
            raise Failed("python3 ends with %d" % process.returncode)


class PythonWithArenas(Python):
    """As it is run by everybody."""

    name = "python3, its own allocator"
    environment = {}
