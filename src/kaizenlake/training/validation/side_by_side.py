"""Two models on the same inputs: the mean difference of their scores, with an interval by the bootstrap over inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._special import normal_upper, t_quantile
from kaizenlake.training.validation.attempts import TriedFunction
from kaizenlake.training.validation.cases import takes_two

LEAST_INPUTS: Final = 30
"""Fewest different inputs on which a model is recommended."""

LEAST_TO_REJECT: Final = 6
"""Fewest different inputs on which a difference speaks against a model: of five, all may be worse by chance in 1 of 32."""

RESAMPLES: Final = 2000
CONFIDENCE: Final = 0.95


class PairedBootstrap(NamedTuple):
    """Mean of paired differences.

    Attributes:
        effect: the mean; NaN without a difference.
        ci_low, ci_high: its interval; NaN below two.
        units: number of differences.
    """

    effect: float
    ci_low: float
    ci_high: float
    units: int


def bootstrap_mean(differences: ArrayLike, *, seed: int = 0, confidence: float = CONFIDENCE) -> PairedBootstrap:
    """Return the mean of differences with its percentile interval by the bootstrap, expanded for few of them.

    The percentiles are those of Hesterberg (2015, section 5.3), which widen the interval as Student's t does. The draws
    depend on seed, number and differences alone, not on their order.

    Args:
        differences: one for each unit; none may be NaN.
        seed: seed of the draws.
        confidence: coverage of the interval.

    >>> found = bootstrap_mean([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], seed=1)
    >>> found.effect, found.units, 0.0 <= found.ci_low < 0.5 < found.ci_high <= 1.0
    (0.625, 8, True)
    """
    values = np.sort(np.asarray(differences, dtype=np.float64))
    number = values.size
    if number == 0:
        return PairedBootstrap(math.nan, math.nan, math.nan, 0)
    effect = float(values.mean())
    if number < 2:
        return PairedBootstrap(effect, math.nan, math.nan, number)
    draws = np.random.default_rng(seed).integers(0, number, size=(RESAMPLES, number), dtype=np.int32)
    means = values[draws].mean(axis=1)
    t = float(t_quantile(np.asarray(number - 1.0), 1 - (1 - confidence) / 2))
    tail = float(normal_upper(np.asarray(t * math.sqrt(number / (number - 1)))))
    low, high = np.quantile(means, [tail, 1 - tail])
    return PairedBootstrap(effect, float(low), float(high), number)


class SideBySide(NamedTuple):
    """What two models did on the same inputs.

    Attributes:
        change: score of the candidate less that of the baseline, an input counting once.
        candidate_score, baseline_score: means; NaN without a pair.
        candidate_faults, baseline_faults: answers that failed, or that cannot be scored.
        unknown: inputs on which both failed, which count for nothing.
        fault: why the candidate failed first; None where it never did.
    """

    change: PairedBootstrap
    candidate_score: float
    baseline_score: float
    candidate_faults: int
    baseline_faults: int
    unknown: int
    fault: str | None


def compare_outputs(
    candidate: TriedFunction,
    baseline: TriedFunction,
    inputs: Sequence[str],
    score: Callable[..., Any],
    *,
    seed: int,
    outputs: list[tuple[str, str]],
) -> SideBySide:
    """Ask two models the same, and compare the scores of what they answer.

    A model that fails, or whose answer cannot be scored (the scorer raises, or gives NaN or no number), has the worst score
    there is: 0 where no score is below it, else one below all others.

    Args:
        candidate: Model that would take the place.
        baseline: What it would take the place of.
        inputs: What they are asked; the same asked twice counts as one, by the mean.
        score: Takes output, or input and output, and gives a number.
        seed: Seed of the bootstrap.
        outputs: Gets the outputs of the candidate, with their inputs.
    """
    scorer = TriedFunction(score, candidate.seconds)
    is_of_both = takes_two(score)
    rows: list[tuple[str, float, float]] = []
    fault = None
    for number, asked in enumerate(inputs):
        order = (candidate, baseline) if number % 2 == 0 else (baseline, candidate)
        told: dict[int, float] = {}
        for model in order:
            made = model.ask(asked)
            value, words = (
                _score(scorer, asked, made.value, is_of_both) if made.fault is None else (math.nan, made.fault)
            )
            told[id(model)] = value
            if model is candidate:
                fault = fault or words
                if made.fault is None:
                    outputs.append((asked, made.value))
        rows.append((asked, told[id(candidate)], told[id(baseline)]))
    scorer.end()
    ours, theirs = (np.array([row[place] for row in rows], dtype=np.float64) for place in (1, 2))
    faults = [int(np.isnan(values).sum()) for values in (ours, theirs)]
    known = ~(np.isnan(ours) & np.isnan(theirs))
    worst = _find_worst(np.concatenate([ours, theirs]))
    ours, theirs = (np.where(np.isnan(values), worst, values)[known] for values in (ours, theirs))
    names = np.array([row[0] for row in rows], dtype=object)[known]
    by_input: dict[str, list[float]] = {}
    for name, difference in zip(names, ours - theirs, strict=True):
        by_input.setdefault(name, []).append(float(difference))
    change = bootstrap_mean([sum(values) / len(values) for values in by_input.values()], seed=seed)
    means = [float(values.mean()) if values.size else math.nan for values in (ours, theirs)]
    return SideBySide(change, means[0], means[1], faults[0], faults[1], int((~known).sum()), fault)


def _score(scorer: TriedFunction, asked: str, output: str, is_of_both: bool) -> tuple[float, str | None]:  # noqa: FBT001 - as the scorer takes it
    made = scorer.call(asked, output) if is_of_both else scorer.call(output)
    if made.fault is not None:
        return math.nan, f"its answer cannot be scored: {made.fault}"
    try:
        value = float(made.value)
    except (TypeError, ValueError, OverflowError):
        return math.nan, f"its answer cannot be scored: the scorer gave {type(made.value).__name__}, no number"
    return (
        (value, None) if math.isfinite(value) else (math.nan, f"its answer cannot be scored: the scorer gave {value}")
    )


def _find_worst(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    seen = values[~np.isnan(values)]
    if seen.size == 0:
        return 0.0
    low, high = float(seen.min()), float(seen.max())
    return 0.0 if low >= 0.0 and high > 0.0 else low - max(high - low, 1.0)
