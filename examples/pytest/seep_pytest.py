# SPDX-License-Identifier: Apache-2.0
"""seep_pytest: a pytest plugin that fails a test whose C extension leaks.

    PYTHONMALLOC=malloc seep check --children=python3 -- python3 -m pytest -p seep_pytest

A test fails when memory that was allocated while it ran (its set-up included) is no longer pointed
to by anything when it is over; what only its fixtures lose is an error at their tear-down. Caches,
statics, reference cycles, tracebacks and whatever else can still be reached are no failure. A test
that fails anyway is not looked at.

What that finds, and what it does not:

- A malloc that is never freed: found. A Py_DECREF that is missing: found for objects that the
  garbage collector does not track (bytes, str, int, float), for nothing points to them.
- An object that the collector tracks (list, dict, instances) stays in its list for ever, which
  holds it: not lost. --seep-rounds=N runs each test body N times more and fails the test when a
  place in the program has more memory after every round than before; that finds those, too.
- One leak of one block may stay unseen in a run, for a word that is left over in freed memory may
  seem to hold it. MALLOC_PERTURB_=85 in the environment makes that rare. So it is, too, with what
  the interpreter keeps to use it again: a float or a tuple that is lost may be older than the test.
- Other programs lose blocks, too, for they end anyway: those that tests call, and the shell where
  python3 is a script, as with pyenv. --children=python3 leaves them out of seep check.
- PYTHONMALLOC=malloc is needed. Python's own allocator takes objects of up to 512 bytes from
  large pieces that seep knows nothing about: such an object is never seen to be lost, and what it
  pointed to may seem held by what is left of it. The first lines of the run say so.

Without seep the plugin does nothing. It needs pytest 7 and nothing else; it may be copied into a
project (then `pythonpath` must lead to it) or stand where PYTHONPATH leads.

A test is marked `seep_off` where it must not be looked at, and `seep_rounds(N)` where it shall have
other rounds than --seep-rounds says; its body must bear to be run again with the same fixtures.
"""

import ctypes
import gc
import os
import re
import sys

import pytest

FUNCTIONS = (
    # name in the library, result, arguments
    ("seep_moment_", ctypes.c_longlong, ()),
    ("seep_check_since_", ctypes.c_longlong, (ctypes.c_longlong,)),
    ("seep_findings_", ctypes.c_char_p, ()),
    ("seep_begin_rounds_", ctypes.c_void_p, (ctypes.c_int, ctypes.POINTER(ctypes.c_longlong))),
    ("seep_end_round_", ctypes.c_longlong, (ctypes.c_void_p,)),
    ("seep_end_rounds_", ctypes.c_longlong, (ctypes.c_void_p,)),
)


def pytest_addoption(parser):
    parser.getgroup("seep").addoption(
        "--seep-rounds", metavar="N", type=int, default=0,
        help="under seep: run each test body N times more and fail what grows in every one of them")


def pytest_configure(config):
    config.addinivalue_line("markers", "seep_off: whether this test leaks is not asked")
    config.addinivalue_line("markers", "seep_rounds(N): as --seep-rounds, for this test")
    library = watching_library()
    if library:
        config.pluginmanager.register(LeakCheck(library, config.getoption("--seep-rounds")))


def pytest_report_header():
    if not watching_library():
        return "seep: nobody is watching, so no test fails for a leak"
    if sys.flags.ignore_environment or not os.environ.get("PYTHONMALLOC", "").startswith("malloc"):
        return ("seep: leaks of C extensions are looked for; those of Python objects are not seen, "
                "and others may be missed, without PYTHONMALLOC=malloc")
    return "seep: leaks are looked for"


def watching_library():
    """The functions of the library that watches this process; None when there is none."""
    library = ctypes.CDLL(None)
    for name, result, arguments in FUNCTIONS:
        function = getattr(library, name, None)
        if function is None:
            return None
        function.restype, function.argtypes = result, arguments
    return library


def failure(text):
    """What a test gets that fails with this text and no traceback."""
    try:
        pytest.fail(text, pytrace=False)
    except pytest.fail.Exception:
        return pytest.ExceptionInfo.from_current()


# As it is called in a stack: by its file, or by its source where there is debug information.
INTERPRETER = (r"    .*(?:\((?:lib)?python3[^()]*\)|/(?:lib)?python3[^/]*\+0x[0-9a-f]+|/(?:"
               r"abstract|call|ceval|classobject|descrobject|funcobject|methodobject|object|"
               r"pycore_\w+|typeobject)\.[ch]:\d+(?: inlined)?)\n")


