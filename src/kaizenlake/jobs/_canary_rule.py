"""The rule by which a canary is decided: from the moments of two arms on each night to what each night says.

It knows no table: the nightly job hands over moments of units, a benchmark those of published experiments. Arrays have the
axes (deployments, candidates, looks); a look that was not made, or not yet, has no units.

- Promote: a t-test by the larger standard error against the boundary of the look, which spends alpha over the declared
  horizon by the share of its nights that are over. Candidates share alpha by Holm's rule in its group-sequential form (Ye,
  Li, Liu and Yao 2013): each is held against the boundaries of alpha / m, m the candidates that have not crossed.
- Roll back, and guardrails: asymptotic confidence sequences, which may be looked at on any night.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kaizenlake import stats
from kaizenlake.stats import Moments
from kaizenlake.stats.sequential import MINIMUM_UNITS

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Strings: TypeAlias = NDArray[np.str_]

POWER = 0.8
"""Power that `nights_needed` asks for."""


@dataclass(frozen=True)
class Rule:
    """By what a deployment is decided.

    Args:
        alpha: Chance of a false promotion over all looks and candidates.
        method: How it is spent over the looks.
        horizon: Nights after which it is decided at the latest.
        minimum_units: Units that the smaller arm must have.
        tolerated: Increase of the mean loss that is tolerated; also the size of an effect worth seeing.
        shadow: Promotion asks for a loss that is not above the control's by what is tolerated, instead of one below it.
    """

    alpha: float = 0.05
    method: Literal["power", "obrien_fleming", "pocock", "always_valid"] = "power"
    horizon: int = 14
    minimum_units: int = MINIMUM_UNITS
    tolerated: float = 0.02
    shadow: bool = False


class Judged(NamedTuple):
    """What each night knows of the loss; NaN where it is not defined, and 0 for a look that was not (yet) found."""

    effect: Floats
    ci_low: Floats
    ci_high: Floats
    sequential_ci_low: Floats
    sequential_ci_high: Floats
    lift: Floats
    lift_ci_low: Floats
    lift_ci_high: Floats
    p_value: Floats
    p_always_valid: Floats
    alpha_spent: Floats
    boundary_p: Floats
    p_boundary: Floats
    crossed_on_look: NDArray[np.int64]
    worse_since_look: NDArray[np.int64]
    shrunk_effect: Floats
    power_so_far: Floats
    nights_needed: Floats


class Guarded(NamedTuple):
    """What each night knows of a guarded figure: one-sided ends that hold on all nights, and two findings."""

    effect: Floats
    lower: Floats
    upper: Floats
    held: Bools
    broken_since_look: NDArray[np.int64]


def judge(rule: Rule, candidate: Moments, control: Moments) -> Judged:
    """Judge candidates against their controls on every look.

    Args:
        rule: By what.
        candidate: Moments of the units of each candidate, so far.
        control: Moments of the units of its control, so far. Of units that ran under both versions, the candidate holds
            the differences and the control as many zeros: the tests are then those of pairs.
    """
    looks = candidate.n.shape[-1]
    candidates = candidate.n.shape[-2]
    usable = np.minimum(candidate.n, control.n) >= max(rule.minimum_units, 2)
    fixed = stats.welch(*candidate, *control, 1.0 - rule.alpha)
    sequence = sequence_of(rule, candidate, control, 1.0 - rule.alpha, "both")
    p_always_valid = stats.running_minimum(sequence.p_value)

    aim = rule.tolerated if rule.shadow else 0.0
    test = stats.cautious_test(candidate.n, candidate.mean - aim, candidate.m2, *control)
    known = stats.information(np.where(usable, test.se, np.nan))
    over = np.arange(1, looks + 1) / rule.horizon
    if rule.method == "always_valid":
        held = sequence_of(rule, candidate, control, 1.0 - rule.alpha / candidates, "both", no_effect=aim)
        # Two-sided: a night on which the candidate looked worse is none in its favour.
        p = stats.running_minimum(np.where(held.effect < aim, held.p_value, np.where(usable, 1.0, np.nan)))
        levels = np.stack([np.where(usable, rule.alpha / (m + 1), np.nan) for m in range(candidates)])
        spent = np.full(levels.shape, np.nan)
        critical = (held.ci_high - held.effect) / np.where(held.se > 0.0, held.se, np.nan)
    else:
        p = np.where(usable, test.p_value, np.nan)
        found = [
            stats.boundaries(known, np.broadcast_to(stats.spend(over, rule.alpha / (m + 1), rule.method), known.shape))
            for m in range(candidates)
        ]
        levels, spent = np.stack([part.level for part in found]), np.stack([part.spent for part in found])
        critical = found[-1].critical
    boundary, share, crossed = _step_down(p, levels, candidate.mean - control.mean < aim)
    return Judged(
        *(fixed.effect, fixed.ci_low, fixed.ci_high, sequence.ci_low, sequence.ci_high),
        *(fixed.lift, fixed.lift_ci_low, fixed.lift_ci_high, fixed.p_value, p_always_valid),
        alpha_spent=np.take_along_axis(spent, share[None], axis=0)[0],
        boundary_p=boundary,
        p_boundary=p,
        crossed_on_look=crossed,
        worse_since_look=_first(sequence.ci_low > rule.tolerated),
        shrunk_effect=_shrunk(fixed.effect, test.se, rule.tolerated),
        **_outlook(rule, known, critical, candidates),
    )


def guard(rule: Rule, margin: float, guardrails: int, candidate: Moments, control: Moments) -> Guarded:
    """Hold a figure of candidates against a margin, on every look.

    Where no unit of either arm differs from another, what is seen counts as it stands: no critical finding in hundreds of
    units is no increase, although no test can be made of it.

    Args:
        rule: `alpha` and the minimum of units.
        margin: Increase of the mean that is tolerated.
        guardrails: Number of the deployment's guardrails, which share the chance of a false finding that one is broken.
        candidate: As for `judge`.
        control: As for `judge`.
    """
    enough = np.minimum(candidate.n, control.n) >= max(rule.minimum_units, 2)
    still = enough & (candidate.m2 == 0.0) & (control.m2 == 0.0)
    low = sequence_of(rule, candidate, control, 1.0 - rule.alpha / guardrails, "above")
    high = sequence_of(rule, candidate, control, 1.0 - rule.alpha, "below")
    lower, upper = np.where(still, low.effect, low.ci_low), np.where(still, high.effect, high.ci_high)
    return Guarded(low.effect, lower, upper, upper <= margin, _first(lower > margin))


def verdicts(
    judged: Judged, rule: Rule, *, fresh: Bools, invalid: Bools, guardrails_held: Bools, guardrails_broken: Bools
) -> Strings:
    """What each look says.

    A candidate that has crossed stays promotable while its effect is on the good side; one that was surely worse, or broke
    a guardrail, stays to be rolled back. A night that brought nothing never promotes.

    Args:
        judged: What is known of the loss.
        rule: By which it was judged.
        fresh: The night brought runs.
        invalid: The sizes of the arms are not those of the allocation.
        guardrails_held: Every guardrail is shown to be held.
        guardrails_broken: Some guardrail is broken.
    """
    good = judged.effect < (rule.tolerated if rule.shadow else 0.0)
    promote = fresh & (judged.crossed_on_look > 0) & good & guardrails_held
    return np.select(
        [
            invalid,
            (judged.worse_since_look > 0) | guardrails_broken,
            promote,
            np.isnan(judged.p_boundary),
        ],
        ["invalid", "rollback", "promote", "insufficient"],
        "continue",
    )


def sequence_of(
    rule: Rule,
    candidate: Moments,
    control: Moments,
    confidence: float,
    side: Literal["both", "above", "below"],
    no_effect: float = 0.0,
) -> stats.Sequence:
    """Confidence sequence, narrowest about half of what the horizon will bring.

    That is foretold by the first look with enough units in both arms, before which nothing is said, and never again: the
    tuning must not change from look to look.

    Args:
        rule: Its horizon and minimum of units.
        candidate: As for `judge`.
        control: As for `judge`.
        confidence: Coverage over all looks together.
        side: As for `kaizenlake.stats.confidence_sequence`.
        no_effect: Effect that its p-value is held against.
    """
    enough = np.minimum(candidate.n, control.n) >= max(rule.minimum_units, 2)
    first = enough.argmax(axis=-1)[..., None]
    units = np.take_along_axis(candidate.n + control.n, first, axis=-1)
    declared = units * np.maximum(rule.horizon / (2.0 * (first + 1.0)), 1.0)
    return stats.confidence_sequence(
        *candidate,
        *control,
        declared_n=declared,
        confidence=confidence,
        side=side,
        minimum_units=max(rule.minimum_units, 2),
        no_effect=no_effect,
    )


def _step_down(p: Floats, levels: Floats, good: Bools) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Level each p was held against, by how many (less one) its alpha was shared, and the look of the crossing so far.

    Args:
        p: Of each deployment, candidate and look.
        levels: The same behind an axis of the number of candidates that share alpha, less one.
        good: The effect is on the side that may be promoted.
    """
    deployments, candidates, looks = p.shape
    crossed = np.zeros(p.shape, dtype=np.int64)
    since = np.zeros((deployments, candidates), dtype=np.int64)
    boundary, share = np.full(p.shape, np.nan), np.zeros(p.shape, dtype=np.int64)
    for look in range(looks):
        open_ones = np.ones((deployments, candidates), dtype=np.bool_)
        while True:
            left = np.maximum((since == 0).sum(axis=1, keepdims=True), 1) - 1
            left = np.broadcast_to(left, since.shape)
            level = np.take_along_axis(levels[..., look], left[None], axis=0)[0]
            boundary[..., look] = np.where(open_ones, level, boundary[..., look])
            share[..., look] = np.where(open_ones, left, share[..., look])
            hit = (since == 0) & (p[..., look] <= level) & good[..., look]
            since = np.where(hit, look + 1, since)
            open_ones &= ~hit
            if not hit.any():
                break
        crossed[..., look] = since
    return boundary, share, crossed


