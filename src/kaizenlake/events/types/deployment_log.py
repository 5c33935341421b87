"""Deployment events: candidates that run beside their control, in the shadow or for a share of the units."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Count, Key, Keys, Nights, Payload, Rate, Word, says
from kaizenlake.vocabulary import Method, Mode, Result


class DeploymentStarted(Payload, frozen=True, kw_only=True):
    """A shadow or a canary was started."""

    deployment_id: Annotated[Key, says("Deployment, unique in the lake.")]
    deployment_mode: Annotated[Mode, says("Shadow serves nobody; canary serves a share of the units.")]
    policy_id: Annotated[Key, says("Policy whose versions are compared.")]
    doer: Annotated[Key, says("Agent that runs under it.")]
    phase: Annotated[Key | None, says("Phase of the work it is for; every phase where not given.")] = None
    control_version: Annotated[Key, says("Version the candidates are compared with.")]
    candidate_versions: Annotated[Keys, says("Versions that are tried, one or more.")]
    arms: Annotated[dict[str, Any], says("Share of each candidate: a list `arms` of policy_version and share.")]
    unit_name: Annotated[Key, says("What is randomised, such as user or project; runs carry it as unit_id.")]
    salt: Annotated[Key, says("Text that is hashed with the unit, so that deployments are independent.")]
    horizon_nights: Annotated[Nights, says("Nights after which the canary is decided at the latest.")]
    minimum_units: Annotated[Count, says("Units that the smaller arm must have before a verdict.")]
    alpha_rate: Annotated[Rate, says("Chance of a false promotion over all nightly checks.")]
    method: Annotated[Method, says("How that chance is spent over the nightly checks.")]
    max_loss_increase_rate: Annotated[Rate, says("Increase of the mean loss that is tolerated.")]
    guardrails: Annotated[dict[str, Any], says("Guardrails: a list `guardrails` of metric and margin.")]
    settings_guardrails: Annotated[
        Keys, says("Metrics of guardrails that only the settings name: they count where the control tells them.")
    ] = []
    auto_promote: Annotated[bool, says("The night promotes by itself on a verdict to promote.")] = False
    auto_rollback: Annotated[bool, says("The night rolls back by itself on a verdict to roll back.")] = True
    decided_by: Annotated[Key, says("Who started it.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None


class DeploymentEnded(Payload, frozen=True, kw_only=True):
    """A shadow or a canary ended, and its candidates no longer run."""

    deployment_id: Annotated[Key, says("Deployment that ended.")]
    policy_id: Annotated[Key, says("Policy whose versions were compared.")]
    doer: Annotated[Key, says("Agent that runs under it.")]
    result: Annotated[Result, says("What came of it; stopped is without a verdict.")]
    decided_by: Annotated[Key, says("Who ended it: a person, or the night.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None
    looks_count: Annotated[Count | None, says("Looks until then.")] = None
