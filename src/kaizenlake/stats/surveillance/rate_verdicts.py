"""Does a rate lie below what is usual, on one day (a dip) or since some day (a shift)? And is the volume usual at all?

What is usual on a night follows from the days before it alone. The volume is looked at first: of a day whose volume is unusual
nothing is said of the rate, and it says nothing of later ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats
from kaizenlake.stats.basics._special import normal_quantile, special, t_lower, t_quantile
from kaizenlake.stats.surveillance.cusum_tail import MOST_DAYS, REFERENCE, cusum_tail
from kaizenlake.stats.surveillance.weekday_level import (
    FEWEST_WEEKS,
    WEEKS,
    WeekdayLevel,
    fit_weekday_level,
    take_median,
)

DAYS = 7 * WEEKS

VOLUME_LEVEL = 0.01
"""p below which a volume is unusual, so that nothing is said of the rate."""

LATELY, FEWEST_LATELY = 2, 4
"""Weeks whose median says where the volume lies lately, and fewest days of them that can."""

RANGE = 0.99
"""Probability below the upper end of an expected range, and above its lower end."""

_FEW = 60.0
"""Variance of a count below which its distribution is taken for what it is, not for a normal one."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_PRIOR = 30.0  # days of a calm past that a series is credited with
_LARGEST = 3.0  # distance beyond which a day counts no more in a sum, and for the level of later verdicts


class RateVerdicts(NamedTuple):
    """What each day of each series comes to, shape (series, days); NaN where there is no verdict.

    Attributes:
        dip_p: chance of a rate as low on this day while nothing changed.
        dip_low, dip_high: range in which it was expected.
        shift_p: chance that the days since some day lie as low while nothing changed.
        shift_rate: rate of these days.
        shift_low, shift_high: range in which it was expected.
        shift_days: number of these days.
        volume_p: chance of a volume as far off on this day while nothing changed.
        volume_low, volume_high: range in which it was expected.
        past_days: days that say what is usual.
    """

    dip_p: Floats
    dip_low: Floats
    dip_high: Floats
    shift_p: Floats
    shift_rate: Floats
    shift_low: Floats
    shift_high: Floats
    shift_days: Floats
    volume_p: Floats
    volume_low: Floats
    volume_high: Floats
    past_days: Floats


def judge_rates(successes: ArrayLike, trials: ArrayLike) -> RateVerdicts:
    """Judge every day of several series by the days before it.

    Args:
        successes: counted on each day of the calendar, shape (series, days); NaN where unknown.
        trials: out of which; NaN where unknown. With 0 trials there is a volume, and no rate.

    Returns:
        The verdicts. There is none on a day of which the weekday has fewer than four past values.
    """
    successes, trials = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    series, days = trials.shape
    found = {name: np.full((series, days), np.nan) for name in RateVerdicts._fields}
    is_rate = (trials > 0.0) & ~np.isnan(successes)
    hits = np.where(is_rate, np.minimum(successes, trials), np.nan)
    shown = np.where(is_rate, trials, np.nan)
    volume = np.where(trials >= 0.0, np.log(trials + 0.5), np.nan)
    memory = {name: _Memory(series) for name in ("volume", "dip", "shift")}
    fits: list[WeekdayLevel | None] = []
    for day in range(days):
        past = slice(max(day - DAYS, 0), day)
        lacking = DAYS - (past.stop - past.start)
        if day < 7 * FEWEST_WEEKS:
            fits.append(None)
            continue
        _judge_volume(found, day, volume, _window(volume[:, past], lacking), memory["volume"])
        # What a tracker counts wrongly says nothing, and is no past of the rate.
        unusual = found["volume_p"][:, day] < VOLUME_LEVEL
        hits[unusual, day] = shown[unusual, day] = np.nan
        fit = _fit_rate(_window(hits[:, past], lacking), _window(shown[:, past], lacking))
        fits.append(fit)
        found["past_days"][:, day] = is_rate[:, past].sum(axis=1)
        _judge_dip(found, day, hits[:, day], shown[:, day], fit, memory["dip"])
        _judge_shift(found, day, hits, shown, fits, memory["shift"])
    return RateVerdicts(**found)


