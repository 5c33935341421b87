"""Is the loss drifting up? An EWMA control chart whose false-alarm rate is stated, estimated baseline and all.

Nightly values are standardised by a baseline of a stated length and averaged exponentially; an alarm is raised above a
limit. The limits of textbooks suppose that the baseline's mean and spread are known; with 30 nights of baseline they raise
more than twice as many false alarms as they say (cf. Jones, Champ and Rigdon 2001). The limits here are solved for with the
error of the baseline in the equation.

What is supposed: nightly values are independent and about normal about a constant level. Nights that lean on each other
raise more false alarms than stated.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from kaizenlake.stats._arrays import Bools, Floats, divide, floats

Sides: TypeAlias = Literal[1, 2]

NIGHTS_PER_FALSE_ALARM = 370.0
"""Nights between false alarms of one chart, on average over baselines: about one a year."""

SMOOTHING = 0.2
"""Weight of tonight; 0.2 is quick for shifts of 1 to 2 standard deviations (Lucas and Saccucci 1990)."""

FEWEST_BASELINE_NIGHTS = 10
"""Below it no limit is kept that would still notice anything."""

_WIDTHS_PER_NODE = 0.5
_CLOSE_ENOUGH = 1e-8
_TAIL = 1e-8
_LIKELY = 1e-10
_ERROR_NODES = 16
_ROOT_TWO_PI = float(np.sqrt(2.0 * np.pi))


class ChartBaseline(NamedTuple):
    """What nights looked like while all was well, one entry per series.

    Attributes:
        mean: weighted mean of the nights.
        sd: standard deviation of a night of weight 1; NaN below two nights.
        nights: nights with a value.
    """

    mean: Floats
    sd: Floats
    nights: Floats


class Chart(NamedTuple):
    """The chart, one entry per series and night.

    Attributes:
        statistic: EWMA of the standardised nights, before it restarts; NaN where the series has no chart.
        limit: what it is held against, one entry per series; NaN where the series has no chart.
        alarm: nights that raised an alarm.
    """

    statistic: Floats
    limit: Floats
    alarm: Bools


def chart_baseline(values: ArrayLike, weights: ArrayLike = 1.0) -> ChartBaseline:
    """Mean and spread of the baseline's nights, along the last axis.

    Args:
        values: one per night; NaN for a night without any.
        weights: observations behind each, > 0: a night's variance is taken to be inverse to them, whatever its size,
            so that variation between nights is counted in.

    >>> [round(float(part), 3) for part in chart_baseline([1.0, 2.0, float("nan"), 3.0])]
    [2.0, 1.0, 3.0]
    """
    values, weights = floats(values, weights)
    known = ~np.isnan(values) & (weights > 0.0)
    weight = np.where(known, weights, 0.0)
    total, nights = weight.sum(axis=-1), known.sum(axis=-1).astype(np.float64)
    held = np.where(known, values, 0.0)
    start = divide((weight * held).sum(axis=-1), total, where=total > 0.0)
    mean = start + divide((weight * np.where(known, values - start[..., None], 0.0)).sum(axis=-1), total, total > 0.0)
    spread = (weight * np.where(known, values - mean[..., None], 0.0) ** 2).sum(axis=-1)
    return ChartBaseline(mean, np.sqrt(divide(spread, nights - 1.0, where=nights > 1.0)), nights)


def ewma_chart(
    values: ArrayLike,
    reference: ChartBaseline,
    weights: ArrayLike = 1.0,
    *,
    nights_per_false_alarm: float = NIGHTS_PER_FALSE_ALARM,
    smoothing: float = SMOOTHING,
    sides: Sides = 1,
) -> Chart:
    """Chart of the nights after a baseline, many series at once.

    One-sided, the average is held at 0 from below, so that a long good spell does not hide the start of a bad one
    (Crowder and Hamilton 1992). After an alarm it restarts at 0: a series that stays bad raises the next one soon.

    Args:
        values: nightly values, (..., nights), those of the baseline not among them; NaN for a night without any, which
            changes nothing.
        reference: the baseline of each series.
        weights: observations behind each night; as for :func:`chart_baseline`.
        nights_per_false_alarm: nights between false alarms of a series in which nothing changes.
        smoothing: weight of tonight, in (0, 1].
        sides: 1 for a rise alone, 2 for both directions.

    Returns:
        No chart (NaN, no alarm) for a series whose baseline is shorter than ``FEWEST_BASELINE_NIGHTS`` or does not vary.

    Raises:
        ValueError: a figure outside its range.

    >>> calm = chart_baseline(np.tile([-1.0, 0.0, 1.0], 10))
    >>> chart = ewma_chart([0.0, 2.0, 2.0, 2.0, 2.0], calm)
    >>> chart.statistic.round(2).tolist(), float(chart.limit.round(2)), chart.alarm.tolist()
    ([0.0, 0.48, 0.87, 1.18, 0.48], 1.06, [False, False, False, True, False])
    """
    values, weights = floats(values, weights)
    mean, sd, nights = floats(*reference)
    scale = np.where(sd > 0.0, sd, np.nan)[..., None]
    z = (values - mean[..., None]) * np.sqrt(np.where(weights > 0.0, weights, np.nan)) / scale
    usable = (nights >= FEWEST_BASELINE_NIGHTS) & (sd > 0.0)
    sizes, which = np.unique(np.where(usable, nights, np.inf), return_inverse=True)
    of_size = np.array([ewma_limit(float(m), nights_per_false_alarm, smoothing, sides) for m in sizes])
    limit = np.where(usable, of_size[which.reshape(usable.shape)], np.nan)

    statistic, alarm = np.empty(z.shape), np.zeros(z.shape, dtype=np.bool_)
    level = np.where(usable, 0.0, np.nan)
    for night in range(z.shape[-1]):
        tonight = z[..., night]
        level = np.where(np.isnan(tonight), level, (1.0 - smoothing) * level + smoothing * tonight)
        if sides == 1:
            level = np.maximum(level, 0.0)
        statistic[..., night] = level
        alarm[..., night] = ~np.isnan(tonight) & (np.abs(level) > limit)
        level = np.where(alarm[..., night], 0.0, level)
    return Chart(statistic, limit, alarm)


@lru_cache(maxsize=512)
def ewma_limit(
    nights: float,
    nights_per_false_alarm: float = NIGHTS_PER_FALSE_ALARM,
    smoothing: float = SMOOTHING,
    sides: Sides = 1,
) -> float:
    """Limit of the EWMA of nights standardised by a baseline of this many nights.

    The rate of false alarms, 1 / (run length), is averaged over what the baseline's mean and spread may come out as:
    normal and, independent of it, chi. So of many charts, each with its own baseline, one alarm in
    ``nights_per_false_alarm`` chart-nights is false.

    Args:
        nights: length of the baseline, >= 10; infinite for a mean and spread that are known.
        nights_per_false_alarm: above 2.
        smoothing: weight of tonight, in (0, 1].
        sides: 1 for a rise alone, 2 for both directions.

    Raises:
        ValueError: a figure outside its range.

    >>> round(ewma_limit(float("inf"), 500.0, 0.1, 2) / (0.1 / 1.9) ** 0.5, 2)  # 2.814 in Lucas and Saccucci
    2.81
    """
    if not nights >= FEWEST_BASELINE_NIGHTS:
        raise ValueError(f"expected a baseline of {FEWEST_BASELINE_NIGHTS} nights or more, found {nights}")
    if not nights_per_false_alarm > 2.0:
        raise ValueError(f"expected more than 2 nights per false alarm, found {nights_per_false_alarm}")
    shift, scale, chance = _baseline_errors(nights)

    def excess(limit: float) -> float:
        rate = (chance / run_length(limit, shift, scale, smoothing=smoothing, sides=sides)).sum()
        return float(np.log(rate * nights_per_false_alarm))

    lowest = 0.0 if np.isinf(nights) else ewma_limit(float("inf"), nights_per_false_alarm, smoothing, sides)
    highest = max(lowest, 2.0 * float(np.sqrt(smoothing / (2.0 - smoothing))))
    while excess(highest) > 0.0:
        lowest, highest = highest, 1.2 * highest
    return float(optimize.brentq(excess, lowest, highest, xtol=_CLOSE_ENOUGH))


def run_length(
    limit: float, shift: ArrayLike = 0.0, scale: ArrayLike = 1.0, *, smoothing: float = SMOOTHING, sides: Sides = 1
) -> Floats:
    """Average nights until an alarm, from a chart that starts at 0.

    The integral equation of the run length (Crowder 1987) by Gauss-Legendre quadrature; one-sided with a barrier at 0.

    Args:
        limit: of the statistic.
        shift: mean of the standardised nights: by how many standard deviations the level has moved.
        scale: their standard deviation.
        smoothing: weight of tonight, in (0, 1].
        sides: 1 for a rise alone, 2 for both directions.

    Raises:
        ValueError: a smoothing or number of sides outside its range.

    >>> float(run_length(3.0, smoothing=1.0, sides=2).round(1))  # a Shewhart chart
    370.4
    """
    if not 0.0 < smoothing <= 1.0 or sides not in {1, 2}:
        raise ValueError(f"expected a smoothing in (0, 1] and 1 or 2 sides, found {smoothing} and {sides}")
    shift, scale = floats(shift, scale)
    centre, width = smoothing * shift.reshape(-1, 1, 1), smoothing * scale.reshape(-1, 1, 1)
    lowest = 0.0 if sides == 1 else -limit
    count = 20 + int(np.ceil((limit - lowest) / float(width.min(initial=np.inf)) / _WIDTHS_PER_NODE))
    nodes, weights = np.polynomial.legendre.leggauss(count)
    at = lowest + (limit - lowest) * (nodes + 1.0) / 2.0
    starts = np.append(at, 0.0)[:, None]
    distance = (at - (1.0 - smoothing) * starts - centre) / width
    kernel = np.zeros((shift.size, count + 1, count + 1))
    kernel[:, :, :-1] = np.exp(-0.5 * distance**2) / (_ROOT_TWO_PI * width) * weights * (limit - lowest) / 2.0
    if sides == 1:
        kernel[:, :, -1:] = special.ndtr((0.0 - (1.0 - smoothing) * starts - centre) / width)
    nights = np.linalg.solve(np.eye(count + 1) - kernel, np.ones((shift.size, count + 1, 1)))
    return np.asarray(nights[:, -1, 0].reshape(shift.shape))


def _baseline_errors(nights: float) -> tuple[Floats, Floats, Floats]:
    """Shift, scale and probability of the nights as standardised by baselines that come out one way or another."""
    if np.isinf(nights):
        return np.zeros(1), np.ones(1), np.ones(1)
    nodes, weights = np.polynomial.legendre.leggauss(_ERROR_NODES)
    reach = -float(special.ndtri(_TAIL))
    z, df = reach * nodes, nights - 1.0
    chance_z = weights * np.exp(-0.5 * z**2)
    lowest, highest = special.chdtri(df, [1.0 - _TAIL, _TAIL])
    ratio = np.sqrt(lowest / df) + (np.sqrt(highest / df) - np.sqrt(lowest / df)) * (nodes + 1.0) / 2.0
    log_chance = (df - 1.0) * np.log(ratio) - 0.5 * df * ratio**2
    chance_ratio = weights * np.exp(log_chance - log_chance.max())
    chance = np.outer(chance_z / chance_z.sum(), chance_ratio / chance_ratio.sum()).ravel()
    shift = np.add.outer(z / np.sqrt(nights), np.zeros(ratio.size)) / ratio
    scale = np.broadcast_to(1.0 / ratio, shift.shape)
    likely = chance > _LIKELY
    return shift.ravel()[likely], scale.ravel()[likely], chance[likely]
