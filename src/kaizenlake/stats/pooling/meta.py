"""What do many experiments say together? Random-effects pooling by DerSimonian and Laird."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints, canonical, divide, group_codes, rows, totals
from kaizenlake.stats.basics._special import normal_quantile, normal_two_sided, t_quantile, t_two_sided, upper_quantile

Method = Literal["hartung-knapp", "normal"]


class Pooled(NamedTuple):
    """The effect that studies have on average, and how much they differ.

    Attributes:
        effect: average effect over the population of studies, in the unit of the effects.
        se: its standard error.
        ci_low, ci_high: its confidence interval.
        p_value: two-sided, against an average effect of zero.
        tau2: variance of the true effects between studies; NaN with fewer than two studies.
        i2: share of the observed variation that is not chance, in [0, 1]; NaN with fewer than two studies.
        studies: number of studies that counted.
    """

    effect: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    tau2: Floats
    i2: Floats
    studies: Ints


def dersimonian_laird(
    effects: ArrayLike, variances: ArrayLike, *, method: Method = "hartung-knapp", confidence: float = 0.95
) -> Pooled:
    """Pool the studies of one question; the rules are those of :func:`dersimonian_laird_by`.

    >>> pooled = dersimonian_laird([0.10, 0.30, 0.35, 0.65], [0.02, 0.04, 0.02, 0.03], method="normal")
    >>> [round(float(value), 4) for value in (pooled.effect, pooled.se, pooled.tau2)]
    [0.3393, 0.1152, 0.0268]
    """
    effects, variances = rows(effects, variances)
    codes = np.zeros(effects.size, dtype=np.int64)
    pooled = dersimonian_laird_by(codes, effects, variances, method=method, confidence=confidence, n_groups=1)
    return Pooled(*(np.asarray(part[0]) for part in pooled))


def dersimonian_laird_by(
    groups: ArrayLike,
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    method: Method = "hartung-knapp",
    confidence: float = 0.95,
    n_groups: int | None = None,
) -> Pooled:
    """Pool studies by inverse variance with random effects (DerSimonian and Laird 1986), many questions at once.

    The method ``normal`` is DerSimonian and Laird's own interval. The method ``hartung-knapp`` takes the spread of the
    studies about their average and Student's t (Hartung and Knapp 2001, Sidik and Jonkman 2002), with a standard error
    never below DerSimonian and Laird's (Roever, Knapp and Friede 2015). It is the default: in 20,000 simulations of 3,
    5 and 10 studies of unlike size, whose true effects spread as much as their errors do, ``normal`` covered the truth
    in 0.85, 0.87 and 0.90 of them where 0.95 was promised, ``hartung-knapp`` in 0.99, 0.95 and 0.94. From 50 studies on
    the two agree. A single study is taken with its own normal error, which says nothing about the next study, and two
    studies seldom prove anything: their interval takes 12.7 standard errors either way.

    Args:
        groups: group code (the question) of each study, integers from 0.
        effects: effect of each study, on a scale where zero is "none" (a difference, a log ratio).
        variances: squared standard error of each effect, > 0. A study whose effect or variance is missing, infinite or
            not positive is left out and not counted.
        method: how the interval and the p-value are made from two studies on; see below.
        confidence: coverage of the interval, in (0, 1).
        n_groups: number of groups when codes may be missing at the end.

    Returns:
        One entry per group code; all NaN, with ``studies`` 0, for a group without a usable study.

    Raises:
        ValueError: an unknown method, or codes that do not fit.
    """
    if method not in ("hartung-knapp", "normal"):
        raise ValueError(f"expected method 'hartung-knapp' or 'normal', found {method!r}")
    upper = upper_quantile(confidence)
    effects, variances = rows(effects, variances)
    codes, n_groups = group_codes(groups, effects.size, n_groups)
    usable = np.isfinite(effects) & np.isfinite(variances) & (variances > 0.0)
    codes, (effects, variances) = canonical(codes[usable], effects[usable], variances[usable])

    studies = np.bincount(codes, minlength=n_groups)
    several = studies >= 2
    degrees = np.maximum(studies - 1, 1)
    tau2, i2 = _compute_heterogeneity(codes, effects, variances, several, degrees)

    weight = 1.0 / (variances + np.where(several, tau2, 0.0)[codes])
    total = totals(codes, weight, n_groups)
    precision = np.where(studies > 0, total, np.nan)
    effect = totals(codes, weight * effects, n_groups) / precision
    se = np.sqrt(1.0 / precision)
    if method == "normal":
        by_t = np.zeros(n_groups, dtype=np.bool_)
    else:
        spread = totals(codes, weight * (effects - effect[codes]) ** 2, n_groups) / degrees
        se = np.where(several, se * np.sqrt(np.maximum(spread, 1.0)), se)
        by_t = several
    critical = np.where(by_t, t_quantile(degrees, upper), normal_quantile(upper))
    z = effect / se
    return Pooled(
        effect=effect,
        se=se,
        ci_low=effect - critical * se,
        ci_high=effect + critical * se,
        p_value=np.where(by_t, t_two_sided(degrees, z), normal_two_sided(z)),
        tau2=tau2,
        i2=i2,
        studies=studies,
    )


def _compute_heterogeneity(
    codes: Ints, effects: Floats, variances: Floats, several: Bools, degrees: Ints
) -> tuple[Floats, Floats]:
    """Return between-study variance by moments and the share of variation beyond chance (Higgins and Thompson 2002)."""
    n_groups = several.size
    weight = 1.0 / variances
    total, squares = totals(codes, weight, n_groups), totals(codes, weight**2, n_groups)
    total = np.where(several, total, np.nan)
    common = totals(codes, weight * effects, n_groups) / total
    q = totals(codes, weight * (effects - common[codes]) ** 2, n_groups)
    tau2 = np.maximum(q - degrees, 0.0) / (total - squares / total)
    share = divide(q - degrees, q, where=q > degrees, otherwise=0.0)
    return tau2, np.where(several, share, np.nan)
