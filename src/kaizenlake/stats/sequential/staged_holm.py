"""Which of several candidates has crossed by now, when they share one error probability and are looked at again and again?

Holm's step-down rule in its group-sequential form (Ye, Li, Liu and Yao 2013, "Group sequential Holm and Hochberg
procedures", Statistics in Medicine 32): each candidate is held against the boundaries of alpha / m, m the candidates that
have not crossed. A crossing stays, and hands its part of alpha to the others from that look on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints


class StagedHolm(NamedTuple):
    """What each look of each candidate was held against, and what came of it.

    Attributes:
        level: largest p-value that crosses on the look.
        among: by how many candidates alpha was divided for it.
        crossed: number of the look, from 1, on which the candidate has crossed so far; 0 where it has not.
    """

    level: Floats
    among: Ints
    crossed: Ints


def staged_holm(p: Floats, level_of: Callable[[int], Floats], good: Bools) -> StagedHolm:
    """Step down through the candidates of each family on every look.

    Args:
        p: p-value of each family, candidate and look (axes); NaN never crosses.
        level_of: Levels of alpha divided by a number of candidates, in the shape of `p`; asked only for the numbers that
            occur, of which each is asked more than once.
        good: The effect is on the side on which a crossing counts, in the shape of `p`.

    >>> p = np.array([[[0.04, 0.04], [0.02, 0.02]]])
    >>> found = staged_holm(p, lambda among: np.full(p.shape, 0.05 / among), np.ones(p.shape, dtype=np.bool_))
    >>> found.crossed.tolist(), found.among.tolist()  # .02 crosses .025, so .04 is held against .05
    ([[[1, 1], [1, 1]]], [[[1, 1], [2, 1]]])
    """
    level, among = np.full(p.shape, np.nan), np.ones(p.shape, dtype=np.int64)
    crossed = np.zeros(p.shape, dtype=np.int64)
    since = np.zeros(p.shape[:-1], dtype=np.int64)
    for look in range(p.shape[-1]):
        undecided = np.ones(since.shape, dtype=np.bool_)
        hit = undecided
        while hit.any():
            left = np.maximum((since == 0).sum(axis=1, keepdims=True), 1)
            levels = {number: level_of(number)[..., look] for number in np.unique(left).tolist()}
            now = choose(left, levels.__getitem__, since.shape)
            level[..., look] = np.where(undecided, now, level[..., look])
            among[..., look] = np.where(undecided, left, among[..., look])
            hit = (since == 0) & (p[..., look] <= now) & good[..., look]
            since = np.where(hit, look + 1, since)
            undecided &= ~hit
        crossed[..., look] = since
    return StagedHolm(level, among, crossed)


def choose(number: Ints, found: Callable[[int], Floats], shape: tuple[int, ...]) -> Floats:
    """Return of figures that are known for several numbers, those of the number that stands in each place."""
    result = np.full(shape, np.nan)
    for one in np.unique(number).tolist():
        result = np.where(number == one, found(one), result)
    return result
