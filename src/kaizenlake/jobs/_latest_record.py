"""Which record of several counts: the latest by its own time; of two at one instant, the greater event id or a given order."""

from __future__ import annotations

import polars as pl

_ORDER = ("occurred_at", "event_id")


LANDED = ("occurred_at", "batch", "event_id")
"""Of two records at one instant, the one that was landed later."""


def keep_latest(records: pl.LazyFrame, keys: tuple[str, ...], order: tuple[str, ...] = _ORDER) -> pl.LazyFrame:
    """Keep the latest record of each key; a null in a key is a value of its own.

    Args:
        records: Rows with `occurred_at`, a unique `event_id`, and the keys.
        keys: Columns that name one row of the result.
        order: Columns by which they are ordered, an event id the last of them.
    """
    return _keep_latest(records, keys, pl.col("event_id").sort_by(order).last(), order)


def keep_earliest(records: pl.LazyFrame, keys: tuple[str, ...]) -> pl.LazyFrame:
    """Keep the earliest record of each key; of two at one instant the lesser event id, else as `keep_latest`."""
    return _keep_latest(records, keys, pl.col("event_id").sort_by(_ORDER).first(), _ORDER)


def _keep_latest(records: pl.LazyFrame, keys: tuple[str, ...], chosen: pl.Expr, order: tuple[str, ...]) -> pl.LazyFrame:
    # Most keys have one record: only the contested ones are sorted, and wide rows are never moved.
    contested = records.select(*keys, *order).filter(pl.len().over(keys) > 1)
    refused = contested.filter(pl.col("event_id") != chosen.over(keys)).select("event_id")
    return records.join(refused, on="event_id", how="anti")