def without_interpreter(findings):
    """A stack as an engineer wants to see it: of each way through the interpreter the beginning."""
    return re.sub("(%s)((?:%s){2,})" % (INTERPRETER, INTERPRETER), lambda match:
                  "%s    [%d more frames of the interpreter]\n"
                  % (match[1], match[2].count("\n")), findings)


class Zeros(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char * 32768)]


def overwrite_python_frames(depth):
    a = b = c = d = e = f = g = h = i = j = k = l = m = n = o = p = q = r = s = t = None  # noqa
    if depth:
        overwrite_python_frames(depth - 1)


def overwrite_shifted(depth):
    """What one row of frames leaves out another fills, if it begins elsewhere."""
    a = b = c = d = e = f = g = h = i = j = None  # noqa
    overwrite_python_frames(depth)


class LeakCheck:
    def __init__(self, library, rounds):
        self.library = library
        self.rounds = rounds
        self.moment = 0     # when the test began that runs now
        self.is_over = False  # it has failed, was skipped, or is not to be looked at
        self.growth = ""    # what has grown in its rounds
        self.notes = []
        # Any function will do; it does not look at the argument, which is passed on the stack.
        self.overwrite_c_frames = library["seep_findings_"]
        self.overwrite_c_frames.restype, self.overwrite_c_frames.argtypes = None, (Zeros,)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self.is_over = item.get_closest_marker("seep_off") is not None
        self.growth = ""
        self.moment = self.library.seep_moment_()
        yield

    # Innermost, so that what the rounds print is captured as the first run's output.
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item):
        outcome = yield
        marker = item.get_closest_marker("seep_rounds")
        rounds = marker.args[0] if marker else self.rounds
        if rounds and not self.is_over and outcome.excinfo is None:
            self.growth = self.grown(item, rounds)

    # Before the report is made, which so comes out as it does for every failing test.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is not None:
            self.is_over = True
        elif self.is_to_be_asked(item, call.when):
            text = self.lost(item) or self.growth
            if text:
                call.excinfo = failure(text)
                self.is_over = True
        yield

    def pytest_terminal_summary(self, terminalreporter):
        for note in self.notes:
            terminalreporter.write_line("seep: " + note)

    def is_to_be_asked(self, item, when):
        """At the tear-down again where there are fixtures, which may lose something themselves."""
        return not self.is_over and (when == "call" or when == "teardown" and item.fixturenames)

    def lost(self, item):
        """What the test has lost, in words."""
        # What is garbage by now shall not be lost by a later test. Deeper in the stack than the
        # check below, for the collector has had all objects in its hands.
        next(map(next, [map(next, [map(gc.collect, [2])])]))
        self.forget_dead_pointers()
        blocks = self.library.seep_check_since_(self.moment)
        if blocks < 0:
            self.note("whether %s leaks cannot be told" % item.nodeid, blocks)
        if blocks <= 0:
            return ""
        return ("has lost %d block%s of memory:\n%s"
                % (blocks, "s" * (blocks != 1), self.findings()))

    def forget_dead_pointers(self):
        """The frames of the test's functions are gone, but what they knew still lies there, and a
        pointer to an object would seem to hold it."""
        overwrite_python_frames(200)
        overwrite_shifted(200)
        self.overwrite_c_frames(Zeros())

    def grown(self, item, rounds):
        """What grows when the test's body runs again and again, in words."""
        error = ctypes.c_longlong(0)
        growth = self.library.seep_begin_rounds_(rounds, ctypes.byref(error))
        if not growth:
            return self.note("whether %s grows cannot be told" % item.nodeid, error.value)
        try:
            for _ in range(rounds):
                self.run_again(item)
                error.value = error.value or self.library.seep_end_round_(growth)
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as reason:
            self.note("%s passes once only, so whether it grows cannot be told: %s"
                      % (item.nodeid, (str(reason) or repr(reason)).splitlines()[0][:80]))
            error.value = 1
        sites = self.library.seep_end_rounds_(growth)
        if error.value < 0:
            self.note("whether %s grows cannot be told" % item.nodeid, error.value)
        if error.value or not sites:
            return ""
        return "has grown in each of %d rounds:\n%s" % (rounds, self.findings())

    @staticmethod
    def run_again(item):
        item.runtest()
        # Where unittest runs the test it does not raise.
        for failed in (getattr(item, "_excinfo", None) or [])[:1]:
            del item._excinfo[:]
            raise failed.value
        gc.collect()

    def note(self, text, error=0):
        if error:
            text += ": " + (self.findings().rstrip() or os.strerror(-error))
        self.notes.append(text)
        return ""

    def findings(self):
        return without_interpreter(self.library.seep_findings_().decode(errors="replace"))
