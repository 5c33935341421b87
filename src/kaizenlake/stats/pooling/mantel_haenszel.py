"""Do two rates differ within strata? Mantel and Haenszel's pooled ratio and test, at equal conditions.

Where hard cases come more often to the one side, its raw rate is lower although it is better in every stratum (Simpson's
paradox). Each stratum compares its own two sides, so that what differs between strata is taken out of the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, canonical, divide, group_codes, rows, totals
from kaizenlake.stats.basics._special import chi2_tail
from kaizenlake.stats.two_groups.proportions import two_proportions


class MantelHaenszel(NamedTuple):
    """Rate a against rate b within strata, one entry per group.

    Attributes:
        strata: strata that hold both sides.
        rate_a: rate of side a in them, each stratum with its weight n_a * n_b / (n_a + n_b).
        rate_b: the same of side b.
        lift: rate_a / rate_b - 1: the pooled risk ratio less 1; not defined where side b never won.
        p_value: two-sided; not defined without a stratum that holds both sides.
        adjusted_rate_a: rate of side a if its outcomes were spread over these strata as those of both sides are (indirect
            standardisation: its wins over those expected of it, times the rate of both sides), at most 1.
    """

    strata: Floats
    rate_a: Floats
    rate_b: Floats
    lift: Floats
    p_value: Floats
    adjusted_rate_a: Floats


def mantel_haenszel_by(
    groups: ArrayLike,
    wins_a: ArrayLike,
    n_a: ArrayLike,
    wins_b: ArrayLike,
    n_b: ArrayLike,
    *,
    n_groups: int | None = None,
) -> MantelHaenszel:
    """Pool the strata of each group: one row per stratum in, one entry per group code out.

    The ratio is that of Mantel and Haenszel for cohorts (Rothman, Greenland and Lash, Modern Epidemiology, ch. 15). The
    test is Cochran, Mantel and Haenszel's with a continuity correction of one half; of a single stratum it is that of
    :func:`kaizenlake.stats.two_proportions`, which is exact where counts are small.

    Args:
        groups: group code of each stratum, integers from 0.
        wins_a: wins of side a in the stratum, 0 <= wins_a <= n_a.
        n_a: decided outcomes of side a.
        wins_b: wins of side b.
        n_b: decided outcomes of side b.
        n_groups: number of groups when codes may be missing at the end.

    Raises:
        ValueError: codes that do not fit.

    >>> stones = mantel_haenszel_by([0, 0], [81, 192], [87, 263], [234, 55], [270, 80])
    >>> round(81 + 192) / 350 < (234 + 55) / 350, bool(stones.lift[0] > 0)
    (True, True)
    """
    wins_a, n_a, wins_b, n_b = rows(wins_a, n_a, wins_b, n_b)
    codes, n_groups = group_codes(groups, wins_a.size, n_groups)
    codes, (wins_a, n_a, wins_b, n_b) = canonical(codes, wins_a, n_a, wins_b, n_b)
    n, wins = n_a + n_b, wins_a + wins_b
    both = (n_a > 0.0) & (n_b > 0.0)
    expected = n_a * divide(wins, n, where=both, otherwise=0.0)
    weight = divide(n_a * n_b, n, where=both, otherwise=0.0)
    weights = totals(codes, weight, n_groups)
    some = weights > 0.0
    rate_a = divide(totals(codes, divide(wins_a * n_b, n, where=both, otherwise=0.0), n_groups), weights, where=some)
    rate_b = divide(totals(codes, divide(wins_b * n_a, n, where=both, otherwise=0.0), n_groups), weights, where=some)
    sides = [totals(codes, np.where(both, side, 0.0), n_groups) for side in (wins_a, n_a, wins_b, n_b)]
    strata = totals(codes, both.astype(np.float64), n_groups)
    variance = divide(n_a * n_b * wins * (n - wins), n * n * (n - 1.0), where=both & (n > 1.0), otherwise=0.0)
    return MantelHaenszel(
        strata=strata,
        rate_a=rate_a,
        rate_b=rate_b,
        lift=divide(rate_a - rate_b, rate_b, where=some & (rate_b > 0.0)),
        p_value=np.where(
            strata > 1.0,
            _compute_cochran(
                totals(codes, np.where(both, wins_a - expected, 0.0), n_groups), totals(codes, variance, n_groups)
            ),
            two_proportions(sides[0], sides[1], sides[2], sides[3]).p_value,
        ),
        adjusted_rate_a=_adjust(sides, totals(codes, expected, n_groups)),
    )


def _adjust(sides: Sequence[Floats], expected: Floats) -> Floats:
    """Return wins over those expected, times the rate of both sides; 0 where neither side ever won."""
    wins_a, n_a, wins_b, n_b = sides
    whole = divide(wins_a + wins_b, n_a + n_b, where=n_a > 0.0)
    ratio = divide(wins_a, expected, where=expected > 0.0, otherwise=0.0)
    return np.minimum(ratio * whole, 1.0)


def _compute_cochran(surplus: Floats, variance: Floats) -> Floats:
    """Return the probability of as many wins beyond those expected, by chance; 1 where every stratum is all won or all lost."""
    chi2 = divide(np.maximum(np.abs(surplus) - 0.5, 0.0) ** 2, variance, where=variance > 0.0, otherwise=0.0)
    return chi2_tail(1.0, chi2)
