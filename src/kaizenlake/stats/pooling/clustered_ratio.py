"""By how much do two sides differ, in per cent, where what is compared comes in clusters such as projects?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import divide, group_codes, rows, totals
from kaizenlake.stats.basics.moments import Moments


class ClusteredRatio(NamedTuple):
    """Side a over side b within strata.

    Attributes:
        log_ratio: logarithm of the ratio of the two means; NaN where no stratum holds both sides, or one has no mean.
        se: its standard error: the larger of that by units and that by clusters; NaN with fewer than two clusters, or where
            nothing varies.
        n_a, n_b: units of the strata that hold both sides.
        clusters: clusters of those strata.
    """

    log_ratio: float
    se: float
    n_a: float
    n_b: float
    clusters: int


def clustered_ratio(clusters: ArrayLike, a: Moments, b: Moments) -> ClusteredRatio:
    """Compare two means within strata, each of which is of one cluster; one entry per stratum.

    Each stratum is measured in its own mean, so that large rates do not drown small ones, and weighs n_a n_b / (n_a + n_b).
    The variance is the larger of two: that of units drawn within their stratum, of which all share the larger of both sides'
    spreads; and that of the clusters' contributions with the factor J / (J - 1) (linearised ratio; Cochran 1977, Sampling
    Techniques, 6.4 and 9A.5), which holds where the effect itself differs between clusters.

    Args:
        clusters: cluster of each stratum, integers from 0.
        a: units of side a, one entry per stratum, of values that are not negative.
        b: units of side b.

    >>> found = clustered_ratio([0, 1], Moments([9, 9], [0.3, 0.6], [0.1, 0.4]), Moments([9, 9], [0.2, 0.4], [0.1, 0.4]))
    >>> round(float(np.exp(found.log_ratio)), 3), round(found.se, 3), found.clusters
    (1.5, 0.158, 2)
    """
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = rows(*a, *b)
    codes, _ = group_codes(clusters, n_a.size)
    whole = divide(n_a * mean_a + n_b * mean_b, n_a + n_b, where=n_a + n_b > 0.0, otherwise=0.0)
    held = (n_a > 0.0) & (n_b > 0.0) & (whole > 0.0)
    _, codes = np.unique(codes[held], return_inverse=True)
    n_a, mean_a, m2_a, n_b, mean_b, m2_b, whole = (part[held] for part in (n_a, mean_a, m2_a, n_b, mean_b, m2_b, whole))
    number = int(codes.max(initial=-1)) + 1
    nothing = ClusteredRatio(np.nan, np.nan, float(n_a.sum()), float(n_b.sum()), number)
    weight = n_a * n_b / (n_a + n_b) if number else n_a
    part_a, part_b = weight * mean_a / whole, weight * mean_b / whole
    sum_a, sum_b = float(part_a.sum()), float(part_b.sum())
    if sum_a <= 0.0 or sum_b <= 0.0:
        return nothing
    found = nothing._replace(log_ratio=float(np.log(sum_a / sum_b)))
    spreads = [
        float((m2 / whole**2).sum()) / free for n, m2 in ((n_a, m2_a), (n_b, m2_b)) if (free := (n - 1.0).sum()) > 0
    ]
    if number < 2 or not spreads:
        return found
    by_units = max(spreads) * float(((weight**2) / n_a).sum() / sum_a**2 + ((weight**2) / n_b).sum() / sum_b**2)
    pulls = totals(codes, part_a / sum_a - part_b / sum_b, number)
    square = max(by_units, float((pulls**2).sum()) * number / (number - 1.0))
    return found._replace(se=float(np.sqrt(square)) if square > 0.0 else np.nan)
