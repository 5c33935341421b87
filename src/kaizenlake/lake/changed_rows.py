"""What of a table comes out other than it is stored? Only that is written, so that what rests on the rest can rest."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from datetime import date

import polars as pl
from deltalake import DeltaTable

from kaizenlake import tables
from kaizenlake.lake import delta
from kaizenlake.tables import Table

_SEEDS = (secrets.randbits(63), secrets.randbits(63))
"""Of the hashes by which rows are compared; drawn anew by each process, so that nobody makes rows that pass for others."""

HELD_ROWS = 1_000_000
"""Rows of a table not kept by day that wait until it is known whether anything differs; beyond, they are let through."""

Digest = tuple[int, int, int]
"""Rows of a table or of a day, and two sums of their hashes: the same in any order."""


class ChangedRowsFilter:
    """Lets through the days of a table, or all of it where it is not kept by day, that differ from what is stored.

    Args:
        table: The declaration.
        handle: The table as it is stored, in just this declaration.
        asked: Days to be replaced; None for the whole table.
    """

    def __init__(self, table: type[Table], handle: DeltaTable, asked: Collection[date] | None) -> None:
        self.table, self.handle, self.asked = table, handle, asked
        self.partition = tables.partition(table)
        self.rows = 0
        """Rows that came, whether they were let through or not."""
        self.days: set[date] | None = None if self.partition is None else set()
        """Of a table kept by day, the days that differ; complete when the last part has come."""
        self.is_unchanged = False
        """Whether everything came out as it is stored; known when the last part has come."""

    def pass_on(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Give on what differs; of a table not kept by day, where anything differs, everything.

        Args:
            parts: Rows as they are to be written; no day spans two parts.
        """
        if self.partition is None or self.days is None:
            yield from self._whole(parts)
            return
        # Days that do not come at all come out empty.
        stored = digests(delta.scan(self.table, self.handle, self.asked), self.partition)
        for part in parts:
            self.rows += part.height
            if part.schema != tables.schema(self.table):
                yield part
                continue
            found = digests(part.lazy(), self.partition)
            differing = {day for day, made in found.items() if stored.pop(day, None) != made}
            self.days |= differing
            if differing:
                is_other = pl.col(self.partition).is_in(sorted(differing))
                yield part if len(differing) == len(found) else part.filter(is_other)
        self.days |= set(stored)
        self.is_unchanged = not self.days

    def _whole(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        stored = self.handle.count()
        waiting, came = list[pl.DataFrame](), list[Digest]()
        for part in parts:
            self.rows += part.height
            if self.rows > min(stored, HELD_ROWS) or part.schema != tables.schema(self.table):
                # It differs; or it is long, and what differs of it is told when it has gone by.
                yield from waiting
                waiting.clear()
                yield part
            else:
                waiting.append(part)
            if self.rows <= stored:
                came.append(digest(part))
        if self.rows == stored:
            there = [digest(part) for part in delta.scan(self.table, self.handle, None).collect_batches()]
            self.is_unchanged = _sum(there) == _sum(came)
        if not self.is_unchanged:
            yield from waiting


def digest(frame: pl.DataFrame) -> Digest:
    """Return the digest of all rows of a frame."""
    one, other = (hashes.cast(pl.Int128).sum() for hashes in _hashes(frame))
    return frame.height, int(one), int(other)


def digests(frame: pl.LazyFrame, partition: str) -> dict[date, Digest]:
    """Return the digest of each day of a frame that has rows."""
    rows = frame.collect()
    one, other = _hashes(rows)
    found = (
        rows.select(partition, one.alias("_one"), other.alias("_other"))
        .group_by(partition)
        .agg(pl.len(), pl.col("_one", "_other").cast(pl.Int128).sum())
    )
    return {day: (rows, int(one), int(other)) for day, rows, one, other in found.iter_rows()}


def _hashes(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return two hashes of each row, of every bit of it: 0.0 and -0.0 are equal, and yet not the same."""
    bits = frame.with_columns(_bits(frame[name]) for name, dtype in frame.schema.items() if dtype == pl.Float64)
    one, other = (bits.hash_rows(seed) for seed in _SEEDS)
    return one, other


def _bits(values: pl.Series) -> pl.Series:
    import numpy as np

    bits = pl.Series(values.fill_null(0.0).to_numpy().view(np.int64))
    return pl.select(pl.when(values.is_not_null()).then(bits).alias(values.name)).to_series()


def _sum(parts: Iterable[Digest]) -> Digest:
    rows, one, other = 0, 0, 0
    for part in parts:
        rows, one, other = rows + part[0], one + part[1], other + part[2]
    return rows, one, other
