"""How strong must tonight's evidence be, when we look every night? Alpha spending and the boundaries that follow.

The error probability that a deployment may make over its whole horizon is spent look by look; the critical value of a
look follows from what is spent by then and from how much each look adds to what was known. Neither the number nor the
spacing of the looks need be known in advance (Lan and DeMets 1983).

A look is one entry on the last axis; the axes before it are designs. A look whose information is NaN was not made.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, divide, floats
from kaizenlake.stats.basics._special import normal_quantile, normal_two_sided, normal_upper
from kaizenlake.stats.sequential._score_walk import Paths

Family: TypeAlias = Literal["power", "obrien_fleming", "pocock"]
Sides: TypeAlias = Literal[1, 2]

LEAST_GAIN = 1e-3
"""A look that adds a smaller share to what was known tells nothing new: nothing is spent on it."""

LEAST_LEVEL = 1e-14
"""Error probability that is not told apart from none."""


class Boundaries(NamedTuple):
    """What each look is held against.

    Attributes:
        critical: z-value; a look rejects where z >= critical (or, two-sided, z <= -critical). Infinite where nothing is
            spent on the look; NaN where the look was not made.
        level: the same as a p-value, one- or two-sided as the test: reject where p <= level; 0 where nothing is spent.
        spent: error probability used up to and including the look.
    """

    critical: Floats
    level: Floats
    spent: Floats


def information(se: ArrayLike) -> Floats:
    """Return the information of each look, 1 / se squared, as it never falls from one look to the next.

    Args:
        se: standard error of the effect at each look (last axis); NaN where there was no look.

    Returns:
        The running maximum over the looks, since knowledge is not lost although its estimate may be; NaN where the
        standard error is missing or not positive.

    >>> information([0.5, float("nan"), 0.6, 0.25]).tolist()
    [4.0, nan, 4.0, 16.0]
    """
    (se,) = floats(se)
    known = divide(1.0, np.where(se > 0.0, se, 1.0) ** 2, where=se > 0.0)
    running = np.maximum.accumulate(np.where(np.isnan(known), 0.0, known), axis=-1)
    return np.where(np.isnan(known), np.nan, running)


def spend(
    fraction: ArrayLike, alpha: float = 0.05, family: Family = "power", *, exponent: float = 2.0, sides: Sides = 2
) -> Floats:
    """Return the error probability that may have been spent when a share of the horizon is over.

    ``power`` is alpha * t ** exponent (Kim and DeMets 1987); ``pocock`` is alpha * log(1 + (e - 1) t) and
    ``obrien_fleming`` is 2 - 2 Phi(z / sqrt(t)) of the error probability of each side, z its upper half quantile
    (Lan and DeMets 1983), so that a two-sided test spends twice what each side's function says.

    Args:
        fraction: share of the horizon that is over, >= 0: nights by planned nights, or information by planned
            information. Beyond 1 all is spent.
        alpha: error probability of the whole test, in (0, 1).
        family: shape of the spending.
        exponent: of the ``power`` family, > 0.
        sides: sides of the test.

    Returns:
        NaN where the fraction is.

    Raises:
        ValueError: an alpha, family, exponent or number of sides that does not exist, or a negative fraction.

    >>> spend([0.1, 0.5, 1.0]).round(6).tolist()
    [0.0005, 0.0125, 0.05]
    """
    (fraction,) = floats(fraction)
    _check(alpha, sides)
    if np.any(fraction < 0.0):
        raise ValueError("expected a share of the horizon of 0 or more, found a negative one")
    if exponent <= 0.0:
        raise ValueError(f"expected an exponent above 0, found {exponent}")
    over = np.minimum(fraction, 1.0)
    match family:
        case "power":
            return np.asarray(alpha * over**exponent)
        case "pocock":
            return np.asarray(alpha * np.log1p((np.e - 1.0) * over))
        case "obrien_fleming":
            z = -normal_quantile(alpha / sides / 2.0)
            return np.where(over > 0.0, sides * normal_two_sided(divide(z, np.sqrt(over), over > 0.0, np.inf)), over)
        case _:
            raise ValueError(f"expected one of power, obrien_fleming, pocock; found {family!r}")


def boundaries(information: ArrayLike, spent: ArrayLike, *, sides: Sides = 2) -> Boundaries:
    """Return the critical values of the looks, exact for a statistic whose information grows by independent normal increments.

    One-sided, a path ends only above its boundary. Two-sided, boundaries are symmetric and each side is given half.

    Args:
        information: of each look, not falling along the last axis, in any unit: only ratios count. The amount seen,
            not the one planned. See :func:`information`.
        spent: error probability that may have been spent by each look, not falling; from :func:`spend`.
        sides: sides of the test.

    Returns:
        What a look does not spend (it was not made, adds less than a thousandth to what was known, or its share is below
        1e-14) is left to the looks after it.

    Raises:
        ValueError: information that falls or is not positive, spending that falls or is outside [0, 1).

    >>> looks = np.arange(1, 6) / 5
    >>> boundaries(looks, spend(looks, family="obrien_fleming")).critical.round(4).tolist()
    [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    """
    information, spent = floats(information, spent)
    _check(0.5, sides)
    shape = information.shape
    if information.ndim == 0:
        raise ValueError("expected one entry per look on the last axis, found a single number")
    designs = math.prod(shape[:-1])
    known, spent = information.reshape(designs, shape[-1]), spent.reshape(designs, shape[-1])
    _check_looks(known, spent)
    # Equal designs are solved once. NaN differs from itself, so the key has 0 for a look that was not made.
    key = np.concatenate([known, spent], axis=1)
    _, first, which = np.unique(np.where(np.isnan(key), 0.0, key), axis=0, return_index=True, return_inverse=True)
    found = _solve(known[first], spent[first], sides)
    return Boundaries(*(part[which.reshape(-1)].reshape(shape) for part in found))


def choose_tested(information: Floats, spent: Floats) -> tuple[Bools, Floats]:
    """Return which looks (designs x looks) are tested, and the error probability that each of them spends."""
    test = np.zeros(information.shape, dtype=np.bool_)
    share = np.zeros(information.shape)
    known, used = np.zeros(information.shape[0]), np.zeros(information.shape[0])
    for look in range(information.shape[1]):
        now, level = information[:, look], spent[:, look] - used
        test[:, look] = (now > known * (1.0 + LEAST_GAIN)) & (level > LEAST_LEVEL)
        share[:, look] = np.where(test[:, look], level, 0.0)
        known, used = np.where(test[:, look], now, known), np.where(test[:, look], spent[:, look], used)
    return test, share


def to_front(made: Bools, information: Floats, *values: Floats) -> tuple[Ints, Floats, tuple[Floats, ...]]:
    """Return looks that count moved to the front of each row, in order: where each came from, its gain, and its values.

    A row that has no more looks is padded with gains of 1 or more, so that nothing divides by zero there.
    """
    place = np.argsort(~made, axis=1, kind="stable")
    counts = np.take_along_axis(made, place, axis=1)
    known = np.where(counts, np.take_along_axis(information, place, axis=1), 0.0)
    gains = np.where(counts, np.diff(known, axis=1, prepend=0.0), known.max(axis=1, keepdims=True, initial=1.0))
    return place, gains, tuple(np.take_along_axis(value, place, axis=1) for value in (information, *values))


def _solve(information: Floats, spent: Floats, sides: Sides) -> tuple[Floats, Floats, Floats]:
    test, share = choose_tested(information, spent)
    place, gains, (known, shares) = to_front(test, information, share)
    designs, looks = information.shape
    paths = Paths.starting(np.zeros(designs), np.zeros(designs))
    moved = np.full((designs, looks), np.inf)
    for look in range(int(test.sum(axis=1).max(initial=0))):
        here = shares[:, look] > 0.0
        gain, level = gains[:, look], np.where(here, shares[:, look] / sides, 0.5)
        bound = np.where(here, paths.bound_of_tail(gain, np.log(level)), np.inf)
        moved[:, look] = bound / np.sqrt(np.where(here, known[:, look], 1.0))
        if look + 1 < looks:
            lower = -bound if sides == 2 else np.full(designs, -np.inf)
            paths = paths.advance(gain, lower, bound, gains[:, look + 1], np.zeros(designs))
    critical = np.empty_like(moved)
    np.put_along_axis(critical, place, moved, axis=1)
    level = normal_two_sided(critical) if sides == 2 else normal_upper(critical)
    made = ~np.isnan(information)
    used = np.cumsum(share, axis=1)
    return np.where(made, critical, np.nan), np.where(made, level, np.nan), used


def _check(alpha: float, sides: int) -> None:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"expected an error probability between 0 and 1 such as 0.05, found {alpha}")
    if sides not in {1, 2}:
        raise ValueError(f"expected a test of 1 or 2 sides, found {sides}")


def _check_looks(information: Floats, spent: Floats) -> None:
    running = np.maximum.accumulate(np.where(np.isnan(information), 0.0, information), axis=1)
    if np.any((information <= 0.0) | (information < running) | np.isinf(information)):
        raise ValueError("expected information above 0 that does not fall from look to look, found some that does")
    made = ~np.isnan(information)
    spent = np.where(made, spent, 0.0)
    running = np.maximum.accumulate(spent, axis=1)
    if np.any(made & ~((spent >= running) & (spent >= 0.0) & (spent < 1.0))):
        raise ValueError("expected spending from 0 to below 1 that does not fall from look to look, found some outside")
