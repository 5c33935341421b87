"""What a text model is worth: learned from the experiments before, judged on those that followed, with errors by experiment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizenlake.jobs.wording._arms import BLOCKS, Arms
from kaizenlake.stats.regression.partly_centred import (
    Codes,
    Floats,
    GroupedOutcomes,
    Ridge,
    StackedRidges,
    stack_ridges,
)

PARTS = 6
"""Parts in which experiments follow one another; each but the first is judged by what those before it taught."""

INNER_BLOCKS = 3

SIGNIFICANT = 1.96


class Estimate(NamedTuple):
    """A figure and its standard error; NaN where there is nothing to tell it from."""

    value: float
    error: float


class ForwardJudgement(NamedTuple):
    """How predictions fared on experiments that they did not see.

    Args:
        experiments: Experiments that were judged.
        pairs: Pairs of wordings of one experiment whose rates differ.
        accuracy: Share of pairs whose better wording was predicted; a tie counts half.
        significant_pairs: Pairs whose rates differ by more than chance makes of one pair in twenty.
        significant_accuracy: The same of these.
        click_gain: Clicks of the wording with the highest score over those of the mean wording, less 1; ties share.
        slope: Change of the log rate within experiments by one unit of the predicted.
        signs: Rules whose interval left out 0 when they were learned, over all parts.
        kept_signs: Those whose effect had the same sign in the part that followed.
    """

    experiments: int
    pairs: int
    accuracy: Estimate
    significant_pairs: int
    significant_accuracy: Estimate
    click_gain: Estimate
    slope: Estimate
    signs: int
    kept_signs: int

    @property
    def beats_chance(self) -> bool:
        """Whether pairs are told apart better than by chance, by more than an error of one in twenty (one-sided)."""
        return self.accuracy.value - 1.645 * self.accuracy.error > 0.5 and self.slope.value > 0.0


def learn(arms: Arms, units: NDArray[np.bool_] | None = None, number: int = BLOCKS) -> StackedRidges:
    """Choose penalties and counts of the two ridges, of rules and of words, by blocks of weeks."""
    designs, outcomes, blocks, sampling = (arms.rules, arms.terms), arms.outcomes, arms.blocks(), arms.sampling
    if units is not None:
        designs = tuple(design[units] for design in designs)
        outcomes, blocks, sampling = outcomes.of(units), blocks[units], sampling[units]
    if number != BLOCKS:
        blocks = _coarser(blocks, number)
    return stack_ridges(designs, outcomes, blocks, sampling)


def _coarser(blocks: Codes, number: int) -> Codes:
    """Put blocks that follow one another together, to so many."""
    _, places = np.unique(blocks, return_inverse=True)
    there = int(places.max(initial=0)) + 1
    found: Codes = (places * min(number, there) // there).astype(np.int64)
    return found


def judge_forward(arms: Arms) -> ForwardJudgement:
    """Learn from the parts before each part, and judge that part: each experiment is judged by what came before it."""
    parts = arms.blocks(PARTS)
    predicted = np.full(parts.size, np.nan)
    signs = kept = 0
    for part in range(1, PARTS):
        seen, judged = parts < part, parts == part
        if not (seen.any() and judged.any()):
            continue
        before = arms.outcomes.of(seen)
        stacked = _learn_part(arms, seen)
        for design, penalty, count in zip((arms.rules, arms.terms), stacked.penalties, stacked.counts, strict=True):
            ridge = Ridge(design[seen], before)
            coefficients = ridge.solve(penalty)
            predicted[judged] = np.nan_to_num(predicted[judged]) + count * (design[judged] @ coefficients)
            if design is arms.rules:
                told = np.abs(coefficients) > SIGNIFICANT * ridge.standard_errors(coefficients, penalty)
                later = Ridge(design[judged], arms.outcomes.of(judged)).solve(penalty)
                told &= later != 0.0
                signs += int(told.sum())
                kept += int((np.sign(later[told]) == np.sign(coefficients[told])).sum())
    is_judged = ~np.isnan(predicted)
    outcomes = arms.outcomes.of(is_judged)
    return judge(outcomes, arms.shown[is_judged], arms.clicks[is_judged], predicted[is_judged])._replace(
        signs=signs, kept_signs=kept
    )


def _learn_part(arms: Arms, seen: NDArray[np.bool_]) -> StackedRidges:
    designs = tuple(design[seen] for design in (arms.rules, arms.terms))
    blocks = _coarser(arms.blocks(PARTS * INNER_BLOCKS)[seen], INNER_BLOCKS)
    return stack_ridges(designs, arms.outcomes.of(seen), blocks, arms.sampling[seen], (100.0, 300.0, 1000.0, 10000.0))


def judge(outcomes: GroupedOutcomes, shown: Floats, clicks: Floats, predicted: Floats) -> ForwardJudgement:
    """Judge predictions of log rates by the experiments that they are of.

    Args:
        outcomes: Log rates of wordings, with weights and experiments.
        shown: Times each was shown.
        clicks: Clicks on it.
        predicted: Predicted log rate of each, less any constant.
    """
    groups = outcomes.groups
    number = int(groups.max(initial=-1)) + 1
    rates = clicks / shown
    first, second = _pairs(groups)
    differs = rates[first] != rates[second]
    first, second = first[differs], second[differs]
    step = predicted[first] - predicted[second]
    right = np.where(np.abs(step) < 1e-12, 0.5, (step > 0) == (rates[first] > rates[second]))
    pooled = (clicks[first] + clicks[second]) / (shown[first] + shown[second])
    error = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-12) * (1 / shown[first] + 1 / shown[second]))
    clear = np.abs(rates[first] - rates[second]) > SIGNIFICANT * error
    of_pair = groups[first]
    gain, experiments = _gain(groups, number, rates, predicted)
    actual, wanted = (outcomes.centre(values, 1.0) for values in (outcomes.values, predicted))
    weights = outcomes.weights
    return ForwardJudgement(
        experiments,
        first.size,
        _ratio(of_pair, number, right, np.ones(first.size)),
        int(clear.sum()),
        _ratio(of_pair[clear], number, right[clear], np.ones(int(clear.sum()))),
        gain,
        _ratio(groups, number, weights * actual * wanted, weights * wanted * wanted),
        0,
        0,
    )


def _pairs(groups: Codes) -> tuple[Codes, Codes]:
    """Return the two places of each pair of units of one group."""
    order = np.argsort(groups, kind="stable")
    counts = np.bincount(groups)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for size in np.unique(counts[counts > 1]).tolist():
        left, right = np.triu_indices(size, 1)
        at = starts[counts == size][:, None]
        first.append(order[at + left].ravel())
        second.append(order[at + right].ravel())
    return np.concatenate(first), np.concatenate(second)


def _gain(groups: Codes, number: int, rates: Floats, predicted: Floats) -> tuple[Estimate, int]:
    """Return the gain of the wordings with the highest scores, and how many experiments had a choice."""
    sizes = np.bincount(groups, minlength=number)
    best = np.full(number, -np.inf)
    np.maximum.at(best, groups, predicted)
    chosen = predicted >= best[groups] - 1e-12
    with np.errstate(invalid="ignore"):
        of_choice = np.bincount(groups[chosen], rates[chosen], number) / np.bincount(groups[chosen], minlength=number)
        of_all = np.bincount(groups, rates, number) / sizes
    has_choice = sizes > 1
    found = _ratio(np.arange(int(has_choice.sum())), int(has_choice.sum()), of_choice[has_choice], of_all[has_choice])
    return Estimate(found.value - 1.0, found.error), int(has_choice.sum())


def _ratio(groups: Codes, number: int, above: Floats, below: Floats) -> Estimate:
    """Return the ratio of two sums with its standard error by groups (linearised)."""
    total = float(np.sum(below))
    if total <= 0.0:
        return Estimate(float("nan"), float("nan"))
    ratio = float(np.sum(above)) / total
    left = np.bincount(groups, above - ratio * below, number)
    return Estimate(ratio, float(np.sqrt(np.sum(left**2))) / total)
