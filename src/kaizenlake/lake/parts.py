"""The parts of a table on their way into a commit: cut from a frame, and checked as they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import TableInvalidError
from kaizenlake.tables import Table

ROWS_AT_ONCE = 250_000
"""Rows of a table not kept by day that are checked and written at a time."""


def check_each_part(
    table: type[Table],
    parts: Iterable[pl.DataFrame] | pl.LazyFrame,
    days: Collection[date] | None,
    only: Callable[[Iterable[pl.DataFrame]], Iterator[pl.DataFrame]] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield parts as they come, each checked; what the grain of a part cannot show is refused.

    Args:
        parts: Its rows, or a frame that gives them; of a table kept by day no day may span two parts.
        days: Days of which rows may come; None for any.
        only: Gives on the rows that are to be checked and written, once it is known that each day comes whole: those that
            are stored already were checked by the same rules when they were.

    Raises:
        TableInvalidError: A part breaks the declaration.
    """
    parts = _in_batches(table, parts) if isinstance(parts, pl.LazyFrame) else parts
    partition = tables.partition(table)
    if partition is None:
        yield from tables.check_parts(table, parts if only is None else only(parts))
        return
    whole = _select_whole_days(table, parts, partition, days)
    for part in whole if only is None else only(whole):
        yield tables.check(table, part)


def _select_whole_days(
    table: type[Table], parts: Iterable[pl.DataFrame], partition: str, days: Collection[date] | None
) -> Iterator[pl.DataFrame]:
    """Yield parts of which every day comes in one, and is among those to be written."""
    allowed = None if days is None else set(days)
    seen: set[date] = set()
    for part in parts:
        if part.schema != tables.schema(table):
            tables.check(table, part)
        held = set(part[partition].unique())
        if allowed is not None and (outside := held - allowed):
            raise TableInvalidError(
                f"Rows of {min(outside)} came among the days to be written, which it is not.",
                where=tables.full_name(table),
            )
        if twice := held & seen:
            raise TableInvalidError(
                f"Rows of {min(twice)} came in two parts; a day comes whole.", where=tables.full_name(table)
            )
        seen |= held
        yield part


def _in_batches(table: type[Table], frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield rows of a lazy frame as they are computed, so that a long table is never held whole; of a table kept by day, whole."""
    if tables.partition(table) is not None:
        yield frame.collect()
        return
    yield from frame.collect_batches(chunk_size=ROWS_AT_ONCE)
