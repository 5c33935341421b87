"""Do two samples differ at one look? Welch's t-test of raw observations, by statsmodels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PlainWelch:
    """The first sample against the second, true for one look alone; None where it is not defined.

    Args:
        delta: Mean of the first less that of the second.
        ci_low: Lower end of its interval.
        ci_high: Upper end of it.
        p_value: Two-sided p.
        mean_loss: Mean of the first.
        mean_loss_control: Mean of the second.
        units: Observations of the first.
        units_control: Observations of the second.
    """

    delta: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    mean_loss: float | None
    mean_loss_control: float | None
    units: int
    units_control: int


def plain_welch(candidate: Sequence[float], control: Sequence[float], *, confidence: float = 0.95) -> PlainWelch:
    """Compare two samples by the unequal-variance t-test (Welch 1947) as statsmodels computes it.

    Args:
        candidate: One loss a unit.
        control: The same of the control.
        confidence: Coverage of the interval, in (0, 1).

    Returns:
        Means where a sample has any, test and interval where both have two observations and one of them varies.

    >>> plain_welch([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]).p_value < 0.05
    True
    """
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    means = [sum(sample) / len(sample) if sample else None for sample in (candidate, control)]
    delta = None if means[0] is None or means[1] is None else means[0] - means[1]
    low = high = p_value = None
    if min(len(candidate), len(control)) >= 2 and (len({*candidate}) > 1 or len({*control}) > 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            test = CompareMeans(DescrStatsW(candidate), DescrStatsW(control))
            _, p_value, _ = (float(figure) for figure in test.ttest_ind(usevar="unequal"))
            low, high = (float(end) for end in test.tconfint_diff(alpha=1.0 - confidence, usevar="unequal"))
    return PlainWelch(delta, low, high, p_value, means[0], means[1], len(candidate), len(control))
