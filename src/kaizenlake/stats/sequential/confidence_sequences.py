"""Intervals and p-values that stay true on every night, however often and for however long somebody looks.

Asymptotic confidence sequences by Robbins's normal mixture (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52; theorem 2.2 and, for
one side, appendix B). They need a fixed tuning, chosen before the first look, and enough units in **both** arms: an
asymptotic promise is not kept by a handful of them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, divide, floats, group_codes, rows
from kaizenlake.stats.basics._special import check_confidence
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.two_groups._two_means import difference
from kaizenlake.stats.two_groups.standard_error import Variance, standard_error

Side: TypeAlias = Literal["both", "above", "below"]

MINIMUM_UNITS = 100
"""Units that the smaller arm must have before an asymptotic statement is made."""


class SequenceRule(NamedTuple):
    """By what a confidence sequence is drawn.

    Attributes:
        confidence: coverage over all looks together.
        side: ``above`` bounds the effect from below alone ("surely worse"), ``below`` from above alone.
        variance: whose spread is believed; see :mod:`kaizenlake.stats.two_groups.standard_error`.
        minimum_units: units that the smaller arm must have.
    """

    confidence: float = 0.95
    side: Side = "both"
    variance: Variance = "larger"
    minimum_units: float = MINIMUM_UNITS


DEFAULT_RULE = SequenceRule()


class Sequence(NamedTuple):
    """Tonight's member of a confidence sequence for mean a - mean b.

    Attributes:
        effect: mean_a - mean_b, in the unit of the observations.
        se: its standard error.
        ci_low, ci_high: interval that covers on all nights together; infinite on the open side of a one-sided one.
        p_value: always-valid p-value of this look alone; its running minimum over the looks is one, too.
        units: units in the smaller arm.
    """

    effect: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    units: Floats


def confidence_sequence(
    a: Moments,
    b: Moments,
    *,
    declared_n: ArrayLike,
    no_effect: ArrayLike = 0.0,
    rule: SequenceRule = DEFAULT_RULE,
) -> Sequence:
    """Return the confidence sequence of many mean differences, given by the moments of one value per randomised unit.

    With n units in both arms together, standard error s and g = n * c / declared_n the half width is
    s * sqrt(2 (g + 1) / g * log(sqrt(g + 1) / alpha)), where c = -2 log(alpha) + log(-2 log(alpha) + 1) makes it narrowest
    about where ``declared_n`` units have been seen (ibid., appendix). One-sided, the logarithm is that of
    1 + sqrt(g + 1) / (2 alpha).

    Args:
        a: units of the arm in question so far.
        b: units of the control so far.
        declared_n: units in both arms that the sequence is made narrowest for, > 0; must not change from look to look. Half
            of what the horizon will bring finds large effects early and small ones by the end.
        no_effect: effect that the p-value is held against: 0, or a margin.
        rule: coverage, side, variance and the fewest units.

    Returns:
        Interval and p-value are not defined (NaN) while the smaller arm is below its fewest units (or 2), where neither
        arm varies, and where the declared size is not positive. A small p-value of
        ``above`` says that the effect is above ``no_effect``, one of ``below`` that it is below.

    Raises:
        ValueError: a confidence outside (0, 1), or a side or variance that does not exist.

    >>> look = confidence_sequence(Moments(600, 0.48, 13.5), Moments(600, 0.52, 13.5), declared_n=12_000)
    >>> round(float(look.ci_low), 4), round(float(look.ci_high), 4), round(float(look.p_value), 4)
    (-0.0734, -0.0066, 0.012)
    """
    n_a, mean_a, m2_a, n_b, mean_b, m2_b = floats(*a, *b)
    confidence, side, variance, minimum_units = rule
    check_confidence(confidence)
    if side not in {"both", "above", "below"}:
        raise ValueError(f"expected one of both, above, below; found {side!r}")
    units = np.minimum(n_a, n_b)
    effect = difference(Moments(n_a, mean_a, m2_a), Moments(n_b, mean_b, m2_b))
    se = standard_error(n_a, m2_a, n_b, m2_b, variance)
    usable = (units >= minimum_units) & (se > 0.0)
    mixing = np.where(usable, _compute_mixing(n_a + n_b, declared_n, 1.0 - confidence), np.nan)

    half = se * _compute_half_width(mixing, 1.0 - confidence, side)
    z = (effect - np.asarray(no_effect, dtype=np.float64)) / np.where(usable, se, np.nan)
    return Sequence(
        effect=effect,
        se=se,
        ci_low=np.where(side == "below", np.where(np.isnan(half), np.nan, -np.inf), effect - half),
        ci_high=np.where(side == "above", np.where(np.isnan(half), np.nan, np.inf), effect + half),
        p_value=_compute_p_value(mixing, z, side),
        units=units,
    )


def sequence_of_estimate(
    effect: ArrayLike, se: ArrayLike, units: ArrayLike, *, declared_n: ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Return interval and always-valid p-value of an estimate that is normal with many units, such as a ratio.

    It is :func:`confidence_sequence` of both sides with the standard error of the estimate in place of that of a difference.

    Args:
        effect: the estimate.
        se: its standard error; NaN says nothing.
        units: units behind it so far, in both arms.
        declared_n: as for :func:`confidence_sequence`.
        confidence: coverage over all looks together.

    Raises:
        ValueError: a confidence outside (0, 1).

    >>> low, high, p = sequence_of_estimate(0.2, 0.05, 1_000, declared_n=2_000)
    >>> round(float(low), 3), round(float(high), 3), round(float(p), 4)
    (0.046, 0.354, 0.0037)
    """
    effect, se, units = floats(effect, se, units)
    check_confidence(confidence)
    usable = (se > 0.0) & (units > 0.0)
    mixing = np.where(usable, _compute_mixing(units, declared_n, 1.0 - confidence), np.nan)
    half = se * _compute_half_width(mixing, 1.0 - confidence, "both")
    p_value = _compute_p_value(mixing, effect / np.where(usable, se, np.nan), "both")
    return effect - half, effect + half, p_value


