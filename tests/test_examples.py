"""The examples in the docstrings of all modules are true; those of the statistics are run by their own test."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import kaizenlake

MODULES = [
    module.name
    for module in pkgutil.walk_packages(kaizenlake.__path__, "kaizenlake.")
    if not module.name.startswith("kaizenlake.stats.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder()
    examples = sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert examples > 20
