"""What is the mean by now, when old days count less and less?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, group_codes, rows


class DecayedSums(NamedTuple):
    """What is known by each day.

    Attributes:
        n: number of the observations, old ones for less.
        total: their sum, alike.
    """

    n: Floats
    total: Floats

    @property
    def mean(self) -> Floats:
        """The moving average."""
        return self.total / self.n


def decayed_sums_by(
    groups: ArrayLike, days: ArrayLike, n: ArrayLike, totals: ArrayLike, *, half_life_days: float
) -> DecayedSums:
    """Return sums behind the moving average of each series on each of its days: what was known halves with every half-life.

    A day that comes g days after the one before it keeps 2 ** (-g / half-life) of what was known and takes the rest from
    itself, in the number of the observations as in their total, so days count by their observations; the first day is all
    there is to know. This is exponential smoothing at unequal intervals, as `ewm_mean_by` of Polars reckons it for one
    value a day. Reckoned day by day in one order: equal rows give equal bits however they come.

    Args:
        groups: series of each day, integers from 0.
        days: whole number of the day; each once in a series.
        n: observations of the day, > 0.
        totals: their sum.
        half_life_days: > 0.

    Returns:
        One entry per row, in the order given.

    Raises:
        ValueError: codes or lengths that do not fit, or a half-life that is not above 0.

    >>> decayed_sums_by([0, 0], [0, 7], [1, 3], [0.0, 3.0], half_life_days=7).mean.tolist()
    [0.0, 0.75]
    """
    if not half_life_days > 0.0:
        raise ValueError(f"expected a half-life above 0, found {half_life_days}")
    days, n, totals = rows(days, n, totals)
    codes, series = group_codes(groups, days.size)
    at = days.astype(np.int64)
    order = np.lexsort((at, codes))
    size = np.bincount(codes, minlength=series)
    place = np.empty(days.size, dtype=np.int64)
    place[order] = np.arange(days.size) - np.repeat(np.cumsum(size) - size, size)
    kept = np.array([0.5 ** (gap / half_life_days) for gap in range(int(np.ptp(at)) + 1 if at.size else 0)])
    found = DecayedSums(np.empty(days.size), np.empty(days.size))
    weight, total, last = np.zeros(series), np.zeros(series), np.zeros(series, dtype=np.int64)
    by_place = np.argsort(place, kind="stable")
    for here in np.split(by_place, np.cumsum(np.bincount(place))[:-1]) if place.size else ():
        of = codes[here]
        former = kept[at[here] - last[of]] if place[here[0]] else np.zeros(here.size)
        weight[of] = (1.0 - former) * n[here] + former * weight[of]
        total[of] = (1.0 - former) * totals[here] + former * total[of]
        last[of] = at[here]
        found.n[here], found.total[here] = weight[of], total[of]
    return found
