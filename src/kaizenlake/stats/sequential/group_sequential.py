"""What a sequential test that stopped has shown, and what one that goes on will show.

An effect read on the night of its first crossing is too large: the luckiest nights stop first. The estimate here is
median-unbiased over all deployments and its interval covers, whatever night it was (stage-wise ordering: Tsiatis, Rosner
and Mehta 1984; Jennison and Turnbull 2000, section 8.4). Among those that stopped early it is still too large on average;
what helps there is to know beforehand how large effects are: ``shrink_normal`` with a prior about 0.

Looks stand on the last axis as in :mod:`kaizenlake.stats.sequential.spending`. The drift of a test is its true effect where
information is 1 / se squared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, divide, floats
from kaizenlake.stats.basics._special import normal_quantile, upper_quantile
from kaizenlake.stats.sequential._score_walk import Paths
from kaizenlake.stats.sequential.spending import LEAST_GAIN, Sides, to_front

_MOST_STEPS = 60
_CLOSE_ENOUGH = 1e-10
_SMALLEST = 1e-300
_ROUNDING = 1e-16
_WIDEST = 12.0


class CrossingChances(NamedTuple):
    """Probability that the first crossing falls on each look: of the upper boundary, and of the lower one."""

    upper: Floats
    lower: Floats


class StoppedEffect(NamedTuple):
    """An effect corrected for the night it was read on.

    Attributes:
        effect: median-unbiased estimate.
        ci_low, ci_high: its interval, which covers at the stated confidence.
        p_value: of no effect, by the same ordering of outcomes.
    """

    effect: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats


def repeated_interval(effect: ArrayLike, se: ArrayLike, critical: ArrayLike) -> tuple[Floats, Floats]:
    """Return the interval of tonight's effect that covers together with those of all other nights (Jennison and Turnbull 1989).

    Args:
        effect: tonight's estimate.
        se: its standard error.
        critical: tonight's two-sided boundary; infinite where nothing is spent, and so is the interval then.

    >>> low, high = repeated_interval(-0.02, 0.01, 2.5)
    >>> round(float(low), 3), round(float(high), 3)
    (-0.045, 0.005)
    """
    effect, se, critical = floats(effect, se, critical)
    half = np.where(se >= 0.0, critical, np.nan) * np.where(se > 0.0, se, np.nan)
    return effect - half, effect + half


def crossing(
    information: ArrayLike,
    critical: ArrayLike,
    drift: ArrayLike = 0.0,
    *,
    sides: Sides = 2,
    at_information: ArrayLike = 0.0,
    at_z: ArrayLike = 0.0,
) -> CrossingChances:
    """Return the probability of a first crossing on each look; its running sum is the power so far.

    Args:
        information: of each look (last axis), rising; NaN for a look that is not made.
        critical: z-value of each look; infinite where the look cannot reject.
        drift: true effect of each design, in the unit whose information is given.
        sides: 2 for symmetric boundaries, 1 for the upper one alone.
        at_information: what is known already, so that the power is the one conditional on tonight; the looks are those
            still to come.
        at_z: where the statistic stands with it.

    Returns:
        0 on looks that are not made or add nothing.

    >>> looks = np.array([0.5, 1.0])
    >>> found = crossing(looks, [2.178, 2.178], drift=3.2415)
    >>> round(float(found.upper.sum()), 2)
    0.87
    """
    information, critical = floats(information, critical)
    shape = np.broadcast_shapes(
        information.shape, *((*np.shape(value), 1) for value in (drift, at_information, at_z) if np.ndim(value))
    )
    known, critical = (np.broadcast_to(v, shape).reshape(-1, shape[-1]) for v in (information, critical))
    drift, start, z = (
        np.broadcast_to(np.asarray(v, dtype=np.float64), shape[:-1]).reshape(-1) for v in (drift, at_information, at_z)
    )
    score = (z * np.sqrt(start))[:, None]
    bound = critical * np.sqrt(known)
    lower_bound = -bound if sides == 2 else np.full(bound.shape, -np.inf)
    upper, lower = _Walk.of(known - start[:, None], bound - score, lower_bound - score, drift).exits(drift)
    return CrossingChances(upper.reshape(shape), lower.reshape(shape))


def stopped_effect(
    information: ArrayLike, critical: ArrayLike, z: ArrayLike, *, sides: Sides = 2, confidence: float = 0.95
) -> StoppedEffect:
    """Return the effect of a test that ended on its last look, corrected for its having been free to end before.

    Args:
        information: 1 / se squared of each look up to the last one made; NaN for looks that were not made.
        critical: z-value that each look was held against.
        z: statistic of the last look made, effect / se.
        sides: 2 for symmetric boundaries, 1 where only the upper one ended the test.
        confidence: coverage of the interval.

    Returns:
        In the unit of the effect whose information is given; NaN where no look was made or z is missing. The p-value is
        two-sided for a two-sided test, else that of an effect above zero.

    >>> looks, bounds = np.array([100.0, 200.0]), np.array([2.5, 2.1])
    >>> stopped = stopped_effect(looks[:1], bounds[:1], 3.0)  # the first look: nothing to correct
    >>> round(float(stopped.effect), 3)
    0.3
    >>> round(float(stopped_effect(looks, bounds, 3.0).effect), 3), round(3.0 / 200**0.5, 3)
    (0.2, 0.212)
    """
    upper_tail = upper_quantile(confidence)
    information, critical = floats(information, critical)
    shape = information.shape
    (z,) = floats(z)
    z = np.broadcast_to(z, shape[:-1]).reshape(-1)
    known, bound = information.reshape(-1, shape[-1]), (critical * np.sqrt(information)).reshape(-1, shape[-1])
    last = np.where(np.isnan(known), 0.0, known).max(axis=1, initial=0.0)
    defined = (last > 0.0) & np.isfinite(z)
    last, z = np.where(defined, last, 1.0), np.where(defined, z, 0.0)
    root, score = np.sqrt(last), z * np.sqrt(last)
    ends = known == last[:, None]
    ends &= np.cumsum(ends, axis=1) == 1
    beyond = np.where(ends, score[:, None], np.where(np.cumsum(ends, axis=1) > 0, np.inf, bound))
    lower = -bound if sides == 2 else np.full(bound.shape, -np.inf)
    walk = _Walk.of(known, beyond, lower, score / last)

    def effect_of(probability: float) -> Floats:
        lowest, highest = (z - _WIDEST) / root, (z + _WIDEST) / root
        return np.where(defined, _root(walk.above, probability, lowest, highest), np.nan)

    above = walk.above(np.zeros(z.shape))
    p_value = np.minimum(2.0 * np.minimum(above, 1.0 - above), 1.0) if sides == 2 else above
    parts = effect_of(0.5), effect_of(1.0 - upper_tail), effect_of(upper_tail), np.where(defined, p_value, np.nan)
    return StoppedEffect(*(part.reshape(shape[:-1]) for part in parts))


def drift_for_power(information: ArrayLike, critical: ArrayLike, power: float, *, sides: Sides = 2) -> Floats:
    """Return the true effect that crosses the upper boundary on some look with this probability; one per design.

    Raises:
        ValueError: a power outside (0, 1).
    """
    if not 0.0 < power < 1.0:
        raise ValueError(f"expected a power between 0 and 1 such as 0.8, found {power}")
    information, critical = floats(information, critical)
    shape = information.shape
    known, critical = information.reshape(-1, shape[-1]), critical.reshape(-1, shape[-1])
    root = np.sqrt(np.nanmax(known, axis=1))

    def reach(drift: Floats) -> Floats:
        return np.asarray(crossing(known, critical, drift, sides=sides).upper.sum(axis=1))

    return _root(reach, power, -_WIDEST / root, _WIDEST / root).reshape(shape[:-1])


def inflation(information: ArrayLike, critical: ArrayLike, alpha: float, power: float, *, sides: Sides = 2) -> Floats:
    """Return the largest information of the sequential test as a multiple of what one look at the end would need.

    Args:
        information: of each planned look, NaN for one that is not made.
        critical: its boundary.
        alpha: error probability of the single look that is compared with.
        power: of both.
        sides: of both.
    """
    (information,) = floats(information)
    drift = drift_for_power(information, critical, power, sides=sides)
    single = normal_quantile(1.0 - alpha / sides) + normal_quantile(power)
    return np.asarray(drift**2 * np.nanmax(information, axis=-1) / single**2)


class _Walk(NamedTuple):
    """Looks that count, at the front of each row, with the paths that reach each of them when there is no drift."""

    place: Ints
    counts: Bools
    gains: Floats
    upper: Floats
    lower: Floats
    paths: tuple[Paths, ...]

    @classmethod
    def of(cls, information: Floats, upper: Floats, lower: Floats, centre: Floats) -> _Walk:
        """Walk from score 0 at information 0; paths are followed around those of the drift ``centre``."""
        counts = _counting(information, upper)
        place, gains, (_, up, low) = to_front(counts, information, upper, lower)
        counts = np.take_along_axis(counts, place, axis=1)
        up, low = np.where(counts, up, np.inf), np.where(counts, low, -np.inf)
        designs = information.shape[0]
        paths = [Paths.starting(np.zeros(designs), np.zeros(designs))]
        for look in range(int(counts.sum(axis=1).max(initial=0)) - 1):
            middle = centre * gains[:, : look + 1].sum(axis=1)
            here = (gains[:, look], low[:, look], up[:, look], gains[:, look + 1], middle)
            paths.append(paths[-1].advance(*here))
        return cls(place, counts, gains, up, low, tuple(paths))

    def exits(self, drift: Floats) -> tuple[Floats, Floats]:
        """Return the probability to end above, and below, on each look under a drift."""
        return self._ending(self.upper, drift, 1.0), self._ending(self.lower, drift, -1.0)

    def above(self, drift: Floats) -> Floats:
        """Return the probability to end above on any look under a drift."""
        return np.asarray(self._ending(self.upper, drift, 1.0).sum(axis=1))

    def _ending(self, bound: Floats, drift: Floats, sign: float) -> Floats:
        ends = np.zeros(self.gains.shape)
        for look, paths in enumerate(self.paths[: self.gains.shape[1]]):
            gain, here = self.gains[:, look], np.flatnonzero(self.counts[:, look])
            room = bound[here, look] - drift[here] * gain[here]
            tilted = paths.of(here).tilt(drift[here])
            ends[here, look] = np.exp(tilted.log_tail(gain[here], room, sign))
        return np.take_along_axis(ends, np.argsort(self.place, axis=1, kind="stable"), axis=1)


def _counting(information: Floats, upper: Floats) -> Bools:
    """Return looks on which a path can end; of two that differ by less than a thousandth in information, the later one."""
    counts = (information > 0.0) & np.isfinite(upper)
    after = np.full(information.shape[0], np.inf)
    for look in range(information.shape[1] - 1, -1, -1):
        counts[:, look] &= after > information[:, look] * (1.0 + LEAST_GAIN)
        after = np.where(counts[:, look], information[:, look], after)
    return counts


def _root(function: Callable[[Floats], Floats], target: float, low: Floats, high: Floats) -> Floats:
    """Return where a rising probability takes a value: false position (Illinois) on the normal scale, where it is almost a line."""
    goal = normal_quantile(target)

    def gap(at: Floats) -> Floats:
        return normal_quantile(np.clip(function(at), _SMALLEST, 1.0 - _ROUNDING)) - goal

    at_low, at_high = gap(low), gap(high)
    side = np.zeros(low.shape)
    middle = 0.5 * (low + high)
    for _ in range(_MOST_STEPS):
        # The ends may have met: then either of them is the answer.
        middle = high - divide(at_high * (high - low), at_high - at_low, where=at_high > at_low, otherwise=0.0)
        found = gap(middle)
        below = found < 0.0
        at_high = np.where(below, np.where(side < 0.0, 0.5 * at_high, at_high), found)
        at_low = np.where(below, found, np.where(side > 0.0, 0.5 * at_low, at_low))
        low, high = np.where(below, middle, low), np.where(below, high, middle)
        side = np.where(below, -1.0, 1.0)
        if np.all(np.abs(found) <= _CLOSE_ENOUGH):
            break
    return np.asarray(middle)
