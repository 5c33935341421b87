"""Is a model fit to take the place of another? Every stage with its figures, and one recommendation with its reason."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from kaizenlake.errors import UsageError
from kaizenlake.training.validation.attempts import TriedFunction
from kaizenlake.training.validation.cases import Case, CaseResults, CaseRunner, read_cases
from kaizenlake.training.validation.safety import SAFETY_RULES, SafetyRule, UnsafeOutput, find_unsafe
from kaizenlake.training.validation.side_by_side import (
    LEAST_INPUTS,
    LEAST_TO_REJECT,
    SideBySide,
    compare_outputs,
)
from kaizenlake.vocabulary import Recommendation, plural

TextModel: TypeAlias = Callable[[str], str]
"""What is validated: a function from text to text."""

CALL_SECONDS = 60.0
"""Longest time of a call, unless told otherwise."""


@dataclass(frozen=True)
class ValidationStage:
    """One stage of a validation.

    Args:
        name: regression_cases, golden, simulated_ab, safety or benchmarks.
        passed: Whether it speaks for the candidate; None where there was nothing to go by.
        figures: What was found.
        words: The same in a sentence.
    """

    name: str
    passed: bool | None
    figures: dict[str, Any]
    words: str


@dataclass(frozen=True)
class Validation:
    """What a validation says.

    Args:
        recommendation: DEPLOY, REVIEW or REJECT.
        reason: Why, in a sentence.
        regression_detected: The candidate does worse than the baseline, beyond chance.
        stages: Every stage with its figures.
    """

    recommendation: Recommendation
    reason: str
    regression_detected: bool
    stages: tuple[ValidationStage, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether it may be deployed."""
        return self.recommendation == "DEPLOY"


@dataclass(frozen=True)
class ValidationPlan:
    """What a model is held against.

    Args:
        inputs: Logged inputs, which both models are asked.
        score: Takes output, or input and output, and gives a number; more is better.
        cases: Mappings with `input`, `kind` (exact, contains, regex, json_schema, callable) and `expected`.
        golden: Cases of golden sets, which are held as the others.
        rules: Rules of safety.
        margin: Largest loss of the mean score that is no matter.
        seed: Seed of the bootstrap.
        seconds: Longest time of a call.
    """

    inputs: Sequence[str] = ()
    score: Callable[..., Any] | None = None
    cases: Sequence[Mapping[str, Any]] = ()
    golden: Sequence[Mapping[str, Any]] = ()
    rules: Sequence[SafetyRule] = SAFETY_RULES
    margin: float = 0.05
    seed: int = 0
    seconds: float = CALL_SECONDS


def validate_model(
    candidate: TextModel,
    baseline: TextModel | None = None,
    *,
    inputs: Iterable[str] = (),
    score: Callable[..., Any] | None = None,
    cases: Iterable[Mapping[str, Any]] = (),
    golden: Iterable[Mapping[str, Any]] = (),
    rules: Sequence[SafetyRule] = SAFETY_RULES,
    margin: float = 0.05,
    seed: int = 0,
    seconds: float = CALL_SECONDS,
) -> Validation:
    """Hold a model against the one whose place it would take.

    REJECT needs an interval of the mean difference wholly below 0, a case that is lost, or an output that is unsafe. DEPLOY
    needs 30 different inputs and a lower bound above the margin. All else is REVIEW. Measured time alone rejects nothing, and
    a model that raises, hangs or gives no text has a verdict too.

    >>> found = validate_model(str.upper, str.upper, inputs=[f"text {n}" for n in range(40)], score=lambda output: 1.0)
    >>> found.recommendation, found.regression_detected, found.passed
    ('DEPLOY', False, True)

    Args:
        candidate: Function from text to text.
        baseline: Function from text to text; without one nothing is recommended.
        inputs: Logged inputs, which both are asked.
        score: Takes output, or input and output, and gives a number; more is better.
        cases: Mappings with `input`, `kind` (exact, contains, regex, json_schema, callable) and `expected`.
        golden: Cases of golden sets, which are held as the others.
        rules: Rules of safety: `[*SAFETY_RULES, make_rule(…)]` adds to them.
        margin: Largest loss of the mean score that is no matter.
        seed: Seed of the bootstrap.
        seconds: Longest time of a call.

    Raises:
        UsageError: The margin or the time is none, or an input is no text.
        LearningError: A case cannot be checked (E7212).
    """
    plan = ValidationPlan([*inputs], score, [*cases], [*golden], tuple(rules), float(margin), int(seed), float(seconds))
    return run_validation(candidate, baseline, plan)


