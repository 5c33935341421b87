"""One value per randomised unit: runs of one user or project are not independent, units are.

Testing 20 users with 10 runs each as if they were 200 observations calls most A/A comparisons different sooner or later.
Averaged to one value per unit, the usual tests hold again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, divide, group_codes, rows, totals
from kaizenlake.stats.basics.moments import Moments, moments_by


class UnitMeans(NamedTuple):
    """One row per unit.

    Attributes:
        runs: observed runs of the unit.
        value: mean of their values; NaN for a unit without any.
        arm: code of the arm that its runs were in; -1 for a unit without runs, and for one seen in more than one arm.
    """

    runs: Floats
    value: Floats
    arm: Ints

    @property
    def mixed(self) -> Ints:
        """Codes of the units seen in more than one arm: they belong to neither, and say that routing was not sticky."""
        return np.flatnonzero((self.arm < 0) & (self.runs > 0.0))


def unit_means(units: ArrayLike, arms: ArrayLike, values: ArrayLike, *, n_units: int | None = None) -> UnitMeans:
    """Return the average the runs of each unit: one row per run in, one entry per unit code out.

    Args:
        units: unit code of each run, integers from 0.
        arms: arm code of each run, integers from 0.
        values: value of each run; NaN (not observed) is left out.
        n_units: number of units when codes may be missing at the end.

    Raises:
        ValueError: codes that do not fit.

    >>> means = unit_means([0, 0, 1, 2, 2], [0, 0, 1, 0, 1], [0.2, 0.4, 0.5, 0.1, 0.1])
    >>> means.value.round(3).tolist(), means.arm.tolist(), means.mixed.tolist()
    ([0.3, 0.5, 0.1], [0, 1, -1], [2])
    """
    (values,) = rows(values)
    codes, n_units = group_codes(units, values.size, n_units)
    arm_codes, _ = group_codes(arms, values.size)
    seen = ~np.isnan(values)
    first, last = np.full(n_units, np.iinfo(np.int64).max), np.full(n_units, -1)
    np.minimum.at(first, codes[seen], arm_codes[seen])
    np.maximum.at(last, codes[seen], arm_codes[seen])
    runs, mean, _ = moments_by(codes, values, n_groups=n_units)
    return UnitMeans(runs, mean, np.where(first == last, last, -1))


def arm_moments(means: UnitMeans, *, n_arms: int | None = None) -> Moments:
    """Return moments of the units of each arm, every unit counting once; mixed units are left out.

    >>> [part.round(3).tolist() for part in arm_moments(unit_means([0, 0, 1], [0, 0, 0], [0.2, 0.4, 0.5]))]
    [[2.0], [0.4], [0.02]]
    """
    kept = means.arm >= 0
    return moments_by(means.arm[kept], means.value[kept], n_groups=n_arms)


def intraclass_correlation(units: ArrayLike, values: ArrayLike) -> Floats:
    """Return the share of the variance of runs that lies between units: the one-way analysis-of-variance estimate (Fisher 1925).

    Runs per unit may differ (Donner 1986). Clipped at 0; NaN with fewer than two units, without a unit of two runs, or
    without any variance.

    >>> float(intraclass_correlation([0, 0, 1, 1], [1.0, 1.0, 3.0, 3.0]))
    1.0
    """
    (values,) = rows(values)
    codes, n_units = group_codes(units, values.size)
    parts = moments_by(codes, values, n_groups=n_units)
    parts = Moments(*(part[parts.n > 0.0] for part in parts))
    count, runs = float(parts.n.size), float(parts.n.sum())
    whole = moments_by(np.zeros(parts.n.size, dtype=np.int64), parts.mean, n_groups=1)
    if count < 2.0 or runs <= count or not (float(whole.m2[0]) > 0.0 or float(parts.m2.sum()) > 0.0):
        return np.asarray(np.nan)
    within = parts.m2.sum() / (runs - count)
    grand = float((parts.n * parts.mean).sum() / runs)
    between = float((parts.n * (parts.mean - grand) ** 2).sum() / (count - 1.0))
    size = (runs - float((parts.n**2).sum()) / runs) / (count - 1.0)
    return np.asarray(max(0.0, float((between - within) / (between + (size - 1.0) * within))))


def design_effect(runs: ArrayLike, icc: ArrayLike) -> Floats:
    """Return by how much a test by run would understate the variance: 1 + (m - 1) * icc, m the run-weighted runs per unit.

    Args:
        runs: runs of each unit, one row of units.
        icc: intraclass correlation.

    >>> float(design_effect([10.0] * 20, 0.1))
    1.9
    """
    (runs,) = rows(runs)
    total = totals(np.zeros(runs.size, dtype=np.int64), runs, 1)
    weighted = divide(np.sum(runs**2), total, where=total > 0.0)[0]
    return np.asarray(1.0 + (weighted - 1.0) * np.asarray(icc, dtype=np.float64))
