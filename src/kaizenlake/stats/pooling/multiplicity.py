"""Many p-values at once: how many of them would chance alone have made?

A p-value that is NaN (no test was made) stays NaN and does not count among the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, group_codes, rows


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Return false-discovery-rate adjusted p-values (q-values) by Benjamini and Hochberg (1995), in the order given.

    Calling every q <= 0.05 a discovery keeps the expected share of false ones at 5 % or below, for independent and for
    positively dependent tests.

    Args:
        p: p-values in [0, 1] of one family of tests; NaN is left out.

    Raises:
        ValueError: a p-value outside [0, 1].

    >>> benjamini_hochberg([0.01, 0.04, 0.03, float("nan")]).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    (p,) = rows(p)
    return benjamini_hochberg_by(np.zeros(p.size, dtype=np.int64), p)


def benjamini_hochberg_by(groups: ArrayLike, p: ArrayLike) -> Floats:
    """:func:`benjamini_hochberg` within each group: every group code is a family of tests of its own.

    Args:
        groups: group code of each p-value, integers from 0.
        p: p-values in [0, 1]; NaN is left out.

    Raises:
        ValueError: a p-value outside [0, 1], or codes that do not fit.
    """
    codes, p, order, rank, tests = _rank(groups, p)
    adjusted = p[order] * (tests / rank)  # a factor of 1 or more: rounding never takes q below p
    return _restore(p, order, _compute_running(codes[order][::-1], adjusted[::-1], np.minimum)[::-1])


def holm(p: ArrayLike) -> Floats:
    """Return family-wise adjusted p-values by Holm's step-down rule (1979), in the order given; valid under any dependence.

    Args:
        p: p-values in [0, 1] of one family of tests; NaN is left out.

    Raises:
        ValueError: a p-value outside [0, 1].

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    (p,) = rows(p)
    return holm_by(np.zeros(p.size, dtype=np.int64), p)


def holm_by(groups: ArrayLike, p: ArrayLike) -> Floats:
    """:func:`holm` within each group; arguments and errors as in :func:`benjamini_hochberg_by`."""
    codes, p, order, rank, tests = _rank(groups, p)
    adjusted = p[order] * (tests - rank + 1.0)
    return _restore(p, order, _compute_running(codes[order], adjusted, np.maximum))


def _rank(groups: ArrayLike, p: ArrayLike) -> tuple[Ints, Floats, Ints, Floats, Floats]:
    """Return codes, p-values, the tested rows by group and size, their rank from 1 within the group, and the group's tests."""
    (p,) = rows(p)
    codes, n_groups = group_codes(groups, p.size)
    tested = ~np.isnan(p)
    if np.any((p[tested] < 0.0) | (p[tested] > 1.0)):
        raise ValueError("expected p-values from 0 to 1, found one outside")
    order = np.lexsort((p, codes))
    order = order[tested[order]]
    tests = np.bincount(codes[order], minlength=n_groups)
    starts = np.cumsum(tests) - tests
    sorted_codes = codes[order]
    rank = np.arange(order.size) - starts[sorted_codes] + 1.0
    return codes, p, order, rank, tests[sorted_codes].astype(np.float64)


def _compute_running(codes: Ints, values: Floats, extreme: np.ufunc) -> Floats:
    """Return the running extreme of the values that starts afresh at every group, without a loop over groups.

    Values are replaced by their ranks and the ranks stacked by group; since codes rise for a running maximum and fall
    for a running minimum, nothing carries over from one group into the next, and no digit is lost.
    """
    distinct, rank = np.unique(values, return_inverse=True)
    stacked = codes * max(distinct.size, 1) + rank
    return distinct[extreme.accumulate(stacked) % max(distinct.size, 1)] if values.size else values


def _restore(p: Floats, order: Ints, adjusted: Floats) -> Floats:
    result = np.full(p.shape, np.nan)
    result[order] = np.minimum(adjusted, 1.0)
    return result
