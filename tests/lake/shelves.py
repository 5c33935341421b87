"""Two small tables, one kept by day and one whole, with rows to put into them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import polars as pl

from kaizenlake.lake import Lake, Written, fingerprint
from kaizenlake.tables.base import Instant, Table, Words, column, count, rate, table

FIRST = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 4, 1, tzinfo=UTC)
PRINT = fingerprint("code", "settings")


@table(layer="gold", grain=("event_date", "visitor"), partition="event_date")
class Visits(Table):
    """One visitor on one day: every type a table may have."""

    event_date: pl.Date = column("Day.")
    visitor: str = column("Visitor.")
    project_id: str = column("Project; null where none.", nullable=True)
    pages: pl.Int64 = count("Pages seen.")
    read_rate: float = rate("Share of a page that was read; null where not measured.", nullable=True)
    tags: Words = column("Tags; null where none.", nullable=True)
    returned: bool = column("Came before; null where unknown.", nullable=True)
    seen_at: Instant = column("Last seen.")


@table(layer="gold", grain=("project_id",))
class Totals(Table):
    """One project over all time."""

    project_id: str = column("Project; null where none.", nullable=True)
    pages: pl.Int64 = count("Pages seen.")


def day(number: int) -> date:
    """The day so many days after the first."""
    return FIRST + timedelta(days=number)


def visits(number: int, visitors: Iterable[str] = ("ann", "bob"), *, pages: int = 1) -> pl.DataFrame:
    """Rows of one day; the second visitor has no project, no tags and an unmeasured rate."""
    rows = [
        {
            "event_date": day(number),
            "visitor": visitor,
            "project_id": None if place % 2 else "p1",
            "pages": pages,
            "read_rate": None if place % 2 else 0.25,
            "tags": None if place % 2 else ["new", ""],
            "returned": None if place % 2 else True,
            "seen_at": datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC) + timedelta(days=number),
        }
        for place, visitor in enumerate(visitors)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "event_date": pl.Date,
            "visitor": pl.String,
            "project_id": pl.String,
            "pages": pl.Int64,
            "read_rate": pl.Float64,
            "tags": pl.List(pl.String),
            "returned": pl.Boolean,
            "seen_at": pl.Datetime("us", "UTC"),
        },
    )


def totals(**pages: int) -> pl.DataFrame:
    """Rows of the whole table, one a project."""
    return pl.DataFrame(
        {"project_id": list(pages), "pages": list(pages.values())}, schema={"project_id": pl.String, "pages": pl.Int64}
    )


def put(lake: Lake, table: type[Table], parts: Iterable[pl.DataFrame], days: Iterable[int] | None = None) -> Written:
    """Write as the night does, where what was read does not matter."""
    chosen = None if days is None else [day(number) for number in days]
    return lake.write(table, parts, days=chosen, reads={"bronze.events": 7}, as_of=MIDNIGHT, fingerprint=PRINT)


def held(lake: Lake, table: type[Table] = Visits) -> dict[date, dict[str, int]]:
    """Pages by day and visitor."""
    rows = lake.scan(table).sort("event_date", "visitor").collect()
    found: dict[date, dict[str, int]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["event_date"], {})[row["visitor"]] = row["pages"]
    return found
