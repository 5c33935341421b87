"""Could we have seen it by now, and how many nights until we shall?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, divide, floats
from kaizenlake.stats.basics._special import normal_quantile
from kaizenlake.stats.sequential.group_sequential import crossing
from kaizenlake.stats.sequential.spending import Sides


def power_so_far(information: ArrayLike, critical: ArrayLike, effect: ArrayLike, *, sides: Sides = 2) -> Floats:
    """Return the probability that an effect of this size would have been seen by each of the looks made, in its own direction.

    Args:
        information: of each look (last axis), 1 / se squared; NaN for a look that was not made.
        critical: boundary of each look.
        effect: smallest effect worth seeing, in the unit of the observations; its sign does not matter.
        sides: of the test.

    >>> power_so_far([50.0, 100.0], [np.inf, 1.96], 0.28).round(2).tolist()
    [0.0, 0.8]
    """
    seen = crossing(information, critical, np.abs(np.asarray(effect, dtype=np.float64)), sides=sides)
    return np.asarray(np.cumsum(seen.upper, axis=-1))


def nights_needed(
    effect: ArrayLike,
    information: ArrayLike,
    nights: ArrayLike,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    inflation: ArrayLike = 1.0,
) -> Floats:
    """Return nights still needed until an effect of this size is seen with this power, if they go on as those so far.

    Args:
        effect: smallest effect worth seeing; its sign does not matter.
        information: so far, 1 / se squared.
        nights: so far.
        power: wanted, in (0, 1).
        alpha: error probability of the two-sided test.
        inflation: what looking early costs, from :func:`kaizenlake.stats.sequential.group_sequential.inflation`.

    Returns:
        Whole nights, 0 where it is so far already. Infinite for an effect of 0 and where the nights so far brought no
        information; NaN where a figure is missing.

    Raises:
        ValueError: a power or alpha outside (0, 1).

    >>> float(nights_needed(0.01, information=2.5 / 0.01**2, nights=10))  # 7.85 / 0.01² is needed
    22.0
    """
    if not (0.0 < power < 1.0 and 0.0 < alpha < 1.0):
        raise ValueError(f"expected a power and an alpha between 0 and 1, found {power} and {alpha}")
    effect, information, nights, inflation = floats(effect, information, nights, inflation)
    single = max(float(normal_quantile(1.0 - alpha / 2.0) + normal_quantile(power)), 0.0)
    known = ~(np.isnan(effect) | np.isnan(information) | np.isnan(nights) | np.isnan(inflation))
    needed = divide(inflation * single**2, effect**2, where=known & (effect != 0.0), otherwise=np.inf)
    missing = np.maximum(needed - np.where(known, information, 0.0), 0.0)
    moving = known & (information > 0.0) & (nights > 0.0)
    per_night = divide(information, nights, where=moving, otherwise=1.0)
    # A night too many for want of rounding would be a night too many for good.
    more = np.ceil(np.where(moving, missing / per_night, np.where(missing > 0.0, np.inf, 0.0)) - 1e-9)
    return np.where(known, np.maximum(more, 0.0), np.nan)
