"""What a job is: a pure function of frames that says what it reads and writes; and the order of the night."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.tables import Table


@dataclass(frozen=True)
class Gathering:
    """How the rows of a key count on one day, wherever they lie.

    Args:
        keys: Columns that name a key; nulls are equal.
        begins: Event types of which the first row of a key says the day; a key without one counts on none yet.
        called: What the keys are called in the table that is written; the same where empty.
    """

    keys: tuple[str, ...]
    begins: tuple[str, ...]
    called: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One question of the night.

    Args:
        function: Takes one lazy frame per table read, in their order, then `as_of` and settings by name.
        reads: Tables it reads.
        writes: Table it writes; no other job writes it.
        by_day: A day of its output depends on the same day of its inputs alone, so changed days are recomputed alone.
            A table without days among its inputs is looked up by its grain: a day depends on the rows it names.
            Otherwise the whole table is recomputed when an input or `as_of` changed.
        name: Name of the job: the function's.
        last_of: Columns of the first input that name a key of which only the last day counts: the function gets the rows
            of no other day. So a day of a job by day depends on later days too, by these keys alone.
        gathers: All rows of a key of the first input, of whatever day, are handed over with the day on which the key begins;
            its table tells of each key in `first_told_date` and `last_told_date` between which days they lie.
        adds_up: What it makes of all rows is the sum, by the grain of its table, of what it makes of some and of the
            others; all columns beside the grain are whole numbers. So changed days are taken out and put in again.
        timeless: `as_of` changes nothing beyond what its inputs leave out already, so it does not run for that alone.
        of_types: Event types of its one input, the events, that it makes rows of: days that hold none of them, and no row of its
            table, are as they would be made. Empty where it reads anything else.
    """

    function: Callable[..., pl.LazyFrame]
    reads: tuple[type[Table], ...]
    writes: type[Table]
    by_day: bool
    name: str
    last_of: tuple[str, ...] = ()
    adds_up: bool = False
    timeless: bool = False
    gathers: Gathering | None = None
    of_types: tuple[str, ...] = ()

    def __call__(self, *frames: pl.LazyFrame, as_of: datetime, **settings: Any) -> pl.LazyFrame:
        """Compute the output of the job; the columns come in the order of its table."""
        if self.last_of:
            first, *others = frames
            frames = (without(first, find_superseded(first, self.last_of), self.last_of), *others)
        return self.of_days(*frames, as_of=as_of, **settings)

    def of_days(self, *frames: pl.LazyFrame, as_of: datetime, **settings: Any) -> pl.LazyFrame:
        """Compute the output from days of which the caller has left out what later days supersede."""
        until = {"as_of": as_of} if self.takes_as_of else {}
        return self.function(*frames, **until, **settings).select(tables.schema(self.writes).names())

    @property
    def meaning(self) -> str:
        """What the job answers, in one sentence."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Names of the groups of settings it takes; each is a keyword of the function."""
        return tuple(name for name in self._keywords if name != "as_of")

    @cached_property
    def takes_as_of(self) -> bool:
        """Whether its function asks for the instant up to which events count; those that do not read what ends there."""
        return "as_of" in self._keywords

    @cached_property
    def _keywords(self) -> tuple[str, ...]:
        words = inspect.signature(self.function).parameters.values()
        return tuple(item.name for item in words if item.kind is item.KEYWORD_ONLY)


def job(
    *,
    reads: tuple[type[Table], ...],
    writes: type[Table],
    by_day: bool = False,
    last_of: tuple[str, ...] = (),
    adds_up: bool = False,
    timeless: bool = False,
    gathers: Gathering | None = None,
) -> Callable[[Callable[..., pl.LazyFrame]], Job]:
    """Declare a function as the job that writes a table.

    Args:
        reads: Tables it reads, in the order of its arguments.
        writes: Table it writes.
        by_day: See `Job`.
        last_of: See `Job`.
        adds_up: See `Job`.
        timeless: See `Job`.
        gathers: See `Job`.
    """

    def declare(function: Callable[..., pl.LazyFrame]) -> Job:
        name = getattr(function, "__name__", tables.name(writes))
        return Job(function, reads, writes, by_day, name, last_of, adds_up, timeless, gathers)

    return declare


