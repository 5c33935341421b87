"""Count, mean and sum of squared deviations: sums that can be merged without losing digits.

A sum and a sum of squares cancel each other out where the mean is large against the spread (the variance of NIST's
NumAcc4 came out negative that way). These three do not, and parts of a day, a shard or an arm merge into the whole
(Chan, Golub and LeVeque 1979).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, canonical, divide, floats, group_codes, only, rows, totals


class Moments(NamedTuple):
    """Mergeable description of a sample.

    Attributes:
        n: number of observations.
        mean: their mean; NaN when there is none.
        m2: sum of the squared deviations from the mean; 0 when there is none.
    """

    n: Floats
    mean: Floats
    m2: Floats

    @property
    def variance(self) -> Floats:
        """Unbiased sample variance, m2 / (n - 1); NaN below two observations."""
        return divide(self.m2, self.n - 1.0, where=self.n > 1.0)


def moments(values: ArrayLike) -> Moments:
    """Return moments of one sample; NaN (not observed) is left out.

    >>> [float(part) for part in moments([1.0, 2.0, 3.0])]
    [3.0, 2.0, 2.0]
    """
    (values,) = rows(values)
    return Moments(*map(only, moments_by(np.zeros(values.size, dtype=np.int64), values, n_groups=1)))


def moments_by(groups: ArrayLike, values: ArrayLike, *, n_groups: int | None = None) -> Moments:
    """Return moments of each group: one row per observation in, one entry per group code out.

    Args:
        groups: group code of each observation, integers from 0.
        values: observations; NaN is left out.
        n_groups: number of groups when codes may be missing at the end.

    Raises:
        ValueError: codes that do not fit.
    """
    (values,) = rows(values)
    ones = np.where(np.isnan(values), 0.0, 1.0)
    return merge_moments_by(groups, Moments(ones, values, np.zeros(values.size)), n_groups=n_groups)


def merge_moments(a: Moments, b: Moments) -> Moments:
    """Return moments of two samples taken together, element by element; an empty side changes nothing."""
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = floats(*a, *b)
    n = n_a + n_b
    gap = np.where((n_a > 0.0) & (n_b > 0.0), mean_b - mean_a, 0.0)
    share_b = divide(n_b, n, where=n > 0.0, otherwise=0.0)
    start = np.where(n_a > 0.0, mean_a, mean_b)
    mean = np.where(n > 0.0, start + gap * share_b, np.nan)
    return Moments(n, mean, np.where(n_a > 0.0, m2_a, 0.0) + np.where(n_b > 0.0, m2_b, 0.0) + gap**2 * n_a * share_b)


def merge_moments_by(groups: ArrayLike, parts: Moments, *, n_groups: int | None = None) -> Moments:
    """Merge many parts into one sample per group: one row per part in, one entry per group code out.

    Args:
        groups: group code of each part, integers from 0.
        parts: arrays of n, mean and m2; a part with n = 0 changes nothing.
        n_groups: number of groups when codes may be missing at the end.

    Raises:
        ValueError: codes that do not fit.
    """
    n, mean, m2 = rows(*parts)
    codes, n_groups = group_codes(groups, n.size, n_groups)
    filled = n > 0.0
    codes, (mean, n, m2) = canonical(codes[filled], mean[filled], n[filled], m2[filled])
    total = totals(codes, n, n_groups)
    some = total > 0.0
    # Means are taken from each group's smallest part on, and once more from the mean so found: both steps add small
    # numbers only, so a large common offset costs no digits.
    centre = np.zeros(n_groups)
    centre[codes[::-1]] = mean[::-1]
    for _ in range(2):
        shift = totals(codes, n * (mean - centre[codes]), n_groups)
        centre += divide(shift, total, where=some, otherwise=0.0)
    deviation = mean - centre[codes]
    within = totals(codes, m2 + n * deviation**2, n_groups)
    drift = totals(codes, n * deviation, n_groups)
    within -= divide(drift**2, total, where=some, otherwise=0.0)
    return Moments(total, np.where(some, centre, np.nan), np.maximum(within, 0.0))
