"""What would the candidate's loss have been on the runs that another policy made?

Every estimator weighs a logged run by how much likelier the candidate would have chosen what was chosen there (the
importance weight target / logged propensity), or trusts a model of the loss, or both. Where the two policies hardly
overlap the data hold no answer, and none is given: see :class:`Refusal`.

Sources: Horvitz and Thompson 1952 (ips); Ionides 2008 (clipped_ips); Swaminathan and Joachims 2015 (snips); Dudik, Langford
and Li 2011 (dm, dr); Robins, Sued, Lei-Gomez and Rotnitzky 2007 (sndr); Wang, Agarwal and Dudik 2017 (switch_dr);
Kong 1992 (effective sample size); Chernozhukov et al. 2018 (medians over repeated cross-fitting).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, canonical, divide, group_codes, rows, totals
from kaizenlake.stats.basics._special import upper_quantile
from kaizenlake.stats.basics.seeds import seed_spread
from kaizenlake.stats.replay.reward_model import Predicted

ESTIMATORS = ("ips", "clipped_ips", "snips", "dm", "dr", "sndr", "switch_dr")
"""In the order of the last axis of every array of estimates."""

_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class OverlapRules:
    """When an answer is refused.

    Attributes:
        minimum_effective_units: fewest units that the weights may leave in effect.
        largest_weight_bias: standard errors by which the mean weight may differ from 1, which it is on average where the
            propensities are right and the candidate does nothing the log never did. Four, since
            weights are skewed and a good log should not be refused.
        most_unsupported: largest share of the candidate's choices that the logging policy never makes.
        most_missing: largest share of runs without a propensity.
    """

    minimum_effective_units: float = 100.0
    largest_weight_bias: float = 4.0
    most_unsupported: float = 0.01
    most_missing: float = 0.05


DEFAULT_RULES = OverlapRules()


class Overlap(NamedTuple):
    """How much the logged runs say about the candidate.

    Attributes:
        runs: runs that were used.
        units: units they belong to.
        effective_runs: (sum w)² / sum w², between 0 and ``runs``.
        effective_units: the same of the units' summed weights: the figure that gates.
        mean_weight: 1 on average where all is well.
        weight_bias: (mean_weight - 1) in its standard errors by unit; NaN where it has none.
        max_weight: largest weight of one run.
        max_share: largest share of one unit in all weight.
        unsupported_rate: share of the candidate's choices that the log never makes; NaN where it was not given, or there is no run.
        missing_rate: share of runs that were left out for want of a loss or a propensity.
        impossible: runs with a propensity that cannot be: a logged one outside (0, 1], a target outside [0, 1].
    """

    runs: int
    units: int
    effective_runs: float
    effective_units: float
    mean_weight: float
    weight_bias: float
    max_weight: float
    max_share: float
    unsupported_rate: float
    missing_rate: float
    impossible: int


@dataclass(frozen=True)
class Replay:
    """The candidate's mean loss a run by each estimator.

    Attributes:
        overlap: how much the log says about the candidate.
        logged: mean loss of the runs that were used, as logged.
        estimates: one per name of :data:`ESTIMATORS`, the median over the seeds; NaN where it needs predictions that were
            not given.
        ci_low, ci_high: bootstrap percentile intervals over units, medians over the seeds.
        effects: ``estimates - logged``.
        effect_ci_low, effect_ci_high: the same intervals of the effects, from the same resamples: where candidate and log
            agree, both move together.
        effect_highest: the largest of the seeds' upper ends of the effects: what no seed goes beyond.
        seeds_sd: standard deviation of the estimates over the seeds, 0 with one seed; above 0 where each seed has
            predictions of its own.
        stability: largest difference between two seeds in an end of either interval, as a share of its width; 0 with one
            seed. Large says: draw more resamples, or do not trust the interval.
    """

    overlap: Overlap
    logged: float
    estimates: Floats
    ci_low: Floats
    ci_high: Floats
    effects: Floats
    effect_ci_low: Floats
    effect_ci_high: Floats
    effect_highest: Floats
    seeds_sd: Floats
    stability: Floats


@dataclass(frozen=True)
class Refusal:
    """No answer, and why; it carries no estimate, so that none can be read off it.

    Attributes:
        overlap: the figures that led to it.
        reasons: one sentence each.
    """

    overlap: Overlap
    reasons: tuple[str, ...]


class LoggedChoices(NamedTuple):
    """What was chosen in logged runs, and how likely the candidate would have chosen it.

    Attributes:
        losses: loss of each run.
        target: probability that the candidate chooses what was chosen in the run, in [0, 1].
        logged: probability with which it was chosen, in (0, 1].
        units: unit code of each run, integers from 0; what is resampled.
        unsupported: probability that the candidate chooses what the logging policy never does, for each run.
    """

    losses: ArrayLike
    target: ArrayLike
    logged: ArrayLike
    units: ArrayLike
    unsupported: ArrayLike | None = None


class Resampling(NamedTuple):
    """How intervals are drawn.

    Attributes:
        resamples: of the bootstrap, for each seed.
        confidence: coverage of the intervals.
        clip: largest weight of ``clipped_ips``; beyond it ``switch_dr`` trusts the model.
    """

    resamples: int = 1000
    confidence: float = 0.95
    clip: float = 10.0


DEFAULT_RESAMPLING = Resampling()


def evaluate_off_policy(
    runs: LoggedChoices,
    *,
    seeds: Sequence[int],
    model: Predicted | None = None,
    resampling: Resampling = DEFAULT_RESAMPLING,
    rules: OverlapRules = DEFAULT_RULES,
) -> Replay | Refusal:
    """Estimate a candidate's mean loss from logged runs, or refuse to.

    Args:
        runs: what was chosen, and what the candidate would have chosen.
        seeds: of the bootstrap, at least one.
        model: losses that a model predicts, one row or one row for each seed. The model must not have seen the run
            (cross-fitting), or the estimates that use it are too sure; with other folds for each seed, ``seeds_sd`` says
            how much hangs on the folds (Chernozhukov et al. 2018).
        resampling: how intervals are drawn.
        rules: when an answer is refused.

    Raises:
        ValueError: lengths or codes that do not fit, no seed, or a figure outside its range.

    >>> answer = evaluate_off_policy(LoggedChoices([0.2, 0.4], [0.5, 0.5], [0.5, 0.5], [0, 1]), seeds=[1])
    >>> answer.reasons
    ('2.0 effective units, at least 100 are needed',)
    """
    resamples, confidence, clip = resampling
    if not seeds or resamples < 1 or clip <= 0.0:
        raise ValueError(f"expected a seed, 1 resample or more and a clip above 0; found {seeds}, {resamples}, {clip}")
    upper = upper_quantile(confidence)
    losses, target, logged = columns = rows(*runs[:3])
    predicted, expected = (_by_seed(part, seeds, losses) for part in model or (np.nan, np.nan))
    codes, n_units = group_codes(runs.units, losses.size)
    overlap, used = _overlap(codes, losses, target, logged, runs.unsupported)
    reasons = _list_reasons(overlap, rules)
    if reasons:
        return Refusal(overlap, reasons)
    found, ends = [], []
    for seed, *said in zip(seeds, predicted, expected, strict=True):
        in_order, given = canonical(codes[used], *(column[used] for column in (*columns, *said)))
        sums = _compute_sums(in_order, given, n_units=n_units, clip=clip)
        sums = sums[sums[:, 0] > 0.0]
        found.append(_add_effects(sums.sum(axis=0)))
        ends.append(_bootstrap(sums, seed, resamples, (1.0 - upper, upper)))
    low, high = np.median(ends, axis=0)
    drift = np.ptp(ends, axis=0).max(axis=0)
    apart = divide(drift, high - low, where=high > low, otherwise=0.0).max(axis=0)
    estimates, effects = np.median(found, axis=0)
    return Replay(
        overlap=overlap,
        logged=float(sums[:, -1].sum() / sums[:, 0].sum()),
        estimates=estimates,
        ci_low=low[0],
        ci_high=high[0],
        effects=effects,
        effect_ci_low=low[1],
        effect_ci_high=high[1],
        effect_highest=np.max(ends, axis=0)[1, 1],
        seeds_sd=seed_spread([each[0] for each in found]),
        stability=np.where(np.isnan(estimates), np.nan, apart),
    )


def never_logged(actions: ArrayLike, contexts: ArrayLike, choices: ArrayLike) -> Floats:
    """Return the probability that the candidate chooses in each run what was never logged in its context.

    Args:
        actions: code of the action that was logged, from 0; -1 where it is not known.
        contexts: code of the context, from 0.
        choices: probability of each action under the candidate, (runs, actions).

    Raises:
        ValueError: codes or lengths that do not fit.

    >>> never_logged([0, 1, 0], [0, 0, 1], [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5]]).tolist()
    [0.0, 0.0, 0.5]
    """
    table = np.asarray(choices, dtype=np.float64)
    given = np.asarray(actions, dtype=np.int64)
    chosen, _ = group_codes(given + 1, table.shape[0], table.shape[1] + 1)
    cells, n_contexts = group_codes(contexts, table.shape[0])
    seen = np.zeros((n_contexts, table.shape[1] + 1), dtype=np.bool_)
    seen[cells, chosen] = True
    return np.asarray(np.where(seen[cells, 1:], 0.0, table).sum(axis=1))


def off_policy_estimates(
    losses: ArrayLike,
    target: ArrayLike,
    logged: ArrayLike,
    *,
    predicted: ArrayLike = np.nan,
    expected: ArrayLike = np.nan,
    clip: float = 10.0,
) -> Floats:
    """Return the bare estimates by :data:`ESTIMATORS`, without any check of the overlap; arguments as in :class:`LoggedChoices`.

    >>> off_policy_estimates([1.0, 0.0], [0.9, 0.1], [0.5, 0.5]).round(2).tolist()
    [0.9, 0.9, 0.9, nan, nan, nan, nan]
    """
    columns = rows(losses, target, logged, predicted, expected)
    zeros = np.zeros(columns[0].size, dtype=np.int64)
    codes, columns = canonical(zeros, *columns)
    return _compute_estimates(_compute_sums(codes, columns, n_units=1, clip=clip)[0])


def _by_seed(part: ArrayLike, seeds: Sequence[int], losses: Floats) -> Floats:
    """Return what a model says, one row a seed."""
    said = np.atleast_2d(np.asarray(part, dtype=np.float64))
    return np.broadcast_to(said, (len(seeds), losses.size))


def _overlap(
    codes: Ints, losses: Floats, target: Floats, logged: Floats, unsupported: ArrayLike | None
) -> tuple[Overlap, np.ndarray]:
    there = ~(np.isnan(losses) | np.isnan(target) | np.isnan(logged))
    possible = (logged > 0.0) & (logged <= 1.0) & (target >= 0.0) & (target <= 1.0)
    used = there & possible
    codes, (weights,) = canonical(codes[used], target[used] / logged[used])
    runs_of = np.bincount(codes)
    runs_of, by_unit = runs_of[runs_of > 0].astype(np.float64), totals(codes, weights, runs_of.size)[runs_of > 0]
    total, runs, units = float(weights.sum()), int(weights.size), int(by_unit.size)
    mean = total / runs if runs else np.nan
    gap = float(((by_unit - mean * runs_of) ** 2).sum()) if units > 1 else 0.0
    se = float(np.sqrt(gap * units / (units - 1.0))) / runs if units > 1 else 0.0
    bias = (mean - 1.0) / se if se > 0.0 else (0.0 if mean == 1.0 else np.nan)
    return Overlap(
        runs=runs,
        units=units,
        effective_runs=_compute_effective(weights),
        effective_units=_compute_effective(by_unit),
        mean_weight=mean,
        weight_bias=bias,
        max_weight=float(weights.max(initial=0.0)),
        max_share=float(by_unit.max(initial=0.0)) / total if total > 0.0 else np.nan,
        unsupported_rate=_compute_mean(unsupported, losses),
        missing_rate=1.0 - float(there.mean()) if there.size else np.nan,
        impossible=int((there & ~possible).sum()),
    ), used


def _compute_mean(unsupported: ArrayLike | None, losses: Floats) -> float:
    if unsupported is None or not losses.size:
        return float(np.nan)
    return float(np.mean(np.sort(rows(unsupported, losses)[0])))


def _list_reasons(overlap: Overlap, rules: OverlapRules) -> tuple[str, ...]:
    found = []
    if overlap.impossible:
        found.append(f"{overlap.impossible} runs with a propensity that cannot be")
    if overlap.missing_rate > rules.most_missing:
        found.append(
            f"{overlap.missing_rate:.1%} of the runs lack a loss or a propensity, at most {rules.most_missing:.1%} may"
        )
    if overlap.unsupported_rate > rules.most_unsupported:
        found.append(
            f"{overlap.unsupported_rate:.1%} of the candidate's choices were never made in the log, "
            f"at most {rules.most_unsupported:.1%} may be"
        )
    if not overlap.effective_units >= rules.minimum_effective_units:
        found.append(
            f"{overlap.effective_units:.1f} effective units, at least {rules.minimum_effective_units:g} are needed"
        )
    elif abs(overlap.weight_bias) > rules.largest_weight_bias or (
        np.isnan(overlap.weight_bias) and overlap.mean_weight != 1.0
    ):
        found.append(
            f"the mean weight is {overlap.mean_weight:.3f} instead of 1: "
            "propensities are wrong, or the candidate does what the log never did"
        )
    return tuple(found)


def _compute_effective(weights: Floats) -> float:
    """Return Kong's effective sample size; 0 where all weights are."""
    highest = float(weights.max(initial=0.0))
    if highest == 0.0:
        return 0.0
    scaled = weights / highest
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def _compute_sums(codes: Ints, columns: Sequence[Floats], *, n_units: int, clip: float) -> Floats:
    """Return per unit the sums that every estimator is a function of: runs, w, w·loss, clipped, expected, residuals, loss."""
    losses, target, logged, predicted, expected = columns
    weights = target / logged
    residual = losses - predicted
    parts = (
        np.ones(losses.size),
        weights,
        weights * losses,
        np.minimum(weights, clip) * losses,
        expected,
        weights * residual,
        np.where(weights <= clip, weights, 0.0) * residual,
        losses,
    )
    return np.stack([totals(codes, part, n_units) for part in parts], axis=1)


