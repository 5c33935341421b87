"""Train a network: by examples, preferences, a reward function or a teacher, through TRL, PEFT and Transformers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from kaizenlake.neural import checkpoints, networks, offline_and_quiet
from kaizenlake.neural.networks import NetworkFiles
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.orders.training_order import BY_REWARD, TrainingConfig
from kaizenlake.training.orders.training_rows import Row

OUTPUT: Final = "model"
"""Folder, below that of a job, of what comes of it."""

SMALL_BYTES: Final = 40_000_000
"""Bytes of weights below which a network is trained by one thread: several would wait for one another all the time."""

RewardFunction = Callable[..., Sequence[float | None]]
"""What judges answers: `prompts` and `completions` in, a number for each out."""


class Listener(Protocol):
    """What hears of a job while it runs."""

    def log_step(self, step: int, loss: float, reward: float | None) -> None:
        """Take the loss of a step."""

    def save(self) -> None:
        """Keep what was heard, since a checkpoint was written."""

    def is_cancelled(self) -> bool:
        """Return whether somebody asked to stop."""


@dataclass(frozen=True)
class TrainingOrder:
    """What is to be trained, and of what.

    Args:
        kind: Kind of training.
        base: Network that it starts from.
        rows: Rows to learn from.
        config: Settings.
        folder: Folder of the job: checkpoints, and the output below `model`.
        teacher: Network to learn from, in distillation.
        reward: What judges answers.
    """

    kind: str
    base: NetworkFiles
    rows: list[Row]
    config: TrainingConfig
    folder: Path
    teacher: NetworkFiles | None = None
    reward: RewardFunction | None = None


@dataclass
class TrainingResult:
    """What came of a job.

    Args:
        steps: Steps that were taken, with those before the checkpoint.
        is_cancelled: Somebody asked to stop.
        metrics: Figures.
        output_sha256: SHA-256 over the files of the output; empty where it was stopped.
    """

    steps: int = 0
    is_cancelled: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    output_sha256: str = ""


def train(order: TrainingOrder, listener: Listener, *, checkpoint: Path | None = None) -> TrainingResult:
    """Train a network and write what came of it.

    Args:
        order: What is to be trained.
        listener: What hears of it.
        checkpoint: Where to go on from.

    Raises:
        LearningError: A network cannot be read (E7506), teacher and student do not fit (E7601, E7602), the loss is no number
            (E7401), the reward function gives what is none (E7302), or the job would cost more than it may (E7701).
    """
    with offline_and_quiet():
        import torch
        from transformers import set_seed

        set_seed(order.config.seed)
        was, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
        torch.use_deterministic_algorithms(mode=True, warn_only=True)
        if networks.weigh(order.base) < SMALL_BYTES:
            torch.set_num_threads(1)
        try:
            return _train(order, listener, checkpoint)
        finally:
            torch.use_deterministic_algorithms(mode=was)
            torch.set_num_threads(threads)


def _train(order: TrainingOrder, listener: Listener, checkpoint: Path | None) -> TrainingResult:
    from transformers import PrinterCallback

    watcher = make_watcher(order, listener)
    trainer, judge = _BUILD[order.kind](order, watcher)
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    result = TrainingResult(steps=int(trainer.state.global_step), is_cancelled=watcher.is_cancelled)
    if watcher.problem is not None:
        raise watcher.problem
    if result.is_cancelled:
        return result
    output = order.folder / OUTPUT
    networks.write_network(trainer.model, trainer.processing_class, output, base=order.base.name)
    result.metrics = {"steps": float(result.steps), **watcher.losses(), **judge()}
    result.output_sha256 = networks.hash_folder(output)
    checkpoints.remove_checkpoints(order.folder)
    return result


def make_watcher(order: TrainingOrder, listener: Listener) -> Any:
    """Return what watches every step of a trainer: losses, checkpoints, cost, and whether somebody asked to stop."""
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):  # type: ignore[misc, unused-ignore]
        is_cancelled = False
        problem: LearningError | None = None

        def __init__(self) -> None:
            self.began = time.monotonic()
            self.first: float | None = None
            self.last: float | None = None

        def losses(self) -> dict[str, float]:
            told = {"first_loss": self.first, "last_loss": self.last}
            return {name: value for name, value in told.items() if value is not None}

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002 - of the library
            self.problem = self.problem or find_excess(order.config, time.monotonic() - self.began, state.global_step)
            self.is_cancelled = listener.is_cancelled()
            if self.is_cancelled or self.problem is not None:
                control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:  # noqa: ARG002
            if not logs or "loss" not in logs:
                return
            loss, reward = float(logs["loss"]), logs.get("reward")
            if not math.isfinite(loss):
                self.problem = LearningError("E7401", f"The loss of step {state.global_step} is {loss}.")
                control.should_training_stop = True
                return
            self.first = loss if self.first is None else self.first
            self.last = loss
            listener.log_step(state.global_step, loss, None if reward is None else float(reward))

        def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
            checkpoints.mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")
            listener.save()

    return Watcher()


def find_excess(config: TrainingConfig, seconds: float, step: int) -> LearningError | None:
    """Return what is wrong with the cost of a job so far; None where it may go on."""
    if config.usd_per_hour is None or config.max_usd is None:
        return None
    spent = seconds / 3600 * config.usd_per_hour
    if spent <= config.max_usd:
        return None
    return LearningError("E7701", f"The job cost ${spent:.4f} at step {step}, and may cost ${config.max_usd:g}.")


def shared_arguments(order: TrainingOrder) -> dict[str, Any]:
    """Return what the arguments of every trainer have in common."""
    import torch

    config = order.config
    return {
        "output_dir": str(order.folder),
        "learning_rate": config.learning_rate,
        "per_device_train_batch_size": config.batch_size,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        "save_total_limit": 2,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "seed": config.seed,
        "data_seed": config.seed,
        "report_to": "none",
        "disable_tqdm": True,
        "bf16": False,
        "fp16": False,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "use_cpu": not torch.cuda.is_available(),
    }


def _lora(config: TrainingConfig, *, is_reward: bool = False) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="SEQ_CLS" if is_reward else "CAUSAL_LM",
        modules_to_save=["score"] if is_reward else None,
    )


def _as_dataset(rows: Sequence[Mapping[str, Any]]) -> Any:
    from datasets import Dataset, disable_caching

    disable_caching()
    return Dataset.from_list([dict(row) for row in rows])


def _judge_nothing() -> dict[str, float]:
    return {}


def _build_sft(order: TrainingOrder, watcher: Any) -> tuple[Any, Callable[[], dict[str, float]]]:
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model=networks.read_network(order.base),
        args=SFTConfig(**shared_arguments(order), max_length=order.config.max_seq_length),
        train_dataset=_as_dataset(order.rows),
        processing_class=networks.read_tokenizer(order.base),
        peft_config=_lora(order.config),
        callbacks=[watcher],
    )
    return trainer, _judge_nothing


def _build_reward(order: TrainingOrder, watcher: Any) -> tuple[Any, Callable[[], dict[str, float]]]:
    from trl import RewardConfig, RewardTrainer

    network, tokenizer = networks.read_network(order.base, as_reward=True), networks.read_tokenizer(order.base)
    network.config.pad_token_id = tokenizer.pad_token_id
    trainer = RewardTrainer(
        model=network,
        args=RewardConfig(**shared_arguments(order), max_length=order.config.max_seq_length),
        train_dataset=_as_dataset(order.rows),
        processing_class=tokenizer,
        peft_config=_lora(order.config, is_reward=True),
        callbacks=[watcher],
    )
    return trainer, _judge_nothing


def _build_dpo(order: TrainingOrder, watcher: Any) -> tuple[Any, Callable[[], dict[str, float]]]:
    from trl import DPOConfig, DPOTrainer

    config = order.config
    more = {} if config.beta is None else {"beta": config.beta}
    trainer = DPOTrainer(
        model=networks.read_network(order.base),
        args=DPOConfig(**shared_arguments(order), max_length=config.max_seq_length, **more),
        train_dataset=_as_dataset(order.rows),
        processing_class=networks.read_tokenizer(order.base),
        peft_config=_lora(config),
        callbacks=[watcher],
    )
    return trainer, _judge_nothing


def _build_by_reward(order: TrainingOrder, watcher: Any) -> tuple[Any, Callable[[], dict[str, float]]]:
    import trl

    assert order.kind in BY_REWARD
    assert order.reward is not None, "a command asks for it"
    config = order.config
    settings, kind = (trl.GRPOConfig, trl.GRPOTrainer) if order.kind == "grpo" else (trl.RLOOConfig, trl.RLOOTrainer)
    more = {} if config.beta is None else {"beta": config.beta}
    trainer = kind(
        model=networks.read_network(order.base),
        reward_funcs=check_rewards(order.reward),
        args=settings(
            **shared_arguments(order),
            num_generations=config.num_generations,
            max_completion_length=config.max_new_tokens,
            temperature=config.temperature,
            **more,
        ),
        train_dataset=_as_dataset(order.rows),
        processing_class=networks.read_tokenizer(order.base),
        peft_config=_lora(config),
        callbacks=[watcher],
    )
    return trainer, _judge_nothing


def check_rewards(judge: RewardFunction) -> RewardFunction:
    """Return a reward function whose every answer is checked: as many finite numbers as there are answers.

    Args:
        judge: The function; it gets `prompts`, `completions` and the other fields of the rows.
    """

    def reward(prompts: list[Any], completions: list[Any], **more: Any) -> list[float]:
        fields = {name: value for name, value in more.items() if isinstance(value, list) and name != "completion_ids"}
        try:
            found = list(judge(prompts=prompts, completions=completions, **fields))
            numbers = [float(value) for value in found if value is not None and not isinstance(value, (str, bool))]
        except Exception as error:
            raise LearningError(
                "E7302", f"The reward function failed: {type(error).__name__}: {str(error)[:300]}."
            ) from error
        if len(numbers) != len(completions) or not all(map(math.isfinite, numbers)):
            raise LearningError(
                "E7302",
                f"The reward function gives a finite number for each answer; of {len(completions)} answers "
                f"{sum(map(math.isfinite, numbers))} got one.",
            )
        return numbers

    return reward


def _build_distillation(order: TrainingOrder, watcher: Any) -> tuple[Any, Callable[[], dict[str, float]]]:
    from kaizenlake.neural.distillation import build

    return build(order, watcher)


_BUILD: Final[dict[str, Callable[[TrainingOrder, Any], tuple[Any, Callable[[], dict[str, float]]]]]] = {
    "sft": _build_sft,
    "reward": _build_reward,
    "dpo": _build_dpo,
    "rloo": _build_by_reward,
    "grpo": _build_by_reward,
    "distil": _build_distillation,
}
