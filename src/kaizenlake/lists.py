"""Write the files that follow from declarations: the lists of tables and of jobs, and the stubs of log functions.

The command is `python -m kaizenlake.lists`; a test compares what it would write with what is committed. Lists are made from
the text of the modules, so that it also runs where a list names what is no longer there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent

FIRST = ("activity", "content", "outcome", "agency", "trace", "loss", "canary", "policy", "replay", "skill")
"""Modules and rooms whose tables are listed first, in the order in which a reader meets what they are about."""

LAST = ("finding", "alert")
"""Modules whose tables rest on the others."""

WIDTH = 120

_CLASS = re.compile("([A-Z][a-z]+)+")

_HEAD = "# Written by `python -m kaizenlake.lists` from the declarations; a test keeps it so.\n"

_BASE = (
    *("Column", "Scan", "Table", "check", "check_parts", "columns", "columns_mark", "empty", "full_name"),
    *("grain", "layer", "meaning", "name", "partition", "schema", "table"),
)
"""What every module of tables declares with."""


class Declared(NamedTuple):
    """A table or a job, and the module that declares it."""

    module: str
    name: str
    writes: str = ""


def write() -> None:
    """Write every file that follows from declarations."""
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
    from kaizenlake.events.write import stub

    stub.write()


def texts() -> dict[Path, str]:
    """Return the lists, each by the file that holds it."""
    gold = find_tables(ROOT / "tables")
    order = {item.name: place for place, item in enumerate(gold)}
    jobs = sorted(find_jobs(ROOT / "jobs"), key=lambda item: (order.get(item.writes, len(order)), item))
    return {ROOT / "tables/__init__.py": _tables_text(gold), ROOT / "jobs/__init__.py": _jobs_text(jobs)}


def find_tables(folder: Path) -> list[Declared]:
    """Return the gold tables that the modules of a folder and of its rooms declare, in the order in which they are listed."""
    declared = [
        Declared(module, name)
        for module, tree in _parse_modules(folder)
        if module.partition(".")[0] not in {"__init__", "base", "bronze", "silver"}
        for node in tree.body
        if (name := _find_table(node))
    ]
    return sorted(declared, key=lambda item: _place(item.module))


def find_jobs(folder: Path) -> Iterator[Declared]:
    """Yield the jobs that the modules of a folder and of its rooms declare."""
    for module, tree in _parse_modules(folder):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and (call := _find_call(node, "job")):
                writes = next((word.value for word in call.keywords if word.arg == "writes"), None)
                yield Declared(module, node.name, writes.id if isinstance(writes, ast.Name) else "")


def _parse_modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules of a folder and of its rooms: their dotted names, and what they say."""
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        yield module, ast.parse(path.read_text(encoding="utf-8"))


def _find_call(node: ast.FunctionDef | ast.ClassDef, name: str) -> ast.Call | None:
    """Return the decorator of a name, called; None where there is none."""
    calls = (item for item in node.decorator_list if isinstance(item, ast.Call))
    return next((item for item in calls if isinstance(item.func, ast.Name) and item.func.id == name), None)


def _find_table(node: ast.stmt) -> str:
    """Return the name of the table that a statement declares: a class, or one that a function builds; else an empty text."""
    if isinstance(node, ast.ClassDef) and _find_call(node, "table"):
        return node.name
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call()) if re.fullmatch(
            "[A-Z][a-z]+([A-Z][a-z]+)*", name
        ):
            return name
    return ""


def _place(module: str) -> tuple[int, str]:
    room = module.partition(".")[0]
    if room in FIRST:
        return FIRST.index(room), module if "." in module else ""
    return len(FIRST) + (1 + LAST.index(module) if module in LAST else 0), module


def _tables_text(gold: list[Declared]) -> str:
    bronze = ["Events", "Quarantine", "Landings", "Acknowledgements"]
    silver = [_silver_name(path) for path in sorted((ROOT / "events/types").rglob("*.py")) if path.stem != "__init__"]
    homes: dict[str, list[str]] = {"base": [*_BASE], "bronze": bronze, "silver": ["SILVER", *silver]}
    for item in gold:
        homes.setdefault(item.module, []).append(item.name)
    names = [name for names in homes.values() for name in names]
    return (
        '"""What the tables look like: one declaration each; everything that knows of tables follows from `TABLES`."""\n\n'
        + _HEAD
        + "from __future__ import annotations\n\n"
        + "".join(_import(f"kaizenlake.tables.{module}", homes[module]) for module in sorted(homes))
        + f"\nBRONZE: tuple[type[Table], ...] = ({', '.join(bronze)})\n\n"
        + _tuple("GOLD: tuple[type[Table], ...]", (item.name for item in gold))
        + "\nTABLES: tuple[type[Table], ...] = (*BRONZE, *SILVER, *GOLD)\n\n__all__ = [\n"
        + "".join(f'    "{name}",\n' for name in sorted([*names, "BRONZE", "GOLD", "TABLES"], key=_by_kind))
        + "]\n"
    )


def _jobs_text(jobs: list[Declared]) -> str:
    rooms: dict[str, list[str]] = {"": ["silver"]}
    for item in jobs:
        room, _, module = item.module.rpartition(".")
        rooms.setdefault(room, []).append(module)
    listed = ("*silver.DECODE", *(f"{item.module.rpartition('.')[2]}.{item.name}" for item in jobs))
    return (
        '"""What is computed: one pure module a question; `JOBS` names them all, in no particular order."""\n\n'
        + _HEAD
        + "from __future__ import annotations\n\nfrom kaizenlake.job import Job\n"
        + "".join(_import(f"kaizenlake.jobs.{room}".rstrip("."), rooms[room]) for room in sorted(rooms))
        + "\n"
        + _tuple("JOBS: tuple[Job, ...]", listed)
        + '"""Every job: the decoding of each family, then one per gold table; `kaizenlake.job.in_order` puts them in order."""\n'
    )


def _silver_name(path: Path) -> str:
    return path.stem.title().replace("_", "")


def _import(module: str, names: Iterable[str]) -> str:
    ordered = sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name.lower()))
    line = f"from {module} import {', '.join(ordered)}\n"
    return line if len(line) <= WIDTH + 1 else _tuple(f"from {module} import", ordered, "")


def _tuple(head: str, items: Iterable[str], sign: str = " =") -> str:
    return f"{head}{sign} (\n" + "".join(f"    {item},\n" for item in items) + ")\n"


def _by_kind(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), not name[0].isupper(), name


if __name__ == "__main__":
    write()
