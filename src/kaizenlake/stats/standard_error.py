"""How uncertain is a mean difference, when a small arm may look calmer than it is?

A canary of a few units with a skewed loss (mostly zeros, say) often has seen none of the rare large losses: its mean comes
out low **and** its own variance says so with confidence. Welch's test then promotes it. Taking the larger of the separate
and the pooled standard error believes neither the calm of a small arm nor that both arms spread alike.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats._arrays import Floats, divide, floats
from kaizenlake.stats._special import t_two_sided

Variance: TypeAlias = Literal["separate", "pooled", "larger"]


class CautiousTest(NamedTuple):
    """Mean a against mean b with the standard error asked for.

    Attributes:
        effect: mean_a - mean_b.
        se: its standard error.
        df: degrees of freedom: Welch-Satterthwaite's, n_a + n_b - 2 where ``pooled`` was asked for.
        t: effect / se.
        p_value: two-sided.
    """

    effect: Floats
    se: Floats
    df: Floats
    t: Floats
    p_value: Floats


def standard_error(
    n_a: ArrayLike, m2_a: ArrayLike, n_b: ArrayLike, m2_b: ArrayLike, variance: Variance = "larger"
) -> Floats:
    """Standard error of the difference of two means.

    Args:
        n_a: units of one arm.
        m2_a: sum of their squared deviations, >= 0.
        n_b: units of the other.
        m2_b: sum of their squared deviations, >= 0.
        variance: ``separate`` as Welch, ``pooled`` as Student, or the ``larger`` of both.

    Returns:
        NaN where an arm has fewer than two units; 0 where neither varies.

    Raises:
        ValueError: a variance that does not exist.

    >>> [round(float(standard_error(10, 0.0, 190, 189.0, which)), 3) for which in ("separate", "pooled", "larger")]
    [0.073, 0.317, 0.317]
    """
    n_a, m2_a, n_b, m2_b = floats(n_a, m2_a, n_b, m2_b)
    if variance not in {"separate", "pooled", "larger"}:
        raise ValueError(f"expected one of separate, pooled, larger; found {variance!r}")
    enough = (n_a > 1.0) & (n_b > 1.0) & (m2_a >= 0.0) & (m2_b >= 0.0)
    separate = divide(m2_a, (n_a - 1.0) * n_a, where=enough) + divide(m2_b, (n_b - 1.0) * n_b, where=enough)
    pooled = divide((m2_a + m2_b) * (n_a + n_b), (n_a + n_b - 2.0) * n_a * n_b, where=enough)
    match variance:
        case "separate":
            return np.sqrt(separate)
        case "pooled":
            return np.sqrt(pooled)
        case "larger":
            return np.sqrt(np.maximum(separate, pooled))


def cautious_test(
    n_a: ArrayLike,
    mean_a: ArrayLike,
    m2_a: ArrayLike,
    n_b: ArrayLike,
    mean_b: ArrayLike,
    m2_b: ArrayLike,
    variance: Variance = "larger",
) -> CautiousTest:
    """t-test of many pairs with the standard error asked for; to be held against a look's level.

    With ``separate`` this is Welch's test, with ``pooled`` Student's. ``larger`` never rejects where either of these two
    standard errors would not, at Welch's degrees of freedom.

    Returns:
        The effect wherever both means are known; the test is not defined (NaN) where an arm has fewer than two units or
        neither varies.

    Raises:
        ValueError: a variance that does not exist.

    >>> round(float(cautious_test(10, 0.0, 0.9, 190, 0.2, 189.0).p_value), 2)
    0.54
    """
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = floats(n_a, mean_a, m2_a, n_b, mean_b, m2_b)
    effect = np.where((n_a > 0.0) & (n_b > 0.0), mean_a - mean_b, np.nan)
    se = standard_error(n_a, m2_a, n_b, m2_b, variance)
    se = np.where(se > 0.0, se, np.nan)
    if variance == "pooled":
        df = np.where(np.isnan(se), np.nan, n_a + n_b - 2.0)
    else:
        share_a = (
            divide(m2_a, (n_a - 1.0) * n_a, where=se > 0.0) / standard_error(n_a, m2_a, n_b, m2_b, "separate") ** 2
        )
        df = 1.0 / (share_a**2 / np.maximum(n_a - 1.0, 1.0) + (1.0 - share_a) ** 2 / np.maximum(n_b - 1.0, 1.0))
    t = effect / se
    return CautiousTest(effect, se, df, t, t_two_sided(df, t))
