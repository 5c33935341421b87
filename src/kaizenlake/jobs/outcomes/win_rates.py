"""What goes with winning? Win rates by dimension and value, over everything."""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.outcomes._rates import against_the_rest, choose_ages, shrink_counts
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats.pooling import betabinomial
from kaizenlake.tables import OutcomeCounts, WinRates

FAMILY = ["tenant_id", "kind", "dimension"]
"""Columns that hold the values together that are compared."""


@job(reads=(OutcomeCounts,), writes=WinRates, timeless=True)
def win_rates(
    outcome_counts: pl.LazyFrame,
    *,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Share of the subjects that were won within an age, by tenant, kind, dimension and value, against the other values.

    The age is the largest of 7, 14, 30, 60, 90 and 180 days, within the window of the kind, that enough subjects of two
    values have reached (of one, where only one has). A value of which too few are as old is pending. Values are compared
    within strata of project, platform and what else their kind needs, after Mantel and Haenszel. Every subject counts as one
    independent trial. The dimension `all` holds the total of its kind, which has nothing to be compared with.

    Args:
        outcome_counts: Subjects counted at each age.
        evidence: `matured`: subjects that are enough; `confidence` of the intervals.
    """
    counted = outcome_counts.with_columns(of_project_id="project_id")
    ages = choose_ages(counted, FAMILY, evidence.matured)
    return (
        against_the_rest(counted.join(ages, on=FAMILY, nulls_equal=True), FAMILY, evidence)
        .map_batches(_shrunk, schema=tables.schema(WinRates))
        .sort(*FAMILY, "value")
    )


def _shrunk(rates: pl.DataFrame) -> pl.DataFrame:
    """Return rates drawn toward the prior that is fitted on the values of their kind and dimension."""
    codes, _ = group_codes(rates, FAMILY)
    wins, decided = shrink_counts(rates)
    prior = betabinomial.fit_by(codes, wins, decided)
    shrunk = pl.Series("shrunk_rate", betabinomial.shrink(wins, decided, prior.of(codes)))
    return rates.with_columns(pl.when(pl.col("status") == "rated").then(shrunk).alias("shrunk_rate")).select(
        tables.schema(WinRates).names()
    )
