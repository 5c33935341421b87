"""Do two means differ within strata? The difference at equal conditions, pooled over the strata that hold both sides.

Runs of a dear model and of a cheap one are alike in cost only within a band of cost. Each stratum compares its own two
sides, so that what differs between strata is taken out of the difference.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, canonical, divide, group_codes, rows, totals
from kaizenlake.stats.basics._special import t_quantile, t_two_sided, upper_quantile
from kaizenlake.stats.basics.moments import Moments

_LEAST_FREE = 1e-12
"""An observation that the fit goes through, but for rounding, says nothing of the spread."""


class Stratified(NamedTuple):
    """Mean a against mean b within strata, one entry per group.

    Attributes:
        n_a: observations of side a in the strata that hold both sides.
        mean_a: their mean, each stratum with its weight.
        mean_b: the same of side b.
        effect: mean_a - mean_b.
        df: degrees of freedom, at most observations less strata less 1.
        p_value: two-sided.
        ci_low, ci_high: interval of the effect.
    """

    n_a: Floats
    mean_a: Floats
    mean_b: Floats
    effect: Floats
    df: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats


def stratified_by(
    groups: ArrayLike,
    a: Moments,
    b: Moments,
    *,
    n_groups: int | None = None,
    confidence: float = 0.95,
) -> Stratified:
    """Pool the differences of the strata of each group: one row per stratum in, one entry per group code out.

    This is least squares on a constant per stratum and an indicator of side a: a stratum weighs n_a * n_b / (n_a + n_b)
    (Searle 1971, Linear Models, 8.2). Of two variances the larger is taken: that of the residuals as if both sides spread
    alike, and the one that lets each side spread in its own way (HC2: MacKinnon and White 1985), with Satterthwaite's degrees
    of freedom over the sides. With one stratum it is :func:`kaizenlake.stats.two_groups.cautious_difference`. A stratum without one of
    the sides says nothing and is left out.

    Args:
        groups: group code of each stratum, integers from 0.
        a: observations of side a, one entry per stratum; the mean is ignored where there are none.
        b: observations of side b.
        n_groups: number of groups when codes may be missing at the end.
        confidence: coverage of the interval, in (0, 1).

    Returns:
        Means and effect wherever a stratum holds both sides. Test and interval are not defined (NaN) without a degree
        of freedom, and where nothing varies within the strata and sides.

    Raises:
        ValueError: codes that do not fit, or a confidence outside (0, 1).

    >>> found = stratified_by(
    ...     [0, 0], Moments([2, 1], [0.5, 0.1], [0.02, 0.0]), Moments([2, 1], [0.3, 0.0], [0.02, 0.0])
    ... )
    >>> round(float(found.effect[0]), 4), round(float(found.df[0]), 1)
    (0.1667, 3.0)
    """
    upper = upper_quantile(confidence)
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = rows(*a, *b)
    codes, n_groups = group_codes(groups, n_a.size, n_groups)
    both = (n_a > 0.0) & (n_b > 0.0)
    codes, (n_a, mean_a, m2_a, n_b, mean_b, m2_b) = canonical(
        codes[both], *(part[both] for part in (n_a, mean_a, m2_a, n_b, mean_b, m2_b))
    )
    weight = n_a * n_b / (n_a + n_b)
    weights = totals(codes, weight, n_groups)
    some = weights > 0.0
    pooled_a = divide(totals(codes, weight * mean_a, n_groups), weights, where=some)
    pooled_b = divide(totals(codes, weight * mean_b, n_groups), weights, where=some)
    effect = divide(totals(codes, weight * (mean_a - mean_b), n_groups), weights, where=some)
    # What is left of each stratum's difference when the pooled one is taken out, and the spread within the sides.
    gap = mean_a - mean_b - effect[codes]
    residual = totals(codes, m2_a + m2_b + weight * gap**2, n_groups)
    whole = totals(codes, n_a + n_b - 1.0, n_groups) - 1.0
    testable = some & (whole > 0.0)
    alike = divide(residual, whole * weights, where=testable)
    part_a, df_a = _compute_side(codes, n_a, m2_a, n_b / (n_a + n_b), gap, weights)
    part_b, df_b = _compute_side(codes, n_b, m2_b, n_a / (n_a + n_b), gap, weights)
    square = np.maximum(alike, part_a + part_b)
    se = np.sqrt(np.where(square > 0.0, square, np.nan))
    lost = divide(part_a**2, df_a, df_a > 0.0, 0.0) + divide(part_b**2, df_b, df_b > 0.0, 0.0)
    df = np.minimum(divide((part_a + part_b) ** 2, lost, where=lost > 0.0, otherwise=np.inf), whole)
    df = np.where(np.isnan(se), np.nan, df)
    half = t_quantile(df, upper) * se
    return Stratified(
        n_a=totals(codes, n_a, n_groups),
        mean_a=pooled_a,
        mean_b=pooled_b,
        effect=effect,
        df=df,
        p_value=t_two_sided(df, effect / se),
        ci_low=effect - half,
        ci_high=effect + half,
    )


def _compute_side(
    codes: Ints, n: Floats, m2: Floats, pull: Floats, gap: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Return what one side adds to the variance of the effect, by its own residuals, and its degrees of freedom.

    Args:
        codes: group of each stratum.
        n: observations of the side.
        m2: sum of their squared deviations from their mean.
        pull: share of the other side in the stratum: what an observation pulls the effect by, and by which its mean is left
            off the fit.
        gap: what is left of the stratum's difference.
        weights: sum of the weights of each group.
    """
    free = 1.0 - (1.0 - pull) / n - pull**2 / weights[codes]  # 1 less the leverage of an observation
    squares = divide(pull**2 * (m2 + n * (pull * gap) ** 2), free, where=free > _LEAST_FREE, otherwise=0.0)
    return totals(codes, squares, weights.size) / np.where(weights > 0.0, weights, np.nan) ** 2, totals(
        codes, n * free, weights.size
    )
