"""A reward model without a network: what in an answer goes with being preferred, by the features of texts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from kaizenlake.context.texts.features import find_rules, meanings
from kaizenlake.context.texts.text_forms import read_text
from kaizenlake.stats.regression.bradley_terry import fit_bradley_terry
from kaizenlake.training.error_codes import LearningError

FILE: Final = "reward_model.json"
LEAST_PAIRS: Final = 20
"""Fewest pairs of which a model is fitted."""

_FOLDS: Final = 5
_LONGEST: Final = 20_000
_MEASURES: Final[dict[str, str]] = {
    "length": "Its words, as a logarithm: one more is about 2.7 times as many.",
    "lines": "Its lines, as a logarithm.",
    "shared_words": "Share of the words of what was asked that it holds.",
    "repetition": "Share of its words that it has said before.",
}


def read_features(prompt: str, answer: str) -> dict[str, float]:
    """Return the features of an answer: those of texts of content, its length, and how it stands to what was asked."""
    text = answer[:_LONGEST]
    words, asked = text.casefold().split(), set(prompt[:_LONGEST].casefold().split())
    found = dict.fromkeys(find_rules(read_text(text)), 1.0)
    return found | {
        "length": math.log1p(len(words)),
        "lines": math.log1p(text.count("\n")),
        "shared_words": len(asked & set(words)) / len(asked) if asked else 0.0,
        "repetition": 1.0 - len(set(words)) / len(words) if words else 0.0,
    }


@dataclass(frozen=True)
class FeatureRewardModel:
    """A reward model on features.

    Args:
        features: Coefficient, ends of its interval and meaning of each feature, by its name.
        accuracy_rate: Share of pairs that a model which did not see their prompts puts in the right order; half of each tie.
        pairs: Pairs it was fitted to.
    """

    features: Mapping[str, Mapping[str, Any]]
    accuracy_rate: float
    pairs: int

    def score(self, prompt: str, answer: str) -> float:
        """Return the reward of an answer: of two, that with the greater is the likelier to be preferred."""
        found = read_features(prompt, answer)
        return sum(float(said["coefficient"]) * found.get(name, 0.0) for name, said in self.features.items())

    def write(self, folder: Path) -> None:
        """Write the model as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            "format": 1,
            "kind": "bradley_terry",
            "features": self.features,
            "accuracy_rate": self.accuracy_rate,
            "pairs": self.pairs,
        }
        (folder / FILE).write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> FeatureRewardModel:
        """Return the model that `write` wrote.

        Raises:
            LearningError: It cannot be read (E7506).
        """
        try:
            said = json.loads((folder / FILE).read_bytes())
            return cls(said["features"], said["accuracy_rate"], said["pairs"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LearningError("E7506", f"{folder / FILE} is no reward model on features: {error}.") from error


def fit_reward(pairs: Sequence[Mapping[str, str]], *, confidence: float = 0.95) -> FeatureRewardModel:
    """Fit a reward model to pairs; their order makes no difference.

    Args:
        pairs: Each with `prompt`, `chosen` and `rejected`.
        confidence: Coverage of the intervals.

    Raises:
        LearningError: There are too few (E7303).
    """
    held = sorted({(row.get("prompt", ""), row["chosen"], row["rejected"]) for row in pairs})
    if len(held) < LEAST_PAIRS:
        raise LearningError("E7303", f"A reward model needs {LEAST_PAIRS} different pairs; found {len(held)}.")
    won = [read_features(prompt, chosen) for prompt, chosen, _ in held]
    lost = [read_features(prompt, rejected) for prompt, _, rejected in held]
    names = sorted({name for row in (*won, *lost) for name in row})
    gaps = np.array([[a.get(name, 0.0) - b.get(name, 0.0) for name in names] for a, b in zip(won, lost, strict=True)])
    scale = np.sqrt((gaps**2).mean(axis=0))
    told = scale > 0.0
    names, gaps, scale = (
        [name for name, is_told in zip(names, told, strict=True) if is_told],
        gaps[:, told],
        scale[told],
    )
    gaps = gaps / scale
    whole = fit_bradley_terry(gaps, confidence)
    said = meanings()
    features = {
        name: {
            "coefficient": float(whole.coefficients[place] / scale[place]),
            "ci_low": float(whole.low[place] / scale[place]),
            "ci_high": float(whole.high[place] / scale[place]),
            "meaning": _MEASURES.get(name) or (said[name].meaning if name in said else name),
        }
        for place, name in enumerate(names)
    }
    folds = np.array([int(hashlib.sha256(prompt.encode()).hexdigest()[:8], 16) % _FOLDS for prompt, _, _ in held])
    return FeatureRewardModel(features, _cross_validate(gaps, folds), len(held))


def _cross_validate(gaps: Any, folds: Any) -> float:
    """Return the share of pairs in the right order, each by a model of the other folds."""
    right = 0.0
    for fold in range(_FOLDS):
        mine = folds == fold
        if mine.any():
            margin = gaps[mine] @ fit_bradley_terry(gaps[~mine]).coefficients
            right += float((margin > 0).sum() + 0.5 * (margin == 0).sum())
    return right / len(folds)
