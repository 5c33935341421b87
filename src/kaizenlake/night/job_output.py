"""The work of one step: the parts of a job's output, computed one after the other while they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.job import astray, at_home, find_superseded, sum_up, without
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.night.gathered_days import find_reopened_homes
from kaizenlake.night.plan import PlannedJob, batches
from kaizenlake.night.window_days import find_reopened_days

ROWS_AT_ONCE = 250_000
"""Input rows of one batch of days; bounds the memory of a job that goes by day, unless one day holds more."""


class JobOutput:
    """The parts of a job's output, computed one after the other while they are written.

    Args:
        step: What to compute.
        lake: Where its inputs are read, each at the version the step names.
        as_of: Events before it count.
        settings: Groups of settings the job takes.
    """

    def __init__(self, step: PlannedJob, lake: Lake, as_of: datetime, settings: dict[str, Any]) -> None:
        self.step, self.job, self.lake, self.as_of, self.settings = step, step.job, lake, as_of, settings
        self.rows_in = 0
        """Rows of the inputs that were read; known once the parts are taken."""
        self.days_done: int | None = None
        """Days that were recomputed; None for a job that does not go by day."""
        self.days = step.days if self.job.by_day else None
        """Days to write; None for the whole table."""
        self.superseded: pl.DataFrame | None = None
        """Of a job of last days, the keys and days that do not count."""
        self.elsewhere: pl.DataFrame | None = None
        """Of a job that gathers, the keys and days that count on another day."""

    def parts(self) -> Iterator[pl.DataFrame] | pl.LazyFrame:
        """Return the rows to write, of which those by day come in batches of whole days."""
        if self.job.last_of:
            self._find_last_days()
        if self.job.gathers is not None:
            self._find_homes()
        if self.job.by_day:
            return self._by_day()
        if self.job.adds_up:
            days = self.step.days
            return self._add_up() if days is None or not self._keeps_inputs() else self._exchange(days)
        self.rows_in = sum(self.lake.rows(read) for read in self.job.reads)
        return self._frame(None)

    def _by_day(self) -> Iterator[pl.DataFrame]:
        rows = self._rows_by_day(self.days)
        self.rows_in = sum(rows.values())
        self.days_done = len(rows if self.days is None else self.days)
        if not rows:
            yield tables.empty(self.job.writes).collect()
        for batch in batches(rows, ROWS_AT_ONCE):
            yield self._frame(batch).collect()

    def _find_last_days(self) -> None:
        keys = self.job.last_of
        rows = self._scan(self.job.reads[0], None).select(*keys, "event_date")
        if self.days is None:
            self.superseded = find_superseded(rows, keys).collect()
            return
        former = self.lake.scan(self.job.writes).select(*keys, "event_date")
        self.days, self.superseded = find_reopened_days(rows, former, self.days, keys)

    def _find_homes(self) -> None:
        assert self.job.gathers is not None
        keys = self.job.gathers.keys
        rows = self._scan(self.job.reads[0], None).select(*keys, "event_date", "event_type")
        if self.days is None:
            self.elsewhere = astray(rows, self.job.gathers).collect()
            return
        called = self.job.gathers.called or keys
        former = self.lake.scan(self.job.writes).select(
            *(pl.col(ours).alias(key) for key, ours in zip(keys, called, strict=True)),
            "event_date",
            "first_told_date",
            "last_told_date",
        )
        # Of several rows of a key, one says where it stood.
        former = former.unique()
        self.days, self.elsewhere = find_reopened_homes(rows, former, self.days, self.job.gathers)

    def _keeps_inputs(self) -> bool:
        """Return whether the inputs can be read as the table was computed from them."""
        return all(self.lake.keeps(read, self.step.before[tables.full_name(read)]) for read in self.job.reads)

    def _add_up(self) -> pl.LazyFrame:
        """Return the whole table, of which only parts are held at a time."""
        rows = self._rows_by_day(None)
        self.rows_in = sum(rows.values())
        parts = [self._frame(batch).collect() for batch in batches(rows, ROWS_AT_ONCE)]
        return sum_up([tables.empty(self.job.writes), *(part.lazy() for part in parts)], self.job.writes)

    def _exchange(self, days: frozenset[date]) -> pl.LazyFrame:
        """Return the table with what the days gave it before taken out, and what they give it now put in."""
        self.rows_in = sum(self._rows_by_day(days).values())
        self.days_done = len(days)
        figures = [name for name in tables.schema(self.job.writes).names() if name not in tables.grain(self.job.writes)]
        then = [
            self.lake.scan(read, days=days, version=self.step.before[tables.full_name(read)]) for read in self.job.reads
        ]
        out = self.job(*then, as_of=self.as_of, **self.settings).with_columns(-pl.col(figures))
        return sum_up([self.lake.scan(self.job.writes), out, self._frame(days)], self.job.writes)

    def _frame(self, days: Collection[date] | None) -> pl.LazyFrame:
        first, *others = (self._scan(read, days) for read in self.job.reads)
        if self.superseded is not None and days is not None:
            here = self.superseded.filter(pl.col("event_date").is_in(sorted(days)))
            first = without(first, here.lazy(), self.job.last_of)
        if self.elsewhere is not None and self.job.gathers is not None and days is not None:
            there = self.elsewhere.filter(pl.col("home_date").is_in(sorted(days)))["event_date"].unique().to_list()
            first = at_home(first, self._scan(self.job.reads[0], there), self.elsewhere, days, self.job.gathers)
        return self.job.of_days(first, *others, as_of=self.as_of, **self.settings)

    def _scan(self, table: type[tables.Table], days: Collection[date] | None) -> pl.LazyFrame:
        # The version the step names: what others append meanwhile is the next night's. A lookup is read whole.
        days = days if tables.partition(table) is not None else None
        version = self.step.reads.get(tables.full_name(table))
        if table is tables.Events:
            # Decisions count as far as they verify, which is found out here, so that jobs need not know.
            return decisions.of(self.lake, version, days=days)
        return self.lake.scan(table, days=days, version=version)

    def _rows_by_day(self, days: Collection[date] | None) -> dict[date, int]:
        """Return rows of the inputs on days to recompute; days without rows are left out: they come out empty."""
        counted = [
            self._scan(read, days).group_by("event_date").agg(pl.len().alias("rows"))
            for read in self.job.reads
            if tables.partition(read) is not None
        ]
        total = pl.concat(counted).group_by("event_date").agg(pl.col("rows").sum()).collect()
        return dict(total.iter_rows())
