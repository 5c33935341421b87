"""From studies of one pattern, each an experiment or a stratum, to its pooled lift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.stats import Pooled, dersimonian_laird_by, expressions

FEW_STUDIES = 5
"""From this many strata on, observation speaks of strata in general; below, of these ones (see `pool`)."""

NANO = 1e9
"""Rates are added up in whole units of 1e-9."""

POOLED = {
    "contents": pl.Int64(),
    "studies": pl.Int64(),
    "log_lift": pl.Float64(),
    "log_se": pl.Float64(),
    "log_ci_low": pl.Float64(),
    "log_ci_high": pl.Float64(),
    "p_value": pl.Float64(),
    "rate_with": pl.Float64(),
    "rate_without": pl.Float64(),
    "heterogeneity_rate": pl.Float64(),
}
"""Columns that `pool` adds to its keys."""


def pool(studies: pl.DataFrame, by: Sequence[str], *, confidence: float, few_studies: int = 0) -> pl.DataFrame:
    """Pool the log ratios of each pattern over its studies (DerSimonian-Laird), and bring its two rates.

    Both rates are over the studies that count and in the proportions of what has the pattern there: `rate_without` is
    what those contents would have reached without it, study by study, so a pattern that is used in good places only does
    not look good for it.

    Args:
        studies: One row per study: columns `by`, `log_ratio` and `variance` (a study without them counts for nothing),
            `contents` with the pattern, their `weight` (the denominator of their rate), what they `reached`, and what
            they were `expected` to reach at the rate of the other side, both in units of 1e-9.
        by: Columns that name a pattern; nulls are equal.
        confidence: Of the interval.
        few_studies: Below this many, the interval is DerSimonian and Laird's own, which speaks of these studies;
            from it on it is Hartung and Knapp's, which speaks of the next one too.

    Returns:
        `by` and the columns of `POOLED`, sorted by `by`; undefined is null.
    """
    codes, names = group_codes(studies, by)
    effects, variances = (studies[name].fill_null(np.nan).to_numpy() for name in ("log_ratio", "variance"))
    pooled = _pool(codes, effects, variances, confidence, few_studies)
    # Sums of whole numbers: no order of rows changes a bit of them.
    sums = (
        studies.filter(pl.col("log_ratio").is_not_null())
        .group_by(by)
        .agg(pl.col("contents", "weight").sum(), pl.col("reached", "expected").cast(pl.Int128).sum())
    )
    weight = pl.when(pl.col("weight") > 0).then(pl.col("weight"))
    found = {
        "log_lift": pooled.effect,
        "log_se": pooled.se,
        "log_ci_low": pooled.ci_low,
        "log_ci_high": pooled.ci_high,
        "p_value": pooled.p_value,
        "heterogeneity_rate": pooled.i2,
    }
    return (
        names.with_columns(pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in found.items())
        .with_columns(pl.Series("studies", pooled.studies, dtype=pl.Int64))
        .join(sums, on=list(by), how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            contents=pl.col("contents").fill_null(0),
            # Sums of weights that are rounded may pass 1 by the last digit.
            rate_with=(expressions.divide("reached", NANO) / weight).clip(upper_bound=1.0),
            rate_without=(expressions.divide("expected", NANO) / weight).clip(upper_bound=1.0),
        )
        .select(*by, *POOLED)
    )


def lifts() -> dict[str, pl.Expr]:
    """Return the lift with its interval, and the effect with its, from pooled log ratios; what is beyond a float is null."""
    low, high = _compute_lift("log_ci_low"), _compute_lift("log_ci_high")
    return {
        "lift": _compute_lift("log_lift"),
        "lift_ci_low": low,
        "lift_ci_high": high,
        "effect": _compute_lift("log_lift") * pl.col("rate_without"),
        "ci_low": low * pl.col("rate_without"),
        "ci_high": high * pl.col("rate_without"),
    }


def verdict(*, q_value: float, contents: int, studies: pl.Expr | int) -> pl.Expr:
    """Return works or risky where the corrected p and the interval say so and there is enough evidence; else unclear.

    Args:
        q_value: Largest corrected p.
        contents: Fewest contents with the pattern that were compared.
        studies: Fewest studies.
    """
    enough = (pl.col("q_value") <= q_value) & (pl.col("compared") >= contents) & (pl.col("studies") >= studies)
    return (
        pl.when(enough & (pl.col("log_ci_low") > 0.0))
        .then(pl.lit("works"))
        .when(enough & (pl.col("log_ci_high") < 0.0))
        .then(pl.lit("risky"))
        .otherwise(pl.lit("unclear"))
    )


def _compute_lift(log_ratio: str) -> pl.Expr:
    lift = pl.col(log_ratio).exp() - 1.0
    return pl.when(lift.is_finite()).then(lift)


def _pool(
    codes: NDArray[np.int64],
    effects: NDArray[np.float64],
    variances: NDArray[np.float64],
    confidence: float,
    few_studies: int,
) -> Pooled:
    general = dersimonian_laird_by(codes, effects, variances, confidence=confidence)
    if not few_studies:
        return general
    of_these = dersimonian_laird_by(codes, effects, variances, method="normal", confidence=confidence)
    few = general.studies < few_studies
    return Pooled(*(np.where(few, one, other) for one, other in zip(of_these, general, strict=True)))
