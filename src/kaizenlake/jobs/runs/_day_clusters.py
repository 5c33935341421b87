"""Differences of mean losses whose errors are clustered by day: runs of one day are less than independent observations."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from kaizenlake.jobs.runs._loss_sums import MICRO, SUMS, m2, mean
from kaizenlake.stats import expressions

DAY_SUMS = ("days", "runs_squared", "loss_runs", "loss_squared")
"""Columns of which the spread between days is made; those of two parts add up to those of the whole."""

ALL_SUMS = (*SUMS, *DAY_SUMS)

_NOISE = 1e-13
"""Share of a sum of squares below which what is left of it by subtraction is rounding."""


class IntervalColumns(NamedTuple):
    """Both ends of an interval."""

    low: pl.Expr
    high: pl.Expr


def sums_of_day() -> dict[str, pl.Expr]:
    """Return the sums of `DAY_SUMS` of rows of one day each, by name; whole numbers, which give the same bits in every order."""
    n, total = (pl.col(name).cast(pl.Int128) for name in ("n", "loss_micros"))
    return {
        "days": pl.lit(1, pl.Int64),
        "runs_squared": n * n,
        "loss_runs": n * total,
        "loss_squared": total * total,
    }


def difference_interval(one: str, other: str, confidence: float) -> IntervalColumns:
    """Return the interval of the difference of two mean losses, with errors clustered by day.

    The mean of all runs is a ratio of sums over days, whose variance is D / (D - 1) Σ (S - n m)² / N², with the total S and the
    runs n of each of D days, the mean m and all runs N (as of cluster samples, Cochran 1977). The larger of Welch's and the
    pooled error is taken, and where runs taken for independent ones give a wider interval than their days, that one: days of
    few may look alike by chance. Null below two days on either side, or without spread.

    Args:
        one: What stands before the names of `ALL_SUMS` on the one side.
        other: The same of what is taken off.
        confidence: Of the interval.
    """
    ends: list[IntervalColumns] = []
    for count, spread in (("days", _compute_m2_of_days), ("n", m2)):
        sides = [(f"{side}{count}", mean(side), spread(side)) for side in (one, other)]
        found = expressions.cautious_difference(sides[0], sides[1], confidence).struct
        ends.append(IntervalColumns(found.field("ci_low"), found.field("ci_high")))
    enough = (pl.col(f"{one}days") > 1) & (pl.col(f"{other}days") > 1)
    return IntervalColumns(
        pl.when(enough).then(pl.min_horizontal(end.low for end in ends)),
        pl.when(enough).then(pl.max_horizontal(end.high for end in ends)),
    )


def _compute_m2_of_days(prefix: str) -> pl.Expr:
    """Sum of squared deviations of as many independent figures as there are days, whose mean has the clustered error."""
    n, total, days, runs_squared, loss_runs, loss_squared = (
        pl.col(f"{prefix}{name}").cast(pl.Float64) for name in ("n", "loss_micros", *DAY_SUMS)
    )
    average = total / n
    spread = loss_squared - 2.0 * average * loss_runs + average**2 * runs_squared
    real = pl.when(spread > _NOISE * loss_squared).then(spread).otherwise(0.0)
    return pl.when(n > 0).then(real * days**2 / (n**2 * float(MICRO) ** 2))
