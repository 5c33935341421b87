"""Rows of small tables that are read once and then held for as long as one night takes: every job after the first reads them from memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date

import polars as pl
from deltalake import DeltaTable

STORED_BYTES = 2 * 1024 * 1024
"""Most bytes of data files that are read at one go to be held; what is larger is read lazily, by the columns that are asked for."""

HELD_BYTES = 128 * 1024 * 1024
"""Most bytes of rows that are held; beyond, those that were read first are dropped."""

_Key = tuple[int, int, frozenset[date] | None]


class HeldRows:
    """The rows that were read of small tables, each of one version, of all of it or of some days.

    To read a small file takes the engine longer than to compute with its rows, and a plan that reads ten tables reads some of
    them several times. Off unless `holding` turns it on: a service that keeps a lake open for days holds no row.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._frames: dict[_Key, tuple[DeltaTable, pl.DataFrame]] = {}
        self._room = 0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold rows of small tables within."""
        before, self.is_on = self.is_on, True
        try:
            yield
        finally:
            self.is_on = before
            if not before:
                self._frames.clear()
                self._room = 0

    def find(
        self,
        handle: DeltaTable,
        days: Collection[date] | None,
        partition: str | None,
        read: Callable[[], pl.LazyFrame],
    ) -> pl.LazyFrame:
        """Return rows of a table at the version of its handle: from memory where they are few, else as they are read.

        Args:
            handle: The table.
            days: Days of it; None for all.
            partition: Column of its days.
            read: Reads them lazily.
        """
        if not self.is_on:
            return read()
        # A handle that is held here is not given up, so that no other takes its number.
        table = id(handle), handle.version()
        if (whole := self._frames.get((*table, None))) is not None:
            rows = whole[1].lazy()
            return rows if days is None else rows.filter(pl.col(str(partition)).is_in(sorted(days)))
        key = (*table, None if days is None else frozenset(days))
        if (known := self._frames.get(key)) is None:
            if _count_bytes(handle, days, partition) > STORED_BYTES:
                return read()
            known = self._frames[key] = handle, read().collect()
            self._room += int(known[1].estimated_size())
            self._make_room()
        return known[1].lazy()

    def _make_room(self) -> None:
        while self._room > HELD_BYTES and len(self._frames) > 1:
            _, dropped = self._frames.pop(next(iter(self._frames)))
            self._room -= int(dropped.estimated_size())


def _count_bytes(handle: DeltaTable, days: Collection[date] | None, partition: str | None) -> int:
    """Return bytes of the data files of a table, or of some days of it."""
    added = pl.DataFrame(handle.get_add_actions(flatten=True))
    if days is not None:
        added = added.filter(pl.col(f"partition.{partition}").is_in(sorted(days)))
    return int(added["size_bytes"].sum())
