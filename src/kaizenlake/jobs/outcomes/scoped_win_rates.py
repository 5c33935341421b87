"""What goes with winning here? Win rates within one project or segment, drawn toward the whole."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import SCOPE, by_scope, group_codes
from kaizenlake.jobs.outcomes._rates import against_the_rest, shrink_counts
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import BetaPrior
from kaizenlake.stats.pooling import betabinomial
from kaizenlake.tables import OutcomeCounts, ScopedWinRates, WinRates
from kaizenlake.tables.outcome import ALL

SCOPES_TO_FIT = 5
"""Scopes that must have a value before its own spread between scopes is fitted; below, that of the kind's totals."""


@job(reads=(OutcomeCounts, WinRates), writes=ScopedWinRates, timeless=True)
def scoped_win_rates(
    outcome_counts: pl.LazyFrame,
    win_rates: pl.LazyFrame,
    *,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Win rates within each project and each segment, each drawn toward the rate of the same value over the tenant.

    The prior is a beta distribution whose mean is the whole's shrunk rate. Its strength, the number of outcomes that
    the whole is worth here, says how alike scopes are: it is fitted (empirical Bayes) on the scopes that have the
    value, or, where fewer than `SCOPES_TO_FIT` have it, on the total win rates of all scopes of that kind.

    Args:
        outcome_counts: Outcomes counted.
        win_rates: Win rates over everything.
        evidence: `matured`: subjects that are enough; `confidence` of the intervals.
    """
    of_tenant = ["tenant_id", "kind", "dimension", "value"]
    family = [*SCOPE, "kind", "dimension"]
    # One age for a value here and over everything, so that the two can be put together.
    whole = win_rates.select(*of_tenant, chosen_age="age_days", whole_rate="shrunk_rate")
    counted = by_scope(outcome_counts).join(whole, on=of_tenant, nulls_equal=True)
    return (
        against_the_rest(counted, family, evidence)
        .join(whole.drop("chosen_age"), on=of_tenant, nulls_equal=True)
        .map_batches(_draw_toward_the_whole, schema=tables.schema(ScopedWinRates))
        .sort(*family, "value")
    )


def _draw_toward_the_whole(rates: pl.DataFrame) -> pl.DataFrame:
    wins, decided = shrink_counts(rates)
    whole = rates["whole_rate"].fill_null(float("nan")).to_numpy()
    strength = _strength(rates, wins, decided)
    known = pl.Series(np.isfinite(whole))
    whole = np.where(known, whole, 0.5)
    prior = BetaPrior(strength * whole, strength * (1.0 - whole))
    drawn = {
        "shrunk_rate": betabinomial.shrink(wins, decided, prior),
        "borrowed_rate": strength / (strength + decided),
    }
    is_rated = (pl.col("status") == "rated") & known
    return rates.with_columns(
        pl.when(is_rated).then(pl.Series(name, figure)).alias(name) for name, figure in drawn.items()
    ).select(tables.schema(ScopedWinRates).names())


def _strength(rates: pl.DataFrame, wins: NDArray[np.float64], decided: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the worth of the whole, in outcomes, for each row."""
    values, _ = group_codes(rates, ["tenant_id", "scope", "kind", "dimension", "value"])
    kinds, _ = group_codes(rates, ["tenant_id", "scope", "kind"])
    is_total = (rates["dimension"] == ALL).to_numpy()
    of_value = betabinomial.fit_by(values, wins, decided).of(values)
    of_kind = betabinomial.fit_by(kinds, wins, np.where(is_total, decided, 0)).of(kinds)
    enough = np.bincount(values, weights=decided > 0, minlength=1)[values] >= SCOPES_TO_FIT
    return np.where(enough, of_value.strength, of_kind.strength)
