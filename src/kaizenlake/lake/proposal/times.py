"""Which column tells when events happened, and in what form; else the name of the file, or its own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from kaizenlake.events.values.synonyms import ANY_TIME, MEASURED, PUBLISHED, TIMES
from kaizenlake.lake.mapping.times import find_in_name
from kaizenlake.lake.proposal.names import is_named
from kaizenlake.lake.proposal.shapes import CellShape


@dataclass(frozen=True)
class TimeSource:
    """When events happened.

    Args:
        moment: As a mapping says it.
        column: Column it is of; empty for none.
        score: How surely its name is one of those of the time of the event.
        why: Why it is taken.
        doubts: What is not sure about it.
    """

    moment: Mapping[str, Any]
    column: str
    score: float
    why: str
    doubts: tuple[str, ...] = ()


def time_of(
    event: str, shapes: Mapping[str, CellShape], *, name: str, zone: str | None, taken: Sequence[str] = ()
) -> TimeSource:
    """Return when events of a type happened.

    Args:
        event: Type of the events.
        shapes: What the cells of each column look like.
        name: Name of the file.
        zone: Zone of times that say none; None where nobody said it.
        taken: Columns that tell something else.
    """
    known = TIMES.get(event, MEASURED if event.endswith("_RECORDED") else ())
    found: list[tuple[float, str]] = []
    for column, shape in shapes.items():
        if shape.kind in {"time", "week"} and column not in taken:
            score = (
                is_named(column, known)
                or (0.5 * is_named(column, ANY_TIME))
                or (0.45 * is_named(column, PUBLISHED))
                or 0.1
            )
            found.append((score * shape.filled / max(item.filled for item in shapes.values()), column))
    if found:
        score, column = max(found, key=lambda item: item[0])
        return _of_column(column, shapes[column], score, zone)
    for pattern in ("%Y-%m-%d", "%Y_%m_%d", "%Y.%m.%d", "%d.%m.%Y", "%Y%m%d", "%b-%d-%Y"):
        if find_in_name(pattern, PurePath(name).name):
            moment = {"file_name": pattern, "zone": zone or "UTC"}
            why = f"no column tells it, and the file's name holds {find_in_name(pattern, PurePath(name).name)}"
            return TimeSource(
                moment,
                "",
                0.0,
                why,
                (f"No column tells when it happened: the day in the file's name is taken ({pattern}).",),
            )
    doubt = (
        "No column tells when it happened: the time at which the file was last changed is taken. If you know it, write "
        '`occurred_at = { constant = "2026-07-01" }`, or leave occurred_at out and give --occurred-at.'
    )
    return TimeSource({"file_time": True}, "", 0.0, "no column tells it", (doubt,))


def published_at(shapes: Mapping[str, CellShape], *, zone: str | None, taken: str) -> TimeSource | None:
    """Return when contents were published, where a column beside that of the time of their figures tells it."""
    found = [
        (score, column)
        for column, shape in shapes.items()
        if shape.kind == "time" and column != taken and (score := is_named(column, PUBLISHED)) > 0
    ]
    if not found:
        return None
    score, column = max(found)
    return _of_column(column, shapes[column], score, zone)


def moment_of(column: str, shape: CellShape, zone: str | None) -> dict[str, Any]:
    """Return the times of a column as a mapping says them: their form where it is not ISO 8601, and their zone where they say none.

    Args:
        column: Name of it.
        shape: What its cells look like.
        zone: Zone of times that say none; None where nobody said it.
    """
    form = {} if shape.form == "iso" else {"format": shape.form}
    return {"column": column, **form, **({} if shape.has_zone else {"zone": zone or "UTC"})}


def _of_column(column: str, shape: CellShape, score: float, zone: str | None) -> TimeSource:
    if shape.kind == "week":
        return TimeSource(
            {"week": column, "zone": zone or "UTC"}, column, score, f"{column!r} holds weeks; the Monday counts"
        )
    doubts = []
    if not shape.has_zone and zone is None and shape.has_clock:
        doubts.append(
            f"{column!r} holds times without a zone, such as {shape.example}: UTC is taken; --zone names another."
        )
    if shape.also:
        doubts.append(
            f"{column!r} may name the month or the day first, such as {shape.example}: the month is taken (`format = {shape.form!r}`); "
            f"if it is the day, write {shape.also!r}."
        )
    return TimeSource(moment_of(column, shape, zone), column, score, f"{column!r} holds {shape.words()}", tuple(doubts))
