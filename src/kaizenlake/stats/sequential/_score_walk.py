"""How a test statistic walks between its boundaries: recursive numerical integration for many designs at once.

The score S_k (effect times information) of a group-sequential test has independent normal increments with variance
I_k - I_(k-1). Its density over the paths that have crossed nothing is carried from look to look by an integral over
the continuation region (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19), here on
Gauss-Legendre nodes: the integrand is a smooth one, and as many nodes are taken as the narrowest increment asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kaizenlake.stats.basics._arrays import Floats, Ints
from kaizenlake.stats.basics._special import special

_REACH = 8.5
"""Standard deviations of the score beyond which no path is followed: 1e-17 of them."""

_NODES_PER_SD = 2.2
_FEWEST_NODES = 24
_CELLS_AT_ONCE = 4_000_000
_LOG_ROOT_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
_MOST_STEPS = 100
_CLOSE_ENOUGH = 1e-13


@dataclass(frozen=True)
class Paths:
    """The paths of each design (row) that have crossed nothing yet: where they stand, and how probable that is."""

    position: Floats
    log_mass: Floats
    information: Floats

    @classmethod
    def starting(cls, information: Floats, score: Floats) -> Paths:
        """Return all paths at one known score."""
        return cls(score[:, None], np.zeros((score.size, 1)), information)

    def of(self, designs: Ints) -> Paths:
        """Return the paths of some designs."""
        return Paths(self.position[designs], self.log_mass[designs], self.information[designs])

    def log_tail(self, gain: Floats, bound: Floats, sign: float = 1.0) -> Floats:
        """Log of the probability to stand above ``bound`` (below it, for sign -1) after ``gain`` more information."""
        room = (self.position - bound[:, None]) / np.sqrt(gain)[:, None]
        return _log_sum(self.log_mass + special().log_ndtr(sign * room))

    def log_density(self, gain: Floats, at: Floats) -> Floats:
        """Log of the density at the points ``at`` (a row of them for each design) after ``gain`` more information."""
        width = np.sqrt(gain)[:, None]
        distance = (at / width)[:, :, None] - (self.position / width)[:, None, :]
        return _log_sum(self.log_mass[:, None, :] - 0.5 * distance**2) - _LOG_ROOT_TWO_PI - np.log(width)

    def tilt(self, drift: Floats) -> Paths:
        """Return the paths of a walk without drift as they are under a drift: a likelihood ratio, no new integration."""
        tilt = drift[:, None] * (self.position - 0.5 * drift[:, None] * self.information[:, None])
        return Paths(self.position, self.log_mass + tilt, self.information)

    def advance(self, gain: Floats, lower: Floats, upper: Floats, next_gain: Floats, middle: Floats) -> Paths:
        """Return the paths of a walk without drift that stand between the bounds after ``gain`` more information.

        Args:
            gain: information gained since the last look, > 0.
            lower: score at or below which a path has ended; -inf for none.
            upper: score at or above which a path has ended; inf for none.
            next_gain: information that the look after this one adds; the nodes are set close enough for it.
            middle: where the walk stands on average: paths are followed within reach of it.
        """
        information = self.information + gain
        reach = _REACH * np.sqrt(information)
        low, high = np.maximum(lower, middle - reach), np.minimum(upper, middle + reach)
        width = np.maximum(high - low, 0.0)
        narrowest = np.sqrt(np.minimum(gain, next_gain))
        count = max(_FEWEST_NODES, int(np.ceil(_NODES_PER_SD * float((width / narrowest).max(initial=0.0)))) + 8)
        nodes, weights = _compute_legendre(count)
        position = low[:, None] + width[:, None] * nodes
        with np.errstate(divide="ignore"):
            log_weight = np.log(width)[:, None] + np.log(weights)
        rows = max(1, _CELLS_AT_ONCE // (count * self.position.shape[1]))
        log_mass = np.empty(position.shape)
        for start in range(0, width.size, rows):
            part = slice(start, start + rows)
            paths = Paths(self.position[part], self.log_mass[part], self.information[part])
            log_mass[part] = paths.log_density(gain[part], position[part]) + log_weight[part]
        return Paths(position, log_mass, information)

    def bound_of_tail(self, gain: Floats, log_level: Floats) -> Floats:
        """Return the score above which the walk stands with this log probability after ``gain`` more information.

        The log of the tail is concave, and the start lies beyond the root, so Newton's steps never overshoot it.
        """
        reach = np.sqrt(self.information + gain)
        bound = -reach * special().ndtri_exp(log_level)
        for _ in range(_MOST_STEPS):
            tail = self.log_tail(gain, bound)
            slope = np.exp(self.log_density(gain, bound[:, None])[:, 0] - tail)
            step = (log_level - tail) / slope
            bound -= np.where(np.isfinite(step), step, 0.0)
            if np.all(np.abs(np.where(np.isfinite(step), step, 0.0)) <= _CLOSE_ENOUGH * reach):
                break
        return np.asarray(bound)


@lru_cache(maxsize=64)
def _compute_legendre(count: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


def _log_sum(logs: Floats) -> Floats:
    """Log of the sum of exponentials over the last axis; -inf where all are."""
    highest = logs.max(axis=-1, keepdims=True)
    safe = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(logs - safe).sum(axis=-1)) + safe[..., 0])
