"""Is this rate high, and is it higher than that one? Wilson's interval and the comparison of two proportions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, divide, floats
from kaizenlake.stats.basics._special import normal_two_sided, two_sided_z

SMALL_EXPECTED_COUNT = 5.0
"""Cochran's rule: below this smallest expected cell the exact test stands in for the z test."""

_TIE = 1.0 + 1e-7
"""Tables whose probabilities differ by less than this factor are equally likely."""

_TAIL_TERMS = 150
"""Exact terms summed beyond the observed cell; a cell expected below 5 reaches that far with p < 1e-150."""

_CELLS_AT_ONCE = 1 << 20


class Interval(NamedTuple):
    """A two-sided confidence interval; NaN at both ends where it is not defined."""

    low: Floats
    high: Floats


class TwoProportions(NamedTuple):
    """Rate a against rate b.

    Attributes:
        effect: rate_a - rate_b, absolute, in [-1, 1].
        lift: effect / rate_b, relative; NaN where rate_b is 0.
        ci_low, ci_high: interval of the effect.
        p_value: two-sided, in [0, 1].
    """

    effect: Floats
    lift: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats


def wilson(wins: ArrayLike, decided: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a rate, without continuity correction (Wilson 1927).

    Args:
        wins: number of wins, 0 <= wins <= decided; need not be whole.
        decided: number of decided outcomes.
        confidence: coverage aimed at, in (0, 1).

    Returns:
        Bounds in [0, 1]. Without a win ``low`` is exactly 0, without a loss ``high`` is exactly 1. Not defined (NaN)
        where nothing is decided, a count is not finite, or wins lie outside [0, decided].

    >>> low, high = wilson(8, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.4902, 0.9433)
    """
    wins, decided = floats(wins, decided)
    z2 = two_sided_z(confidence) ** 2
    defined = _countable(wins, decided)
    wins, decided = np.where(defined, wins, np.nan), np.where(defined, decided, np.nan)
    centre = (wins + z2 / 2.0) / (decided + z2)
    half = np.sqrt(z2 * (wins * (decided - wins) / decided + z2 / 4.0)) / (decided + z2)
    low = np.where(wins == 0.0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(wins == decided, 1.0, np.minimum(centre + half, 1.0))
    return Interval(low, high)


def two_proportions(
    wins_a: ArrayLike, n_a: ArrayLike, wins_b: ArrayLike, n_b: ArrayLike, confidence: float = 0.95
) -> TwoProportions:
    """Compare two independent rates: difference, its interval and a two-sided p-value.

    The interval is Newcombe's hybrid score interval (Newcombe 1998, method 10). The p-value follows one rule, Cochran's:
    where the smallest of the four expected cells is at least 5 it is the pooled score test (the chi-square test without
    continuity correction), otherwise Fisher's exact test, which sums all tables that are at most as likely as the one
    seen. (Enumerated over all tables of eight designs from 10 + 10 to 30 + 1,000, equal rates were called different at
    p <= 0.05 in at most 0.057 of cases.) Counts that are not whole are rounded for the exact test only. Interval and p-value come from different
    methods, so near the border one may exclude "no difference" while the other does not.

    Args:
        wins_a: wins of the group in question, 0 <= wins_a <= n_a.
        n_a: decided outcomes of the group in question.
        wins_b: wins of the group compared against.
        n_b: decided outcomes of the group compared against.
        confidence: coverage of the interval, in (0, 1).

    Returns:
        All NaN where either group is empty or its counts are impossible. Both rates 0, or both 1: effect 0, p-value 1.

    >>> result = two_proportions(56, 70, 48, 80)
    >>> [round(float(value), 4) for value in (result.effect, result.ci_low, result.ci_high)]
    [0.2, 0.0524, 0.3339]
    """
    wins_a, n_a, wins_b, n_b = floats(wins_a, n_a, wins_b, n_b)
    defined = _countable(wins_a, n_a) & _countable(wins_b, n_b)
    wins_a, n_a, wins_b, n_b = (np.where(defined, value, np.nan) for value in (wins_a, n_a, wins_b, n_b))
    rate_a, rate_b = wins_a / n_a, wins_b / n_b
    effect = rate_a - rate_b
    lift = divide(effect, rate_b, where=rate_b > 0.0)
    low_a, high_a = wilson(wins_a, n_a, confidence)
    low_b, high_b = wilson(wins_b, n_b, confidence)
    return TwoProportions(
        effect=effect,
        lift=lift,
        ci_low=effect - np.hypot(rate_a - low_a, high_b - rate_b),
        ci_high=effect + np.hypot(high_a - rate_a, rate_b - low_b),
        p_value=_compute_p_value(wins_a, n_a, wins_b, n_b),
    )


def _countable(wins: Floats, n: Floats) -> Bools:
    """Return whether the counts make a rate: something decided, and no more wins than that."""
    countable: Bools = np.isfinite(n) & (n > 0.0) & (wins >= 0.0) & (wins <= n)
    return countable


def _compute_p_value(wins_a: Floats, n_a: Floats, wins_b: Floats, n_b: Floats) -> Floats:
    n, wins = n_a + n_b, wins_a + wins_b
    small_row, small_column = np.minimum(n_a, n_b), np.minimum(wins, n - wins)
    exact = small_row * small_column / n < SMALL_EXPECTED_COUNT
    pooled = wins / n
    se = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b))
    z = divide(wins_a / n_a - wins_b / n_b, se, where=~exact)
    p_value = np.asarray(normal_two_sided(z))
    if exact.any():
        p_value[exact] = _compute_fisher(wins_a[exact], n_a[exact], wins_b[exact], n_b[exact])
    return p_value


def _compute_fisher(wins_a: Floats, n_a: Floats, wins_b: Floats, n_b: Floats) -> Floats:
    """Return Fisher's exact two-sided p-value, in the cell that is expected to be smallest.

    That cell is hypergeometric on 0 .. min(row, column). Its probabilities are built up from their ratios and scaled to
    add up to 1, which needs no factorials and so loses no digits in large tables.
    """
    wins_a, n_a, wins_b, n_b = (np.rint(value) for value in (wins_a, n_a, wins_b, n_b))
    n, wins = n_a + n_b, wins_a + wins_b
    few_wins, small_a = wins <= n - wins, n_a <= n_b
    row, column = np.where(small_a, n_a, n_b), np.where(few_wins, wins, n - wins)
    row_wins = np.where(small_a, wins_a, wins_b)
    seen = np.where(few_wins, row_wins, row - row_wins).astype(np.int64)
    last = np.minimum(np.minimum(row, column), seen + _TAIL_TERMS).astype(np.int64)

    p_value = np.ones(n.shape)
    by_length = np.argsort(last, kind="stable")
    start = 0
    while start < by_length.size:
        width = int(last[by_length[start]]) + 1
        stop = min(by_length.size, start + max(1, _CELLS_AT_ONCE // (width + _TAIL_TERMS)))
        rows = by_length[start:stop]
        p_value[rows] = _compute_fisher_block(seen[rows], last[rows], row[rows], column[rows], n[rows])
        start = stop
    return p_value


def _compute_fisher_block(seen: Ints, last: Ints, row: Floats, column: Floats, n: Floats) -> Floats:
    cell = np.arange(int(last.max()) + 1)
    inside = cell <= last[:, None]
    row, column, n = row[:, None], column[:, None], n[:, None]
    before = cell[:-1]
    numerator = (row - before) * (column - before)
    denominator = (before + 1.0) * (n - row - column + before + 1.0)
    ratio = np.where(inside[:, 1:], numerator / denominator, 1.0)
    logs = np.zeros(inside.shape)
    np.cumsum(np.log(ratio), axis=1, out=logs[:, 1:])
    logs = np.where(inside, logs, -np.inf)
    likelihood = np.exp(logs - logs.max(axis=1, keepdims=True))
    log_seen = np.take_along_axis(logs, seen[:, None], axis=1)
    unlikely = logs <= log_seen + np.log(_TIE)
    tail = np.where(unlikely, likelihood, 0.0).sum(axis=1)
    return np.asarray(np.minimum(tail / likelihood.sum(axis=1), 1.0))
