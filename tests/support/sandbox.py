# SPDX-License-Identifier: Apache-2.0
"""sandbox: the place in which one integration test runs.

Each test gets its own temporary folder, an environment without anything that would change seep's
output, and a list of the processes it started, which end with it. A test fails by raising Failed
and says that it could not be run by raising Skipped; both carry the reason that is printed.
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import snapshot_file

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
SEEP = os.path.join(BUILD, "seep")
LIBRARY = os.path.join(BUILD, "libseep.so")
CASES = os.path.join(ROOT, "tests", "integration", "cases")
NOBODY = 65534

# A test that needs longer than this hangs.
TIMEOUT_S = 120


class Failed(Exception):
    """The claim does not hold."""


class Skipped(Exception):
    """The claim could not be tested here."""


def expect(condition, reason):
    if not condition:
        raise Failed(reason)


def expect_equal(found, wanted, what):
    if found != wanted:
        raise Failed("%s is %s, expected %s" % (what, clip(found), clip(wanted)))


def clip(value):
    text = repr(value)
    return text if len(text) <= 600 else text[:600] + "…"


class Sandbox:
    def __init__(self, is_full):
        self.is_full = is_full  # the long form of tests that have one
        self.folder = tempfile.mkdtemp(prefix="seep-test-")
        self.processes = []
        self.notes = []  # what the test wants to have printed beside its result

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def note(self, text):
        self.notes.append(text)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        with open(self.path(name), "wb" if isinstance(content, bytes) else "w") as file:
            file.write(content)
        return self.path(name)

    def environment(self, changes=None):
        """As the user's, but nothing of it changes what is printed."""
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("SEEP_", "DEBUGINFOD_", "LD_", "MAKE", "MALLOC_"))
                       and key not in ("MFLAGS", "BUILD", "GLIBC_TUNABLES")}
        environment.update(LC_ALL="C.UTF-8", NO_COLOR="1", TERM="dumb", COLUMNS="80")
        environment.update(changes or {})
        return environment

    def preload(self, **options):
        """The environment for a plain LD_PRELOAD with these settings."""
        text = ":".join("%s=%s" % (key, value.replace(":", "\\:")) for key, value in options.items())
        return {"LD_PRELOAD": LIBRARY, "SEEP_OPTIONS": text}

    # ---- programs ------------------------------------------------------------------------------

    def run(self, argv, environment=None, stdin=b"", timeout=TIMEOUT_S, **others):
        """Runs to the end; stdout and stderr are bytes."""
        others.setdefault("cwd", self.folder)
        try:
            return subprocess.run([str(arg) for arg in argv], input=stdin, capture_output=True,
                                  env=self.environment(environment), timeout=timeout, **others)
        except subprocess.TimeoutExpired:
            raise Failed("still running after %d s: %s" % (timeout, " ".join(map(str, argv))))

    def start(self, argv, environment=None, **others):
        """Starts a program that the test talks to; it is killed at the end of the test."""
        others.setdefault("stdout", subprocess.PIPE)
        others.setdefault("stdin", subprocess.DEVNULL)
        others.setdefault("cwd", self.folder)
        process = subprocess.Popen([str(arg) for arg in argv],
                                   env=self.environment(environment), **others)
        self.processes.append(process)
        return process

    def compile(self, source, *flags, output=None):
        """Builds a program of tests/integration/cases (or a path) and returns its path."""
        if not os.path.isabs(source):
            source = os.path.join(CASES, source)
        name, suffix = os.path.splitext(os.path.basename(source))
        output = self.path(output or name)
        compiler = os.environ.get("CXX", "g++") if suffix == ".cc" else os.environ.get("CC", "gcc")
        argv = compiler.split() + ["-g", "-D_GNU_SOURCE", "-I" + os.path.join(ROOT, "include"),
                                   "-o", output, source, *flags]
        result = self.run(argv)
        expect(result.returncode == 0, "does not compile: " + result.stderr.decode()[:400])
        return output

    def seep(self, *arguments, **others):
        return self.run([SEEP, *arguments], **others)

    def seep_run(self, program, *options, output="out.seep", **others):
        """Runs argv `program` under seep with nothing printed by seep itself."""
        return self.seep("run", "-q", "-o", self.path(output), *options, "--", *program, **others)

    def run_as_nobody(self, argv, environment=None):
        """Runs as an unprivileged user. SEEP and LIBRARY in argv and the environment stand for
        copies, because that user may not enter the folder of the checkout."""
        if os.getuid() != 0:
            raise Skipped("only root can become another user")
        os.chmod(self.folder, 0o755)
        copies = {path: shutil.copy(path, self.folder) for path in (SEEP, LIBRARY)}
        environment = {key: copies.get(value, value) for key, value in (environment or {}).items()}
        return self.run([copies.get(arg, arg) for arg in argv], environment, user=NOBODY,
                        group=NOBODY, extra_groups=[])

    def report(self, file="out.seep", *options):
        """The report of a file as JSON."""
        if not os.path.isabs(str(file)):
            file = self.path(file)
        result = self.seep("report", "--format=json", *options, file)
        expect(result.returncode == 0, "seep report %s ends with %d: %s"
               % (os.path.basename(file), result.returncode, result.stderr.decode()[:300]))
        return json.loads(result.stdout)

    def seep_files(self):
        """Of all processes: the program's own beside the folder with those of its children."""
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.folder)
                      if folder == self.folder or folder.endswith(".children")
                      for name in names if ".seep" in name)

    # ---- waiting -------------------------------------------------------------------------------

    def wait_until(self, condition, what, seconds=20.0):
        """Polls until condition() is true and returns its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise Failed("%s did not happen within %g s" % (what, seconds))

    def wait_for_end(self, file="out.seep"):
        """Waits until the last word about its process is in the file, and returns the report.
        Under plain LD_PRELOAD that comes from the helper, just after the process is gone."""
        self.wait_until(lambda: end_of(self.path(file)), "the end record of " + file)
        return self.report(file)


def begun(path):
    """A file that a process may still be about to begin, or None."""
    try:
        return snapshot_file.read(path)
    except (FileNotFoundError, ValueError, struct.error):
        return None


def end_of(path):
    """(how, status) of the end record, or None until it is there."""
    file = begun(path)
    return file and file.end()


def stop(process, how=signal.SIGTERM, seconds=10):
    """Ends a process that the test started and returns its status."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Failed("process %d does not end on signal %d" % (process.pid, how))


def site_of(report, function):
    """The one site whose innermost own frame is `function`; fails where there is none or more."""
    sites = [site for site in report["sites"]
             if any(frame["function"] == function for frame in site["stack"][:1])]
    expect(len(sites) == 1, "%d sites begin with %s: %s" % (len(sites), function, clip(
        [[frame["function"] for frame in site["stack"][:3]] for site in report["sites"]])))
    return sites[0]


def functions_of(site):
    return [frame["function"] for frame in site["stack"]]
