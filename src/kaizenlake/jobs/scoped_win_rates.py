"""What goes with winning here? Win rates within one project or segment, drawn toward the whole."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.outcomes import ALL
from kaizenlake.jobs.scopes import SCOPE, by_scope, group_codes
from kaizenlake.jobs.win_rates import against_the_rest
from kaizenlake.parameters import Evidence
from kaizenlake.stats import BetaPrior, betabinomial
from kaizenlake.tables import OutcomeCounts, ScopedWinRates, WinRates

SCOPES_TO_FIT = 5
"""Scopes that must have a value before its own spread between scopes is fitted; below, that of the kind's totals."""


@job(reads=(OutcomeCounts, WinRates), writes=ScopedWinRates, timeless=True)
def scoped_win_rates(
    outcome_counts: pl.LazyFrame,
    win_rates: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - the outcomes leave out what is later
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """Win rates within each project and each segment, each drawn toward the rate of the same value over the tenant.

    The prior is a beta distribution whose mean is the whole's shrunk rate. Its strength, the number of outcomes that
    the whole is worth here, says how alike scopes are: it is fitted (empirical Bayes) on the scopes that have the
    value, or, where fewer than `SCOPES_TO_FIT` have it, on the total win rates of all scopes of that kind.

    Args:
        outcome_counts: Outcomes counted.
        win_rates: Win rates over everything.
        as_of: Events before it count.
        evidence: `confidence` of the intervals.
    """
    what = ["kind", "dimension", "value"]
    of_tenant = ["tenant_id", *what]
    counted = by_scope(outcome_counts).group_by(*SCOPE, *what).agg(pl.col("wins", "decided").sum())
    whole = win_rates.select(*of_tenant, whole_rate="shrunk_rate")
    return (
        against_the_rest(counted, [*SCOPE, "kind", "dimension"], evidence.confidence)
        .join(whole, on=of_tenant, nulls_equal=True)
        .map_batches(_drawn_toward_the_whole, schema=tables.schema(ScopedWinRates))
        .sort(*SCOPE, *what)
    )


def _drawn_toward_the_whole(rates: pl.DataFrame) -> pl.DataFrame:
    wins, decided, whole = (rates[name].to_numpy() for name in ("wins", "decided", "whole_rate"))
    strength = _strength(rates)
    prior = BetaPrior(strength * whole, strength * (1.0 - whole))
    return rates.with_columns(
        pl.Series("shrunk_rate", betabinomial.shrink(wins, decided, prior)),
        pl.Series("borrowed_rate", strength / (strength + decided)),
    ).select(tables.schema(ScopedWinRates).names())


def _strength(rates: pl.DataFrame) -> NDArray[np.float64]:
    """Worth of the whole, in outcomes, for each row."""
    wins, decided = rates["wins"].to_numpy(), rates["decided"].to_numpy()
    values, _ = group_codes(rates, ["tenant_id", "scope", "kind", "dimension", "value"])
    kinds, _ = group_codes(rates, ["tenant_id", "scope", "kind"])
    is_total = (rates["dimension"] == ALL).to_numpy()
    of_value = betabinomial.fit_by(values, wins, decided).of(values)
    of_kind = betabinomial.fit_by(kinds, wins, np.where(is_total, decided, 0)).of(kinds)
    enough = np.bincount(values, minlength=1)[values] >= SCOPES_TO_FIT
    return np.where(enough, of_value.strength, of_kind.strength)
