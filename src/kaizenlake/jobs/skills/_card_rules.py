"""What the tables of skill cards share: the days that a card tells of, and when a difference is a strength or a weakness."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import get_args

import polars as pl

from kaizenlake.parameters import Skills
from kaizenlake.vocabulary import TermVerdict

BETTER, WORSE, EVEN, UNCLEAR = get_args(TermVerdict)


def last_day(as_of: datetime) -> date:
    """Return the last day of which events before an instant can be.

    >>> from datetime import UTC
    >>> str(last_day(datetime(2026, 3, 1, tzinfo=UTC))), str(last_day(datetime(2026, 3, 1, 1, tzinfo=UTC)))
    ('2026-02-28', '2026-03-01')
    """
    return (as_of - timedelta(microseconds=1)).date()


def with_card_end(runs: pl.LazyFrame, as_of: datetime, days: int) -> pl.LazyFrame:
    """Add `card_end`, the last of the days that the card of a doer tells of.

    It is the last day before `as_of`; for a doer that did not run in the `days` up to it, the day on which it last ran, so
    that the card of a doer that rests still says what is known of it.

    Args:
        runs: Rows with `tenant_id`, `doer` and `event_date`: all that ended before `as_of`.
        as_of: Aware instant.
        days: Days of a card.
    """
    last, last_run = pl.lit(last_day(as_of)), pl.col("event_date").max().over("tenant_id", "doer")
    is_resting = last_run <= last - timedelta(days=days)
    return runs.with_columns(card_end=pl.when(is_resting).then(last_run).otherwise(last))


def in_card(days: int) -> pl.Expr:
    """Select rows of the days of a card, by `event_date` and `card_end`."""
    end = pl.col("card_end")
    return pl.col("event_date").is_between(end - timedelta(days=days - 1), end)


def before_card(days: int) -> pl.Expr:
    """Select rows of as many days before those of a card, by `event_date` and `card_end`."""
    end = pl.col("card_end") - timedelta(days=days)
    return pl.col("event_date").is_between(end - timedelta(days=days - 1), end)


def units_without_loss(runs: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """Count the units of each group none of whose runs has a loss, as `units_without_loss`.

    Args:
        runs: Rows of `gold.crl`; runs without a unit do not count.
        keys: Columns that name a group; a group in which every unit has a loss makes no row.
    """
    return (
        runs.filter(pl.col("unit_id").is_not_null())
        .group_by(*keys, "unit_id")
        .agg(pl.col("loss").is_not_null().any())
        .filter(~pl.col("loss"))
        .group_by(keys)
        .agg(units_without_loss=pl.len().cast(pl.Int64))
    )


def verdict(kind: str, enough: pl.Expr, skills: Skills) -> pl.Expr:
    """Return what a difference of losses says, below 0 being better.

    A strength or a weakness needs a corrected p that is small enough, an interval that leaves out 0, a difference that
    matters, and enough runs. An interval within what does not matter is even, whatever the p.

    Args:
        kind: What stands before the names of its columns: `_difference`, `_ci_low`, `_ci_high` and `_q_value`.
        enough: Whether there are enough runs on both sides.
        skills: `smallest_difference` and `q`.
    """
    least = skills.smallest_difference
    low, high = pl.col(f"{kind}_ci_low"), pl.col(f"{kind}_ci_high")
    matters = (pl.col(f"{kind}_q_value") <= skills.q) & (pl.col(f"{kind}_difference").abs() >= least)
    return (
        pl.when(~enough.fill_null(value=False) | low.is_null())
        .then(pl.lit(UNCLEAR))
        .when(low >= -least, high <= least)
        .then(pl.lit(EVEN))
        .when(matters, high < 0.0)
        .then(pl.lit(BETTER))
        .when(matters, low > 0.0)
        .then(pl.lit(WORSE))
        .otherwise(pl.lit(UNCLEAR))
    )
