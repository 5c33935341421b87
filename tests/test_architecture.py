"""The walls of the house, read out of the imports of every module."""

from __future__ import annotations

import ast
import pkgutil
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module, resources
from pathlib import Path

import pytest

import kaizenlake
from kaizenlake import jobs, lists, tables
from kaizenlake.job import Job
from kaizenlake.jobs import JOBS, silver
from kaizenlake.settings import Settings

ROOT = Path(kaizenlake.__file__).parent

LEVELS = (
    ("docs",),
    ("cli",),
    ("demo", "lists"),
    ("night",),
    ("service", "learning_ops"),
    ("report",),
    ("generate",),
    ("publish", "decide"),
    ("lake",),
    ("signing",),
    ("testing",),
    ("plugins",),
    ("jobs",),
    ("job",),
    ("tables", "settings", "readiness"),
    ("neural",),
    ("training",),
    ("events", "parameters"),
    ("place",),
    ("stats", "text", "errors", "context", "redaction", "samples", "mappings", "traces", "plugin_files"),
    ("vocabulary", "_version"),
)
"""Parts of the package from the top down: a part imports from those below it, never from those above or beside it."""

NOT_OF_SERVICES = {"kaizenlake.__init__"}
"""A map of the public names, which it fetches when they are used."""

FORBIDDEN = {
    "jobs": {"os", "pathlib", "io", "shutil", "time", "deltalake", "jinja2", "kaizenlake.settings", "random"},
    "stats": {"os", "pathlib", "polars.io", "deltalake", "jinja2", "datetime", "time"},
}
ONLY_IN = {
    "deltalake": {"lake"},
    "jinja2": {"publish", "report", "generate"},
    "httpx": {"generate", "night"},
    "icalendar": {"report"},
    "typst": {"report"},
    "typer": {"cli"},
    "rich": {"cli"},
    **{library: {"neural"} for library in ("torch", "transformers", "peft", "trl", "datasets")},
}


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield parts[0], ".".join(("kaizenlake", *parts)), path


def imported(path, module):
    """Absolute names of what a module imports at any depth of its code."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


ALL = [(part, module, sorted(set(imported(path, module)))) for part, module, path in modules()]


def level(part):
    return next(number for number, parts in enumerate(LEVELS) if part in parts)


def part_of(name):
    """The part of the package that an imported name belongs to; None for the package itself and for others'."""
    pieces = name.split(".")
    if pieces[0] != "kaizenlake" or len(pieces) == 1:
        return None
    return pieces[1] if any(pieces[1] in parts for parts in LEVELS) else None


MOST_MODULES = 15
"""Most modules of a folder."""


def test_no_folder_is_crowded():
    folders = [folder for folder in (ROOT, *ROOT.rglob("*")) if folder.is_dir()]
    crowded = {
        folder.name: modules
        for folder in folders
        if (modules := sum(path.name != "__init__.py" for path in folder.glob("*.py"))) > MOST_MODULES
    }
    assert crowded == {}


def room_of(module):
    """The folder in which a module lies; a module beside the rooms is one of its own."""
    folder = module.rpartition(".")[0]
    return module if folder == "kaizenlake" else folder


def test_no_room_imports_from_a_room_that_imports_from_it():
    modules = {module for _, module, _ in ALL if not module.endswith("__init__")}
    rooms = {}
    for _, module, names in ALL:
        if module in modules:
            found = {name if name in modules else name.rpartition(".")[0] for name in names} & modules
            rooms.setdefault(room_of(module), set()).update(map(room_of, found))
    for room, others in rooms.items():
        others.discard(room)
    tuple(TopologicalSorter(rooms).static_order())  # raises CycleError with the rooms of a circle


def test_every_part_of_the_package_has_its_place():
    parts = {part for part, module, _ in ALL if module not in NOT_OF_SERVICES}
    assert parts - {"mappings"} == {part for parts in LEVELS for part in parts} - {"mappings"}


