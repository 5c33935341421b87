"""By how much do two means differ, when the smaller sample may look calmer than it is? The interval of a cautious test."""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats
from kaizenlake.stats.basics._special import t_quantile, upper_quantile
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
    n_a: ArrayLike,
    mean_a: ArrayLike,
    m2_a: ArrayLike,
    n_b: ArrayLike,
    mean_b: ArrayLike,
    m2_b: ArrayLike,
    confidence: float = 0.95,
) -> CautiousDifference:
    """Return the difference of many pairs of means by :func:`kaizenlake.stats.cautious_test`, the larger standard error.

    Args:
        n_a: observations of the sample in question.
        mean_a: their mean.
        m2_a: sum of their squared deviations, >= 0.
        n_b: observations of the baseline.
        mean_b: their mean.
        m2_b: sum of their squared deviations, >= 0.
        confidence: coverage of the interval, in (0, 1).

    Returns:
        The effect wherever both means are known; p-value and interval are not defined (NaN) where a sample has fewer
        than two observations or neither varies.

    Raises:
        ValueError: a confidence outside (0, 1).

    >>> found = cautious_difference(10, 0.0, 0.0, 190, 0.2, 30.4)
    >>> round(float(found.ci_low), 2), round(float(found.ci_high), 2), round(float(found.p_value), 2)
    (-0.45, 0.05, 0.12)
    """
    test = cautious_test(n_a, mean_a, m2_a, n_b, mean_b, m2_b)
    half = t_quantile(test.df, upper_quantile(confidence)) * test.se
    return CautiousDifference(test.effect, test.p_value, test.effect - half, test.effect + half)
