"""Win rates at one age, each value against the others within strata."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import stats
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.outcomes._ages import START
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import expressions

STRATUM = ("of_project_id", "stratum")
"""Columns that name what outcomes are compared within."""

NOT_COMPARED = ("platform",)
"""Dimensions whose values are not compared: a rate of one platform says nothing beside that of another."""


def choose_ages(counted: pl.LazyFrame, family: Sequence[str], enough: int) -> pl.LazyFrame:
    """Choose the age at which the rates of each family are taken.

    It is the largest that enough subjects of at least two values have reached; where no age is, that enough of one have. The
    start is taken only where no value has so many at any age: what becomes of a subject later is not known there. Of a
    family in which no value has so many at any age, as many are enough as the second largest value has (the largest, where
    there is one only).

    Args:
        counted: Counts by value and `age_days`.
        family: Columns that hold values together which exclude one another.
        enough: Subjects of a value that are enough.

    Returns:
        The columns of the family and `chosen_age`, null where no subject is decided at any age.
    """
    age, decided, values = pl.col("age_days"), pl.col("decided"), pl.col("_values")
    reached = counted.group_by(*family, "value", "age_days").agg(decided.sum()).filter(decided > 0)
    sizes = reached.group_by(*family, "value").agg(decided.max()).group_by(family).agg(_sizes=decided.top_k(2))
    needed = pl.when(pl.col("_sizes").list.max() < enough).then(pl.col("_sizes").list.min()).otherwise(enough)
    chosen = (
        reached.join(sizes.select(*family, _needed=needed), on=list(family), nulls_equal=True)
        .group_by(*family, "age_days")
        .agg(_values=(decided >= pl.col("_needed")).sum())
        .group_by(family)
        .agg(
            chosen_age=pl.coalesce(
                age.filter(values >= 2, age > START).max(),
                age.filter(values >= 1, age > START).max(),
                age.filter(values >= 1).max(),
            )
        )
    )
    return counted.select(family).unique().join(chosen, on=list(family), how="left", nulls_equal=True)


def against_the_rest(counted: pl.LazyFrame, family: Sequence[str], evidence: EvidenceNeeds) -> pl.LazyFrame:
    """Take the rate of each value at the chosen age, and compare it with the other values within strata.

    A value of which fewer than enough have reached that age, and more are younger than have, is pending: it is counted,
    has no rate, and is no part of what the others are compared with.

    Args:
        counted: Counts by `value`, `STRATUM` and `age_days`, each with the `chosen_age` of its family.
        family: Columns that hold values together which exclude one another, `dimension` among them.
        evidence: `matured`: subjects that are enough; `confidence` of the intervals.

    Returns:
        One row a value: the columns of the family, `value`, and those of `FIGURES`.
    """
    chosen, age = pl.col("chosen_age"), pl.col("age_days")
    is_chosen, is_younger = (age == chosen).fill_null(value=False), (age < chosen).fill_null(value=True)
    at_age = counted.group_by(*family, "value", *STRATUM, "chosen_age").agg(
        *(pl.col(name).filter(is_chosen).sum() for name in ("wins", "decided")),
        pending=pl.col("latest").filter(is_younger).sum() + pl.col("undecided").filter(is_chosen).sum(),
    )
    names = dict.fromkeys((*family, "value"), pl.String())
    return at_age.map_batches(
        partial(_rates, family=list(family), evidence=evidence), schema=pl.Schema({**names, **FIGURES})
    )


def _rates(at_age: pl.DataFrame, family: list[str], evidence: EvidenceNeeds) -> pl.DataFrame:
    value = [*family, "value"]
    decided, pending = pl.col("decided"), pl.col("pending")
    waits = (decided == 0) | ((decided < evidence.matured) & (pending > decided))
    totals = (
        at_age.group_by(value)
        .agg(pl.col("wins", "decided", "pending").sum(), age_days=pl.col("chosen_age").first())
        .filter((decided > 0) | (pending > 0))
        .with_columns(status=pl.when(waits).then(pl.lit("pending")).otherwise(pl.lit("rated")))
    )
    rated = totals.filter(status="rated")
    sides = at_age.filter(decided > 0).join(rated.select(value), on=value, how="semi", nulls_equal=True)
    interval = expressions.wilson("wins", "decided", evidence.confidence).struct
    figures = rated.join(_comparisons(sides, family), on=value, how="left", nulls_equal=True).with_columns(
        win_rate=pl.col("wins") / decided,
        ci_low=interval.field("low"),
        ci_high=interval.field("high"),
        adjusted_rate=pl.coalesce("adjusted_rate", pl.col("wins") / decided),
        q_value=expressions.benjamini_hochberg("p_value", family),
    )
    return pl.concat(
        [figures, totals.filter(status="pending").with_columns(strata=pl.lit(0, pl.Int64))], how="diagonal"
    ).select(*value, *(pl.col(name).cast(dtype) for name, dtype in FIGURES.items()))


def _comparisons(sides: pl.DataFrame, family: list[str]) -> pl.DataFrame:
    """Return each value against the others of its family, pooled over strata; platforms are not compared."""
    within = [*family, *STRATUM]
    codes, values = group_codes(sides, [*family, "value"])
    counts = sides.select(
        *(pl.col(name).sum().over(within) - pl.col(name) for name in ("wins", "decided")),
        own_wins="wins",
        own_decided="decided",
    )
    own_wins, own, wins, others = (counts[name].to_numpy() for name in ("own_wins", "own_decided", "wins", "decided"))
    found = stats.mantel_haenszel_by(codes, own_wins, own, wins, others, n_groups=values.height)
    figures = {
        "strata": found.strata,
        "compared_rate": found.rate_a,
        "others_rate": found.rate_b,
        "lift": found.lift,
        "p_value": found.p_value,
        "adjusted_rate": found.adjusted_rate_a,
    }
    columns = [pl.Series(name, figure).fill_nan(None) for name, figure in figures.items()]
    compared = ~pl.col("dimension").is_in(NOT_COMPARED)
    return values.with_columns(columns).with_columns(
        pl.when(compared).then("strata").otherwise(0.0).cast(pl.Int64).alias("strata"),
        *(pl.when(compared).then(name).alias(name) for name in figures if name != "strata"),
    )


FIGURES: dict[str, pl.DataType] = {
    "status": pl.String(),
    "age_days": pl.Int64(),
    **dict.fromkeys(("wins", "decided", "pending"), pl.Int64()),
    **dict.fromkeys(("win_rate", "ci_low", "ci_high", "adjusted_rate"), pl.Float64()),
    "strata": pl.Int64(),
    **dict.fromkeys(("compared_rate", "others_rate", "lift", "p_value", "q_value"), pl.Float64()),
}
"""Figures of a win rate, before it is drawn toward others."""


def shrink_counts(rates: pl.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return wins and decided of each row as shrinkage takes them: the adjusted rate's wins; none of a value that is pending."""
    decided = pl.when(pl.col("status") == "rated").then("decided").otherwise(0).cast(pl.Float64)
    counts = rates.select(wins=(pl.col("adjusted_rate") * decided).fill_null(0.0), decided=decided)
    return counts["wins"].to_numpy(), counts["decided"].to_numpy()
