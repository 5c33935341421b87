"""What a training job is asked for: its kind, its settings, and the words in which a user gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, get_args

from kaizenlake.events.rules import near
from kaizenlake.training.error_codes import LearningError
from kaizenlake.vocabulary import TrainingKind

KINDS: Final[tuple[str, ...]] = get_args(TrainingKind)
"""Kinds of training."""

MODEL_TYPE_OF: Final[dict[str, str]] = {
    "features": "REWARD",
    "sft": "LORA_ADAPTER",
    "reward": "REWARD",
    "dpo": "LORA_ADAPTER",
    "rloo": "LORA_ADAPTER",
    "grpo": "LORA_ADAPTER",
    "distil": "DISTILLED",
}
"""What type of model comes of each kind of training."""

BY_REWARD: Final = frozenset({"rloo", "grpo"})
"""Kinds that learn from what a reward function says."""

BY_PREFERENCE: Final = frozenset({"features", "reward", "dpo"})
"""Kinds that learn from pairs of a better and a worse answer."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training job.

    Args:
        learning_rate: Size of a step.
        batch_size: Rows of a step; answers of a step, where a reward function judges them.
        epochs: Times that each row is seen.
        max_seq_length: Most tokens of a row; what is beyond is cut off.
        lora_rank: Rank of the adapter.
        lora_alpha: Weight of the adapter, over its rank.
        seed: Seed of everything that is drawn.
        max_steps: Most steps; as many as the epochs make where it is 0.
        save_steps: Steps between two checkpoints.
        num_generations: Answers to each prompt, where a reward function judges them.
        max_new_tokens: Most tokens of such an answer.
        temperature: How freely such answers are drawn; in distillation, how soft the teacher's word is.
        beta: How much it costs to stray from the base: by DPO, RLOO and GRPO.
        usd_per_hour: Price of an hour of this machine; without it no cost is recorded.
        max_usd: Cost at which the job stops; without it there is no limit.
    """

    learning_rate: float = 2e-5
    batch_size: int = 16
    epochs: float = 3.0
    max_seq_length: int = 2048
    lora_rank: int = 16
    lora_alpha: int = 32
    seed: int = 0
    max_steps: int = 0
    save_steps: int = 50
    num_generations: int = 8
    max_new_tokens: int = 64
    temperature: float = 1.0
    beta: float | None = None
    usd_per_hour: float | None = None
    max_usd: float | None = None

    def as_mapping(self) -> dict[str, Any]:
        """Return the settings as they are kept."""
        return asdict(self)


_LEAST: Final[dict[str, float]] = {"seed": 0, "max_steps": 0, "beta": 0, "usd_per_hour": 0, "max_usd": 0}
_MOST: Final[dict[str, float]] = {"seed": 2**32 - 1}
_MOST_ELSE: Final = 1e9


def read_config(kind: str, said: Sequence[str] | Mapping[str, Any] = (), *, seed: int | None = None) -> TrainingConfig:
    """Return the settings of a job.

    Args:
        kind: One of `KINDS`.
        said: Settings, as texts such as `epochs=1`, or by name.
        seed: Seed, beside them.

    Raises:
        LearningError: There is no such kind or setting, or a value is none (E7503).

    >>> read_config("sft", ["epochs=1", "learning_rate=1e-3"], seed=7).epochs
    1.0
    """
    if kind not in KINDS:
        raise LearningError(
            "E7503", f"There is no kind of training {kind!r}{near(kind, KINDS)}.", hint=f"There are {', '.join(KINDS)}."
        )
    pairs: dict[str, Any] = dict(said) if isinstance(said, Mapping) else dict(map(_part, said))
    if seed is not None:
        pairs["seed"] = seed
    known = {field.name: str(field.type) for field in fields(TrainingConfig)}
    values: dict[str, Any] = {}
    for name, value in pairs.items():
        if name not in known:
            raise LearningError(
                "E7503",
                f"There is no setting {name!r} of training{near(name, known)}.",
                hint=f"There are {', '.join(known)}.",
            )
        if value is None and "None" in known[name]:
            continue
        values[name] = _number(name, value, is_whole=known[name] == "int")
    config = TrainingConfig(**values)
    if kind in BY_REWARD and (config.num_generations < 2 or config.batch_size % config.num_generations):
        raise LearningError(
            "E7503",
            f"batch_size counts answers, and must be a multiple of num_generations, of 2 or more; found {config.batch_size} and "
            f"{config.num_generations}.",
            hint="Such as --set num_generations=4 --set batch_size=16.",
        )
    if config.max_usd is not None and config.usd_per_hour is None:
        raise LearningError("E7503", "max_usd needs the price of this machine.", hint="Give --set usd_per_hour=… too.")
    return config


def _part(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise LearningError("E7503", f"A setting is written as name=value; found {text!r}.")
    return name.strip(), value.strip()


def _number(name: str, value: Any, *, is_whole: bool) -> float | int:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    least, most = _LEAST.get(name, 0.0), _MOST.get(name, _MOST_ELSE)
    is_above = number >= least if name in _LEAST else number > least
    if not (is_above and number <= most) or (is_whole and number != int(number)):
        words = "a whole number" if is_whole else "a number"
        raise LearningError(
            "E7503",
            f"{name} is {words} {'from' if name in _LEAST else 'above'} {least:g} to {most:g}; found {str(value)[:50]!r}.",
        )
    return int(number) if is_whole else number