def planned_sequence(
    a: Moments,
    b: Moments,
    *,
    looks: int,
    no_effect: ArrayLike = 0.0,
    rule: SequenceRule = DEFAULT_RULE,
) -> Sequence:
    """:func:`confidence_sequence` on every look (last axis), narrowest about half of what the planned looks will bring.

    That is foretold by the first look with enough units in both arms, before which nothing is said, and never again: the
    tuning must not change from look to look.

    Args:
        a: units of the arm in question so far.
        b: units of the control so far.
        looks: how many are planned.
        no_effect: effect that the p-value is held against.
        rule: as for :func:`confidence_sequence`.

    >>> so_far = Moments(np.array([100.0, 200.0]), np.array([0.5, 0.5]), np.array([2.0, 4.0]))
    >>> planned_sequence(so_far, so_far, looks=10).ci_high.round(4).tolist()  # 1,000 units in both arms are foretold
    [0.0676, 0.0443]
    """
    enough = np.minimum(a.n, b.n) >= rule.minimum_units
    first = enough.argmax(axis=-1)[..., None]
    units = np.take_along_axis(a.n + b.n, first, axis=-1)
    declared = units * np.maximum(looks / (2.0 * (first + 1.0)), 1.0)
    return confidence_sequence(
        a,
        b,
        declared_n=declared,
        no_effect=no_effect,
        rule=rule,
    )


def first_look(found: Bools) -> Ints:
    """Return the number, from 1, of the first look so far (last axis) at which something was found; 0 where none was.

    >>> first_look(np.array([False, True, False])).tolist()
    [0, 2, 2]
    """
    never = np.iinfo(np.int64).max
    first = np.minimum.accumulate(np.where(found, np.arange(1, found.shape[-1] + 1), never), axis=-1)
    return np.where(first == never, 0, first)


def running_minimum(p: ArrayLike) -> Floats:
    """Return always-valid p-value of all looks so far, along the last axis; a look without one (NaN) changes nothing.

    >>> running_minimum([float("nan"), 0.3, float("nan"), 0.5, 0.1]).tolist()
    [nan, 0.3, 0.3, 0.3, 0.1]
    """
    (p,) = floats(p)
    return np.asarray(np.fmin.accumulate(p, axis=-1)) if p.ndim else p


def running_minimum_by(groups: ArrayLike, looks: ArrayLike, p: ArrayLike) -> Floats:
    """:func:`running_minimum` within each group (a deployment and candidate), rows in any order.

    Args:
        groups: group code of each look, integers from 0.
        looks: number of the look within its group; must differ within a group.
        p: its p-value, or NaN.

    Raises:
        ValueError: codes that do not fit, or one look of a group given twice.
    """
    looks, p = rows(looks, p)
    codes, n_groups = group_codes(groups, p.size)
    order = np.lexsort((looks, codes))
    same = (np.diff(codes[order]) == 0) & ~(np.diff(looks[order]) > 0.0)
    if np.any(same):
        raise ValueError("expected every look of a group once and numbered, found one twice or without a number")
    size = np.bincount(codes, minlength=n_groups)
    place = np.arange(p.size) - np.repeat(np.cumsum(size) - size, size)
    table = np.full((n_groups, int(size.max(initial=0))), np.nan)
    table[codes[order], place] = p[order]
    result = np.empty(p.shape)
    result[order] = running_minimum(table)[codes[order], place]
    return result


def _compute_mixing(n: Floats, declared_n: ArrayLike, alpha: float) -> Floats:
    """Return the information so far in units of the mixture's: n * rho squared."""
    (declared,) = floats(declared_n)
    surprise = -2.0 * np.log(alpha)
    return divide(n * (surprise + np.log1p(surprise)), declared, where=declared > 0.0)


def _compute_half_width(mixing: Floats, alpha: float, side: Side) -> Floats:
    """Return half width of the interval in standard errors."""
    root = np.sqrt(mixing + 1.0)
    log_odds = np.log(root / alpha) if side == "both" else np.log1p(root / (2.0 * alpha))
    return np.asarray(np.sqrt(2.0 * (mixing + 1.0) / mixing * log_odds))


def _compute_p_value(mixing: Floats, z: Floats, side: Side) -> Floats:
    """Return the smallest alpha whose sequence, with this mixture, leaves out no effect."""
    root, evidence = np.sqrt(mixing + 1.0), z**2 * mixing / (2.0 * (mixing + 1.0))
    if side == "both":
        return np.asarray(np.minimum(root * np.exp(-evidence), 1.0))
    toward = z > 0.0 if side == "above" else z < 0.0
    with np.errstate(over="ignore"):
        odds = divide(root, 2.0 * np.expm1(evidence), where=toward & (evidence > 0.0), otherwise=np.inf)
    return np.where(np.isnan(evidence), np.nan, np.minimum(odds, 1.0))
