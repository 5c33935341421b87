"""What a job would compute with: a fingerprint of its code, its settings and its columns, so that a change recomputes."""

from __future__ import annotations

import hashlib
import inspect
import json
from functools import cache, partial
from pathlib import Path
from typing import Any

import kaizenlake
from kaizenlake import tables
from kaizenlake._version import __version__
from kaizenlake.errors import KaizenError
from kaizenlake.job import Job
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.settings import Settings

PURE = ("context/_arms.py", "events", "jobs", "readiness", "stats", "tables", "text", "parameters", "job.py")
"""Folders (with the JSON in them) and files of the package that decide what a job makes of its frames; all else keeps, runs or shows."""


def settings_of(job: Job, settings: Settings) -> dict[str, Any]:
    """Return the groups of settings a job takes, by the names of its arguments."""
    return {name: getattr(settings, name) for name in job.settings}


def fingerprint(job: Job, settings: Settings, believed: str = "", foreign: str = "") -> str:
    """Name what a job would compute with.

    The code counts as one: to follow what each job rests on would spare little, and cost every night.

    Args:
        settings: Settings of the lake; only the groups the job takes count.
        believed: What `belief` says of the lake; it counts for jobs that read events.
        foreign: Name of the code of the plug-in that the job belongs to; empty for one of ours.

    Returns:
        SHA-256 over the version of the package, its `PURE` sources, that of the job's own module, the settings the job
        takes, the columns it writes, and what is believed of its events.
    """
    said = {
        "version": __version__,
        "code": _pure_code(),
        "module": _digest(_home(job)),
        "settings": {name: group.model_dump(mode="json") for name, group in settings_of(job, settings).items()},
        "columns": {name: str(dtype) for name, dtype in tables.schema(job.writes).items()},
        "believed": believed if tables.Events in job.reads else "",
    } | ({"plugin": foreign} if foreign else {})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def belief(lake: Lake) -> str:
    """Name what is believed of the events of a lake beside what their days say; see `Believed.mark`.

    Such as whose the decisions are that name no tenant, which is known only once events come.
    """
    try:
        return decisions.find_believed(lake).mark
    except KaizenError:
        # Nothing can be read, which every job that asks for events says itself.
        return ""


def _home(job: Job) -> Path | None:
    """Return the file in which the function of a job stands; None where it stands in none."""
    function = job.function
    while isinstance(function, partial):
        function = function.func
    module = inspect.getmodule(function)
    path = Path(getattr(module, "__file__", None) or "")
    return path if path.is_file() else None


@cache
def _pure_code() -> str:
    digest = hashlib.sha256()
    for path in pure_files():
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()}:{_digest(path)};".encode())
    return digest.hexdigest()


_PACKAGE = Path(kaizenlake.__file__).parent


def pure_files() -> list[Path]:
    """Return the files of the package that decide what a job makes of its frames."""
    held = (path for name in PURE for path in (_PACKAGE / name, *(_PACKAGE / name).rglob("*")))
    return sorted(path for path in held if path.suffix in {".py", ".json"} and path.is_file())


@cache
def _digest(path: Path | None) -> str:
    return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
