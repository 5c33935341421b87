"""Has the loss risen? A control chart of the mean of the last days against a baseline, for losses as doers log them.

On each day the mean of the last seven days is set against that of the baseline: the first days of the series, which goes on to
take in days that are two weeks old, up to a longest. Days of an alarm, and those close before it, are not taken in.

A textbook chart supposes days that are independent, about normal, and of a known mean and spread. Here the error of the
difference holds what real losses do beside: runs of a day that vary, from pass and fail to shares; days that differ by more than
their runs explain; days that lean on each other; few runs; a baseline that is itself an estimate; and the skewness of rare
failures. A series without any variation has an error too, since what never happened in n runs may still happen once in n.

The limit is that at which the mean of seven normal days rises above it once in a stated number of days, where neighbouring
means correlate as the baseline says: days that lean on each other, and a baseline that is not well known, change the difference
less from one day to the next, so that it rises above a height less often and stays there longer. Averaged over series that
rate is the same whether the baseline was known or estimated, as the error of the baseline is part of the error of the
difference.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kaizenlake.stats.basics._arrays import Bools, Floats, divide, floats
from kaizenlake.stats.basics._special import special

WINDOW = 7
"""Days whose mean is followed."""

DAYS_PER_FALSE_ALARM = 300.0
"""Days between false alarms of one series, on average."""

BASELINE_DAYS = 30
"""Days with runs before a series is charted."""

FEWEST_BASELINE_DAYS = 10
"""Below it a spread is not known well enough to say anything."""

LONGEST_BASELINE = 150
"""Days with runs that a baseline takes in at most."""

SETTLED = 2 * WINDOW
"""Days after which a day is taken into the baseline, unless there was an alarm since."""

SMALLEST_RISE = 0.01
"""Rise of the mean that does not matter."""

# How much is added to what a baseline of few days estimates, tuned on the simulations of `tests/benchmarks/degrading.py`.
_DAY_MARGIN = 0.5  # standard errors of the variance between days
_LEAN_MARGIN = 0.7  # standard errors of the correlation of neighbouring days
_LEAN_DECAY = 0.5  # correlation of days two apart, over that of neighbours, where the baseline says nothing of it
_LEAN_DECAY_DAYS = 5.0  # days that differ by their levels alone for which that is taken
_LEAST_DECAY = 0.3
_LARGEST_LEAN = 0.9
_MUCH_LEAN = 0.5  # correlation beyond which few days tell of it: it counts more by the part that is beyond,
_MORE_LEAN = 3.0  # so many times
_LARGEST_LOSS = 0.5  # share of the variance between days that their own mean takes away
_LEAST_SLOPE = 0.12  # of the limit's Owen's T: below it alarms are rare but long
_SLOPES = 64
_UNSEEN = 1.0  # runs added on each side of a mean, so that none is 0 or 1
_UNVARIED = 0.02  # squared deviation added, so that none is 0
_FEW_WITHIN = 10.0  # degrees of freedom within days below which the variance between them counts among the runs'
_BLOCK = 256  # series at a time, for the memory that they need
_EDGE = 1e-9
_LEAST_SKEWNESS = 1e-3
_LEAST_CHANCE = 1e-300


class ControlChart(NamedTuple):
    """The chart, one entry per series and day; NaN (False) where a series has no chart or no run on the day.

    Attributes:
        level: mean of the last seven days, each weighted by how well it is known.
        baseline: mean of the baseline, weighted the same.
        ci_low: lower end of the interval of their difference that the limit draws: above 0 on days of an alarm alone.
        ci_high: upper end of it.
        statistic: their difference in standard errors of it, made normal.
        limit: what it is held against, by how much neighbouring means correlate.
        alarm: the statistic lies above the limit.
    """

    level: Floats
    baseline: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    limit: Floats
    alarm: Bools


class _Days(NamedTuple):
    """What each day adds to a baseline, (series, days); or the sums of a baseline, (series,).

    Attributes:
        days: 1 for a day with runs.
        runs: n.
        runs_squared: n².
        total: n · mean.
        square: n · mean².
        within: squared deviations within the day.
        weight: w, how well the mean of the day is known.
        weighted: w · mean.
        weight_squared: w².
        weight_by_run: w² / n.
        pair: √(n n') with the day before; 0 without one.
        pair_sum: that times the sum of the two means.
        pair_product: that times their product.
    """

    days: Floats
    runs: Floats
    runs_squared: Floats
    total: Floats
    square: Floats
    within: Floats
    weight: Floats
    weighted: Floats
    weight_squared: Floats
    weight_by_run: Floats
    pair: Floats
    pair_sum: Floats
    pair_product: Floats


class _Baseline(NamedTuple):
    """What a baseline says of days to come.

    Attributes:
        mean: mean, pulled off 0 and 1 by a run.
        of_run: variance of a run within its day.
        of_day: variance of the level of a day.
        lean: covariance of the means of neighbouring days.
        shape: of_run over the largest that its mean allows: 1 for pass and fail.
        variance: of the mean.
        decay: correlation of days k + 1 apart, over that of days k apart.
        known: independent days that tell as much of the variance as one does.
    """

    mean: Floats
    of_run: Floats
    of_day: Floats
    lean: Floats
    shape: Floats
    variance: Floats
    decay: Floats
    known: Floats


class _Recent(NamedTuple):
    """Sums over the last days, (series, days): of w, w · mean, w², w² / n, w³ / n², w³; and of pairs of weights, by days apart."""

    weight: Floats
    weighted: Floats
    squared: Floats
    by_run: Floats
    cubed_by_run: Floats
    cubed: Floats
    pairs: Floats


def drift_chart(
    mean: ArrayLike,
    runs: ArrayLike,
    m2: ArrayLike,
    *,
    baseline_days: int = BASELINE_DAYS,
    days_per_false_alarm: float = DAYS_PER_FALSE_ALARM,
    smallest_rise: float = SMALLEST_RISE,
) -> ControlChart:
    """Return the chart of the losses of many series by day.

    Args:
        mean: mean loss of each calendar day in [0, 1], (series, days); ignored where there are no runs.
        runs: runs of the day with a loss; 0 or NaN for none.
        m2: sum of the squared deviations of its losses from their mean.
        baseline_days: days with runs before a series is charted.
        days_per_false_alarm: days between false alarms of a series in which nothing changes.
        smallest_rise: rise of the mean that does not matter; no smaller one raises an alarm.

    Raises:
        ValueError: a figure outside its range.

    >>> calm = np.full((1, 40), 0.2)
    >>> calm[:, 35:] = 0.5
    >>> drift_chart(calm, np.full((1, 40), 10.0), np.zeros((1, 40))).alarm[0, 33:].tolist()
    [False, False, True, True, True, True, True]
    """
    mean, runs, m2 = np.atleast_2d(*floats(mean, runs, m2))
    if baseline_days < FEWEST_BASELINE_DAYS:
        raise ValueError(f"expected a baseline of {FEWEST_BASELINE_DAYS} days or more, found {baseline_days}")
    rule = _Rule(*_compute_limits(days_per_false_alarm), smallest_rise)
    if not mean.size:
        none = np.empty(mean.shape)
        return ControlChart(none, none, none, none, none, none, np.empty(mean.shape, dtype=np.bool_))
    blocks = [
        _compute_chart(mean[at : at + _BLOCK], runs[at : at + _BLOCK], m2[at : at + _BLOCK], baseline_days, rule)
        for at in range(0, mean.shape[0], _BLOCK)
    ]
    level, baseline, low, high, statistic, limit = (np.concatenate([block[i] for block in blocks]) for i in range(6))
    return ControlChart(level, baseline, low, high, statistic, limit, np.asarray(statistic > limit))


@lru_cache(maxsize=64)
def rise_limit(
    days_per_false_alarm: float = DAYS_PER_FALSE_ALARM, correlation: float = (WINDOW - 1.0) / WINDOW
) -> float:
    """Return the height above which a mean of the last normal days rises once in a number of days.

    That one mean lies below a height and the next above it has the chance 2 T(h, √((1 - r) / (1 + r))), with their
    correlation r and Owen's T (Owen 1956).

    Args:
        days_per_false_alarm: above 12 where days are independent.
        correlation: of neighbouring means; those of seven independent days share six.

    Raises:
        ValueError: fewer days.

    >>> round(rise_limit(300.0), 2)
    2.52
    """
    return _compute_height(float(np.sqrt((1.0 - correlation) / (1.0 + correlation))), days_per_false_alarm)


def _compute_height(slope: float, days_per_false_alarm: float) -> float:
    """Return the height at which 2 T(h, slope) is one in a number of days."""
    if not 2.0 * special().owens_t(0.0, slope) * days_per_false_alarm > 1.0:
        raise ValueError(f"expected more days per false alarm, found {days_per_false_alarm}")
    rate = 1.0 / days_per_false_alarm
    from scipy import optimize

    return float(optimize.brentq(lambda height: 2.0 * special().owens_t(height, slope) - rate, 0.0, 20.0))


@lru_cache(maxsize=64)
def _compute_limits(days_per_false_alarm: float) -> tuple[Floats, Floats]:
    """Return slopes up to that of independent days, and the limit at each; lower ones for few days than that which is none."""
    steepest = float(np.sqrt(1.0 / (2.0 * WINDOW - 1.0)))
    rise_limit(days_per_false_alarm)
    least = max(_LEAST_SLOPE, 2.0 * np.tan(np.pi / days_per_false_alarm))
    slopes = np.linspace(min(least, steepest), steepest, _SLOPES)
    return slopes, np.array([_compute_height(float(slope), days_per_false_alarm) for slope in slopes])


class _Rule(NamedTuple):
    """Slopes of Owen's T, the limit at each, and the rise that does not matter."""

    slopes: Floats
    limits: Floats
    smallest_rise: float

    @property
    def floor(self) -> float:
        """Variance that is added, so that no smaller rise lies above the lowest limit."""
        return float((self.smallest_rise / self.limits[0]) ** 2)

    def limit(self, correlation: Floats) -> Floats:
        """Return the limit of means of which neighbours correlate so."""
        return np.interp(np.sqrt((1.0 - correlation) / (1.0 + correlation)), self.slopes, self.limits)


def _compute_chart(mean: Floats, runs: Floats, m2: Floats, first: int, rule: _Rule) -> NDArray[np.float64]:
    """Return the parts of the chart of a block of series."""
    known = runs > 0.0
    runs, mean, m2 = (np.where(known, column, 0.0) for column in (runs, mean, m2))
    place = known.cumsum(axis=1)
    begin, grown = known & (place <= first), known & (place > first)
    grows = grown & (place <= max(first, LONGEST_BASELINE))
    start = _baseline(_total(_days(mean, runs, m2, runs), begin))
    # A day is weighed by what the first baseline says of its variance, and always so: means of one weighting compare.
    weight = divide(runs, 1.0 + runs * divide(start.of_day, start.of_run, start.of_run > 0.0)[:, None], known)
    weight = np.where(known, weight, 0.0)
    days = _days(mean, runs, m2, weight)
    recent = _recent(mean, runs, weight)
    sums = _total(days, begin)
    found = np.full((6, *mean.shape), np.nan)
    since = np.full(mean.shape[0], np.inf)
    for day in range(mean.shape[1]):
        old = day - SETTLED
        if old >= 0:
            taken = grows[:, old] & (since >= SETTLED)
            sums = _Days(*(sum_ + np.where(taken, part[:, old], 0.0) for sum_, part in zip(sums, days, strict=True)))
        if not grown[:, day].any():
            continue
        today = _Recent(*(part[..., day] for part in recent))
        figures = _compare(today, _baseline(sums), sums.days - 1.0, rule)
        found[:, :, day] = np.where(grown[:, day], figures, np.nan)
        since = np.where(grown[:, day] & (figures[4] > figures[5]), 0.0, since + 1.0)
    return found


def _compare(recent: _Recent, baseline: _Baseline, df: Floats, rule: _Rule) -> NDArray[np.float64]:
    """Return the level, baseline, both ends of the interval of their difference, the statistic and its limit."""
    some = recent.weight > 0.0
    level = divide(recent.weighted, recent.weight, some)
    squared = recent.weight**2
    of_runs = divide(baseline.of_run * recent.by_run, squared, some)
    alone = divide(baseline.of_day * recent.squared, squared, some)
    pairs = np.sum([baseline.decay**apart * pair for apart, pair in enumerate(recent.pairs)], axis=0)
    of_days = alone + divide(2.0 * baseline.lean * pairs, squared, some)
    variance = of_runs + of_days + baseline.variance + rule.floor
    # Third moments: of the runs, which the shape of a Beta distribution tells; of a mean that is known from few failures
    # (as of a gamma distribution); and of days, whose levels cannot fall below 0.
    mean = np.clip(baseline.mean, _EDGE, 1.0 - _EDGE)
    room = mean * (1.0 - mean)
    slope = np.maximum(1.0 - 2.0 * mean, 0.0) / room
    shape = 2.0 * np.sqrt(baseline.shape) / (1.0 + baseline.shape)
    cube = recent.weight**3
    third = shape * slope * np.sqrt(room) * baseline.of_run**1.5 * divide(recent.cubed_by_run, cube, some)
    third += shape * slope * (2.0 * baseline.variance**2 + 3.0 * baseline.variance * of_runs)
    third += 2.0 * slope * baseline.of_day**2 * divide(recent.cubed, cube, some)
    skewness = np.maximum(third / variance**1.5, _LEAST_SKEWNESS)
    error = np.sqrt(variance)
    difference = level - baseline.mean
    df = df * baseline.known
    statistic = _to_normal(difference / error, skewness, df)
    # From one day to the next a mean of the last days changes by the day that comes and the one that goes.
    limit = rule.limit(1.0 - (of_runs + alone) / (WINDOW * variance))
    high, low = (_from_normal(sign * limit, skewness, df) for sign in (-1.0, 1.0))
    ends = (np.clip(difference - end * error, -1.0, 1.0) for end in (low, high))
    return np.stack([np.clip(level, 0.0, 1.0), np.clip(baseline.mean, 0.0, 1.0), *ends, statistic, limit])


def _to_normal(standardised: Floats, skewness: Floats, df: Floats) -> Floats:
    """Make a difference in standard errors normal: as skewed as told (Pearson's type III), its spread estimated (t)."""
    shape = 4.0 / skewness**2
    at = np.maximum(shape + standardised * 2.0 / skewness, 0.0)
    above, below = (np.maximum(part(shape, at), _LEAST_CHANCE) for part in (special().gammaincc, special().gammainc))
    symmetric = np.where(above < below, -special().ndtri(above), special().ndtri(below))
    tail = np.maximum(special().stdtr(df, -np.abs(symmetric)), _LEAST_CHANCE)
    return np.asarray(-np.sign(symmetric) * special().ndtri(tail))


def _from_normal(normal: Floats, skewness: Floats, df: Floats) -> Floats:
    """Return the difference in standard errors that `_to_normal` makes this; all of one sign."""
    symmetric = np.sign(normal) * -special().stdtrit(df, special().ndtr(-np.abs(normal)))
    shape = 4.0 / skewness**2
    at = (
        special().gammainccinv(shape, special().ndtr(-symmetric))
        if np.all(normal > 0.0)
        else special().gammaincinv(shape, special().ndtr(symmetric))
    )
    return np.asarray((at - shape) * skewness / 2.0)


def _days(mean: Floats, runs: Floats, m2: Floats, weight: Floats) -> _Days:
    """Return what each day adds to the sums of a baseline."""
    pair, before = np.zeros_like(runs), np.zeros_like(mean)
    pair[:, 1:], before[:, 1:] = np.sqrt(runs[:, 1:] * runs[:, :-1]), mean[:, :-1]
    some = runs > 0.0
    return _Days(
        days=some.astype(np.float64),
        runs=runs,
        runs_squared=runs**2,
        total=runs * mean,
        square=runs * mean**2,
        within=m2,
        weight=weight,
        weighted=weight * mean,
        weight_squared=weight**2,
        weight_by_run=np.where(some, divide(weight**2, runs, some), 0.0),
        pair=pair,
        pair_sum=pair * (mean + before),
        pair_product=pair * mean * before,
    )


def _total(days: _Days, chosen: Bools) -> _Days:
    """Return the sums over some of the days, one after the other: days without runs at the end change no bit of them."""
    return _Days(*(np.where(chosen, part, 0.0).cumsum(axis=1)[:, -1] for part in days))


def _baseline(sums: _Days) -> _Baseline:
    """Estimate what a baseline says, by moments (as Cochran and DerSimonian and Laird do of a variance between)."""
    runs, days, some = sums.runs, sums.days, sums.runs > 0.0
    plain = _over(sums.total, runs)
    between = np.maximum(sums.square - runs * plain**2, 0.0)
    df_within, df_between = runs - days, np.maximum(days - 1.0, 0.0)
    # With about one run a day the spread within days is unknown, and that between them is taken for it.
    shared = _FEW_WITHIN / (_FEW_WITHIN + df_within)
    largest = (df_within + shared * df_between) * plain * (1.0 - plain)
    shape = np.minimum((sums.within + shared * between + _UNVARIED) / (largest + _UNVARIED), 1.0)
    mean = np.where(some, (sums.total + _UNSEEN * shape) / (runs + 2.0 * _UNSEEN * shape), 0.5)
    of_run = shape * mean * (1.0 - mean)
    apart = runs - _over(sums.runs_squared, runs)
    of_day = np.maximum(_over(between - df_between * of_run, apart), 0.0)
    of_mean_run = of_run * _over(days, runs)
    of_day += _DAY_MARGIN * np.sqrt(2.0 / np.maximum(df_between, 1.0)) * (of_day + of_mean_run)
    of_mean = of_day + of_mean_run
    pairs = np.maximum(df_between, 1.0)
    product = _over(sums.pair_product - plain * sums.pair_sum + plain**2 * sums.pair, sums.pair)
    # A correlation comes out too low by about 1 / pairs, and by its own error.
    lean = np.clip(_over(product, of_mean) + 1.0 / pairs + _LEAN_MARGIN / np.sqrt(pairs), 0.0, _LARGEST_LEAN)
    share = _over(of_day, of_mean)
    # Only levels of days lean, so no more of the variance does than is theirs.
    lean = np.minimum(lean, _LARGEST_LEAN * share)
    told = share * pairs / (share * pairs + _LEAN_DECAY_DAYS)
    decay = (1.0 - told) * _LEAN_DECAY + told * np.clip(_over(lean, share), _LEAST_DECAY, _LARGEST_LEAN)
    # The mean that deviations are taken from follows days that lean on each other, which hides as much of their variance.
    hidden = np.minimum((1.0 + 2.0 * lean / (1.0 - decay)) / pairs, _LARGEST_LOSS)
    more = hidden / (1.0 - hidden)
    of_day += more * of_mean
    of_mean *= 1.0 + more
    lean = np.minimum((lean + more) / (1.0 + more), _LARGEST_LEAN)
    lean *= 1.0 + _MORE_LEAN * np.maximum(lean - _MUCH_LEAN, 0.0)
    covariance = lean * of_mean
    weight = sums.weight**2
    of_days = (of_day + 2.0 * covariance / (1.0 - decay)) * sums.weight_squared
    squared = np.minimum(lean, _LARGEST_LEAN) ** 2
    return _Baseline(
        mean=_over(sums.weighted, sums.weight) + (mean - plain),
        of_run=of_run,
        of_day=of_day,
        lean=covariance,
        shape=shape,
        variance=_over(of_run * sums.weight_by_run + of_days, weight),
        decay=decay,
        known=(1.0 - squared) / (1.0 + squared),
    )


def _recent(mean: Floats, runs: Floats, weight: Floats) -> _Recent:
    """Return sums over the last seven days."""
    some = runs > 0.0
    pairs = []
    for apart in range(1, WINDOW):
        product = np.zeros_like(weight)
        product[:, apart:] = weight[:, apart:] * weight[:, :-apart]
        pairs.append(_compute_rolling(product, WINDOW - apart))
    by_run = np.where(some, divide(weight**2, runs, some), 0.0)
    cubed_by_run = np.where(some, divide(weight**3, runs**2, some), 0.0)
    parts = (weight, weight * mean, weight**2, by_run, cubed_by_run, weight**3)
    return _Recent(*(*(_compute_rolling(part, WINDOW) for part in parts), np.stack(pairs)))


def _compute_rolling(values: Floats, window: int) -> Floats:
    """Return sums over the last days, one term after the other: no sum is left over from days that are gone."""
    sums = values.copy()
    for back in range(1, min(window, values.shape[1])):
        sums[:, back:] += values[:, :-back]
    return sums


def _over(numerator: Floats, denominator: Floats) -> Floats:
    """Return a quotient; 0 where the denominator is not above 0."""
    some = denominator > 0.0
    return np.where(some, divide(numerator, denominator, some), 0.0)
