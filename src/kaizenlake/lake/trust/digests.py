"""Digests: one for each batch of events, over all that they say, whatever files they lie in and in whatever order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

DIGESTED = (
    "event_id",
    "event_type",
    "occurred_at",
    "project_id",
    "tenant_id",
    "tags",
    "payload",
    "metadata",
    "source",
    "file",
    "line",
    "landed_at",
)
"""Columns that a digest is over, in this order. A column that is null in all events of a batch and day is left out, so
that one which is added later does not change the digests before it. `event_date` names the part."""

NONE = 0
"""Batch of the events that are of none."""


@dataclass(frozen=True)
class BatchDay:
    """Events of one batch on one day.

    Args:
        rows: How many.
        digest: SHA-256 of what they say, in the order of their ids.
    """

    rows: int
    digest: str


@dataclass(frozen=True)
class _Column:
    """A column as bytes: of numbers eight each; of texts all of them, and their lengths, -1 where one is null."""

    name: bytes
    values: memoryview
    lengths: np.ndarray[tuple[int], np.dtype[np.int64]] | None
    offsets: np.ndarray[tuple[int], np.dtype[np.int64]] | None

    def update(self, digest: hashlib._Hash, begin: int, end: int) -> None:
        if self.lengths is None or self.offsets is None:
            digest.update(self.name)
            digest.update(self.values[begin * 8 : end * 8])
            return
        lengths = self.lengths[begin:end]
        if lengths.max() < 0:
            return
        digest.update(self.name)
        digest.update(lengths.tobytes())
        digest.update(self.values[self.offsets[begin] : self.offsets[end]])


def parts(events: pl.DataFrame) -> dict[tuple[int, date], BatchDay]:
    """Return the digest events by batch and day.

    Args:
        events: Rows with the columns `DIGESTED`, `batch` and `event_date`, in any order.
    """
    if events.is_empty():
        return {}
    order = events.select(pl.col("batch").fill_null(NONE), "event_date", "event_id").with_row_index("_place")
    order = order.sort("batch", "event_date", "event_id")
    ordered = events.select(DIGESTED)[order["_place"]]
    columns = [_column(ordered[name]) for name in DIGESTED]
    found: dict[tuple[int, date], BatchDay] = {}
    begin = 0
    for batch, day, rows in order.group_by("batch", "event_date", maintain_order=True).len().iter_rows():
        digest = hashlib.sha256()
        for column in columns:
            column.update(digest, begin, begin + rows)
        found[batch, day] = BatchDay(rows, digest.hexdigest())
        begin += rows
    return found


def first_place(events: pl.DataFrame) -> int:
    """Return the place of the event that carries the seal of its batch: the first by day and id."""
    named = events.select("event_date", "event_id").with_row_index("_place")
    return int(named.sort("event_date", "event_id")["_place"][0])


def whole(by_day: Mapping[date, BatchDay]) -> BatchDay:
    """Return the digest a batch from its parts.

    >>> whole({date(2026, 3, 1): BatchDay(2, "ab"), date(2026, 2, 1): BatchDay(1, "cd")}).rows
    3
    """
    said = "".join(f"{day.isoformat()} {part.rows} {part.digest}\n" for day, part in sorted(by_day.items()))
    return BatchDay(sum(part.rows for part in by_day.values()), hashlib.sha256(said.encode()).hexdigest())


def batches(found: Iterable[Mapping[tuple[int, date], BatchDay]]) -> Iterator[tuple[int, BatchDay]]:
    """Yield the digest every batch from the parts of all days.

    Args:
        found: Parts, of which no day is in two.
    """
    by_batch: dict[int, dict[date, BatchDay]] = {}
    for some in found:
        for (batch, day), part in some.items():
            by_batch.setdefault(batch, {})[day] = part
    for batch, by_day in sorted(by_batch.items()):
        yield batch, whole(by_day)


def _column(series: pl.Series) -> _Column:
    name = series.name.encode() + b"\0"
    nulls = series.is_null().to_numpy() if series.null_count() else None
    if series.dtype == pl.List(pl.String):
        if nulls is not None and nulls.all():
            series = series.cast(pl.String)
        else:
            series = series.to_frame().select(pl.struct(series.name).struct.json_encode()).to_series()
    if series.dtype != pl.String:
        return _Column(name, memoryview(series.cast(pl.Int64).to_numpy().astype("<i8").tobytes()), None, None)
    # Behind a null any bytes may lie, according to how the rows were read: none of them are digested.
    array = series.fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, values = array.buffers()
    places = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    lengths = np.diff(places)
    if nulls is not None:
        lengths = np.where(nulls, -1, lengths)
    return _Column(name, memoryview(values) if values is not None else memoryview(b""), lengths, places)
