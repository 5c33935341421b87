"""The rule by which a canary is decided: from the moments of two arms on each night to what each night says.

The nightly job hands over moments of units, a benchmark those of published experiments. Arrays have the axes (deployments,
candidates, looks); a look that was not made, or not yet, has no units.

- Promote: a t-test by the larger standard error against the boundary of the look, which spends alpha over the declared
  horizon by the share of its nights that are over. Candidates share alpha by `staged_holm`.
- Roll back, and guardrails: asymptotic confidence sequences, which may be looked at on any night.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kaizenlake.stats.basics._arrays import Bools, Floats, Ints
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.pooling.normal_shrinkage import NormalPrior, shrink_normal
from kaizenlake.stats.sequential.confidence_sequences import (
    MINIMUM_UNITS,
    Sequence,
    SequenceRule,
    Side,
    confidence_sequence,
    first_look,
    planned_sequence,
    running_minimum,
)
from kaizenlake.stats.sequential.group_sequential import inflation
from kaizenlake.stats.sequential.power import nights_needed, power_so_far
from kaizenlake.stats.sequential.spending import Boundaries, boundaries, information, spend
from kaizenlake.stats.sequential.staged_holm import choose, staged_holm
from kaizenlake.stats.two_groups.standard_error import cautious_test
from kaizenlake.stats.two_groups.welch import welch

Strings: TypeAlias = NDArray[np.str_]

POWER = 0.8
"""Power that `nights_needed` asks for."""

MOST_PLANNED = 60
"""Looks that a plan is reckoned with: more over the same horizon cost less than half a percent of information."""

LEAST_ALPHA, LARGEST_ALPHA = 1e-9, 0.5
"""Between these alpha is taken: no test is never wrong, and one that errs every second time is none."""


@dataclass(frozen=True)
class CanaryRule:
    """By what a deployment is decided.

    Args:
        alpha: Chance of a false promotion over all looks and candidates; taken from `LEAST_ALPHA` to `LARGEST_ALPHA`.
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

    def __post_init__(self) -> None:
        """Bring alpha to where a test can be made with it."""
        object.__setattr__(self, "alpha", min(max(self.alpha, LEAST_ALPHA), LARGEST_ALPHA))

    def enough(self, candidate: Moments, control: Moments) -> Bools:
        """Return whether the smaller arm has the units that a statement needs; two at the least."""
        return np.minimum(candidate.n, control.n) >= self._fewest

    def sequence(
        self, candidate: Moments, control: Moments, confidence: float, side: Side = "both", no_effect: float = 0.0
    ) -> Sequence:
        """Return the confidence sequence of the effect, planned for the horizon: `kaizenlake.stats.planned_sequence`."""
        return planned_sequence(
            candidate,
            control,
            looks=self.horizon,
            no_effect=no_effect,
            rule=SequenceRule(confidence, side, minimum_units=self._fewest),
        )

    @property
    def _fewest(self) -> int:
        return max(self.minimum_units, 2)


class Judged(NamedTuple):
    """What each night knows of the loss; NaN where it is not defined, and 0 for a look that was not (yet) found."""

    enough: Bools
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
    crossed_on_look: Ints
    worse_since_look: Ints
    shrunk_effect: Floats
    power_so_far: Floats
    nights_needed: Floats


class Guarded(NamedTuple):
    """What each night knows of a guarded figure: one-sided ends that hold on all nights, and two findings."""

    effect: Floats
    lower: Floats
    upper: Floats
    held: Bools
    broken_since_look: Ints


def judge(rule: CanaryRule, candidate: Moments, control: Moments) -> Judged:
    """Judge candidates against their controls on every look.

    Args:
        rule: By what.
        candidate: Moments of the units of each candidate, so far.
        control: Moments of the units of its control, so far. Of units that ran under both versions, the candidate holds
            the differences and the control as many zeros: the tests are then those of pairs.

    >>> nights = np.array([[[200.0, 400.0]]])
    >>> found = judge(
    ...     CanaryRule(),
    ...     Moments(nights, np.full(nights.shape, 0.46), 0.0225 * nights),
    ...     Moments(nights, np.full(nights.shape, 0.50), 0.0225 * nights),
    ... )
    >>> found.crossed_on_look.tolist(), found.boundary_p.round(5).tolist()
    ([[[0, 2]]], [[[0.00026, 0.00082]]])
    """
    looks = candidate.n.shape[-1]
    candidates = candidate.n.shape[-2]
    enough = rule.enough(candidate, control)
    fixed = welch(candidate, control, 1.0 - rule.alpha)
    sequence = rule.sequence(candidate, control, 1.0 - rule.alpha)

    aim = rule.tolerated if rule.shadow else 0.0
    test = cautious_test(Moments(candidate.n, candidate.mean - aim, candidate.m2), control)
    known = information(np.where(enough, test.se, np.nan))
    if rule.method == "always_valid":
        held = rule.sequence(candidate, control, 1.0 - rule.alpha / candidates, no_effect=aim)
        # Two-sided: a night on which the candidate looked worse is none in its favour.
        p = running_minimum(np.where(held.effect < aim, held.p_value, np.where(enough, 1.0, np.nan)))
        always = (held.ci_high - held.effect) / np.where(held.se > 0.0, held.se, np.nan)
    else:
        p = np.where(enough, test.p_value, np.nan)

    @cache
    def share_alpha(among: int) -> Boundaries:
        """Return what each look is held against when so many candidates share alpha."""
        alpha = rule.alpha / among
        if rule.method == "always_valid":
            return Boundaries(always, np.where(enough, alpha, np.nan), np.full(p.shape, np.nan))
        over = np.arange(1, looks + 1) / rule.horizon
        return boundaries(known, np.broadcast_to(spend(over, alpha, rule.method), known.shape))

    steps = staged_holm(p, lambda among: share_alpha(among).level, candidate.mean - control.mean < aim)
    return Judged(
        enough,
        *(fixed.effect, fixed.ci_low, fixed.ci_high, sequence.ci_low, sequence.ci_high),
        *(fixed.lift, fixed.lift_ci_low, fixed.lift_ci_high, fixed.p_value, running_minimum(sequence.p_value)),
        alpha_spent=choose(steps.among, lambda among: share_alpha(among).spent, p.shape),
        boundary_p=steps.level,
        p_boundary=p,
        crossed_on_look=steps.crossed,
        worse_since_look=first_look(sequence.ci_low > rule.tolerated),
        shrunk_effect=_compute_shrunk(fixed.effect, test.se, rule.tolerated),
        **_compute_outlook(rule, known, share_alpha(candidates).critical, candidates),
    )


