"""How uncertain is a mean difference, when a small arm may look calmer than it is?

A canary of a few units with a skewed loss (mostly zeros, say) often has seen none of the rare large losses: its mean comes
out low **and** its own variance says so with confidence. Welch's test then promotes it. Taking the larger of the separate
and the pooled standard error believes neither the calm of a small arm nor that both arms spread alike.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, divide, floats, group_codes, rows, totals
from kaizenlake.stats.basics._special import t_two_sided
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.two_groups._two_means import degrees_of_freedom, difference, squared_error

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
    """Return the standard error of the difference of two means.

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
    separate = squared_error(n_a, m2_a) + squared_error(n_b, m2_b)
    pooled = divide((m2_a + m2_b) * (n_a + n_b), (n_a + n_b - 2.0) * n_a * n_b, where=enough)
    match variance:
        case "separate":
            return np.sqrt(separate)
        case "pooled":
            return np.sqrt(pooled)
        case "larger":
            return np.sqrt(np.maximum(separate, pooled))


def squared_errors_by(groups: ArrayLike, a: Moments, b: Moments) -> Floats:
    """Return the squared standard errors of many differences, by one variance for all of a group: that within its arms together.

    For effects that are compared with one another: few units say little about how far they spread.

    Args:
        groups: group code of each difference, integers from 0.
        a: units of one arm, one entry per difference.
        b: units of the other.

    Returns:
        One entry per difference; NaN where an arm is empty, and where no unit of the group differs from the others of its arm.

    Raises:
        ValueError: codes that do not fit.

    >>> squared_errors_by([0, 0], Moments([2, 3], [0, 0], [1, 2]), Moments([2, 3], [0, 0], [1, 2])).tolist()
    [1.0, 0.6666666666666666]
    """
    n_a, m2_a, n_b, m2_b = rows(a.n, a.m2, b.n, b.m2)
    codes, n_groups = group_codes(groups, n_a.size)
    both = (n_a > 0.0) & (n_b > 0.0)
    within = totals(codes, np.where(both, m2_a + m2_b, 0.0), n_groups)
    freedom = totals(codes, np.where(both, n_a + n_b - 2.0, 0.0), n_groups)
    spread = divide(within, freedom, where=freedom > 0.0)[codes]
    square = divide(spread, n_a, where=both) + divide(spread, n_b, where=both)
    return np.where(square > 0.0, square, np.nan)


def cautious_test(
    a: Moments,
    b: Moments,
    variance: Variance = "larger",
) -> CautiousTest:
    """Return t-test of many pairs with the standard error asked for; to be held against a look's level.

    With ``separate`` this is Welch's test, with ``pooled`` Student's. ``larger`` never rejects where either of these two
    standard errors would not, at Welch's degrees of freedom.

    Returns:
        The effect wherever both means are known; the test is not defined (NaN) where an arm has fewer than two units or
        neither varies.

    Raises:
        ValueError: a variance that does not exist.

    >>> round(float(cautious_test(Moments(10, 0.0, 0.9), Moments(190, 0.2, 189.0)).p_value), 2)
    0.54
    """
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = floats(*a, *b)
    effect = difference(Moments(n_a, mean_a, m2_a), Moments(n_b, mean_b, m2_b))
    se = standard_error(n_a, m2_a, n_b, m2_b, variance)
    se = np.where(se > 0.0, se, np.nan)
    if variance == "pooled":
        df = np.where(np.isnan(se), np.nan, n_a + n_b - 2.0)
    else:
        separate = np.where(se > 0.0, standard_error(n_a, m2_a, n_b, m2_b, "separate"), np.nan)
        share_a = squared_error(n_a, m2_a) / separate**2
        df = degrees_of_freedom(share_a, n_a, 1.0 - share_a, n_b)
    t = effect / se
    return CautiousTest(effect, se, df, t, t_two_sided(df, t))
