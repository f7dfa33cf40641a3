# SPDX-License-Identifier: Apache-2.0
"""variants: the ways in which a program is run: plain, under seep, under each of its rivals.

A variant says why it cannot be used here (missing), changes how a program is started (prepare), may
start a companion that works beside the program, and looks at what was left behind (check), so that
a run which was not followed at all is an error and no record.
"""

import glob
import os
import shutil
import subprocess
from signal import SIGPIPE

from sandbox import BUILD, LIBRARY, SEEP


class Unfit(Exception):
    """This variant has no figure for this workload; the reason is printed."""


class Variant:
    name = ""
    note = ""  # what one must know to compare it
    is_peer = False
    is_special = False  # takes part only where a workload names it
    is_slow = False  # so slow that it gets short parameters, and a plain run with the same

    def missing(self):
        """Why it cannot be used on this machine, or None."""

    def prepare(self, argv, folder):
        """The command, and what is added to its environment."""
        return argv, {}

    def companion(self, folder):
        """The command of a process that runs beside the program, or None."""

    def check(self, folder, stderr):
        """Raises Unfit when the program was not followed."""

    def explain(self, signal):
        """Why the program was killed by this signal, where the variant knows."""


class Native(Variant):
    name = "native"


class Preloaded(Variant):
    library = ""

    def missing(self):
        if not self.library or not os.path.exists(self.library):
            return "is not there (%s)" % (self.library or "no library found")

    def settings(self, folder):
        return {}

    def prepare(self, argv, folder):
        return argv, {"LD_PRELOAD": self.library, **self.settings(folder)}


class Twin(Preloaded):
    name = "twin"
    note = "a library with the same doors and nothing behind them"
    library = os.path.join(BUILD, "tests", "bench", "libempty_twin.so")


class Seep(Preloaded):
    name = "seep"
    note = "exact, default options"
    library = LIBRARY
    extra = ""

    def __init__(self, name="seep", extra=""):
        self.name = name
        self.extra = extra
        self.is_special = bool(extra)
        if extra:
            self.note = "exact, with " + extra

    def settings(self, folder):
        return {"SEEP_OPTIONS": "output=%s:quiet=on%s"
                % (os.path.join(folder, "out.seep").replace(":", "\\:"),
                   ":" + self.extra if self.extra else "")}

    def check(self, folder, stderr):
        if not os.path.exists(os.path.join(folder, "out.seep")):
            raise Unfit("wrote no file")


class Sampled(Seep):
    def __init__(self):
        super().__init__("seep-sampled", "sample=512K")
        self.note = "sampled, one in 512 KiB"


class SeepRun(Variant):
    """The command, which waits for the last snapshot and reads the file."""

    name = "seep-run"
    note = "the command `seep run -q`"
    is_special = True

    def missing(self):
        return None if os.path.exists(SEEP) else "is not built"

    def prepare(self, argv, folder):
        return [SEEP, "run", "-q", "-o", os.path.join(folder, "out.seep"), "--", *argv], {}

    def check(self, folder, stderr):
        if not os.path.exists(os.path.join(folder, "out.seep")):
            raise Unfit("wrote no file")


class SeepCheck(Variant):
    """The command around a program, with what it adds after the program's end."""

    name = "seep-check"
    note = "the command `seep check -q`"
    is_special = True

    def missing(self):
        return None if os.path.exists(SEEP) else "is not built"

    def prepare(self, argv, folder):
        return [SEEP, "check", "-q", "--", *argv], {"TMPDIR": folder}

    def check(self, folder, stderr):
        if stderr:
            raise Unfit("says: " + stderr.strip()[:80])


class LsanTwin(Variant):
    """The same programs, linked with LeakSanitizer."""

    name = "lsan-twin"
    note = "the program linked with -fsanitize=leak"
    is_peer = True
    is_special = True

    def prepare(self, argv, folder):
        twins = [word + "_lsan" if os.path.exists(word + "_lsan") else word for word in argv]
        if twins == argv:
            raise Unfit("has no twin of it")
        return twins, {"LSAN_OPTIONS": "detect_leaks=1"}


