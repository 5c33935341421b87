"""Experiment events: attempts to find a better policy, by new prompts, adapters, tools or retrieval."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Difference, Key, Payload, Rate, Seconds, Usd, Word, says
from kaizenlake.vocabulary import ExperimentType


class _Experiment(Payload, frozen=True, kw_only=True):
    """What every experiment event says of its experiment."""

    experiment_id: Annotated[Key, says("Experiment, as the application names it.")]
    experiment_type: Annotated[ExperimentType, says("What is varied.")]
    doer: Annotated[Key, says("Agent it is to improve.")]


class ExperimentStarted(_Experiment, frozen=True, kw_only=True):
    """An experiment to improve an agent was started."""

    config: Annotated[dict[str, Any] | None, says("Its configuration, a free object.")] = None
    hypothesis: Annotated[Word | None, says("What is expected of it, in words.")] = None


class ExperimentCompleted(_Experiment, frozen=True, kw_only=True):
    """An experiment to improve an agent was completed."""

    config: Annotated[dict[str, Any] | None, says("Its configuration, a free object.")] = None
    policy_id: Annotated[Key | None, says("Policy it generated a version of.")] = None
    policy_version: Annotated[Key | None, says("Version it generated.")] = None
    loss_delta: Annotated[Difference | None, says("Change of the mean loss it found; below 0 is better.")] = None
    stability_rate: Annotated[Rate | None, says("Share of its repetitions that agree with the result.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the experiment.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the experiment took.")] = None


class ExperimentFailed(_Experiment, frozen=True, kw_only=True):
    """An experiment to improve an agent failed."""

    reason: Annotated[Word, says("Why it failed, in words.")]
    cost_usd: Annotated[Usd | None, says("Cost until it failed.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time until it failed.")] = None
