"""How much of a small group's rate is luck? Empirical-Bayes shrinkage of rates toward their group's own prior."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, canonical, floats, group_codes, rows
from kaizenlake.stats.pooling._beta_likelihood import Bounds, Rates, maximise

MIN_STRENGTH = 1.0
"""A fitted prior is worth at least one observation, as Jeffreys' prior is."""

MAX_STRENGTH = 1e6
"""A fitted prior is never worth more than this many observations, nor more than it was fitted on."""

UNKNOWN_STRENGTH = 2.0
"""Worth of the prior, in observations, where the data cannot tell how rates spread: that of a uniform prior."""

MOST_RATES = 20_000
"""A larger group is fitted on this many of its rates, evenly spaced: its prior is then known to within about 1 %."""


class BetaPrior(NamedTuple):
    """Beta distribution of the rates of a group; floats for one group, arrays for many.

    Attributes:
        alpha: prior wins, > 0.
        beta: prior losses, > 0.
    """

    alpha: float | Floats
    beta: float | Floats

    @property
    def mean(self) -> float | Floats:
        """The rate toward which :func:`shrink` pulls."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def strength(self) -> float | Floats:
        """How many observations the prior is worth."""
        return self.alpha + self.beta

    def of(self, groups: Ints) -> BetaPrior:
        """Return the prior of each row, from priors by group code and the rows' codes."""
        return BetaPrior(np.asarray(self.alpha)[groups], np.asarray(self.beta)[groups])


FLAT = BetaPrior(1.0, 1.0)
"""The uniform prior: every rate equally likely."""


def shrink(wins: ArrayLike, decided: ArrayLike, prior: BetaPrior = FLAT) -> Floats:
    """Return the posterior mean of each rate, (wins + alpha) / (decided + alpha + beta).

    Args:
        wins: wins of each row, 0 <= wins <= decided; need not be whole.
        decided: decided outcomes of each row.
        prior: one prior, or one per row (``prior.of(groups)``).

    Returns:
        Rates in (0, 1); the prior's mean where nothing is decided; NaN where a count is missing or impossible.

    >>> float(shrink(3, 4, BetaPrior(2.0, 4.0)))
    0.5
    """
    wins, decided, alpha, beta = floats(wins, decided, prior.alpha, prior.beta)
    return np.where(_possible(wins, decided), (wins + alpha) / (decided + alpha + beta), np.nan)


def fit(wins: ArrayLike, decided: ArrayLike) -> BetaPrior:
    """Fit one group's prior; the rules are those of :func:`fit_by`.

    >>> prior = fit([5, 20, 11, 30, 16], [50, 50, 50, 50, 50])
    >>> round(float(prior.mean), 3), round(float(prior.strength), 1)
    (0.328, 8.3)
    """
    wins, decided = rows(wins, decided)
    prior = fit_by(np.zeros(wins.size, dtype=np.int64), wins, decided, n_groups=1)
    return BetaPrior(float(np.asarray(prior.alpha)[0]), float(np.asarray(prior.beta)[0]))


def fit_by(groups: ArrayLike, wins: ArrayLike, decided: ArrayLike, *, n_groups: int | None = None) -> BetaPrior:
    """Fit a beta prior to the rates of each group by maximum marginal (beta-binomial) likelihood.

    Newton's method in (logit mean, log strength) from a moment start, all groups at once; of a
    group with more than ``MOST_RATES`` distinct rows, an evenly spaced part is taken. The rules at the edges are:

    - Rates that spread no more than chance alone would spread them (all equal, all zero, or simply alike): the prior is
      as strong as it may be, ``min(MAX_STRENGTH, decided outcomes of the group)``, about the pooled rate. It is worth
      no more than the data it came from, so rows with more data still keep their order.
    - The spread cannot be known (fewer than two rows with a decided outcome, or none with more than one): strength
      ``UNKNOWN_STRENGTH`` about (wins + 1) / (decided + 2), which is ``FLAT`` for a group without any outcome.
    - The mean stays half a win away from 0 and from 1, and the strength at or above ``MIN_STRENGTH``.

    Args:
        groups: group code of each row, integers from 0.
        wins: wins of each row, 0 <= wins <= decided; need not be whole. Rows with a missing or impossible count, and
            rows without a decided outcome, are left out.
        decided: decided outcomes of each row.
        n_groups: number of groups when codes may be missing at the end.

    Returns:
        Arrays with one entry per group code.

    Raises:
        ValueError: codes that do not fit.
    """
    wins, decided = rows(wins, decided)
    codes, n_groups = group_codes(groups, wins.size, n_groups)
    known = _possible(wins, decided) & (decided > 0.0)
    codes, (wins, decided) = canonical(codes[known], wins[known], decided[known])
    return _fit(Rates.of(codes, wins, decided, n_groups))


def _possible(wins: Floats, decided: Floats) -> Bools:
    possible: Bools = np.isfinite(decided) & (wins >= 0.0) & (wins <= decided)
    return possible


def _fit(data: Rates) -> BetaPrior:
    wins, decided = data.total(data.wins), data.total(data.decided)
    rates, repeated = data.total(np.ones(data.wins.size)), data.total(np.where(data.decided > 1.0, 1.0, 0.0))
    spread_known = (rates >= 2.0) & (repeated > 0.0)
    edge = 0.5 / (decided + 1.0)
    pooled = np.clip(wins / np.maximum(decided, 1.0), edge, 1.0 - edge)
    strongest = np.clip(decided, MIN_STRENGTH, MAX_STRENGTH)

    mean = np.where(spread_known, pooled, (wins + 1.0) / (decided + 2.0))
    strength = np.where(spread_known, strongest, UNKNOWN_STRENGTH)
    # Without a single win, or a single loss, the rates are all equal; the clipped mean would see a spread there.
    fit_here = spread_known & (wins > 0.0) & (wins < decided) & (data.excess_spread(pooled) > 0.0)
    if fit_here.any():
        bounds = Bounds(edge, 1.0 - edge, MIN_STRENGTH, strongest)
        mean, strength = maximise(data.thin(MOST_RATES), fit_here, mean, strength, bounds)
    return BetaPrior(mean * strength, (1.0 - mean) * strength)
