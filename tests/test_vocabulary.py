"""The words that several parts share: each list is written once, and where it must stand twice both say the same."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args, get_type_hints

import kaizenlake
from kaizenlake import vocabulary
from kaizenlake.stats.replay.offpolicy import ESTIMATORS
from kaizenlake.stats.sequential.canary_rule import CanaryRule
from kaizenlake.stats.sequential.spending import Family

ROOT = Path(kaizenlake.__file__).parent
LISTS = {get_args(value): name for name, value in vars(vocabulary).items() if len(get_args(value)) > 1}
TWINS = {"stats/sequential/canary_rule.py", "stats/replay/offpolicy.py"}
"""Modules that may write a list again: those of the mathematics know no other part."""


def lists_of(path):
    """Lists of words that a module writes: all of its Literals, and tuples that are too long to be alike by chance."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            yield tuple(item.value for item in getattr(node.slice, "elts", [node.slice]))
        elif isinstance(node, ast.Tuple) and len(node.elts) > 2:
            yield tuple(item.value if isinstance(item, ast.Constant) else None for item in node.elts)


def test_no_module_writes_a_shared_list_again():
    names = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.py")}
    found = {name: {LISTS[words] for words in lists_of(path) if words in LISTS} for name, path in names.items()}
    assert found.pop("vocabulary.py") == set(LISTS.values())
    assert not {name: again for name, again in found.items() if again and name not in TWINS}


def test_the_mathematics_knows_the_estimators_and_methods_that_can_be_set():
    assert get_args(vocabulary.Estimator) == ESTIMATORS
    assert {*get_args(Family), "always_valid"} == set(get_args(vocabulary.Method))
    assert get_type_hints(CanaryRule)["method"] == vocabulary.Method
