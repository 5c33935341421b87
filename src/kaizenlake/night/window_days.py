"""Of which days of a table of last days must rows be made again? Of more than changed, and of fewer than all."""

from __future__ import annotations

from datetime import date

import polars as pl

from kaizenlake.job import find_superseded


def find_reopened_days(
    rows: pl.LazyFrame, former: pl.LazyFrame, changed: frozenset[date], keys: tuple[str, ...]
) -> tuple[frozenset[date], pl.DataFrame]:
    """Find the days that changed days re-open in a table that holds each key on its last day.

    A key that a changed day brings leaves the day it stood on; one that a changed day lost goes back to the last day that
    still has it. Where each key stood is read off the former table, so the days that did not change are not read.

    Args:
        rows: Columns `keys` and `event_date` of the input as it is now, every day of it.
        former: The same of the table as it was made before the days changed.
        changed: Days of the input that changed since.
        keys: Columns that name a key; nulls are equal.

    Returns:
        The days to make again, and of their rows the keys and days that later days supersede.
    """
    now = rows.filter(_on(changed)).collect()
    there = former.filter(_on(changed)).collect()
    touched = pl.concat([now, there]).select(keys).unique()
    stood = _of_keys(former, touched, keys)
    last = now.group_by(keys).agg(pl.col("event_date").max().alias("_last"))
    gone = there.join(last, on=keys, how="left", nulls_equal=True).filter(
        (pl.col("event_date") <= pl.col("_last")).not_().fill_null(True)
    )
    fallen_back = _of_keys(rows, gone, keys).group_by(keys).agg(pl.col("event_date").max())
    days = changed.union(stood["event_date"], fallen_back["event_date"])
    here = now if days == changed else rows.filter(_on(days)).collect()
    elsewhere = _of_keys(former.filter(~_on(days)), here, keys)
    over = find_superseded(pl.concat([here, elsewhere]).lazy(), keys)
    return days, over.filter(_on(days)).collect()


def _on(days: frozenset[date]) -> pl.Expr:
    return pl.col("event_date").is_in(sorted(days))


def _of_keys(rows: pl.LazyFrame, wanted: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Return rows of the keys of another frame."""
    if wanted.is_empty():
        return rows.clear().collect()
    return rows.join(wanted.lazy().select(keys).unique(), on=keys, how="semi", nulls_equal=True).collect()