def run_validation(candidate: TextModel, baseline: TextModel | None, plan: ValidationPlan) -> Validation:
    """Hold a model against another by a plan; see `validate_model`."""
    if not (math.isfinite(plan.margin) and plan.margin >= 0):
        raise UsageError(f"The margin is {plan.margin}; expected a number from 0.")
    if not (math.isfinite(plan.seconds) and 0 < plan.seconds <= 86_400):
        raise UsageError(f"The longest time of a call is {plan.seconds} s; expected more than 0 and a day at most.")
    for asked in plan.inputs:
        if not isinstance(asked, str):
            raise UsageError(f"An input is {type(asked).__name__}; expected texts.")
    cases, golden = read_cases(plan.cases), read_cases(plan.golden)
    ours = TriedFunction(candidate, plan.seconds)
    theirs = None if baseline is None else TriedFunction(baseline, plan.seconds)
    memory = _read_peak_memory()
    try:
        evidence = _gather(ours, theirs, plan, (cases, golden))
    finally:
        for model in (ours, theirs):
            if model is not None:
                model.end()
    benchmarks = _measure(ours, theirs, _read_peak_memory() - memory)
    recommendation, reason = _judge(evidence, plan)
    stages = (
        _tell_cases("regression_cases", evidence.cases),
        benchmarks,
        _tell_side_by_side(evidence.compared, plan),
        _tell_safety(evidence),
        _tell_cases("golden", evidence.golden),
    )
    return Validation(recommendation, reason, evidence.is_worse, stages)


@dataclass(frozen=True)
class _Evidence:
    """What was found of a candidate."""

    has_baseline: bool
    cases: CaseResults
    golden: CaseResults
    compared: SideBySide | None
    outputs: int
    unsafe: list[UnsafeOutput]
    fault: str | None

    @property
    def lost(self) -> int:
        """Number of cases that are lost."""
        return self.cases.count("lost") + self.golden.count("lost")

    @property
    def is_below(self) -> bool:
        """Whether the interval of the mean difference lies wholly below 0."""
        compared = self.compared
        return compared is not None and compared.change.units >= LEAST_TO_REJECT and compared.change.ci_high < 0

    @property
    def is_worse(self) -> bool:
        """Whether the candidate does worse than the baseline, beyond chance."""
        return self.is_below or self.lost > 0


def _gather(
    ours: TriedFunction, theirs: TriedFunction | None, plan: ValidationPlan, cases: tuple[list[Case], list[Case]]
) -> _Evidence:
    runner = CaseRunner(ours, theirs)
    found = [runner.run(part) for part in cases]
    outputs = runner.outputs
    compared = None
    if theirs is not None and plan.score is not None and plan.inputs:
        compared = compare_outputs(ours, theirs, plan.inputs, plan.score, seed=plan.seed, outputs=outputs)
    else:
        for asked in plan.inputs:
            made = ours.ask(asked)
            if made.fault is None:
                outputs.append((asked, made.value))
    fault = next((item.fault for item in ours.attempts if item.fault is not None), None)
    return _Evidence(
        theirs is not None, found[0], found[1], compared, len(outputs), find_unsafe(outputs, plan.rules), fault
    )


def _judge(found: _Evidence, plan: ValidationPlan) -> tuple[Recommendation, str]:
    """Return the recommendation with its reason: what speaks against it first, then what is missing."""
    for against in (_find_harm(found), _find_loss(found)):
        if against is not None:
            return "REJECT", against
    doubt = _find_gap(found, plan) or _find_doubt(found, plan)
    if doubt is not None:
        return "REVIEW", doubt
    assert found.compared is not None, "without a comparison there is a gap"
    change = found.compared.change
    words = (
        f"On {change.units} inputs the mean score changes by {change.effect:+.3f} ({change.ci_low:+.3f} to "
        f"{change.ci_high:+.3f}), which rules out a loss of {plan.margin:g}; no case is lost and no output unsafe."
    )
    return "DEPLOY", words


def _find_harm(found: _Evidence) -> str | None:
    if not found.unsafe:
        return None
    first = found.unsafe[0]
    return f"{len(found.unsafe)} of {plural(found.outputs, 'output')} unsafe, the first by the rule {first.rule}: {first.words}."


def _find_loss(found: _Evidence) -> str | None:
    if found.lost:
        first = (found.cases.list_lost() + found.golden.list_lost())[0]
        return (
            f"{plural(found.lost, 'case')} lost, which the baseline passes three times in three: the first is case "
            f"{first.number} ({first.case.kind}), with {first.words[:100]!r}."
        )
    if found.is_below and found.compared is not None:
        change, faults = found.compared.change, found.compared.candidate_faults
        failed = f"; {plural(faults, 'answer')} failed, the first because {found.compared.fault}" if faults else ""
        return (
            f"On {change.units} inputs the mean score falls by {-change.effect:.3f} (between {-change.ci_high:.3f} and "
            f"{-change.ci_low:.3f}){failed}."
        )
    return None


def _find_gap(found: _Evidence, plan: ValidationPlan) -> str | None:
    """Return what is missing to recommend a model, in a sentence."""
    if not plan.inputs and not plan.cases and not plan.golden:
        return "There is no data: neither inputs nor cases were given."
    if not found.has_baseline:
        return "There is no baseline to hold it against."
    if plan.score is None:
        return "There is no score, so that answers to logged inputs cannot be compared."
    if found.compared is None:
        return "There are no logged inputs on which both could be compared."
    units = found.compared.change.units
    if units < LEAST_INPUTS:
        failed = f" ({found.compared.fault})" if found.compared.fault else ""
        return f"Only {plural(units, 'different input')} could be compared{failed}; {LEAST_INPUTS} are needed."
    return None


