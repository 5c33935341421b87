"""Write the stubs of what is derived: `functions.pyi` of the log functions, and `__init__.pyi` of the public names.

The command is `python -m kaizenlake.lists`, which also writes the lists of tables and jobs.
"""

from __future__ import annotations

from pathlib import Path

import kaizenlake
from kaizenlake.events.catalogue import EVENTS, LOGGED, EventType, Field
from kaizenlake.events.types.performance import PerformanceRecorded
from kaizenlake.events.write.functions import PERFORMANCE_WORDS, function_name

PATH = Path(__file__).with_name("functions.pyi")
PUBLIC_PATH = Path(kaizenlake.__file__).with_suffix(".pyi")

_TYPES = {
    "str": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "datetime": "dt.datetime | str",
    "list": "Iterable[str]",
    "dict": "Mapping[str, float]",
}

_COMMON = """\
    project_id: str | int | None = None,
    tenant_id: str | int | None = None,
    tags: Iterable[str] | str | None = None,
    occurred_at: dt.datetime | str | None = None,
    event_id: str | UUID | None = None,
    metadata: Mapping[str, Any] | None = None,
"""

_HEAD = """\
# Written by `python -m kaizenlake.lists` from the catalogue; a test keeps it so.
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from inspect import Signature
from typing import Any
from uuid import UUID

from msgspec import Struct

from kaizenlake.events.catalogue import EventType

COMMON: tuple[str, ...]
PERFORMANCE_WORDS: dict[str, str]
FUNCTIONS: dict[str, Callable[..., str]]

def function_name(event: EventType) -> str: ...
def signature(event: EventType) -> Signature: ...
"""


def text() -> str:
    """Return the whole stub."""
    return (
        _HEAD + "".join(_function(event) for event in LOGGED) + "\nlog_route = log_run_routed\n\n" + _performance_data()
    )


def public_text() -> str:
    """Return the stub of the package: every public name, fetched from its home."""
    homes: dict[str, str] = vars(kaizenlake)["_HOMES"]
    names = {f"from {home} import {name} as {name}\n" for name, home in homes.items()}
    functions = (
        "from kaizenlake.events.write.functions import *  # noqa: F403 - one log function for every event type\n"
    )
    return "".join(
        [
            "# Written by `python -m kaizenlake.lists` from the table of public names; a test keeps it so.\n",
            "from kaizenlake._version import __version__ as __version__\n",
            *sorted(
                {functions, *names}, key=lambda line: (line.split()[1], line.split()[3] != "*", _order(line.split()[3]))
            ),
        ]
    )


def _order(name: str) -> tuple[bool, str]:
    """Sort names as imports are sorted: classes before functions."""
    return not name[0].isupper(), name


def _function(event: EventType) -> str:
    required = [field for field in event.fields if field.required]
    optional = [field for field in event.fields if not field.required]
    lines = ["    project_id: str | int,\n"] if event.family.needs_project else []
    lines += [f"    {field.name}: {_type(field)},\n" for field in required]
    lines.append("    *,\n")
    lines += [f"    {field.name}: {_type(field)} | None = None,\n" for field in optional]
    common = _COMMON.partition("\n")[2] if event.family.needs_project else _COMMON
    return f"def {function_name(event)}(\n{''.join(lines)}{common}) -> str: ...\n"


def _performance_data() -> str:
    (event,) = (event for event in EVENTS if event.payload is PerformanceRecorded)
    fields = [(field.name, _type(field)) for field in event.fields] + [*PERFORMANCE_WORDS.items()]
    attributes = "".join(f"    {name}: {kind} | None\n" for name, kind in fields)
    arguments = "".join(f"        {name}: {kind} | None = None,\n" for name, kind in fields)
    return f"class PerformanceData(Struct):\n{attributes}    def __init__(\n        self,\n        *,\n{arguments}    ) -> None: ...\n"


def _type(field: Field) -> str:
    return "str | int" if field.name.endswith("_id") else _TYPES[field.kind]


def write() -> None:
    """Write both stubs."""
    PATH.write_text(text(), encoding="utf-8")
    PUBLIC_PATH.write_text(public_text(), encoding="utf-8")


if __name__ == "__main__":
    write()
