# SPDX-License-Identifier: Apache-2.0
"""Tests of pytest under seep: the one whose C code leaks fails, with the place.

    gcc -g -shared -fPIC ../session_tests/sessions.c -o libsessions.so
    PYTHONPATH=. PYTHONMALLOC=malloc \
        seep check -q --children=python3 -- python3 -m pytest -p seep_pytest

Nothing has to be put in here; it is `-p seep_pytest`, and PYTHONPATH leads to the plugin.
"""

import ctypes

sessions = ctypes.CDLL("./libsessions.so")
sessions.sessions_name.restype = ctypes.c_char_p


def test_closes_short_names():
    number = sessions.sessions_open(b"short")
    assert sessions.sessions_name(number) == b"short"
    sessions.sessions_close(number)


def test_closes_long_names():
    number = sessions.sessions_open(b"a name of more than eight")
    assert sessions.sessions_name(number) == b"a name of more than eight"
    sessions.sessions_close(number)