def _compute_estimates(sums: Floats) -> Floats:
    """Return the estimates by :data:`ESTIMATORS` of sums on the last axis."""
    runs, weight, weighed, clipped, expected, residual, switched, _ = np.moveaxis(sums, -1, 0)
    some, weighty = runs > 0.0, weight > 0.0
    model = divide(expected, runs, some)
    parts = (
        divide(weighed, runs, some),
        divide(clipped, runs, some),
        divide(weighed, weight, weighty),
        model,
        model + divide(residual, runs, some),
        model + divide(residual, weight, weighty),
        model + divide(switched, runs, some),
    )
    return np.stack(parts, axis=-1)


def _add_effects(sums: Floats) -> Floats:
    """Return the estimates, and the estimates less the mean loss: (2, ..., estimators)."""
    estimates = _compute_estimates(sums)
    logged = divide(sums[..., -1], sums[..., 0], sums[..., 0] > 0.0)
    return np.stack([estimates, estimates - logged[..., None]])


def _bootstrap(sums: Floats, seed: int, resamples: int, quantiles: tuple[float, float]) -> Floats:
    """Return quantiles of estimates and effects over resampled units: (quantiles, 2, estimators)."""
    rng = np.random.default_rng(seed)
    units = sums.shape[0]
    at_once = max(1, _CELLS_AT_ONCE // units)
    parts = []
    for start in range(0, resamples, at_once):
        # Times that each unit is drawn; counted one resample at a time, a third of the time of multinomial draws.
        times = [
            np.bincount(rng.integers(0, units, units), minlength=units)
            for _ in range(start, min(start + at_once, resamples))
        ]
        parts.append(_add_effects(np.stack(times).astype(np.float64) @ sums))
    return np.asarray(np.quantile(np.concatenate(parts, axis=1), quantiles, axis=1))
