"""How the tables of a lake stand: what is there, how much of it, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import polars as pl
from deltalake import DeltaTable

from kaizenlake import tables
from kaizenlake.lake import changes
from kaizenlake.tables import Table


@dataclass(frozen=True)
class TableState:
    """How a table stands in the lake.

    Args:
        name: Layer and last name.
        state: Written; not written yet; outdated: stored by another declaration, and computed anew by the next night;
            or unreadable.
        problem: What is wrong, in words; empty where nothing is.
        version: Version of the table.
        rows: Rows of it.
        files: Data files of it.
        size_bytes: Size of those files.
        days: Days that have rows; None where the table is not kept by day.
        first_day: First of them.
        last_day: Last of them.
        written_at: When rows were last written or removed; None where the log does not reach back.
    """

    name: str
    state: Literal["written", "not written", "outdated", "unreadable"]
    problem: str = ""
    version: int | None = None
    rows: int = 0
    files: int = 0
    size_bytes: int = 0
    days: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    written_at: datetime | None = None


def describe_written(table: type[Table], handle: DeltaTable) -> TableState:
    """Return how a table stands that is written in its present declaration."""
    held = pl.DataFrame(handle.get_add_actions(flatten=True))
    partition = tables.partition(table)
    days = None if partition is None else held[f"partition.{partition}"]
    return TableState(
        tables.full_name(table),
        "written",
        version=handle.version(),
        rows=handle.count(),
        files=held.height,
        size_bytes=int(held["size_bytes"].sum()),
        days=None if days is None else days.n_unique(),
        first_day=None if days is None else days.min(),  # type: ignore[arg-type] # a partition is a day
        last_day=None if days is None else days.max(),  # type: ignore[arg-type] # a partition is a day
        written_at=changes.last_written_at(handle),
    )
