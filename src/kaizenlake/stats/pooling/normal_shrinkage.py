"""How much of an outstanding effect is luck? Empirical-Bayes shrinkage of effects toward their group's average."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, divide, floats, group_codes, rows, totals
from kaizenlake.stats.basics._special import two_sided_z
from kaizenlake.stats.pooling.meta import dersimonian_laird_by

_BISECTIONS = 40
"""Halvings of the interval in which the spread lies: to a millionth of a millionth of it."""


class NormalPrior(NamedTuple):
    """Normal distribution of the true effects of a group.

    Attributes:
        mean: the effect toward which is shrunk.
        variance: variance of the true effects about it; 0 where they spread no more than chance alone makes them,
            infinite where their spread cannot be known.
    """

    mean: float | Floats
    variance: float | Floats

    def of(self, groups: Ints) -> NormalPrior:
        """Return the prior of each row, from priors by group code and the rows' codes."""
        return NormalPrior(np.asarray(self.mean)[groups], np.asarray(self.variance)[groups])


class ShrunkContrasts(NamedTuple):
    """Contrasts drawn toward none: posterior means and intervals; NaN where a contrast is unusable."""

    effect: Floats
    ci_low: Floats
    ci_high: Floats


def shrink_contrasts_by(
    groups: ArrayLike, effects: ArrayLike, variances: ArrayLike, *, confidence: float = 0.95
) -> ShrunkContrasts:
    """Draw contrasts of arms toward 0, by the spread of the true contrasts of their group.

    Contrasts of an arm with the other arms of its experiment add up to about nothing, so the mean of the true ones is 0 and
    is not estimated; their variance solves Paule and Mandel's (1982) equation about that mean: the sum of
    effect² / (variance + spread) is the number of contrasts. It is 0 where chance alone spreads them as much. That the
    contrasts of one experiment depend on one another leaves the equation unbiased.

    Args:
        groups: group code of each contrast, integers from 0.
        effects: estimated contrasts.
        variances: their squared standard errors, > 0; rows that are missing, infinite or not positive are left out.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        ValueError: codes that do not fit.

    >>> shrink_contrasts_by([0, 0], [3.0, -3.0], [1.0, 1.0]).effect.round(3).tolist()
    [2.667, -2.667]
    """
    effects, variances = rows(effects, variances)
    codes, n_groups = group_codes(groups, effects.size)
    usable = np.isfinite(effects) & np.isfinite(variances) & (variances > 0.0)
    squares, noise = np.where(usable, effects, 0.0) ** 2, np.where(usable, variances, 1.0)
    number = np.bincount(codes[usable], minlength=n_groups)
    low = np.zeros(n_groups)
    high = np.full(n_groups, 0.0)
    np.maximum.at(high, codes, squares)
    # The left side falls as the spread grows, and at the greatest square it is below the number.
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        is_more = totals(codes, squares / (noise + middle[codes]), n_groups) > number
        low, high = np.where(is_more, middle, low), np.where(is_more, high, middle)
    spread = low[codes]
    own = divide(spread, spread + variances, where=usable, otherwise=np.nan)
    effect, half = own * effects, two_sided_z(confidence) * np.sqrt(own * variances)
    return ShrunkContrasts(effect, effect - half, effect + half)


def fit_normal_by(
    groups: ArrayLike, effects: ArrayLike, variances: ArrayLike, *, n_groups: int | None = None
) -> NormalPrior:
    """Fit the distribution of true effects in each group by DerSimonian and Laird's moments.

    Args:
        groups: group code of each effect, integers from 0.
        effects: estimated effects.
        variances: their squared standard errors, > 0; rows that are missing, infinite or not positive are left out.
        n_groups: number of groups when codes may be missing at the end.

    Returns:
        One entry per group code. A group of one usable effect has that effect for a mean and an infinite variance, so
        it is not shrunk; a group without any has a mean that is NaN.

    Raises:
        ValueError: codes that do not fit.
    """
    pooled = dersimonian_laird_by(groups, effects, variances, method="normal", n_groups=n_groups)
    return NormalPrior(pooled.effect, np.where(pooled.studies >= 2, pooled.tau2, np.inf))


def shrink_normal(effects: ArrayLike, variances: ArrayLike, prior: NormalPrior | None = None) -> Floats:
    """Return the posterior mean of each effect: its own value and the prior's mean, each weighted by its precision.

    Args:
        effects: estimated effects.
        variances: their squared standard errors, > 0.
        prior: the distribution of true effects (one, or one per row); fitted on these rows when left out.

    Returns:
        NaN where an effect or variance is missing, infinite or not positive.

    >>> shrink_normal([0.0, 1.0, 5.0], [1.0, 1.0, 1.0]).round(3).tolist()
    [0.286, 1.143, 4.571]
    """
    if prior is None:
        effects, variances = rows(effects, variances)
        prior = fit_normal_by(np.zeros(effects.size, dtype=np.int64), effects, variances, n_groups=1)
    effects, variances, mean, spread = floats(effects, variances, prior.mean, prior.variance)
    usable = np.isfinite(effects) & np.isfinite(variances) & (variances > 0.0)
    own = divide(spread, spread + variances, where=usable & np.isfinite(spread), otherwise=1.0)
    return np.where(usable, mean + own * (effects - mean), np.nan)


def shrink_normal_by(groups: ArrayLike, effects: ArrayLike, variances: ArrayLike) -> Floats:
    """:func:`shrink_normal` of each row toward the prior fitted on its group; errors as in :func:`fit_normal_by`."""
    effects, variances = rows(effects, variances)
    codes, _ = group_codes(groups, effects.size)
    return shrink_normal(effects, variances, fit_normal_by(codes, effects, variances).of(codes))
