"""Do two means differ, and by how much of the baseline? Welch's t-test from moments, with a delta-method lift."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kaizenlake.stats.basics._arrays import Floats, divide, floats
from kaizenlake.stats.basics._special import t_quantile, t_two_sided, upper_quantile
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.two_groups._two_means import degrees_of_freedom, difference, squared_error


class Welch(NamedTuple):
    """Mean a against mean b.

    Attributes:
        effect: mean_a - mean_b, in the unit of the observations.
        se: standard error of the effect.
        df: Welch-Satterthwaite degrees of freedom.
        t: effect / se.
        p_value: two-sided.
        ci_low, ci_high: interval of the effect.
        lift: effect / mean_b, relative; NaN where mean_b is zero or negative.
        lift_ci_low, lift_ci_high: delta-method interval of the lift.
    """

    effect: Floats
    se: Floats
    df: Floats
    t: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats
    lift: Floats
    lift_ci_low: Floats
    lift_ci_high: Floats


def welch(a: Moments, b: Moments, confidence: float = 0.95) -> Welch:
    """Return Welch's unequal-variance t-test (Welch 1947) of many pairs of samples, given by their moments; meant for one look.

    The lift's standard error is that of the ratio mean_a / mean_b by the delta method; its interval takes the same
    degrees of freedom. A lift needs a positive baseline: a percentage of zero or of a negative mean says nothing. Its
    interval needs a baseline that is itself distinguishable from zero at this confidence, since otherwise no bounded
    interval for the ratio covers (Fieller 1954).

    Args:
        a: samples in question.
        b: their baselines.
        confidence: coverage of both intervals, in (0, 1).

    Returns:
        The effect wherever both means are known. Standard error, test and intervals are not defined (NaN) where a
        sample has fewer than two observations or neither sample varies; a lack of spread is no proof of a difference.
        Figures beyond the range of a float64 come out infinite.

    >>> result = welch(Moments(200, 0.50, 4.0), Moments(200, 0.52, 4.2))
    >>> round(float(result.t), 3), round(float(result.df), 1), round(float(result.lift), 4)
    (-1.393, 397.8, -0.0385)
    """
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = floats(*a, *b)
    upper = upper_quantile(confidence)
    with np.errstate(over="ignore"):
        return _compare(Moments(n_a, mean_a, m2_a), Moments(n_b, mean_b, m2_b), upper)


def _compare(a: Moments, b: Moments, upper: float) -> Welch:
    mean_a, mean_b = a.mean, b.mean
    square_a, square_b = squared_error(a.n, a.m2), squared_error(b.n, b.m2)
    effect = difference(a, b)
    square = square_a + square_b
    square = np.where(square > 0.0, square, np.nan)
    se = np.sqrt(square)
    df = degrees_of_freedom(square_a / square, a.n, square_b / square, b.n)
    t = effect / se
    critical = np.where(np.isnan(df), np.nan, t_quantile(df, upper))

    lift = divide(effect, mean_b, where=mean_b > 0.0)
    base = np.where((mean_b > 0.0) & (mean_b > critical * np.sqrt(square_b)), mean_b, np.nan)
    half = critical * np.sqrt(square_a + (mean_a / base) ** 2 * square_b) / base
    return Welch(
        effect=effect,
        se=se,
        df=df,
        t=t,
        p_value=t_two_sided(df, t),
        ci_low=effect - critical * se,
        ci_high=effect + critical * se,
        lift=lift,
        lift_ci_low=lift - half,
        lift_ci_high=lift + half,
    )
