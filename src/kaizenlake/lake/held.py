"""Tables that a service asks again and again: opened once, and anew only when their log has moved on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from kaizenlake import tables
from kaizenlake.lake import changes
from kaizenlake.lake.changes import Reads
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Table

_Mark = tuple[int, int, int]


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
    """Open tables of a lake; no row is kept.

    A commit is a file of its own that is never changed, so a table stands where it stood as long as the commit of its
    version is that very file and there is none after it. In an object store a look costs as much as opening.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._held: dict[type[Table], tuple[Snapshot, _Mark]] = {}

    def snapshot(self, table: type[Table]) -> Snapshot:
        """The table at this moment.

        Raises:
            LakeError: As `Lake.snapshot` does.
        """
        held = self._held.get(table)
        if held is not None and self._mark(held[0]) == held[1]:
            return held[0]
        snapshot = _Open(table, self.lake.snapshot(table).handle)
        mark = self._mark(snapshot)
        if mark is not None:
            self._held[table] = snapshot, mark
        return snapshot

    def reads_of(self, table: type[Table]) -> Reads:
        """What a table was computed from; nothing where it is not written."""
        handle = self.snapshot(table).handle
        return Reads() if handle is None else changes.reads(handle, [tables.full_name(item) for item in tables.TABLES])

    def _mark(self, snapshot: Snapshot) -> _Mark | None:
        """What tells the commit of a version from any other; None where another follows it, or none can be looked at."""
        if snapshot.version is None or not isinstance(self.lake.root, Path):
            return None
        log = Path(self.lake.uri(snapshot.table), "_delta_log")
        try:
            state = (log / f"{snapshot.version:020d}.json").stat()
        except OSError:
            return None
        if (log / f"{snapshot.version + 1:020d}.json").exists():
            return None
        return state.st_ino, state.st_size, state.st_mtime_ns