def binomial_lower(hits: ArrayLike, trials: ArrayLike, rate: ArrayLike) -> Floats:
    """Return the chance of at most so many hits; NaN where a figure is.

    >>> binomial_lower([0, 1], [2, 2], 0.5).tolist()
    [0.25, 0.75]
    """
    hits, trials, rate = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (hits, trials, rate)))
    inside = (hits >= 0.0) & (hits < trials)
    first, second = np.where(inside, trials - hits, 1.0), np.where(inside, hits + 1.0, 1.0)
    found = np.where(inside, special().betainc(first, second, 1.0 - rate), np.where(hits < 0.0, 0.0, 1.0))
    return np.where(np.isnan(hits) | np.isnan(trials) | np.isnan(rate), np.nan, found)


class _Memory:
    """How far past days of each series lay from what was expected of them: 1 where as far as they should."""

    def __init__(self, series: int) -> None:
        self.squares = np.zeros(series)
        self.days = np.zeros(series)

    def scale(self) -> Floats:
        return np.sqrt(np.maximum((_PRIOR + self.squares) / (_PRIOR + self.days), 1.0))

    def add(self, distance: Floats, weight: float = 1.0) -> None:
        known = ~np.isnan(distance)
        self.squares += weight * np.where(known, np.minimum(distance**2, _LARGEST**2), 0.0)
        self.days += weight * known


def _window(values: Floats, lacking: int) -> Floats:
    """Return the past as weeks, the weekday of the day to come first."""
    whole = np.concatenate([np.full((len(values), lacking), np.nan), values], axis=1)
    return whole.reshape(len(values), WEEKS, 7)


def _logit(share: Floats) -> Floats:
    return np.log(share) - np.log1p(-share)


def _expit(level: Floats) -> Floats:
    return np.asarray(special().expit(level))


def _fit_rate(hits: Floats, shown: Floats) -> WeekdayLevel:
    def working(level: Floats) -> tuple[Floats, Floats]:
        rate = np.clip(_expit(level), 1e-9, 1.0 - 1e-9)
        slope = rate * (1.0 - rate)
        return level + (hits / shown - rate) / slope, 1.0 / (shown * slope)

    return fit_weekday_level(_logit((hits + 0.5) / (shown + 1.0)), working)


def _judge_volume(found: dict[str, Floats], day: int, volume: Floats, past: Floats, memory: _Memory) -> None:
    def working(level: Floats) -> tuple[Floats, Floats]:
        return past, np.exp(-np.maximum(level, 0.0))

    fit = fit_weekday_level(past, working)
    today, level = volume[:, day], fit.level[:, 0]
    own = np.exp(-np.maximum(level, 0.0))
    spread = np.sqrt(fit.day_variance + own + fit.common_variance + fit.weekday_variance[:, 0])
    # A volume that changed for good, or grows, is usual again once the last weeks say so: by their median beside the level.
    recent = (past[:, -LATELY:] - fit.level[:, None, :]).reshape(len(past), -1)
    known = (~np.isnan(recent)).sum(axis=1)
    moved = np.where(known >= FEWEST_LATELY, take_median(recent, 1), np.nan)
    error = np.pi / 2.0 * (fit.day_variance + own) / np.maximum(known, 1)
    distances = np.stack([(today - level) / spread, (today - level - moved) / np.sqrt(spread**2 + error)])
    is_moved = np.abs(distances[1]) < np.abs(distances[0])
    distance = np.where(is_moved, distances[1], distances[0])
    level = np.where(is_moved, level + moved, level)
    spread = np.where(is_moved, np.sqrt(spread**2 + error), spread)
    scale = memory.scale()
    tail = t_lower(fit.freedom, -np.abs(distance) / scale)
    found["volume_p"][:, day] = np.minimum(2.0 * tail, 1.0)
    half = t_quantile(fit.freedom, np.full(len(level), RANGE + (1.0 - RANGE) / 2.0)) * spread * scale
    found["volume_low"][:, day] = np.maximum(np.exp(level - half) - 0.5, 0.0)
    found["volume_high"][:, day] = np.maximum(np.exp(level + half) - 0.5, 0.0)
    memory.add(distance)


