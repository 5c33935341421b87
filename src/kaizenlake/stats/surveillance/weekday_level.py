"""What is usual for a series on each weekday? A robust regression on the weekday over the eight weeks before each day.

The working response of a rate is that of a logistic regression, whose error is binomial; days may differ by more than that, by
a variance of their own. Days that lie far off weigh nothing (bisquare weights), and weekdays are drawn toward each other as far
as they do not differ by more than their errors explain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from kaizenlake.stats.basics._arrays import Floats

WEEKS = 12
"""Weeks that say what is usual."""

FEWEST_WEEKS = 4
"""Fewest past values of a weekday from which something is usual on it."""

_ROUNDS = 8
_CUTOFF = 4.685  # of the bisquare, at which 95 % of the efficiency is kept with normal errors
_NORMAL = 0.7584  # mean of weight times square under it
_TO_DEVIATION = 1.4826  # of the median of absolute residuals, with normal errors
_TINY = 1e-12
_CHANCE = 2.0  # variance of a correlation without any lean, in those of one pair, that is taken for chance
_MOST_LEAN = 0.9  # largest correlation of neighbouring days
_LONGEST_LEAN = 0.75  # the same of what sums of days take into account: they are of two weeks at most

Working: TypeAlias = Callable[[Floats], tuple[Floats, Floats]]
"""Takes levels, gives the response that a linear fit takes there, and its error variance; NaN where a day is unknown."""


class WeekdayLevel(NamedTuple):
    """What is usual, one entry a series; weekdays in the order of the days that are looked at.

    Attributes:
        level: of each of the seven weekdays, shape (series, 7); NaN with fewer than four past values.
        weekday_variance: of the error of that beside what all weekdays share.
        common_variance: of the error that they share, shape (series,).
        day_variance: by which days differ beyond their own errors.
        freedom: degrees of freedom of that.
        carried: what the day before leaves of its own distance, where neighbouring days lean on each other; else 0.
        fresh_share: share of the variance between days that the day before does not tell.
        spread_of_sums: how much farther sums of days spread than those of days that do not lean on each other.
    """

    level: Floats
    weekday_variance: Floats
    common_variance: Floats
    day_variance: Floats
    freedom: Floats
    carried: Floats
    fresh_share: Floats
    spread_of_sums: Floats


def fit_weekday_level(start: Floats, working: Working) -> WeekdayLevel:
    """Fit what is usual on each weekday.

    Args:
        start: responses by which the fit begins, shape (series, weeks, 7); NaN where a day is unknown.
        working: see `Working`; takes and gives this shape.

    Returns:
        The fit of each series.

    >>> weeks = np.tile([4.0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0], (1, 8, 1))
    >>> fit_weekday_level(weeks, lambda level: (weeks, np.full(weeks.shape, 0.01))).level.round(1).tolist()
    [[4.0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0]]
    """
    known = ~np.isnan(start)
    days = known.sum(axis=(1, 2))
    level = np.broadcast_to(take_median(start, 1)[:, None, :], start.shape)
    _, error = working(level)
    apart = take_median(np.abs(start - level).reshape(len(start), -1), 1) * _TO_DEVIATION
    usual_error = take_median(np.where(known, error, np.nan).reshape(len(start), -1), 1)
    day_variance = np.maximum(apart**2 * days / np.maximum(days - 7.0, 1.0) - usual_error, 0.0)
    day_variance = np.where(np.isnan(day_variance), 0.0, day_variance)
    for _ in range(_ROUNDS):
        response, error = working(level)
        variance = np.where(known, error, np.nan) + day_variance[:, None, None] + _TINY
        distance = (response - level) / np.sqrt(variance)
        weight = np.where(
            known, np.maximum(1.0 - (distance / _CUTOFF) ** 2, 0.0) ** 2 * (np.abs(distance) < _CUTOFF), 0.0
        )
        precision = np.where(known, weight / variance, 0.0)
        of_weekday = precision.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known, precision * response, 0.0).sum(axis=1) / of_weekday
            pull, shared, spread = _pool(mean, of_weekday)
        fitted = shared[:, None] + pull * (mean - shared[:, None])
        level = np.where(np.isnan(fitted), shared[:, None], fitted)[:, None, :] + np.zeros_like(start)
        used = 1.0 + np.nansum(pull, axis=1) * 6.0 / 7.0
        freedom = np.maximum(weight.sum(axis=(1, 2)) - used, 1.0)
        found = np.nansum(weight * distance**2, axis=(1, 2)) / (_NORMAL * np.maximum(days - used, 1.0))
        typical = np.nansum(np.where(known, variance, 0.0), axis=(1, 2)) / np.maximum(days, 1)
        day_variance = np.maximum(day_variance + (found - 1.0) * typical, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        common = 1.0 / of_weekday.sum(axis=1)
        of_shared = 1.0 / np.nansum(1.0 / (spread[:, None] + 1.0 / of_weekday), axis=1)
        whole = spread[:, None] * (1.0 - pull) + (1.0 - pull) ** 2 * of_shared[:, None]
        weekday = np.maximum(whole - common[:, None], 0.0)
    enough = known.sum(axis=1) >= FEWEST_WEEKS
    carried, fresh_share, spread_of_sums = _carry(
        (response - level).reshape(len(start), -1), weight, error, day_variance
    )
    usual = np.where(enough, level[:, 0, :], np.nan)
    return WeekdayLevel(usual, weekday, common, day_variance, freedom, carried, fresh_share, spread_of_sums)


def take_median(values: Floats, axis: int) -> Floats:
    """Return medians of what is known; NaN where nothing is.

    Args:
        values: the values; NaN where unknown.
        axis: along which.

    >>> take_median(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]), 1).tolist()
    [2.0, nan]
    """
    ordered = np.sort(values, axis=axis)
    count = (~np.isnan(values)).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[axis] - 1), axis=axis)
    return np.asarray(((low + high) / 2.0).squeeze(axis=axis))


def _carry(residual: Floats, weight: Floats, error: Floats, day_variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what yesterday foretells of today, and what that makes of sums of days, by how much neighbouring days lean on each other in the past.

    That is drawn toward nothing as far as chance would make as much of it (positive-part shrinkage).
    """
    weight = weight.reshape(residual.shape)
    residual = np.where(weight > 0.0, residual, 0.0)
    error = np.broadcast_to(error.reshape(residual.shape), residual.shape)
    pair = np.sqrt(weight[:, 1:] * weight[:, :-1])
    pairs = np.maximum(pair.sum(axis=1), 1.0)
    covariance = (pair * residual[:, 1:] * residual[:, :-1]).sum(axis=1) / pairs
    variance = np.maximum((weight * residual**2).sum(axis=1) / np.maximum(weight.sum(axis=1), 1.0), _TINY)
    seen = covariance / variance
    kept = np.where(seen > 0.0, np.maximum(1.0 - _CHANCE / np.maximum(pairs * seen**2, _TINY), 0.0), 0.0)
    # Of the covariance of neighbouring days all is of their own variance: errors of days are independent.
    shared = np.minimum(kept * covariance, _MOST_LEAN * day_variance)
    yesterday = np.where(weight[:, -1] > 0.0, day_variance + error[:, -1], np.inf)
    lean = shared / yesterday
    with np.errstate(invalid="ignore", divide="ignore"):
        told = np.where(day_variance > 0.0, shared**2 / yesterday / day_variance, 0.0)
        decay = np.where(day_variance > 0.0, np.clip(shared / day_variance, 0.0, _LONGEST_LEAN), 0.0)
    spread_of_sums = np.sqrt(1.0 + 2.0 * shared / variance / (1.0 - decay))
    return lean * residual[:, -1], 1.0 - np.clip(told, 0.0, _MOST_LEAN), spread_of_sums


def _pool(mean: Floats, precision: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how far each weekday stays on its own, the mean of all, and the variance by which weekdays truly differ."""
    there = precision > 0.0
    error = np.where(there, 1.0 / precision, np.nan)
    count = np.maximum(there.sum(axis=1), 1)
    plain = np.nansum(mean, axis=1) / count
    seen = np.nansum((mean - plain[:, None]) ** 2, axis=1) / np.maximum(count - 1, 1)
    spread = np.maximum(seen - np.nansum(error, axis=1) / count, 0.0)
    weight = np.where(there, 1.0 / (spread[:, None] + error), 0.0)
    shared = np.nansum(weight * np.where(there, mean, 0.0), axis=1) / weight.sum(axis=1)
    return spread[:, None] / (spread[:, None] + error), shared, spread
