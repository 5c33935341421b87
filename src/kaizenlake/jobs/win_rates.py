"""What goes with winning? Win rates by dimension and value, over everything."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.scopes import group_codes
from kaizenlake.parameters import Evidence
from kaizenlake.stats import betabinomial, expressions
from kaizenlake.tables import OutcomeCounts, WinRates

FAMILY = ["tenant_id", "kind", "dimension"]
"""Columns that hold the values together that are compared."""


@job(reads=(OutcomeCounts,), writes=WinRates, timeless=True)
def win_rates(
    outcome_counts: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - the outcomes leave out what is later
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """Share of decided outcomes that were won, by tenant, kind, dimension and value, against the other values.

    Every outcome counts as one independent trial. The dimension `all` holds the total of its kind, which has nothing to
    be compared with.

    Args:
        outcome_counts: Outcomes counted.
        as_of: Events before it count.
        evidence: `confidence` of the intervals.
    """
    counted = outcome_counts.group_by(*FAMILY, "value").agg(pl.col("wins", "decided").sum())
    return (
        against_the_rest(counted, FAMILY, evidence.confidence)
        .map_batches(_shrunk, schema=tables.schema(WinRates))
        .sort(*FAMILY, "value")
    )


def against_the_rest(counted: pl.LazyFrame, family: list[str], confidence: float) -> pl.LazyFrame:
    """Add rate, interval, and lift and p against the other values of the same family, corrected within it.

    Args:
        counted: `wins` and `decided` of one value per row.
        family: Columns that hold values together which exclude one another.
        confidence: Of the intervals.
    """
    wins, decided = pl.col("wins"), pl.col("decided")
    interval = expressions.wilson(wins, decided, confidence)
    contrast = expressions.two_proportions(wins, decided, "other_wins", "other_decided", confidence)
    return (
        counted.with_columns(
            other_wins=wins.sum().over(family) - wins, other_decided=decided.sum().over(family) - decided
        )
        .with_columns(win_rate=wins / decided, interval=interval, contrast=contrast)
        .with_columns(
            ci_low=pl.col("interval").struct.field("low"),
            ci_high=pl.col("interval").struct.field("high"),
            lift=pl.col("contrast").struct.field("lift"),
            p_value=pl.col("contrast").struct.field("p_value"),
        )
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", family))
        .drop("interval", "contrast", "other_wins", "other_decided")
    )


def _shrunk(rates: pl.DataFrame) -> pl.DataFrame:
    """Rates drawn toward the prior that is fitted on the values of their kind and dimension."""
    codes, _ = group_codes(rates, FAMILY)
    wins, decided = rates["wins"].to_numpy(), rates["decided"].to_numpy()
    prior = betabinomial.fit_by(codes, wins, decided)
    shrunk = pl.Series("shrunk_rate", betabinomial.shrink(wins, decided, prior.of(codes)))
    return rates.with_columns(shrunk).select(tables.schema(WinRates).names())
