"""Tasks to plan, as a caller gives them: read, checked, and in an order in which each comes after what it waits for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import PRIORITIES


@dataclass(frozen=True)
class PlanTask:
    """A task that is to be planned.

    Args:
        task_id: Name of the task.
        brand_id: Brand it is for; None where it says none.
        task_type: What it does; None where it says nothing.
        priority: CRITICAL, HIGH, MEDIUM or LOW.
        depends_on: Tasks that run before it.
        deadline: Instant by whose day it should run; None without one.
        time_window_end: Instant after which it does not run; None without one.
        resource: What it needs for itself while it runs; None for nothing.
    """

    task_id: str
    brand_id: str | None
    task_type: str | None
    priority: str
    depends_on: tuple[str, ...] = ()
    deadline: datetime | None = None
    time_window_end: datetime | None = None
    resource: str | None = None

    @property
    def natural(self) -> list[tuple[int, int, str]]:
        """The name as people sort it: task_2 before task_10."""
        pieces = re.split(r"([0-9]{1,18})", self.task_id)
        return [(0, int(piece), "") if place % 2 else (1, 0, piece) for place, piece in enumerate(pieces)]


def read_tasks(pending_tasks: Iterable[Mapping[str, Any]], zone: tzinfo = UTC) -> list[PlanTask]:
    """Read tasks by their keys: `task_id`, and any of the others.

    Args:
        zone: Zone of the brand, of which a deadline that names a day alone is one.

    Raises:
        UsageError: A task has no id, or that of another, or a value is none of its key.
    """
    tasks: dict[str, PlanTask] = {}
    for number, given in enumerate(pending_tasks, 1):
        if not isinstance(given, Mapping):
            raise UsageError(
                f"Expected tasks as mappings with a task_id, found {type(given).__name__} as number {number}."
            )
        task = _read(given, number, zone)
        if task.task_id in tasks:
            raise UsageError(f"Two tasks are called {task.task_id}.", hint="Give each a task_id of its own.")
        tasks[task.task_id] = task
    return list(tasks.values())


def _read(given: Mapping[str, Any], number: int, zone: tzinfo) -> PlanTask:
    task_id = given.get("task_id")
    if not isinstance(task_id, str) or not task_id.strip():
        raise UsageError(f"Expected a task_id, found {task_id!r} in task number {number}.")
    waits_for = given.get("depends_on") or ()
    names: list[Any] = [waits_for]
    if isinstance(waits_for, Iterable) and not isinstance(waits_for, str):
        names = list(waits_for)
    if not all(isinstance(other, str) for other in names):
        raise UsageError(f"Expected names of tasks as depends_on of {task_id}, found {waits_for!r}.")
    return PlanTask(
        task_id,
        _text(given, "brand_id", task_id),
        _text(given, "task_type", task_id),
        priority_of(given.get("priority"), task_id),
        tuple(dict.fromkeys(names)),
        instant(given.get("deadline"), f"deadline of {task_id}", zone),
        instant(given.get("time_window_end"), f"time_window_end of {task_id}", zone),
        _text(given, "resource", task_id),
    )


def _text(given: Mapping[str, Any], name: str, task_id: str) -> str | None:
    value = _plain(given.get(name))
    if value is not None and not isinstance(value, str):
        raise UsageError(f"Expected a text as {name} of {task_id}, found {value!r}.")
    return value


def _plain(value: Any) -> Any:
    """Return the value of a member of an enumeration; any other as it is."""
    return getattr(value, "value", value)


def priority_of(value: Any, task_id: str) -> str:
    """Return a priority in capitals; MEDIUM where none is given.

    Raises:
        UsageError: It is none.
    """
    said = _plain(value)
    found = "MEDIUM" if said is None else str(said).strip().upper()
    if found not in PRIORITIES:
        raise UsageError(f"Expected {', '.join(PRIORITIES)} as priority of {task_id}, found {said!r}.")
    return found


def instant(value: Any, what: str, zone: tzinfo = UTC) -> datetime | None:
    """Return an instant in UTC; what names no zone is UTC, and a day alone its midnight.

    Args:
        what: What it is, for an error.
        zone: Zone in which a day alone begins.

    Raises:
        UsageError: It is none.

    >>> from zoneinfo import ZoneInfo
    >>> instant("2026-12-01", "deadline", ZoneInfo("America/New_York")).isoformat()
    '2026-12-01T05:00:00+00:00'
    """
    if value is None:
        return None
    try:
        found = _read_time(value) if isinstance(value, str) else value
        if isinstance(found, date) and not isinstance(found, datetime):
            found = datetime(found.year, found.month, found.day, tzinfo=zone)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise UsageError(f"Expected an instant such as 2026-12-01T09:00:00Z as {what}, found {value!r}.") from error


def _read_time(text: str) -> date:
    """Return the day that a text names alone, else its instant."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def in_order(tasks: Sequence[PlanTask]) -> list[PlanTask]:
    """Return tasks in an order in which each comes after what it waits for among them, the same for any order they come in.

    Raises:
        UsageError: Tasks wait for each other in a circle; the words name it.
    """
    by_name = sorted(tasks, key=lambda task: task.natural)
    known = {task.task_id: task for task in by_name}
    sorter = TopologicalSorter(
        {name: [other for other in task.depends_on if other in known] for name, task in known.items()}
    )
    try:
        return [known[name] for name in sorter.static_order()]
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise UsageError(
            f"Tasks wait for each other in a cycle, so none of them can be first: {circle}.",
            hint="An arrow points to what a task depends on; take one of them out.",
        ) from error
