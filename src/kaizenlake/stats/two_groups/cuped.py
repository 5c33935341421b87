"""The same answer from fewer units: what a unit did before explains part of what it does now.

CUPED (Deng, Xu, Kohavi and Walker 2013): the part of a unit's loss that its own history predicts is taken off. The mean
difference stays what it was in expectation, its variance falls by the squared correlation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, canonical, divide, floats, group_codes, rows, totals
from kaizenlake.stats.basics.moments import Moments, merge_moments

MINIMUM_HISTORY = 30
"""Units with history, over all arms, below which nothing is adjusted: a slope from a handful of units adds noise."""


class CoMoments(NamedTuple):
    """Mergeable description of pairs.

    Attributes:
        n: number of pairs.
        mean_x, mean_y: means; NaN when there is none.
        m2_x, m2_y: sums of squared deviations.
        cross: sum of the products of the deviations.
    """

    n: Floats
    mean_x: Floats
    mean_y: Floats
    m2_x: Floats
    m2_y: Floats
    cross: Floats


class CupedArms(NamedTuple):
    """Arms after the adjustment, in the order of the rows.

    Attributes:
        moments: of the adjusted values, those of units without history among them: ready for any test of means.
        slope: what was taken off per unit of history; 0 where nothing was adjusted.
        explained: share of the variance of units with history that the adjustment took off, in [0, 1].
        covered: share of the units that have history.
    """

    moments: Moments
    slope: Floats
    explained: Floats
    covered: Floats


def comoments_by(groups: ArrayLike, x: ArrayLike, y: ArrayLike, *, n_groups: int | None = None) -> CoMoments:
    """Return co-moments of each group: one row per unit in, one entry per group code out.

    Args:
        groups: group code of each unit (its arm), integers from 0.
        x: its history (pre-period value); a unit where it is NaN has none and is left out.
        y: its value now; NaN is left out.
        n_groups: number of groups when codes may be missing at the end.

    Raises:
        ValueError: codes that do not fit.
    """
    x, y = rows(x, y)
    codes, count = group_codes(groups, x.size, n_groups)
    paired = ~(np.isnan(x) | np.isnan(y))
    ones, zeros = np.ones(int(paired.sum())), np.zeros(int(paired.sum()))
    return merge_comoments_by(codes[paired], CoMoments(ones, x[paired], y[paired], zeros, zeros, zeros), n_groups=count)


def merge_comoments(a: CoMoments, b: CoMoments) -> CoMoments:
    """Return co-moments of two samples taken together, element by element; an empty side changes nothing."""
    whole_x = merge_moments(Moments(a.n, a.mean_x, a.m2_x), Moments(b.n, b.mean_x, b.m2_x))
    whole_y = merge_moments(Moments(a.n, a.mean_y, a.m2_y), Moments(b.n, b.mean_y, b.m2_y))
    n_a, n_b, cross_a, cross_b = floats(a.n, b.n, a.cross, b.cross)
    both = (n_a > 0.0) & (n_b > 0.0)
    gap_x, gap_y = (np.where(both, np.subtract(*pair), 0.0) for pair in ((b.mean_x, a.mean_x), (b.mean_y, a.mean_y)))
    share = divide(n_a * n_b, n_a + n_b, where=both, otherwise=0.0)
    cross = np.where(n_a > 0.0, cross_a, 0.0) + np.where(n_b > 0.0, cross_b, 0.0) + gap_x * gap_y * share
    return CoMoments(whole_x.n, whole_x.mean, whole_y.mean, whole_x.m2, whole_y.m2, cross)


def merge_comoments_by(groups: ArrayLike, parts: CoMoments, *, n_groups: int | None = None) -> CoMoments:
    """Merge many parts into one sample per group: one row per part in, one entry per group code out.

    Args:
        groups: group code of each part, integers from 0.
        parts: arrays of equal length; a part with n = 0 changes nothing.
        n_groups: number of groups when codes may be missing at the end.

    Raises:
        ValueError: codes that do not fit.
    """
    n, mean_x, mean_y, m2_x, m2_y, cross = rows(*parts)
    codes, count = group_codes(groups, n.size, n_groups)
    filled = n > 0.0
    codes, (mean_x, mean_y, n, m2_x, m2_y, cross) = canonical(
        codes[filled], *(part[filled] for part in (mean_x, mean_y, n, m2_x, m2_y, cross))
    )
    total = totals(codes, n, count)
    centre_x, centre_y = (_centre(codes, n, mean, total) for mean in (mean_x, mean_y))
    off_x, off_y = mean_x - centre_x[codes], mean_y - centre_y[codes]
    some = total > 0.0
    return CoMoments(
        total,
        np.where(some, centre_x, np.nan),
        np.where(some, centre_y, np.nan),
        totals(codes, m2_x + n * off_x**2, count),
        totals(codes, m2_y + n * off_y**2, count),
        totals(codes, cross + n * off_x * off_y, count),
    )


def cuped_by(
    experiments: ArrayLike,
    with_history: CoMoments,
    without_history: Moments,
    *,
    minimum_history: float = MINIMUM_HISTORY,
    n_groups: int | None = None,
) -> CupedArms:
    """Take off what history explains, with one slope for all arms of an experiment: one row per arm in and out.

    The slope is the pooled within-arm regression of now on history, so that an effect of the arm does not bend it. History
    is centred at its mean over all arms of the experiment. A unit without history keeps its value: it is neither dropped,
    which would change who is compared, nor given a made-up past.

    Args:
        experiments: experiment code of each arm, integers from 0.
        with_history: co-moments (x history, y now) of the units of each arm that have history.
        without_history: moments of the units of each arm that have none; n = 0 where all have.
        minimum_history: units with history that all arms of an experiment together must have to be adjusted.
        n_groups: number of experiments when codes may be missing at the end.

    Returns:
        Unadjusted moments, slope 0 and nothing explained where history is too rare or does not vary.

    Raises:
        ValueError: codes that do not fit.

    >>> rng = np.random.default_rng(5)
    >>> x = rng.normal(size=400); y = 0.8 * x + rng.normal(scale=0.6, size=400)
    >>> arms = np.arange(400) % 2
    >>> found = cuped_by([0, 0], comoments_by(arms, x, y), Moments(*np.zeros((3, 2))))
    >>> found.slope.round(2).tolist(), found.explained.round(1).tolist()
    ([0.78, 0.78], [0.6, 0.6])
    """
    n, mean_x, mean_y, m2_x, m2_y, cross = rows(*with_history)
    codes, count = group_codes(experiments, n.size, n_groups)
    n_x, within_x, within_y, within_cross = (totals(codes, part, count) for part in (n, m2_x, m2_y, cross))
    enough = (n_x >= minimum_history) & (within_x > 0.0)
    slope = divide(within_cross, within_x, where=enough, otherwise=0.0)[codes]
    centre = divide(totals(codes, np.where(n > 0.0, n * mean_x, 0.0), count), n_x, where=n_x > 0.0)[codes]

    adjusted_mean = mean_y - np.where(slope == 0.0, 0.0, slope * (mean_x - centre))
    adjusted_m2 = np.maximum(m2_y - slope * (2.0 * cross - slope * m2_x), 0.0)
    rest = Moments(*rows(*without_history))
    explained = divide(within_cross**2, within_x * within_y, where=enough & (within_y > 0.0), otherwise=0.0)
    return CupedArms(
        moments=merge_moments(Moments(n, adjusted_mean, adjusted_m2), rest),
        slope=slope,
        explained=np.minimum(explained, 1.0)[codes],
        covered=divide(n, n + rest.n, where=n + rest.n > 0.0),
    )


def _centre(codes: Ints, n: Floats, mean: Floats, total: Floats) -> Floats:
    """Return the mean of each group, in two steps so that a large common offset costs no digits (as in ``moments``)."""
    centre = np.zeros(total.size)
    centre[codes[::-1]] = mean[::-1]
    for _ in range(2):
        shift = totals(codes, n * (mean - centre[codes]), total.size)
        centre += divide(shift, total, where=total > 0.0, otherwise=0.0)
    return centre
