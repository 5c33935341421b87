"""How hard is each item, of those that takers passed or failed? The Rasch model with difficulties drawn to their mean.

A taker of ability a passes an item of difficulty d with the chance 1 / (1 + exp(d - a)). Abilities are parameters;
difficulties are normal around 0 with a variance that is estimated too, so that an item of few tries is drawn to the mean of
all. Sources: Rasch 1960; Bock and Aitkin 1981 (marginal likelihood by quadrature and EM); the roles of items and takers
are exchanged, since agents are few and items many. Which side is random is a matter of sign alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, canonical, group_codes, rows, totals

ABILITY_SD = 10.0
"""Standard deviation of a wide normal prior of abilities: finite where a taker passes everything, and else of no weight."""

PRIOR_ITEMS = 2.0
"""Items of spread 1 that the estimate of the spread begins with: it neither vanishes nor runs away where few items tell."""

_NODES = np.linspace(-6.0, 6.0, 41)
_ROUNDS = 500
_CLOSE = 1e-5


class Rasch(NamedTuple):
    """Difficulties and abilities, in logits.

    Attributes:
        difficulty: of each item, 0 the mean of all items; its posterior mode. 0 of an item without a try.
        difficulty_se: its posterior standard deviation; `spread` of an item without a try.
        ability: of each taker; NaN without a try.
        spread: standard deviation of the difficulties in the population; 1 without a try.
    """

    difficulty: Floats
    difficulty_se: Floats
    ability: Floats
    spread: float


def fit_rasch(items: ArrayLike, takers: ArrayLike, passed: ArrayLike, tries: ArrayLike) -> Rasch:
    """Fit the model to counts of tries, one row for each item and taker.

    Args:
        items: code of the item, from 0.
        takers: code of the taker, from 0.
        passed: tries that were passed, 0 <= passed <= tries.
        tries: tries; a row of 0 says nothing.

    Raises:
        ValueError: codes or lengths that do not fit, or counts that cannot be.

    >>> hard = fit_rasch([0, 1, 2], [0, 0, 0], [30, 15, 1], [30, 30, 30])
    >>> hard.difficulty.round(1).tolist(), round(hard.spread, 1)
    ([-3.9, 0.1, 3.1], 2.7)
    """
    won, n = rows(passed, tries)
    item_codes, n_items = group_codes(items, won.size)
    taker_codes, n_takers = group_codes(takers, won.size)
    if not (np.isfinite(won).all() and np.isfinite(n).all() and np.all((won >= 0.0) & (won <= n))):
        raise ValueError("expected whole counts, no more passed than tried")
    # One order of the rows whatever theirs was: sums have the same bits.
    item_codes, (taker, won, n) = canonical(item_codes, taker_codes.astype(np.float64), won, n)
    told = n > 0.0
    item_codes, taker_codes, won, n = item_codes[told], taker[told].astype(np.int64), won[told], n[told]
    if not won.size:
        return Rasch(np.zeros(n_items), np.ones(n_items), np.full(n_takers, np.nan), 1.0)
    counts = _Counts(item_codes, taker_codes, won, n, n_items, n_takers)
    ability, spread = _estimate(counts)
    difficulty, error = _place(counts, ability, spread)
    seen = np.bincount(taker_codes, minlength=n_takers) > 0
    return Rasch(difficulty, error, np.where(seen, ability, np.nan), spread)


class _Counts(NamedTuple):
    items: Ints
    takers: Ints
    won: Floats
    n: Floats
    n_items: int
    n_takers: int


def _estimate(counts: _Counts) -> tuple[Floats, float]:
    """Return abilities and spread of the largest marginal likelihood, by EM."""
    items, takers, won, n, _, n_takers = counts
    share = (totals(takers, won, n_takers) + 0.5) / (totals(takers, n, n_takers) + 1.0)
    ability, spread = np.log(share / (1.0 - share)), 1.0
    starts, place = np.unique(items, return_index=True, return_inverse=True)[1:]
    prior = -0.5 * _NODES**2
    for _ in range(_ROUNDS):
        logit = ability[takers][:, None] - spread * _NODES
        # Rows lie by item: each item's are added in one stretch.
        likelihood = np.add.reduceat(won[:, None] * logit - n[:, None] * np.logaddexp(0.0, logit), starts)
        posterior = likelihood + prior
        posterior = np.exp(posterior - posterior.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        chance = 1.0 / (1.0 + np.exp(-logit))
        weight = posterior[place]
        expected = (weight * chance).sum(axis=1)
        information = (weight * chance * (1.0 - chance)).sum(axis=1)
        gradient = totals(takers, won - n * expected, n_takers) - ability / ABILITY_SD**2
        curvature = totals(takers, n * information, n_takers) + 1.0 / ABILITY_SD**2
        step = np.clip(gradient / curvature, -1.0, 1.0)
        square = spread**2 * float((posterior @ _NODES**2).sum()) + PRIOR_ITEMS
        wider = float(np.sqrt(square / (starts.size + PRIOR_ITEMS)))
        moved = max(float(np.abs(step).max()), abs(wider - spread))
        ability, spread = ability + step, wider
        if moved < _CLOSE:
            break
    return ability, spread


def _place(counts: _Counts, ability: Floats, spread: float) -> tuple[Floats, Floats]:
    """Return the posterior mode of each difficulty and its standard deviation, by Newton's method on a concave function."""
    items, takers, won, n, n_items, _ = counts
    difficulty = np.zeros(n_items)
    precision = 1.0 / spread**2
    curvature = np.full(n_items, precision)
    for _ in range(_ROUNDS):
        chance = 1.0 / (1.0 + np.exp(difficulty[items] - ability[takers]))
        gradient = totals(items, n * chance - won, n_items) - difficulty * precision
        curvature = totals(items, n * chance * (1.0 - chance), n_items) + precision
        step = np.clip(gradient / curvature, -1.0, 1.0)
        difficulty = difficulty + step
        if float(np.abs(step).max()) < _CLOSE:
            break
    return difficulty, 1.0 / np.sqrt(curvature)
