"""Tables that a service asks again and again: opened once, and anew only when their log has moved on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from kaizenlake import tables
from kaizenlake.lake import changes, delta
from kaizenlake.lake.changes import Reads
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Table


@dataclass(frozen=True)
class _Open(Snapshot):
    """A snapshot that is read more than once: what the engine learns of its files, it learns at the first read."""

    @cached_property
    def _rows(self) -> pl.LazyFrame:
        return super().scan()

    def scan(self, *, days: Collection[date] | None = None) -> pl.LazyFrame:
        """Rows at this moment; `days` reads those partitions only."""
        return self._rows if days is None else super().scan(days=days)


class Held:
    """Open tables of a lake, each with what the engine has learned of its files; no row is kept.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._held: dict[type[Table], tuple[Snapshot, delta.Mark]] = {}

    def snapshot(self, table: type[Table]) -> Snapshot:
        """The table at this moment.

        Raises:
            LakeError: As `Lake.snapshot` does.
        """
        held = self._held.get(table)
        if held is not None and delta.mark(self.lake.uri(table), held[0].version) == held[1]:
            return held[0]
        snapshot = _Open(table, self.lake.snapshot(table).handle)
        mark = delta.mark(self.lake.uri(table), snapshot.version)
        if mark is not None:
            self._held[table] = snapshot, mark
        return snapshot

    def reads_of(self, table: type[Table]) -> Reads:
        """What a table was computed from; nothing where it is not written."""
        handle = self.snapshot(table).handle
        return Reads() if handle is None else changes.reads(handle, [tables.full_name(item) for item in tables.TABLES])
