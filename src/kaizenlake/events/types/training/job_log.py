"""Training job events: jobs that were asked for, what became of them, and the loss of every step."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Count, Figure, Key, Payload, Seconds, Text, Usd, Word, says
from kaizenlake.vocabulary import TrainingKind, TrainingStatus


class TrainingRequested(Payload, frozen=True, kw_only=True):
    """A model is to be trained; the job is pending from then on."""

    job_id: Annotated[Key, says("Training job.")]
    training_kind: Annotated[TrainingKind, says("How it is trained.")]
    model_id: Annotated[Key, says("Model that comes of it.")]
    model_version: Annotated[Key, says("Version of that model, by semantic versioning.")]
    base_model: Annotated[Key | None, says("Model it starts from, as name@version.")] = None
    teacher_model: Annotated[Key | None, says("Model it learns from, as name@version.")] = None
    trained_dataset: Annotated[Key | None, says("Data set it is trained on, as name@version.")] = None
    rows_file: Annotated[Text | None, says("File of its rows; not given where a data set holds them.")] = None
    reward_function: Annotated[Word | None, says("What judges answers, as module:function.")] = None
    rows_count: Annotated[Count, says("Rows it is trained on.")]
    rows_sha256: Annotated[Key, says("SHA-256 of these rows, as 64 hexadecimal digits.")]
    config: Annotated[dict[str, Any], says("Its configuration, such as learning_rate and seed.")]
    decided_by: Annotated[Key, says("Who asked for it.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None


class TrainingStatusChanged(Payload, frozen=True, kw_only=True):
    """A training job went on, ended or was stopped."""

    job_id: Annotated[Key, says("Training job.")]
    training_status: Annotated[TrainingStatus, says("What it is from now on.")]
    resumed_steps_count: Annotated[Count | None, says("Step of the checkpoint that it goes on from.")] = None
    steps_count: Annotated[Count | None, says("Steps that were taken, in all of its attempts.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time that this attempt took.")] = None
    peak_memory_mb: Annotated[Figure | None, says("Most memory that its process held, in megabytes.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of this attempt; not given without a price.")] = None
    output_sha256: Annotated[Key | None, says("SHA-256 over the files that came of it, as 64 hexadecimal digits.")] = (
        None
    )
    metrics: Annotated[dict[str, Any] | None, says("Figures of what came of it, such as the loss.")] = None
    decided_by: Annotated[Key | None, says("Who asked for it; not given where the job did it itself.")] = None
    reason: Annotated[Word | None, says("Why it failed or was stopped, in words.")] = None


class TrainingStepLogged(Payload, frozen=True, kw_only=True):
    """A training job took a step."""

    job_id: Annotated[Key, says("Training job.")]
    taken_steps_count: Annotated[Count, says("Number of the step, from 1.")]
    training_loss: Annotated[Figure, says("Loss of the step.")]
    mean_reward: Annotated[Figure | None, says("Mean reward of what was written in the step.")] = None
