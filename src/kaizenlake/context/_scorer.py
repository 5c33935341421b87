"""Which of several texts will bring most clicks? A score for each, by what was learned from experiments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, NamedTuple

from kaizenlake.context._files import Answer

INTERVAL_Z = 1.2815515655446004
"""Normal quantile of the 80 % intervals of a score, and of a difference of scores."""

REASONS = 8
"""Most reasons of a score."""

_STEPS = 60
_WIDTH = 5.0


class Score(NamedTuple):
    """What a text is worth beside the average wording.

    Args:
        lift: Rate over that of the average wording, less 1; 0 where there is no model.
        low: Lower end of the interval in which the rate of a text with this score lies four times in five.
        high: Upper end of it; infinite where there is no model.
        reasons: What speaks for and against it, the strongest first: an idea, and its effect as a fraction.
        known: Share of its words that the model knows.
    """

    lift: float
    low: float
    high: float
    reasons: list[tuple[str, float]]
    known: float


UNKNOWN = Score(0.0, -1.0, math.inf, [], 0.0)
"""Score of every text where there is no model."""


class Ranking(NamedTuple):
    """Several texts, the best first.

    Args:
        order: Places of the texts as they were given, the best first; of two alike the one that was given first.
        scores: Score of each text, as they were given.
        chance_best: Chance of each to be the best, as they were given.
        decided: Whether the 80 % interval of the difference of the first two scores leaves out 0; else the model does not
            know.
    """

    order: list[int]
    scores: list[Score]
    chance_best: list[float]
    decided: bool


class _ScoredText(NamedTuple):
    """What was found of one text: its log score, and the rules and words of the model that it has."""

    total: float
    score: Score
    rules: AbstractSet[str]
    words: AbstractSet[str]


class _Scorer(NamedTuple):
    reason: str
    detail: str = ""
    model: str | None = None
    generated_at: datetime | None = None
    valid_until: datetime | None = None
    value: Mapping[str, Any] = {}
    weights: Mapping[str, Any] = {}
    factor: float = 1.0


class Scorer(_Scorer, Answer):
    """A text model, and how it came; its methods never raise.

    Args:
        reason: `fresh`, `stale`, or `default: …` with what is wrong; a default knows nothing.
        detail: What was found, in words; empty for a fresh one.
        model: Project that it was learned from, empty for all projects of the tenant; None for a default.
        generated_at: When it was published, or None for a default.
        valid_until: Until when it is fresh, or None for a default.
        value: What it is worth on experiments that it never saw, as published.
        weights: `rules`, `words`, `centre`, `spread`, `rule_error`, `word_error` and `is_english`, as published.
        factor: How much its weights count: 1, or less where it was learned from other projects.
    """

    __slots__ = ()

    def score(self, text: str) -> Score:
        """Return what a text is worth beside the average wording.

        Args:
            text: A draft; what is no text is an empty one.
        """
        try:
            return self._score(text).score
        except Exception:  # noqa: BLE001 - a service must go on, whatever a model or a text holds
            return UNKNOWN

    def rank(self, texts: Iterable[str]) -> Ranking:
        """Return several texts in the order of their scores, and whether the first can be told from the second.

        Args:
            texts: Drafts.
        """
        given: list[Any] = []
        try:
            given = list(texts)
            return self._rank(given)
        except Exception:  # noqa: BLE001 - as above
            number = len(given)
            return Ranking(list(range(number)), [UNKNOWN] * number, [1.0 / number] * number if number else [], False)

    def _score(self, text: Any) -> _ScoredText:
        if not self.weights:
            return _ScoredText(0.0, UNKNOWN, frozenset(), frozenset())
        # A service that scores nothing is not to wait for the rules.
        from kaizenlake.context.texts.features import find_rules, find_terms, idea_of, read_text

        read = read_text(text if isinstance(text, str) else "")
        rules, words = self.weights["rules"], self.weights["words"]
        total = -float(self.weights["centre"])
        ideas: dict[str, float] = {}
        held, terms = find_rules(read, is_english=self.weights["is_english"]), find_terms(read)
        for name in held:
            if (weight := rules.get(name)) is not None:
                total += weight
                idea = idea_of(name, is_rule=True)
                ideas[idea] = ideas.get(idea, 0.0) + weight
        for term in terms:
            if (weight := words.get(term)) is not None:
                total += weight
                idea = idea_of(term, is_rule=False)
                ideas[idea] = ideas.get(idea, 0.0) + weight
        known = sum(word in words for word in read.words) / len(read.words) if read.words else 0.0
        factor, spread = self.factor, float(self.weights["spread"])
        total *= factor
        strongest = sorted(ideas.items(), key=_strength)[:REASONS]
        reasons = [(idea, round(math.expm1(factor * weight), 4)) for idea, weight in strongest]
        lift, low, high = (math.expm1(total + step * spread) for step in (0.0, -INTERVAL_Z, INTERVAL_Z))
        return _ScoredText(total, Score(lift, low, high, reasons, known), held & rules.keys(), terms & words.keys())

    def _rank(self, texts: Sequence[Any]) -> Ranking:
        found = [self._score(text) for text in texts]
        totals, scores = [item.total for item in found], [item.score for item in found]
        order = sorted(range(len(totals)), key=lambda place: -totals[place])
        if not self.weights or not totals:
            return Ranking(order, scores, [1.0 / len(totals)] * len(totals) if totals else [], False)
        spread = max(float(self.weights["spread"]), 1e-3)
        if len(totals) == 1:
            return Ranking(order, scores, [1.0], True)
        first, second = found[order[0]], found[order[1]]
        rules, words = len(first.rules ^ second.rules), len(first.words ^ second.words)
        error = math.sqrt(rules * self.weights["rule_error"] ** 2 + words * self.weights["word_error"] ** 2)
        is_decided = first.total - second.total > INTERVAL_Z * self.factor * error
        return Ranking(order, scores, _chances(totals, spread), is_decided)


def _strength(idea: tuple[str, float]) -> tuple[float, str]:
    return -abs(idea[1]), idea[0]


def _below(z: float) -> float:
    """Return the share of a normal distribution below z."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _chances(totals: Sequence[float], spread: float) -> list[float]:
    """Return the chance of each to be the best, where each is spread normally about its score."""
    low, high = min(totals) - _WIDTH * spread, max(totals) + _WIDTH * spread
    step = (high - low) / _STEPS
    chances = [0.0] * len(totals)
    for place in range(_STEPS):
        at = low + (place + 0.5) * step
        below = [max(_below((at - total) / spread), 1e-300) for total in totals]
        all_below = math.fsum(map(math.log, below))
        for number, total in enumerate(totals):
            density = math.exp(-0.5 * ((at - total) / spread) ** 2)
            chances[number] += density * math.exp(all_below - math.log(below[number]))
    whole = math.fsum(chances)
    return [chance / whole for chance in chances] if whole > 0.0 else [1.0 / len(totals)] * len(totals)
