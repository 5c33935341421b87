"""Where does a mean lie? Student's interval from moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import floats
from kaizenlake.stats.basics._special import t_quantile, upper_quantile
from kaizenlake.stats.two_groups._two_means import squared_error
from kaizenlake.stats.two_groups.proportions import Interval


def mean_interval(n: ArrayLike, mean: ArrayLike, m2: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return Student's interval of a mean (Student 1908), from its moments.

    Args:
        n: observations.
        mean: their mean.
        m2: sum of their squared deviations from it, >= 0.
        confidence: coverage, in (0, 1).

    Returns:
        NaN at both ends below two observations and where they do not vary; a lack of spread is no certainty.

    Raises:
        ValueError: a confidence outside (0, 1).

    >>> low, high = mean_interval(10, 0.5, 0.9)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2738, 0.7262)
    """
    n, mean, m2 = floats(n, mean, m2)
    square = squared_error(n, m2)
    square = np.where(square > 0.0, square, np.nan)
    half = t_quantile(np.where(n > 1.0, n - 1.0, np.nan), upper_quantile(confidence)) * np.sqrt(square)
    return Interval(mean - half, mean + half)
