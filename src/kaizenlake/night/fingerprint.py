"""What a job would compute with: a fingerprint of its code, its settings and its columns, so that a change recomputes."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kaizenlake import __version__, tables
from kaizenlake.job import Job
from kaizenlake.settings import Settings

PACKAGE = "kaizenlake"


def settings_of(job: Job, settings: Settings) -> dict[str, Any]:
    """The groups of settings a job takes, by the names of its arguments."""
    return {name: getattr(settings, name) for name in job.settings}


def fingerprint(job: Job, settings: Settings) -> str:
    """Name what a job would compute with.

    Args:
        job: The job.
        settings: Settings of the lake; only the groups the job takes count.

    Returns:
        SHA-256 over the version of the package, the source of the job's module and of every module of ours it rests on,
        the settings it takes, and the columns it writes.
    """
    said = {
        "version": __version__,
        "code": {name: _digest(name) for name in sorted(modules(_home(job)))},
        "settings": {name: group.model_dump(mode="json") for name, group in settings_of(job, settings).items()},
        "columns": {name: str(dtype) for name, dtype in tables.schema(job.writes).items()},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _home(job: Job) -> str:
    function = job.function
    while isinstance(function, partial):
        function = function.func
    return function.__module__


@cache
def modules(start: str) -> frozenset[str]:
    """A module and every module of this package that it imports, directly or not.

    >>> "kaizenlake.stats.betabinomial" in modules("kaizenlake.stats")
    True
    """
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found and (path := _source(name)) is not None:
            found.add(name)
            ahead += [item for item in imports(path, name) if item.split(".")[0] == PACKAGE]
    return frozenset(found)


@cache
def imports(path: Path, module: str) -> tuple[str, ...]:
    """What a source file imports, by absolute name; for `from a import b` both `a` and `a.b`, which may be a module."""
    found: list[str] = []
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(found)


@cache
def _source(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None
    path = Path(spec.origin) if spec is not None and spec.origin is not None else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


@cache
def _digest(module: str) -> str:
    path = _source(module)
    assert path is not None
    return hashlib.sha256(path.read_bytes()).hexdigest()