def find_superseded(rows: pl.LazyFrame, keys: tuple[str, ...]) -> pl.LazyFrame:
    """Name the keys and days that a later day of the same key supersedes.

    Args:
        rows: Columns `keys` and `event_date`; nulls of a key are equal.
        keys: Columns that name a key.

    Returns:
        Columns `keys` and `event_date`.
    """
    # Most keys have one day: only those of several are joined, and nothing is sorted.
    several = (
        rows.group_by(keys)
        .agg(pl.col("event_date").min().alias("_first"), pl.col("event_date").max().alias("_last"))
        .filter(pl.col("_first") < pl.col("_last"))
    )
    days = rows.select(*keys, "event_date")
    return (
        days.join(several, on=keys, nulls_equal=True)
        .filter(pl.col("event_date") < pl.col("_last"))
        .select(*keys, "event_date")
    )


def without(rows: pl.LazyFrame, days: pl.LazyFrame, keys: tuple[str, ...]) -> pl.LazyFrame:
    """Return rows of other keys and days than those named, in `keys` and `event_date`."""
    return rows.join(days, on=[*keys, "event_date"], how="anti", nulls_equal=True)


def astray(rows: pl.LazyFrame, gathering: Gathering) -> pl.LazyFrame:
    """Name the keys and days that lie on another day than the one on which they count.

    Args:
        rows: Columns of the keys, `event_date` and `event_type`.
        gathering: How they are gathered.

    Returns:
        Columns of the keys, `event_date`, and `home_date`: the day on which they count, null for none yet.
    """
    begins = pl.col("event_type").is_in(gathering.begins)
    # Most keys have one day: only those of several are joined.
    several = (
        rows.group_by(gathering.keys)
        .agg(
            pl.col("event_date").min().alias("_first"),
            pl.col("event_date").max().alias("_last"),
            pl.col("event_date").filter(begins).min().alias("home_date"),
        )
        .filter(pl.col("_first") < pl.col("_last"))
    )
    return (
        rows.join(several, on=gathering.keys, nulls_equal=True)
        .filter(pl.col("event_date").ne_missing(pl.col("home_date")))
        .select(*gathering.keys, "event_date", "home_date")
        .unique()
    )


def at_home(
    here: pl.LazyFrame, everywhere: pl.LazyFrame, elsewhere: pl.DataFrame, days: Collection[date], gathering: Gathering
) -> pl.LazyFrame:
    """Hand over the rows of the keys that count on some days, from wherever they lie.

    Args:
        here: Rows of the input of these days.
        everywhere: Rows of the input of the days named in `elsewhere`.
        elsewhere: As `astray` names them.
        gathering: How the rows of a key are gathered.
    """
    on = [*gathering.keys, "event_date"]
    brought = elsewhere.filter(pl.col("home_date").is_in(sorted(days))).select(on)
    stay = here.join(elsewhere.lazy().select(on), on=on, how="anti", nulls_equal=True)
    if brought.is_empty():
        return stay
    return pl.concat([stay, everywhere.join(brought.lazy(), on=on, how="semi", nulls_equal=True)])


def sum_up(parts: Iterable[pl.LazyFrame], table: type[Table]) -> pl.LazyFrame:
    """Add parts of a table that adds up; rows whose figures are all 0 are of nothing, and left out."""
    keys = tables.grain(table)
    names = tables.schema(table).names()
    figures = [name for name in names if name not in keys]
    return (
        pl.concat([part.select(names) for part in parts])
        .group_by(keys)
        .agg(pl.col(figures).sum())
        .filter(pl.any_horizontal(pl.col(figures) != 0))
        .select(names)
    )


def in_order(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Return jobs in an order in which each comes after the jobs whose tables it reads; ties as they were given.

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