def _distance(hits: Floats, shown: Floats, level: Floats, variance: Floats) -> Floats:
    """Return how far a count lies from what was expected, as a normal quantile of its distribution.

    Args:
        level: logit of the rate that was expected.
        variance: of the logit of the true rate around it.
    """
    rate = _expit(level)
    spread = shown * rate * (1.0 - rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = (_logit((hits + 0.5) / (shown + 1.0)) - level) / np.sqrt(variance + 1.0 / spread)
    few = spread < _FEW
    if few.any():
        rates = _expit(level[few][:, None] + np.sqrt(variance[few])[:, None] * _NODES)
        counts, of = hits[few][:, None], shown[few][:, None]
        below, up_to = binomial_lower(np.ceil(counts) - 1.0, of, rates), binomial_lower(np.floor(counts), of, rates)
        middle = ((below + up_to) / 2.0 * (_WEIGHTS / _WEIGHTS.sum())).sum(axis=1)
        plain[few] = normal_quantile(np.clip(middle, 1e-15, 1.0 - 1e-15))
    return plain


def _judge_dip(
    found: dict[str, Floats], day: int, hits: Floats, shown: Floats, fit: WeekdayLevel, memory: _Memory
) -> None:
    level = fit.level[:, 0] + fit.carried
    variance = fit.day_variance * fit.fresh_share + fit.common_variance + fit.weekday_variance[:, 0]
    distance = _distance(hits, shown, level, variance)
    scale = memory.scale()
    found["dip_p"][:, day] = t_lower(fit.freedom, distance / scale)
    rate = _expit(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = np.sqrt(variance + 1.0 / (shown * rate * (1.0 - rate)))
    half = t_quantile(fit.freedom, np.full(len(level), RANGE)) * whole * scale
    found["dip_low"][:, day], found["dip_high"][:, day] = _expit(level - half), _expit(level + half)
    memory.add(distance)


def _judge_shift(
    found: dict[str, Floats],
    day: int,
    hits: Floats,
    shown: Floats,
    fits: list[WeekdayLevel | None],
    memory: _Memory,
) -> None:
    first = max(day - MOST_DAYS + 1, 7 * FEWEST_WEEKS)
    fit = fits[first]
    assert fit is not None
    # What is not known of the spread makes far tails longer, as Student's are.
    longer = t_quantile(fit.freedom, np.full(len(hits), RANGE)) / normal_quantile(RANGE)
    scale = memory.scale() * longer * fit.spread_of_sums
    series = len(hits)
    total, begun = np.zeros(series), np.zeros(series)
    run = np.zeros((4, series))
    added = np.zeros(series)
    week = np.zeros(series)
    week_days = np.zeros(series)
    largest = np.zeros(series)
    for place in range(first, day + 1):
        slot = (place - first) % 7
        level = fit.level[:, slot]
        variance = fit.day_variance + fit.weekday_variance[:, slot]
        today, of = hits[:, place], shown[:, place]
        distance = _distance(today, of, level, variance)
        known = ~np.isnan(distance)
        step = np.where(known, distance, 0.0)
        # One day far off is a dip, and no shift: it counts no more than so much.
        total = np.where(known, np.maximum(total - np.maximum(step / scale, -_LARGEST) - REFERENCE, 0.0), total)
        added += known
        rate = _expit(level)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = variance + 1.0 / (of * rate * (1.0 - rate))
        largest += np.where(known, np.sqrt(fit.common_variance / error), 0.0)
        is_reset = total <= 0.0
        begun = np.where(is_reset, 0.0, begun + known)
        more = np.stack([today, of, of * rate, (of * rate * (1.0 - rate)) ** 2 * error])
        run = np.where(is_reset, 0.0, run + np.where(known, more, 0.0))
        if place > day - 7:
            week += step
            week_days += known
    there = ~np.isnan(hits[:, day]) & ~np.isnan(fit.level[:, (day - first) % 7]) & (added > 0)
    run_hits, run_shown, run_level, run_error = run
    with np.errstate(invalid="ignore", divide="ignore"):
        level_error = largest / added
        found["shift_p"][:, day] = np.where(there, cusum_tail(total, added, level_error), np.nan)
        shown_run = np.where(there & (begun > 0), run_shown, np.nan)
        usual = run_level / shown_run
        whole = np.sqrt(run_error) / shown_run / (usual * (1.0 - usual))
        half = t_quantile(fit.freedom, np.full(series, RANGE)) * np.hypot(whole, np.sqrt(fit.common_variance)) * scale
        found["shift_rate"][:, day] = run_hits / shown_run
        found["shift_low"][:, day] = _expit(_logit(usual) - half)
        found["shift_high"][:, day] = _expit(_logit(usual) + half)
        found["shift_days"][:, day] = np.where(there, begun, np.nan)
        if day - first >= MOST_DAYS - 1:
            seen = week / np.sqrt(week_days * (1.0 + week_days * level_error**2)) / fit.spread_of_sums
            memory.add(np.where(there & (week_days >= 4), seen, np.nan), 1.0 / 3.0)