def _find_doubt(found: _Evidence, plan: ValidationPlan) -> str | None:
    """Return what speaks neither for nor against a model, in a sentence."""
    assert found.compared is not None, "without a comparison there is a gap"
    change = found.compared.change
    if not change.ci_low > -plan.margin:
        return (
            f"On {change.units} inputs the mean score may fall by up to {-change.ci_low:.3f}, more than the margin of "
            f"{plan.margin:g}; more inputs would tell."
        )
    doubtful = found.cases.count("doubtful") + found.golden.count("doubtful")
    if doubtful:
        return f"{plural(doubtful, 'case')} failed in three tries, which the baseline passes at times."
    return None


def _tell_cases(name: str, found: CaseResults) -> ValidationStage:
    outcomes = ("passed", "flaky", "known", "doubtful", "unknown", "lost")
    figures: dict[str, Any] = {"cases": len(found.found), **{key: found.count(key) for key in outcomes}}
    figures["failures"] = [
        {"case": item.number, "kind": item.case.kind, "outcome": item.outcome, "found": item.words}
        for item in found.found
        if item.outcome not in {"passed", "flaky"}
    ][:20]
    if not found.found:
        return ValidationStage(name, None, figures, "No cases were given.")
    lost = figures["lost"]
    passed = figures["passed"] + figures["flaky"]
    words = f"{passed} of {plural(len(found.found), 'case')} passed, {lost} lost, {figures['known']} fail in the baseline too."
    is_open = figures["doubtful"] + figures["unknown"] > 0
    return ValidationStage(name, False if lost else None if is_open else True, figures, words)


def _tell_side_by_side(found: SideBySide | None, plan: ValidationPlan) -> ValidationStage:
    if found is None:
        return ValidationStage("simulated_ab", None, {"inputs": 0}, "Nothing could be compared.")
    change = found.change
    figures = {
        "inputs": change.units,
        "effect": _round(change.effect),
        "ci_low": _round(change.ci_low),
        "ci_high": _round(change.ci_high),
        "candidate_score": _round(found.candidate_score),
        "baseline_score": _round(found.baseline_score),
        "candidate_failures": found.candidate_faults,
        "baseline_failures": found.baseline_faults,
        "both_failed": found.unknown,
        "margin": plan.margin,
        "seed": plan.seed,
    }
    if change.units < 2:
        return ValidationStage("simulated_ab", None, figures, "Too few inputs could be compared.")
    is_worse = change.units >= LEAST_TO_REJECT and change.ci_high < 0
    is_good = change.units >= LEAST_INPUTS and change.ci_low > -plan.margin
    words = f"The mean score changes by {change.effect:+.3f} ({change.ci_low:+.3f} to {change.ci_high:+.3f})."
    return ValidationStage("simulated_ab", False if is_worse else True if is_good else None, figures, words)


def _tell_safety(found: _Evidence) -> ValidationStage:
    by_rule: dict[str, int] = {}
    for item in found.unsafe:
        by_rule[item.rule] = by_rule.get(item.rule, 0) + 1
    figures = {
        "outputs": found.outputs,
        "unsafe": len(found.unsafe),
        "by_rule": by_rule,
        "found": [vars(item) for item in found.unsafe[:20]],
    }
    if not found.outputs:
        return ValidationStage("safety", None, figures, "There was no output to look at.")
    words = f"{len(found.unsafe)} of {plural(found.outputs, 'output')} unsafe."
    return ValidationStage("safety", not found.unsafe, figures, words)


def _measure(ours: TriedFunction, theirs: TriedFunction | None, grown: float) -> ValidationStage:
    """Tell how long answers took, how many a second there were, and by how much the memory of this process grew."""
    figures: dict[str, Any] = {}
    for name, model in (("candidate", ours), ("baseline", theirs)):
        seconds = [] if model is None else [item.seconds for item in model.attempts if item.fault is None]
        if not seconds:
            continue
        figures |= {
            f"{name}_answers": len(seconds),
            f"{name}_p50_seconds": float(np.quantile(seconds, 0.5)),
            f"{name}_p95_seconds": float(np.quantile(seconds, 0.95)),
            f"{name}_answers_per_second": len(seconds) / max(sum(seconds), 1e-9),
        }
    figures["memory_growth_mb"] = round(grown, 1)
    if "candidate_answers" not in figures:
        return ValidationStage("benchmarks", None, figures, "The candidate gave no answer to measure.")
    words = f"Half of the answers took {figures['candidate_p50_seconds']:.3g} s, 95 % {figures['candidate_p95_seconds']:.3g} s"
    if "baseline_answers" in figures:
        words += f"; the baseline {figures['baseline_p50_seconds']:.3g} and {figures['baseline_p95_seconds']:.3g} s"
    # Time that is measured once beside other work is no reason to reject, so it never fails.
    return ValidationStage("benchmarks", True, figures, f"{words}.")


def _read_peak_memory() -> float:
    """Return the peak memory of this process in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _round(value: float) -> float | None:
    """Return a figure as records hold it: not known is None."""
    return None if math.isnan(value) else round(value, 6)
