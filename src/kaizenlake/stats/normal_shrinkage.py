"""How much of an outstanding effect is luck? Empirical-Bayes shrinkage of effects toward their group's average."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats._arrays import Floats, Ints, divide, floats, group_codes, rows
from kaizenlake.stats.meta import dersimonian_laird_by


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
        """The prior of each row, from priors by group code and the rows' codes."""
        return NormalPrior(np.asarray(self.mean)[groups], np.asarray(self.variance)[groups])


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
    """Posterior mean of each effect: its own value and the prior's mean, each weighted by its precision.

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
