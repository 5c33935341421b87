"""Did the units fall into the arms as the experiment meant them to? The sample-ratio mismatch test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, divide, group_codes, rows, totals
from kaizenlake.stats.basics._special import chi2_tail, special

FEW = 100.0
"""Units that the smallest arm should have below which the chi-square promises too much: there the test is exact."""


_NONE = 1e-300


class SampleRatio(NamedTuple):
    """Pearson's chi-square of the counts against the allocation, its degrees of freedom, and the p-value of the test.

    The p-value is that of the chi-square; where the smallest arm should have fewer than `FEW` units it is exact.
    """

    chi2: Floats
    df: Ints
    p_value: Floats


def sample_ratio(counts: ArrayLike, expected: ArrayLike | None = None) -> SampleRatio:
    """Test the units per arm of one experiment against its allocation.

    The test is Pearson's chi-square. Where the smallest arm should have fewer than 100 units, that calls arms uneven too often,
    as one unit more than none may be many times what was expected; there each arm is held against all others by the exact
    binomial test (twice the smaller tail), and of more than two arms the smallest p counts as often as there are arms.

    Args:
        counts: units that were seen in each arm.
        expected: allocation weights of the arms in any scale; equal when left out.

    Returns:
        Degrees of freedom count only arms with a positive weight. A unit in an arm of weight zero cannot have come
        from this allocation: chi2 is infinite and the p-value 0. Not defined (NaN) with fewer than two arms of
        positive weight or without any unit.

    Raises:
        ValueError: a negative or missing count or weight.

    >>> round(float(sample_ratio([500, 400]).p_value), 6)
    0.000858
    """
    (counts,) = rows(counts)
    chi2, df, p_value = sample_ratio_by(np.zeros(counts.size, dtype=np.int64), counts, expected, n_groups=1)
    return SampleRatio(np.asarray(chi2[0]), np.asarray(df[0]), np.asarray(p_value[0]))


def sample_ratio_by(
    groups: ArrayLike, counts: ArrayLike, expected: ArrayLike | None = None, *, n_groups: int | None = None
) -> SampleRatio:
    """:func:`sample_ratio` of many experiments at once: one row per arm in, one entry per group code out.

    Args:
        groups: group code (the experiment) of each arm, integers from 0.
        counts: units that were seen in each arm.
        expected: allocation weight of each arm within its experiment; equal when left out.
        n_groups: number of groups when codes may be missing at the end.

    Raises:
        ValueError: a negative or missing count or weight, or codes that do not fit.
    """
    counts, weights = rows(counts, 1.0 if expected is None else expected)
    codes, n_groups = group_codes(groups, counts.size, n_groups)
    if not (np.all(np.isfinite(counts) & (counts >= 0.0)) and np.all(np.isfinite(weights) & (weights >= 0.0))):
        raise ValueError("expected counts and allocation weights of 0 or more, found one that is negative or missing")
    allocated = weights > 0.0
    stray = totals(codes, np.where(allocated, 0.0, counts), n_groups) > 0.0
    units = totals(codes, np.where(allocated, counts, 0.0), n_groups)
    weight = totals(codes, weights, n_groups)
    df = np.maximum(np.bincount(codes[allocated], minlength=n_groups) - 1, 0)
    share = divide(weights, weight[codes], where=allocated, otherwise=0.0)
    meant = share * units[codes]
    gap = divide((counts - meant) ** 2, meant, where=meant > 0.0, otherwise=0.0)
    chi2 = np.where(stray, np.inf, totals(codes, gap, n_groups))
    chi2 = np.where((df > 0) & ((units > 0.0) | stray), chi2, np.nan)
    p_value = np.where(np.isnan(chi2), np.nan, chi2_tail(np.maximum(df, 1), chi2))
    smallest = np.full(n_groups, np.inf)
    np.minimum.at(smallest, codes[allocated], meant[allocated])
    few = (smallest < FEW) & np.isfinite(chi2)
    exact = allocated & few[codes]
    of_arm = np.ones(n_groups)
    np.minimum.at(of_arm, codes[exact], _compute_binomial(counts[exact], units[codes][exact], share[exact]))
    shared = np.where(df > 1, df + 1.0, 1.0)
    return SampleRatio(chi2, df, np.where(few, np.minimum(of_arm * shared, 1.0), p_value))


def _compute_binomial(count: Floats, n: Floats, share: Floats) -> Floats:
    """Return twice the smaller tail of a binomial distribution, at most 1."""
    at_most = np.where(count < n, special().betainc(np.maximum(n - count, _NONE), count + 1.0, 1.0 - share), 1.0)
    at_least = np.where(count > 0.0, special().betainc(np.maximum(count, _NONE), n - count + 1.0, share), 1.0)
    return np.asarray(np.minimum(2.0 * np.minimum(at_most, at_least), 1.0))