def _first(found: Bools) -> NDArray[np.int64]:
    """Number of the first look so far at which something was found; 0 where none was."""
    number = np.where(found, np.arange(1, found.shape[-1] + 1), np.iinfo(np.int64).max)
    first = np.minimum.accumulate(number, axis=-1)
    return np.where(first == np.iinfo(np.int64).max, 0, first)


def _shrunk(effect: Floats, se: Floats, worth: float) -> Floats:
    if worth == 0.0:
        return np.full(effect.shape, np.nan)
    return stats.shrink_normal(effect, se**2, stats.NormalPrior(0.0, worth**2))


def _outlook(rule: Rule, known: Floats, critical: Floats, candidates: int) -> dict[str, Floats]:
    """Power so far, and nights needed, for an effect as large as what is tolerated, while all candidates share alpha."""
    nothing = np.full(known.shape, np.nan)
    if rule.tolerated == 0.0:
        return {"power_so_far": nothing, "nights_needed": nothing}
    made = ~np.isnan(known)
    seen = stats.power_so_far(known, np.where(made, critical, np.nan), rule.tolerated)
    nights = stats.nights_needed(
        rule.tolerated,
        known,
        np.arange(1.0, known.shape[-1] + 1.0),
        power=POWER,
        alpha=rule.alpha / candidates,
        inflation=_inflation(rule, candidates),
    )
    return {
        "power_so_far": np.where(made, np.clip(seen, 0.0, 1.0), np.nan),
        "nights_needed": np.where(np.isfinite(nights), nights, np.nan),
    }


@cache
def _inflation(rule: Rule, candidates: int) -> float:
    """What looking every night costs: information over that of a single look, if each night brings the same."""
    alpha = rule.alpha / candidates
    nights = np.arange(1.0, rule.horizon + 1.0)
    if rule.method == "always_valid":
        # Arms of 1,000 units a night and unit spread; how many does not matter, only how they grow.
        arm = Moments(1_000.0 * nights, np.zeros(nights.size), 1_000.0 * nights - 1.0)
        planned = stats.confidence_sequence(
            *arm, *arm, declared_n=1_000.0 * rule.horizon, confidence=1.0 - alpha, minimum_units=2
        )
        critical = planned.ci_high / planned.se
    else:
        critical = stats.boundaries(nights, stats.spend(nights / rule.horizon, alpha, rule.method)).critical
    return float(stats.inflation(nights, critical, alpha, POWER))
