# SPDX-License-Identifier: Apache-2.0
"""pytest_kinds_test: tests of pytest of all kinds.

Those whose names begin with test_leaks pass, and leak; what begins with test_fails fails anyway.
"""

import logging
import subprocess
import threading
import unittest

import pytest

import pytest_kinds

CACHE = {}


class Node:
    pass


def test_frees():
    pytest_kinds.frees_block()


def test_leaks_block():
    pytest_kinds.forgets_block()


def test_leaks_bytes():
    pytest_kinds.forgets_reference(bytes(1004))


def test_leaks_value():
    pytest_kinds.forgets_value({})


def test_leaks_in_a_thread():
    thread = threading.Thread(target=pytest_kinds.forgets_block)
    thread.start()
    thread.join()


def test_frees_in_a_thread():
    thread = threading.Thread(target=pytest_kinds.frees_block)
    thread.start()
    thread.join()


def test_keeps_in_a_cache():
    CACHE.update((number, str(number) * 10) for number in range(1000))


def test_uses_the_cache():
    CACHE.update((number, str(number) * 20) for number in range(2000))


def test_imports():
    import decimal
    import sqlite3
    import xml.etree.ElementTree
    assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
    assert decimal.Decimal("0.1") + 1 == decimal.Decimal("1.1")
    assert xml.etree.ElementTree.fromstring("<a><b/></a>").tag == "a"


def test_makes_cycles():
    first, second = Node(), Node()
    first.other, second.other = second, first
    first.text = "x" * len(CACHE)


def test_catches_an_exception():
    with pytest.raises(ZeroDivisionError):
        assert 1 / 0


def test_prints(capsys, tmp_path):
    print("some output " * 1000)
    logging.getLogger("kinds").warning("a warning %s", "x" * 500)
    (tmp_path / "file").write_text("text")
    assert capsys.readouterr().out


def test_starts_a_program():
    subprocess.run(["true"], check=True)


def test_fails_and_loses():
    pytest_kinds.forgets_block()
    assert ["some", "list"] == ["another", "list"]


@pytest.mark.xfail
def test_xfails_and_loses():
    pytest_kinds.forgets_block()
    assert False


@pytest.mark.xfail(reason="it is known to leak")
def test_known_leak():
    pytest_kinds.forgets_block()


@pytest.mark.seep_off
def test_is_not_asked():
    pytest_kinds.forgets_block()


def test_skips_and_loses():
    pytest_kinds.forgets_block()
    pytest.skip("not today")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_of_numbers(number):
    if number == 2:
        pytest_kinds.forgets_block()


@pytest.fixture
def frees():
    yield bytes(1005)
    pytest_kinds.frees_block()


@pytest.fixture
def forgets():
    yield bytes(1006)
    pytest_kinds.forgets_block()


@pytest.fixture(scope="module")
def of_module():
    return bytearray(1007)


def test_with_a_fixture(frees, of_module):
    assert frees and of_module


def test_with_a_fixture_that_leaks(forgets, of_module):
    assert forgets and of_module


class TestUnit(unittest.TestCase):
    def setUp(self):
        self.held = bytes(1008)

    def test_leaks_in_unittest(self):
        pytest_kinds.forgets_block()

    def test_frees_in_unittest(self):
        self.assertTrue(self.held)
