"""What a job is: a pure function of frames that says what it reads and writes; and the order of the night."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.tables import Table


@dataclass(frozen=True)
class Job:
    """One question of the night.

    Args:
        function: Takes one lazy frame per table read, in their order, then `as_of` and settings by name.
        reads: Tables it reads.
        writes: Table it writes; no other job writes it.
        by_day: A day of its output depends on the same day of its inputs alone, so changed days are recomputed alone.
            Otherwise the whole table is recomputed when an input or `as_of` changed.
        name: Name of the job: the function's.
    """

    function: Callable[..., pl.LazyFrame]
    reads: tuple[type[Table], ...]
    writes: type[Table]
    by_day: bool
    name: str

    def __call__(self, *frames: pl.LazyFrame, as_of: datetime, **settings: Any) -> pl.LazyFrame:
        """Compute the output of the job; the columns come in the order of its table."""
        return self.function(*frames, as_of=as_of, **settings).select(tables.schema(self.writes).names())

    @property
    def meaning(self) -> str:
        """What the job answers, in one sentence."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Names of the groups of settings it takes; each is a keyword of the function."""
        keywords = inspect.signature(self.function).parameters.values()
        return tuple(item.name for item in keywords if item.kind is item.KEYWORD_ONLY and item.name != "as_of")


def job(
    *, reads: tuple[type[Table], ...], writes: type[Table], by_day: bool = False
) -> Callable[[Callable[..., pl.LazyFrame]], Job]:
    """Declare a function as the job that writes a table.

    Args:
        reads: Tables it reads, in the order of its arguments.
        writes: Table it writes.
        by_day: See `Job`.
    """

    def declare(function: Callable[..., pl.LazyFrame]) -> Job:
        return Job(function, reads, writes, by_day, getattr(function, "__name__", tables.name(writes)))

    return declare


def in_order(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Jobs in an order in which each comes after the jobs whose tables it reads; ties as they were given.

    Raises:
        graphlib.CycleError: Jobs wait for one another.
    """
    given = tuple(jobs)
    writer = {item.writes: item for item in given}
    sorter = TopologicalSorter(
        {item.name: [writer[read].name for read in item.reads if read in writer] for item in given}
    )
    by_name = {item.name: item for item in given}
    return tuple(by_name[name] for name in sorter.static_order())