def test_imports_point_down_only():
    up = [
        f"{module} imports {name}, which lies above or beside it"
        for part, module, names in ALL
        if module not in NOT_OF_SERVICES
        for name in names
        if (other := part_of(name)) not in {None, part} and level(other) <= level(part)
    ]
    assert up == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_part(library):
    users = {part for part, _, names in ALL if any(name.split(".")[0] == library for name in names)}
    assert users <= ONLY_IN[library]
    assert users, f"nothing imports {library}: the wall around it guards nothing"


@pytest.mark.parametrize("part", FORBIDDEN)
def test_pure_parts_stay_pure(part):
    for where, module, names in ALL:
        if where == part:
            used = {name for name in names for wall in FORBIDDEN[part] if name == wall or name.startswith(f"{wall}.")}
            assert not used, f"{module} imports {used}"


def test_jobs_read_no_clock_and_open_no_file():
    calls = {
        "now",
        "today",
        "utcnow",
        "open",
        "scan_parquet",
        "read_parquet",
        "scan_delta",
        "read_csv",
        "scan_csv",
        "collect_async",
    }
    for part, module, path in modules():
        if part == "jobs":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    assert name not in calls, f"{module}:{node.lineno} calls {name}"


def test_the_context_reader_imports_the_standard_library_alone_until_a_key_is_given():
    code = (
        "import sys; import kaizenlake.context as c; c.load('/nowhere');"
        "print(sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names) - {'kaizenlake', '__main__'}))"
    )
    environment_hooks = subprocess.run(
        [sys.executable, "-c", code.replace("import kaizenlake.context as c; c.load('/nowhere');", "")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == environment_hooks


def test_the_arguments_of_jobs_are_groups_of_settings():
    for job in JOBS:
        assert set(job.settings) <= set(Settings.model_fields), job.name


def test_each_table_has_one_job_and_every_table_computed_has_one():
    from kaizenlake.tables import GOLD, SILVER

    assert sorted(job.writes.__name__ for job in JOBS) == sorted(table.__name__ for table in (*SILVER, *GOLD))


def declared_in(package, kind):
    """What modules of a package declare of a kind, under a name of their own."""
    found = [import_module(name) for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return {id(value): value for module in found for value in vars(module).values() if isinstance(value, kind)}.values()


def test_no_declared_table_or_job_is_forgotten_in_the_lists():
    declared = [table for table in declared_in(tables, type) if "__declaration__" in vars(table)]
    assert {table.__name__ for table in declared} == {table.__name__ for table in tables.TABLES}
    of_modules = {job.name for job in declared_in(jobs, Job)}
    assert of_modules | {job.name for job in silver.DECODE} == {job.name for job in JOBS}


def test_the_lists_of_tables_and_jobs_are_those_that_follow_from_the_declarations():
    assert lists.texts() == {path: path.read_text(encoding="utf-8") for path in lists.texts()}, (
        "python -m kaizenlake.lists"
    )


def test_a_new_table_and_its_job_are_found_without_a_line_elsewhere(tmp_path):
    (tmp_path / "webinar.py").write_text(
        '@table(layer="gold", grain=("tenant_id",))\nclass Webinars(OfTenant):\n    """."""\n'
    )
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "webinars.py").write_text(
        "@job(reads=(Events,), writes=Webinars)\ndef webinars(events): ...\n"
    )
    assert lists.find_tables(tmp_path) == [("webinar", "Webinars", "")]
    assert [*lists.find_jobs(tmp_path)] == [("room.webinars", "webinars", "Webinars")]


def test_what_the_package_needs_at_work_is_inside_it():
    for folder, suffix in (
        ("mappings", ".toml"),
        ("samples", ".csv"),
        ("night", ".schema.json"),
        ("readiness/benchmarks", ".json"),
    ):
        held = [item.name for item in (resources.files("kaizenlake") / folder).iterdir() if item.name.endswith(suffix)]
        assert held, folder


def test_no_job_divides_by_a_constant():
    """Polars gives equal values quotients that differ in the last bit by the place of the row; `expressions.divide` does not."""
    constant = re.compile(r" / (_?[A-Z][A-Z_]+|[0-9][0-9_.e]*|pl\.duration)\b")
    exact = {"2.0"}
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "jobs").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := constant.search(line)) and found[1] not in exact
    ]
    assert offenders == []
