"""May this version of a policy have that status? One function a gate; each answers with the figures it looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kaizenlake import signing
from kaizenlake.decide.record import trust
from kaizenlake.decide.record.command_words import write_command
from kaizenlake.decide.record.state import DecisionState, Deployment, Version
from kaizenlake.decide.replays.replays import standing
from kaizenlake.errors import VerificationError
from kaizenlake.jobs.canaries._canary_standing import standing as canary_standing
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.parameters import Promotion
from kaizenlake.tables import CanaryLooks
from kaizenlake.tables.policy import STATUSES
from kaizenlake.vocabulary import plural

CONTENT = "content"
"""The gate that nobody can skip."""


@dataclass(frozen=True)
class Gate:
    """What a gate says.

    Args:
        name: Name of the gate.
        passed: It lets the version through.
        found: What it looked at, in words with figures.
        deployment_id: Deployment that it looked at.
        looks: Looks at that deployment.
    """

    name: str
    passed: bool
    found: str
    deployment_id: str | None = None
    looks: int | None = None

    def to_event(self) -> dict[str, Any]:
        """Return the gate as events hold it."""
        return {"gate": self.name, "passed": self.passed, "found": self.found}


@dataclass(frozen=True)
class GateEvidence:
    """What gates look at.

    Args:
        lake: The lake; of it the keys and what the last night made of canaries.
        state: What was decided until now.
        now: Aware instant of the clock.
    """

    lake: Lake
    state: DecisionState
    now: datetime

    @property
    def promotion(self) -> Promotion:
        """Settings of promotions."""
        return self.lake.settings.promotion

    def look(self, deployment: Deployment, version: Version) -> Mapping[str, Any] | None:
        """Return the look at a candidate of a deployment that stands; None where no night has looked yet."""
        looks = self.lake.scan(CanaryLooks).filter(
            deployment_id=deployment.deployment_id,
            policy_id=version.policy_id,
            policy_version=version.policy_version,
            control_version=deployment.control_version,
            deployment_mode=deployment.deployment_mode,
        )
        return next(canary_standing(looks).collect().iter_rows(named=True), None)


def next_status(status: str) -> str | None:
    """Return the status that follows one; None after the last."""
    place = STATUSES.index(status) + 1
    return STATUSES[place] if place < len(STATUSES) else None


def content_gate(evidence: GateEvidence, version: Version) -> Gate:
    """Return the document is what was hashed and signed when the version was created."""
    if (wrong := problem(evidence.lake, version)) is not None:
        return Gate(CONTENT, False, wrong)
    return Gate(CONTENT, True, f"{version.content_sha256[:16]}… is signed by the key {version.key_id}.")


def problem(lake: Lake, version: Version) -> str | None:
    """Return why a version does not verify; None where it does."""
    try:
        signing.verify_policy(vars(version), decisions.public_keys(lake))
    except VerificationError as error:
        return str(error)
    return None


def path_gate(version: Version, target: str) -> Gate:
    """Return no status is left out."""
    way = " → ".join(STATUSES)
    is_next = next_status(version.status) == target
    return Gate("path", is_next, f"it is {version.status}, asked for is {target}; the way is {way}.")


def replay_gate(evidence: GateEvidence, version: Version) -> Gate:
    """Return the latest replay of this very content passed; on the newest version of each golden set of the doer, if it has any."""
    found = standing(evidence.state.replay_log, doer=version.doer, content_sha256=version.content_sha256)
    asked = ("policy", "replay", version.policy_id, version.policy_version)
    ways = [write_command(*asked, "--golden", name) for name in found.golden_sets] or [write_command(*asked)]
    hint = "" if found.passed else f" ({' and '.join(ways)})"
    return Gate("replay", found.passed, f"{found.found}{hint}.")


def shadow_gate(evidence: GateEvidence, version: Version) -> Gate:
    """Return the latest shadow of the version, beside the version that is active now, was validated."""
    return _make_verdict_gate("shadow", evidence, version)


def canary_gate(evidence: GateEvidence, version: Version) -> Gate:
    """Return the latest look at the latest canary of the version, against the version that is active now, says promote."""
    return _make_verdict_gate("canary", evidence, version)


def _make_verdict_gate(mode: str, evidence: GateEvidence, version: Version) -> Gate:
    tried = [
        item
        for item in evidence.state.deployments_of(version.policy_id)
        if item.deployment_mode == mode
        and version.policy_version in item.candidate_versions
        and item.started_at >= version.created_at
    ]
    active = evidence.state.active(version.policy_id)
    if not tried:
        first = "" if active else "; as no version is active to compare it with, the first goes by override"
        return Gate(mode, False, f"no {mode} of it was started{first}.")
    deployment = tried[-1]
    name = f"{mode} {deployment.deployment_id}"
    if not _is_in_place(evidence.state, version.policy_id, deployment.control_version):
        now = (
            "that is archived and no version is active" if active is None else f"{active.policy_version} is active now"
        )
        found = f"{name} compared it with {deployment.control_version}, but {now}."
        return Gate(mode, False, found, deployment.deployment_id)
    look = evidence.look(deployment, version)
    if look is None:
        return Gate(mode, False, f"no night has looked at {name} yet.", deployment.deployment_id)
    said = (
        f"night {look['look']} at {name} on {look['looked_on']} says {look['verdict']}: {plural(look['units'], 'unit')} against "
        f"{look['units_control']:,}, effect "
        f"{_describe_effect(look['effect'], look['sequential_ci_low'], look['sequential_ci_high'])}. {look['reason']}"
    )
    return Gate(mode, look["verdict"] == "promote", said, deployment.deployment_id, look["look"])


def _is_in_place(state: DecisionState, policy_id: str, control_version: str) -> bool:
    """Return whether a control is still what a candidate would replace: active, or where none is at least not archived."""
    active = state.active(policy_id)
    if active is not None:
        return active.policy_version == control_version
    return state.version(policy_id, control_version).status != "archived"


def approval_gate(evidence: GateEvidence, version: Version) -> Gate:
    """Return a person approved the version, not longer ago than approvals hold."""
    if not evidence.promotion.needs_approval:
        return Gate("approval", True, "the settings ask for none.")
    if version.approved_at is None:
        way = write_command("policy", "approve", version.policy_id, version.policy_version)
        return Gate("approval", False, f"nobody has approved it: {way}.")
    if evidence.promotion.approvers and not trust.is_signed(evidence.lake, version):
        way = write_command("policy", "approve", version.policy_id, version.policy_version, "--key", "FILE")
        who = ", ".join(evidence.promotion.approvers)
        return Gate("approval", False, f"no approval of it is signed by {who}, whom the settings name: {way}.")
    days = evidence.promotion.approval_days
    said = f"{version.approved_by} approved it on {version.approved_at:%Y-%m-%d %H:%M} UTC"
    if evidence.now - version.approved_at > timedelta(days=days):
        return Gate("approval", False, f"{said}; an approval holds for {days} days, this one is older.")
    return Gate("approval", True, f"{said}; an approval holds for {days} days.")


GATES: dict[str, tuple[Callable[[GateEvidence, Version], Gate], ...]] = {
    "shadow": (replay_gate,),
    "canary": (shadow_gate,),
    "active": (canary_gate, approval_gate),
}
"""What a version must pass to have a status, besides its content and the path."""


def gates(evidence: GateEvidence, version: Version, target: str) -> tuple[Gate, ...]:
    """Return what every gate on the way to a status says; one that leaves out a status meets the gates of that one too."""
    if target == "archived":
        return ()
    passed_by = STATUSES[STATUSES.index(version.status) + 1 : STATUSES.index(target) + 1]
    asked = [gate(evidence, version) for status in passed_by for gate in GATES[status]]
    return content_gate(evidence, version), path_gate(version, target), *asked


def _describe_effect(effect: float | None, low: float | None, high: float | None) -> str:
    """Return an effect with its interval, in words.

    >>> _describe_effect(-0.02, -0.03, None), _describe_effect(None, None, None)
    ('-0.0200', 'not known')
    """
    if effect is None:
        return "not known"
    return f"{effect:+.4f}" + ("" if low is None or high is None else f" [{low:+.4f}, {high:+.4f}]")
