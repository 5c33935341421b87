"""How many times as often? The log risk ratio of two arms with its variance, ready to be pooled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, floats


class LogRatio(NamedTuple):
    """``effect`` is log(risk_a / risk_b), so that exp(effect) - 1 is the lift; ``variance`` is its sampling variance."""

    effect: Floats
    variance: Floats


def log_risk_ratio(events_a: ArrayLike, n_a: ArrayLike, events_b: ArrayLike, n_b: ArrayLike) -> LogRatio:
    """Log of the ratio of two risks, with its large-sample variance 1/x_a - 1/n_a + 1/x_b - 1/n_b.

    Only where one of the four cells (events and non-events of both arms) is zero, 0.5 is added to each of the four
    (Haldane 1956, Anscombe 1956). Where **neither** arm has an event the ratio is not defined: the correction would
    read a difference in size as a difference in risk.

    Args:
        events_a: units with the event in arm a, 0 <= events_a <= n_a.
        n_a: units in arm a.
        events_b: units with the event in arm b, the baseline.
        n_b: units in arm b.

    Returns:
        NaN in both where an arm is empty, counts are impossible, or neither arm has an event.

    >>> effect, variance = log_risk_ratio(4, 123, 11, 139)
    >>> round(float(effect), 4), round(float(variance), 4)
    (-0.8893, 0.3256)
    """
    x_a, n_a, x_b, n_b = floats(events_a, n_a, events_b, n_b)
    defined = np.isfinite(n_a) & np.isfinite(n_b) & (n_a > 0) & (n_b > 0)
    defined &= (x_a >= 0) & (x_a <= n_a) & (x_b >= 0) & (x_b <= n_b) & (x_a + x_b > 0)
    add = np.where((x_a == 0) | (x_a == n_a) | (x_b == 0) | (x_b == n_b), 0.5, 0.0)
    x_a, x_b = np.where(defined, x_a + add, np.nan), np.where(defined, x_b + add, np.nan)
    n_a, n_b = np.where(defined, n_a + 2 * add, np.nan), np.where(defined, n_b + 2 * add, np.nan)
    effect = np.log(x_a) - np.log(n_a) - np.log(x_b) + np.log(n_b)
    return LogRatio(effect, 1.0 / x_a - 1.0 / n_a + 1.0 / x_b - 1.0 / n_b)