def guard(rule: CanaryRule, margin: float, guardrails: int, candidate: Moments, control: Moments) -> Guarded:
    """Hold a figure of candidates against a margin, on every look.

    Where no unit of either arm differs from another, no test of means can be made, and yet something is known: of n units
    without one, units unlike them are rarer than 1 - alpha ** (1 / n) (the rule of three: Hanley and Lippman-Hand 1983), on
    all nights at once, since nights without one lie within each other. Such a unit is taken to differ by one, as a count or a
    share does; so 100 units without a critical finding show an increase below .03, and none below .02.

    Args:
        rule: `alpha` and the minimum of units.
        margin: Increase of the mean that is tolerated.
        guardrails: Number of the deployment's guardrails, which share the chance of a false finding that one is broken.
        candidate: As for `judge`.
        control: As for `judge`.
    """
    still = rule.enough(candidate, control) & (candidate.m2 == 0.0) & (control.m2 == 0.0)
    low = rule.sequence(candidate, control, 1.0 - rule.alpha / guardrails, "above")
    high = rule.sequence(candidate, control, 1.0 - rule.alpha, "below")
    units = np.minimum(candidate.n, control.n)
    lower = np.where(still, low.effect - _compute_rarer_than(units, rule.alpha / guardrails), low.ci_low)
    upper = np.where(still, high.effect + _compute_rarer_than(units, rule.alpha), high.ci_high)
    return Guarded(low.effect, lower, upper, upper <= margin, first_look(lower > margin))


def verdicts(
    judged: Judged, rule: CanaryRule, *, fresh: Bools, invalid: Bools, guardrails_held: Bools, guardrails_broken: Bools
) -> Strings:
    """Return what each look says.

    A candidate that has crossed stays promotable while its effect is on the good side and the arms have the units; one that
    was surely worse, or broke a guardrail, stays to be rolled back. A night that brought one of the arms nothing never
    promotes.

    Args:
        judged: What is known of the loss.
        rule: By which it was judged.
        fresh: The night brought runs to both arms.
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
            ~judged.enough | np.isnan(judged.p_boundary),
            promote,
        ],
        ["invalid", "rollback", "insufficient", "promote"],
        "continue",
    )


def _compute_rarer_than(units: Floats, alpha: float) -> Floats:
    """Return the share of units that, with this chance, shows in none of so many."""
    return np.asarray(1.0 - alpha ** (1.0 / np.maximum(units, 1.0)))


def _compute_shrunk(effect: Floats, se: Floats, worth: float) -> Floats:
    if worth == 0.0:
        return np.full(effect.shape, np.nan)
    return shrink_normal(effect, se**2, NormalPrior(0.0, worth**2))


def _compute_outlook(rule: CanaryRule, known: Floats, critical: Floats, candidates: int) -> dict[str, Floats]:
    """Return the power so far, and nights needed, for an effect as large as what is tolerated, while all candidates share alpha."""
    nothing = np.full(known.shape, np.nan)
    if rule.tolerated == 0.0:
        return {"power_so_far": nothing, "nights_needed": nothing}
    made = ~np.isnan(known)
    seen = power_so_far(known, np.where(made, critical, np.nan), rule.tolerated)
    nights = nights_needed(
        rule.tolerated,
        known,
        np.arange(1.0, known.shape[-1] + 1.0),
        power=POWER,
        alpha=rule.alpha / candidates,
        inflation=_compute_inflation(rule, candidates),
    )
    return {
        "power_so_far": np.where(made, np.clip(seen, 0.0, 1.0), np.nan),
        "nights_needed": np.where(np.isfinite(nights), nights, np.nan),
    }


@cache
def _compute_inflation(rule: CanaryRule, candidates: int) -> float:
    """Return what looking every night costs: information over that of a single look, if each night brings the same."""
    alpha = rule.alpha / candidates
    looks = min(rule.horizon, MOST_PLANNED)
    nights = np.round(np.arange(1.0, looks + 1.0) * (rule.horizon / looks))
    if rule.method == "always_valid":
        # Arms of 1,000 units a night and unit spread; how many does not matter, only how they grow.
        arm = Moments(1_000.0 * nights, np.zeros(nights.size), 1_000.0 * nights - 1.0)
        planned = confidence_sequence(
            arm, arm, declared_n=1_000.0 * rule.horizon, rule=SequenceRule(1.0 - alpha, minimum_units=2)
        )
        critical = planned.ci_high / planned.se
    else:
        critical = boundaries(nights, spend(nights / rule.horizon, alpha, rule.method)).critical
    return float(inflation(nights, critical, alpha, POWER))
