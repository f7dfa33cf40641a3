# SPDX-License-Identifier: Apache-2.0
"""pytest_rounds_test: test bodies that are run again and again.

Those whose names begin with test_grows leave something each time that can still be reached.
"""

import unittest

import pytest

import pytest_kinds

CACHE = {}
KEPT = []


class Node:
    pass


def test_frees():
    pytest_kinds.frees_block()


def test_grows_by_a_reference():
    pytest_kinds.forgets_reference([bytes(1000), {}])


def test_grows_by_a_list():
    KEPT.append(bytes(1000))


def test_fills_a_cache():
    for number in range(100):
        CACHE.setdefault(number, str(number) * 10)


def test_makes_cycles():
    first, second = Node(), Node()
    first.other, second.other = second, first


def test_prints():
    print("said in each round")


@pytest.mark.seep_rounds(0)
def test_is_not_run_again():
    KEPT.append(bytes(1000))


def test_passes_once():
    assert "once" not in CACHE
    CACHE["once"] = True


def test_loses():
    pytest_kinds.forgets_block()


class TestUnit(unittest.TestCase):
    def test_grows_in_unittest(self):
        KEPT.append(bytes(1000))

    def test_passes_once_in_unittest(self):
        self.assertNotIn("unit", CACHE)
        CACHE["unit"] = True
