"""Maximum marginal likelihood of the beta-binomial model, for many groups at once.

Newton's method in (logit mean, log strength), where the likelihood is close to a parabola and both bounds are boxes. A
step that would lower the likelihood is halved; a group that has converged is no longer computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, divide, totals
from kaizenlake.stats.basics._special import digamma, log_gamma, trigamma

_MAX_STEPS = 100
_MAX_HALVINGS = 30
_LONGEST_STEP = 2.0
_CONVERGED = 1e-10
_ROUNDING = 1e-12


class Bounds(NamedTuple):
    """Lowest and highest mean and strength of each group."""

    mean_low: Floats
    mean_high: Floats
    strength_low: float
    strength_high: Floats


@dataclass(frozen=True)
class Rates:
    """Distinct (group, wins, decided) with the number of rows that share them, in canonical order."""

    codes: Ints
    wins: Floats
    decided: Floats
    weight: Floats
    n_groups: int

    @classmethod
    def of(cls, codes: Ints, wins: Floats, decided: Floats, n_groups: int) -> Rates:
        """Gather equal rows; the rows must be in canonical order."""
        fresh = np.ones(codes.size, dtype=np.bool_)
        fresh[1:] = (np.diff(codes) != 0) | (np.diff(wins) != 0.0) | (np.diff(decided) != 0.0)
        first = np.flatnonzero(fresh)
        weight = np.diff(np.append(first, codes.size)).astype(np.float64)
        return cls(codes[first], wins[first], decided[first], weight, n_groups)

    def total(self, values: Floats) -> Floats:
        """Sum per group over all rows."""
        return totals(self.codes, self.weight * values, self.n_groups)

    def only(self, groups: Bools) -> Rates:
        """Return the rows of some groups; codes keep their meaning."""
        keep = groups[self.codes]
        return Rates(self.codes[keep], self.wins[keep], self.decided[keep], self.weight[keep], self.n_groups)

    def thin(self, most: int) -> Rates:
        """Return at most ``most`` distinct rows of each group, evenly spaced in canonical order."""
        size = np.bincount(self.codes, minlength=self.n_groups)
        place = np.arange(self.codes.size) - (np.cumsum(size) - size)[self.codes]
        share = np.minimum(1.0, most / np.maximum(size, 1))[self.codes]
        keep = np.floor((place + 1) * share) > np.floor(place * share)
        return Rates(self.codes[keep], self.wins[keep], self.decided[keep], self.weight[keep], self.n_groups)

    def excess_spread(self, mean: Floats) -> Floats:
        """Return the slope of the log likelihood in 1 / strength at an infinitely strong prior, times two (after Tarone 1979).

        Positive where rates spread beyond what chance makes of one common rate, so that an inner maximum exists.
        """
        rate, losses = mean[self.codes], self.decided - self.wins
        pairs = self.wins * (self.wins - 1.0) / rate + losses * (losses - 1.0) / (1.0 - rate)
        return self.total(pairs - self.decided * (self.decided - 1.0))

    def moment_strength(self, mean: Floats) -> Floats:
        """Return the strength from the variance between rates (Kleinman 1973, weights by decided outcomes); inf without excess."""
        decided = self.total(self.decided)
        weight_free = decided - self.total(self.decided**2) / np.maximum(decided, 1.0)
        between = self.total(self.decided * (self.wins / self.decided - mean[self.codes]) ** 2)
        chance = mean * (1.0 - mean)
        degrees = self.total(np.ones(self.wins.size)) - 1.0
        excess = between - chance * degrees
        scale = chance * (weight_free - degrees)
        correlation = divide(excess, scale, where=scale > 0.0, otherwise=0.0)
        positive = correlation > 0.0
        return np.where(positive, 1.0 / np.where(positive, correlation, 1.0) - 1.0, np.inf)

    def log_likelihood(self, mean: Floats, strength: Floats) -> Floats:
        """Return the marginal log likelihood per group, up to the binomial coefficients."""
        alpha, beta = mean * strength, (1.0 - mean) * strength
        gained = log_gamma(self.wins + alpha[self.codes]) + log_gamma(self.decided - self.wins + beta[self.codes])
        gained -= log_gamma(self.decided + strength[self.codes])
        rows = self.total(np.ones(self.wins.size))
        return self.total(gained) - rows * (log_gamma(alpha) + log_gamma(beta) - log_gamma(strength))

    def magnitude(self, strength: Floats) -> Floats:
        """Return about how large the terms are whose difference the log likelihood is, which tells what rounding may do to it."""
        rows = self.total(np.ones(self.wins.size))
        mean_decided = self.total(self.decided) / np.maximum(rows, 1.0)
        return np.asarray(1.0 + rows * log_gamma(mean_decided + 1.0 + strength))


def maximise(data: Rates, groups: Bools, mean: Floats, strength: Floats, bounds: Bounds) -> tuple[Floats, Floats]:
    """Return the mean and strength of greatest likelihood within bounds for the groups marked; the others keep theirs."""
    lowest = np.stack([_compute_logit(bounds.mean_low), np.full(mean.shape, np.log(bounds.strength_low))])
    highest = np.stack(
        [_compute_logit(bounds.mean_high), np.log(np.maximum(bounds.strength_high, bounds.strength_low))]
    )
    start = np.clip(data.moment_strength(mean), 2.0 * bounds.strength_low, bounds.strength_high)
    point = np.clip(np.stack([_compute_logit(mean), np.log(start)]), lowest, highest)
    active = groups.copy()
    likelihood = data.only(active).log_likelihood(*_compute_natural(point))
    for _ in range(_MAX_STEPS):
        here = data.only(active)
        step = _compute_newton_step(here, point, lowest, highest)
        step[:, ~active] = 0.0
        moved, likelihood = _backtrack(here, point, likelihood, step, (lowest, highest), active)
        active &= np.abs(moved - point).max(axis=0) > _CONVERGED
        point = moved
        if not active.any():
            break
    fitted_mean, fitted_strength = _compute_natural(point)
    return np.where(groups, fitted_mean, mean), np.where(groups, fitted_strength, strength)


def _compute_newton_step(data: Rates, point: Floats, lowest: Floats, highest: Floats) -> Floats:
    """Return the uphill step per group: Newton's where the likelihood is concave, a damped one elsewhere."""
    mean, strength = _compute_natural(point)
    alpha, beta = mean * strength, (1.0 - mean) * strength
    rows = data.total(np.ones(data.wins.size))
    losses = data.decided - data.wins
    first = [
        data.total(digamma(count + shape[data.codes])) - rows * digamma(shape)
        for count, shape in ((data.wins, alpha), (losses, beta), (data.decided, strength))
    ]
    second = [
        data.total(trigamma(count + shape[data.codes])) - rows * trigamma(shape)
        for count, shape in ((data.wins, alpha), (losses, beta), (data.decided, strength))
    ]
    slope = strength * mean * (1.0 - mean)
    gradient = np.stack([slope * (first[0] - first[1]), alpha * first[0] + beta * first[1] - strength * first[2]])
    bend_mean = slope**2 * (second[0] + second[1]) + gradient[0] * (1.0 - 2.0 * mean)
    bend_both = slope * (alpha * second[0] - beta * second[1]) + gradient[0]
    bend_strength = alpha**2 * second[0] + beta**2 * second[1] - strength**2 * second[2] + gradient[1]

    stuck = ((point <= lowest) & (gradient < 0.0)) | ((point >= highest) & (gradient > 0.0))
    gradient = np.where(stuck, 0.0, gradient)
    bend_both = np.where(stuck.any(axis=0), 0.0, bend_both)
    half_trace = (bend_mean + bend_strength) / 2.0
    radius = np.hypot((bend_mean - bend_strength) / 2.0, bend_both)
    size = np.abs(half_trace) + radius
    damping = np.where(half_trace + radius < -1e-12 * size, 0.0, half_trace + 1.1 * radius + 1e-3 * size + 1e-300)
    down_mean, down_strength = damping - bend_mean, damping - bend_strength
    determinant = down_mean * down_strength - bend_both**2
    step = np.stack(
        [
            down_strength * gradient[0] + bend_both * gradient[1],
            down_mean * gradient[1] + bend_both * gradient[0],
        ]
    )
    step = divide(step, determinant, where=determinant > 0.0, otherwise=0.0)
    longest = np.abs(step).max(axis=0)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-300)))


def _backtrack(
    data: Rates, point: Floats, likelihood: Floats, step: Floats, box: tuple[Floats, Floats], active: Bools
) -> tuple[Floats, Floats]:
    """Return the longest of the halved steps that does not lower the likelihood beyond rounding, and the likelihood there.

    A group for which there is none stays where it is.
    """
    floor = likelihood - _ROUNDING * data.magnitude(_compute_natural(point)[1])
    point, likelihood, searching, scale = point.copy(), likelihood.copy(), active.copy(), 1.0
    start = point.copy()
    for _ in range(_MAX_HALVINGS):
        trial = np.clip(start + scale * step, *box)
        there = (data if scale == 1.0 else data.only(searching)).log_likelihood(*_compute_natural(trial))
        uphill = searching & (there >= floor)
        point, likelihood = np.where(uphill, trial, point), np.where(uphill, there, likelihood)
        searching &= ~uphill
        if not searching.any():
            break
        scale /= 2.0
    return point, likelihood


def _compute_logit(mean: Floats) -> Floats:
    return np.asarray(np.log(mean) - np.log1p(-mean))


def _compute_natural(point: Floats) -> tuple[Floats, Floats]:
    return 1.0 / (1.0 + np.exp(-point[0])), np.exp(point[1])
