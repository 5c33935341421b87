"""The rows of which reports are made: each a row of a table of the lake, chosen and ordered, and how many there are in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Generic, TypeVar

import msgspec
import polars as pl

Row = TypeVar("Row")


class TableRow(SimpleNamespace):
    """One row of a table of the lake: each of its columns is an attribute."""


ROWS = 10
"""Most rows of a list in the report; longer tables say how many more there are."""

CHART_ROWS = 14
"""Most rows of a chart."""


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """The first rows of a table in the order of the report, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int

    @classmethod
    def whole(cls, rows: Iterable[Row]) -> Listing[Row]:
        """Return rows that are all there are."""
        held = tuple(rows)
        return cls(held, len(held))


@dataclass(frozen=True)
class RunFacts:
    """What the night did before the report: the shell knows it, the tables do not.

    Args:
        lines_in: Lines this run read; equals landed + duplicate + quarantined.
        landed: Lines that became events.
        duplicate: Lines that were in the lake already.
        quarantined: Lines that went to quarantine.
        by_rule: Quarantined lines of this run by the rule they broke; a line may break several.
        versions: Version of each table at the run before and now, by full name; None where it was not written.
    """

    lines_in: int = 0
    landed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    by_rule: tuple[tuple[str, int], ...] = ()
    versions: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)


class Figures(msgspec.Struct, frozen=True):
    """The figures of one report that the next one compares itself with; kept beside the report as JSON.

    Attributes:
        as_of: The report's as_of.
        numbers: Figures by name; null where not defined.
        verdicts: Verdict of each judged pattern, by `evidence|pattern_type|pattern`.
    """

    as_of: datetime
    numbers: dict[str, float | None]
    verdicts: dict[str, str]


@dataclass(frozen=True)
class Quality:
    """Where every line of every landing went, and what waits in quarantine."""

    files: int
    lines_in: int
    landed: int
    duplicate: int
    quarantined: int
    waiting: int
    waiting_by_rule: tuple[tuple[str, int], ...]


def listing(
    frame: pl.LazyFrame, *, by: Mapping[str, bool], rows: int = ROWS, total: int | None = None
) -> Listing[TableRow]:
    """Return the first rows of a frame, and how many it has.

    Args:
        frame: The rows.
        by: Columns to sort by, each with whether it descends; nulls come last.
        rows: Most rows.
        total: How many there are in all, where that is not the height of the frame.
    """
    chosen = frame.sort(list(by), descending=list(by.values()), nulls_last=True).head(rows)
    found, number = pl.collect_all([chosen, frame.select(pl.len())])
    return Listing(tuple(TableRow(**item) for item in found.iter_rows(named=True)), total or int(number.item()))