class Heaptrack(Variant):
    """As the script `heaptrack` does it, except that only the program's own time counts."""

    name = "heaptrack"
    note = "exact; its interpreter works beside the program, on another core where there is one"
    is_peer = True
    limit_kib = 8 << 20  # heaptrack 1.4's interpreter takes all memory on some programs

    def __init__(self):
        script = os.path.realpath(shutil.which("heaptrack") or "")
        folder = os.path.join(os.path.dirname(os.path.dirname(script)), "lib", "heaptrack")
        self.library = os.path.join(folder, "libheaptrack_preload.so")
        self.reader = os.path.join(folder, "libexec", "heaptrack_interpret")

    def missing(self):
        if not shutil.which("heaptrack"):
            return "is not installed"
        for path in (self.library, self.reader):
            if path and not os.path.exists(path):
                return "has no %s" % path

    def companion(self, folder):
        os.mkfifo(os.path.join(folder, "fifo"))
        compress = "zstd -c" if shutil.which("zstd") else "gzip -c"
        read = '"$2" | ' if self.reader else ""
        return ["sh", "-c", 'ulimit -v %d; exec <"$1/fifo"; %s%s >"$1/out.heaptrack"'
                % (self.limit_kib, read, compress), "sh", folder, self.reader]

    def prepare(self, argv, folder):
        return argv, {"LD_PRELOAD": self.library,
                      "DUMP_HEAPTRACK_OUTPUT": os.path.join(folder, "fifo")}

    def check(self, folder, stderr):
        path = os.path.join(folder, "out.heaptrack")
        if not os.path.exists(path) or os.path.getsize(path) < 100:
            raise Unfit("recorded nothing")

    def explain(self, signal):
        # The program writes into a pipe whose reader is gone.
        return "crashes in its interpreter, or needs over 8 GiB" if signal == SIGPIPE else None


class HeaptrackRaw(Heaptrack):
    """`heaptrack --raw`: the interpreter comes later."""

    name = "heaptrack-raw"
    note = "exact; only compressed beside the program, to be interpreted afterwards"

    def __init__(self):
        super().__init__()
        self.reader = ""


class Valgrind(Variant):
    name = "valgrind"
    note = "memcheck --leak-check=full; short runs"
    is_peer = True
    is_slow = True

    def missing(self):
        return None if shutil.which("valgrind") else "is not installed"

    def prepare(self, argv, folder):
        return ["valgrind", "--leak-check=full", "--trace-children=yes",
                "--log-file=" + os.path.join(folder, "log"),
                *argv], {}

    def check(self, folder, stderr):
        with open(os.path.join(folder, "log"), errors="replace") as file:
            if "HEAP SUMMARY" not in file.read():
                raise Unfit("wrote no summary")


class Lsan(Preloaded):
    name = "lsan"
    note = "preloaded; its own allocator, short stacks"
    is_peer = True

    def __init__(self):
        try:
            found = subprocess.run(["gcc", "-print-file-name=liblsan.so"], capture_output=True,
                                   text=True).stdout.strip()
        except OSError:
            found = ""
        self.library = os.path.realpath(found) if os.path.isabs(found) else ""

    def settings(self, folder):
        return {"LSAN_OPTIONS": "detect_leaks=1:exitcode=0:log_path="
                + os.path.join(folder, "lsan")}


def library_named(pattern):
    found = sorted(path for folder in ("/usr/lib/*-linux-gnu", "/usr/lib64", "/usr/lib",
                                       "/usr/local/lib")
                   for path in glob.glob(os.path.join(folder, pattern)))
    return found[0] if found else ""


class Jemalloc(Preloaded):
    name = "jemalloc"
    note = "sampled, one in 512 KiB; its own allocator"
    is_peer = True

    def __init__(self):
        self.library = library_named("libjemalloc.so.2")

    def missing(self):
        reason = super().missing()
        if reason:
            return reason
        tried = subprocess.run(["true"], capture_output=True, text=True, env={
            **os.environ, "LD_PRELOAD": self.library, "MALLOC_CONF": "prof:true"})
        if "Invalid conf" in tried.stderr:
            return "is built without profiling"

    def settings(self, folder):
        return {"MALLOC_CONF": "prof:true,lg_prof_sample:19,prof_final:true,prof_prefix:"
                + os.path.join(folder, "jeprof")}

    def check(self, folder, stderr):
        if "Invalid conf" in stderr:
            raise Unfit("does not know its profiling options")
        if not glob.glob(os.path.join(folder, "jeprof*")):
            raise Unfit("wrote no profile")


class Tcmalloc(Preloaded):
    name = "tcmalloc"
    note = "HEAPPROFILE: exact; its own allocator; short runs"
    is_peer = True
    is_slow = True

    def __init__(self):
        self.library = library_named("libtcmalloc.so.4")

    def settings(self, folder):
        return {"HEAPPROFILE": os.path.join(folder, "heap")}

    def check(self, folder, stderr):
        if not glob.glob(os.path.join(folder, "heap.*")):
            raise Unfit("wrote no profile")


# Who takes snapshots, with none but those that the program asks for.
SNAPSHOTS_BY = ("process", "thread", "inline")


def all_variants():
    variants = [Native(), Twin(), Seep(), Heaptrack(), HeaptrackRaw(), Valgrind(), Lsan(),
                Jemalloc(), Tcmalloc(), SeepRun(), SeepCheck(), LsanTwin()]
    variants += [Seep("seep-" + who, "interval=1h:growth=off:snapshots_by=" + who)
                 for who in SNAPSHOTS_BY]
    variants.append(Sampled())
    return {variant.name: variant for variant in variants}
