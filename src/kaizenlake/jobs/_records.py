"""Records of figures: the latest of each day with the parts of it added up, and what the days come to in all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from kaizenlake.jobs._latest_record import LANDED, keep_latest
from kaizenlake.stats import expressions

MICRO = 1_000_000
"""Sums of amounts are kept in millionths, so that they are the same in any order."""


def latest_of_days(
    records: pl.LazyFrame, keys: tuple[str, ...], counts: Sequence[str], lost: Sequence[str]
) -> pl.LazyFrame:
    """Return the latest record of each key and day; the figures of one that is a part are those of all parts of the day.

    Args:
        records: Records in the columns of silver.
        keys: Columns that name what the figures are of; the day is added.
        counts: Figures that parts add up to.
        lost: What is not known of several parts together, such as people, who may be in more than one.
    """
    day = (*keys, "event_date")
    parts = keep_latest(records.filter(pl.col("breakdown").is_not_null()), (*day, "breakdown"), LANDED)
    sums = parts.group_by(day).agg(*(total(pl.col(name)).name.suffix("_sum") for name in counts), parts=pl.len())
    joined = keep_latest(records, day, LANDED).join(sums, on=list(day), how="left", nulls_equal=True)
    is_part = pl.col("breakdown").is_not_null()
    is_sum = (is_part & (pl.col("parts") > 1)).fill_null(value=False)
    types = records.collect_schema()
    return joined.with_columns(
        *(
            pl.when(is_part).then(_kept_places(f"{name}_sum", types[name])).otherwise(name).alias(name)
            for name in counts
        ),
        *(pl.when(~is_sum).then(name).alias(name) for name in lost),
    )


def figures_of_days(
    records: pl.LazyFrame,
    keys: tuple[str, ...],
    counts: Sequence[str],
    lost: Sequence[str],
    *,
    as_of: datetime,
) -> pl.LazyFrame:
    """Return the figures of each key and day: those of `latest_of_days` before an instant, and their day.

    Args:
        records: Records in the columns of silver.
        keys: See `latest_of_days`.
        counts: See `latest_of_days`.
        lost: See `latest_of_days`.
        as_of: Events from this instant on do not count.
    """
    told = latest_of_days(records.filter(pl.col("occurred_at") < as_of), keys, counts, lost)
    return told.with_columns(performed_on=pl.col("event_date"), figures=pl.col("figures").fill_null("total so far"))


def figures_in_all(
    days: pl.LazyFrame, keys: tuple[str, ...], counts: Sequence[str], lost: Sequence[str]
) -> pl.LazyFrame:
    """Return what the days of each key come to: its last day, or all days added up where the last tells its own.

    Args:
        days: Figures by key and day.
        keys: Columns that name what the figures are of.
        counts: Figures that days add up to; null where no day tells them.
        lost: What is not known of several days together.
    """
    of_day = pl.col("figures") == "of the day"
    last = days.filter(pl.col("performed_on") == pl.col("performed_on").max().over(keys))
    types = days.collect_schema()
    sums = (
        days.filter(of_day)
        .group_by(keys)
        .agg(*(_sum(name, types[name]).alias(f"_{name}") for name in counts), _days=pl.len())
    )
    known = days.group_by(keys).agg(
        first_day=pl.col("performed_on").min(), last_day=pl.col("performed_on").max(), days=pl.len().cast(pl.Int64)
    )
    several = (of_day & (pl.col("_days") > 1)).fill_null(value=False)
    return (
        last.join(sums, on=list(keys), how="left", nulls_equal=True)
        .join(known, on=list(keys), how="left", nulls_equal=True)
        .with_columns(
            *(pl.when(of_day).then(f"_{name}").otherwise(name).alias(name) for name in counts),
            *(pl.when(~several).then(name).alias(name) for name in lost),
        )
    )


def total(figure: pl.Expr) -> pl.Expr:
    """Sum of a figure in a group; null where no row tells it."""
    return pl.when(figure.count() > 0).then(figure.sum())


def _sum(name: str, dtype: pl.DataType) -> pl.Expr:
    figure = pl.col(name)
    if not dtype.is_float():
        return total(figure)
    return expressions.divide(total((figure * MICRO).round(0).cast(pl.Int64)), MICRO)


def _kept_places(name: str, dtype: pl.DataType) -> pl.Expr:
    # Decimals that are kept of a sum: platforms credit parts of conversions.
    return pl.col(name).round(6) if dtype.is_float() else pl.col(name)


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return the part over whole; null without a part or a whole, or with a whole of 0.

    It is at most 1: a platform may count several engagements or clicks a view, and a rate is a share of the views.
    """
    return pl.when(whole > 0).then((part / whole).clip(upper_bound=1.0))


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return the part over whole, which may be more than 1; null without either, or with a whole of 0."""
    return pl.when(whole > 0).then(part / whole)
