"""What the code is called, read out of every module: names that a newcomer understands."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import kaizenlake

ROOT = Path(kaizenlake.__file__).parent
TREES = {path.relative_to(ROOT).with_suffix("").as_posix(): ast.parse(path.read_text()) for path in ROOT.rglob("*.py")}

NAMED_BY_A_SCHEMA = {"Policy", "Policies"}
"""Classes of published documents, whose JSON Schema prescribes their names."""


def nodes(*kinds):
    """Yield the module and the node of everything of these kinds."""
    return ((module, node) for module, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, kinds))


def test_no_two_classes_share_a_name():
    names = Counter(node.name for _, node in nodes(ast.ClassDef))
    assert {name for name, times in names.items() if times > 1} == NAMED_BY_A_SCHEMA
