"""Do the arms bring what they should, or is something lost on one side? Looked at every night, and seldom wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kaizenlake.stats.basics._arrays import Floats, Ints
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.sequential.confidence_sequences import first_look
from kaizenlake.stats.sequential.spending import spend
from kaizenlake.stats.two_groups.standard_error import cautious_test

FEWEST = 10
"""Units that the smaller arm must have: below, a t-test of counts promises too much."""


_SAME = 1e-6
"""Difference of means that is one of rounding: figures are kept in millionths."""


class Intact(NamedTuple):
    """Of each look the two-sided p of the difference, the level it is held against, and since which look it is found (0: not)."""

    p_value: Floats
    level: Floats
    since_look: Ints


def intact(candidate: Moments, control: Moments, *, horizon: int, alpha: float, candidates: int = 1) -> Intact:
    """Hold a figure of the units that chance alone may make different against that of the control, on every look.

    The looks share alpha: each has what `spend` gives it of alpha * t ** 2 over the horizon. By Bonferroni's inequality that
    holds however the looks depend on one another, as they do where the same units come back every night.

    Args:
        candidate: Moments of the units of each candidate so far (last axis: looks).
        control: Moments of the units of its control so far.
        horizon: Looks that are planned.
        alpha: Chance over all looks and candidates that arms that are alike are called different.
        candidates: Candidates that share alpha.

    >>> alike, less = (Moments(np.array([50.0, 100.0]), np.full(2, mean), np.array([5.0, 10.0])) for mean in (1.0, 0.8))
    >>> intact(less, alike, horizon=2, alpha=0.01).since_look.tolist()
    [1, 1]
    """
    looks = candidate.n.shape[-1]
    enough = np.minimum(candidate.n, control.n) >= FEWEST
    test = cautious_test(candidate, control)
    # Where no unit differs from the others of its arm, any difference of the arms is one that chance does not make.
    still = (candidate.m2 == 0.0) & (control.m2 == 0.0)
    p = np.where(still, np.where(np.abs(candidate.mean - control.mean) < _SAME, 1.0, 0.0), test.p_value)
    p = np.where(enough, p, np.nan)
    over = np.arange(looks + 1) / horizon
    level = np.broadcast_to(np.diff(spend(over, alpha / candidates, "power")), p.shape)
    return Intact(p, level, first_look(p <= level))
