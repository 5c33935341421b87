"""By how much do two means differ, when the smaller sample may look calmer than it is? The interval of a cautious test."""

from __future__ import annotations

from typing import NamedTuple

from kaizenlake.stats.basics._arrays import Floats
from kaizenlake.stats.basics._special import t_quantile, upper_quantile
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.two_groups.standard_error import cautious_test


class CautiousDifference(NamedTuple):
    """Mean a against mean b; test and interval come from one standard error, so they never contradict each other.

    Attributes:
        effect: mean_a - mean_b.
        p_value: two-sided.
        ci_low, ci_high: interval of the effect.
    """

    effect: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats


def cautious_difference(
    a: Moments,
    b: Moments,
    confidence: float = 0.95,
) -> CautiousDifference:
    """Return the difference of many pairs of means by :func:`kaizenlake.stats.cautious_test`, the larger standard error.

    Args:
        a: samples in question.
        b: their baselines.
        confidence: coverage of the interval, in (0, 1).

    Returns:
        The effect wherever both means are known; p-value and interval are not defined (NaN) where a sample has fewer
        than two observations or neither varies.

    Raises:
        ValueError: a confidence outside (0, 1).

    >>> found = cautious_difference(Moments(10, 0.0, 0.0), Moments(190, 0.2, 30.4))
    >>> round(float(found.ci_low), 2), round(float(found.ci_high), 2), round(float(found.p_value), 2)
    (-0.45, 0.05, 0.12)
    """
    test = cautious_test(a, b)
    half = t_quantile(test.df, upper_quantile(confidence)) * test.se
    return CautiousDifference(test.effect, test.p_value, test.effect - half, test.effect + half)
