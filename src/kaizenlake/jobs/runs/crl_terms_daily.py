"""Of what is the loss of a day made? Sums of each term that add up over days, doers, phases and models."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.runs._loss_sums import micros, sums_of
from kaizenlake.parameters import WEIGHTS
from kaizenlake.tables import Crl, CrlTermsDaily

KEYS = ("tenant_id", "event_date", "doer", "phase", "model")
SUMS = ("n", "term_micros", "square_high", "square_low", "weight_micros", "contribution_micros")


@job(reads=(Crl,), writes=CrlTermsDaily, by_day=True, timeless=True)
def crl_terms_daily(crl: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Add up each term of the losses of each day, doer, phase and model.

    A term that no run of the group told has a row all the same, with n = 0: that it is not observed is known. The team's
    own terms have a row where the runs were weighed with them.

    Args:
        crl: Losses of runs.
        as_of: Runs that ended from this instant on do not count.
    """
    counted = crl.filter(pl.col("occurred_at") < as_of)
    parts = ("term", "weight", "contribution")
    of_all = counted.group_by(KEYS).agg(
        pl.len().cast(pl.Int64).alias("runs"),
        *(
            figure.alias(f"{term}_{name}")
            for term in WEIGHTS
            for name, figure in _compute_sums(*(pl.col(f"{term}_{part}") for part in parts)).items()
        ),
    )
    # From nine groups of columns to nine rows: lists of equal length, unfolded together.
    nine = of_all.select(
        *KEYS,
        "runs",
        pl.lit(pl.Series([list(WEIGHTS)])).first().alias("term"),
        *(pl.concat_list(f"{term}_{name}" for term in WEIGHTS).alias(name) for name in SUMS),
    ).explode("term", *SUMS)
    lists = {"term": "own_names", "value": "own_terms", "weight": "own_weights", "contribution": "own_contributions"}
    own = (
        counted.filter(pl.col("own_names").list.len() > 0)
        .select(*KEYS, "coverage", **{name: pl.col(column) for name, column in lists.items()})
        .explode(list(lists))
        .group_by(*KEYS, "term")
        .agg(runs=pl.len().cast(pl.Int64), **_compute_sums(pl.col("value"), pl.col("weight"), pl.col("contribution")))
    )
    columns = (*KEYS, "term", "runs", *SUMS)
    return pl.concat([nine.select(columns), own.select(columns)])


def _compute_sums(term: pl.Expr, weight: pl.Expr, contribution: pl.Expr) -> dict[str, pl.Expr]:
    """Return sums over the runs of a group; runs that do not tell the term add nothing."""
    # A weight used is the term's share of what was observed; times the coverage it is the share of all.
    among_all = (weight * pl.col("coverage")).filter(term.is_not_null())
    sums = sums_of(term)
    return {
        "n": sums["n"],
        "term_micros": sums["loss_micros"],
        "square_high": sums["square_high"],
        "square_low": sums["square_low"],
        "weight_micros": micros(among_all).sum(),
        "contribution_micros": micros(contribution).sum(),
    }
