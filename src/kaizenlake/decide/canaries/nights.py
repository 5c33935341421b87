"""What the night decides of shadows and canaries by itself: no more than the person who started one allowed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.gates import Gate, GateEvidence, gates
from kaizenlake.decide.policies.policies import Decision
from kaizenlake.decide.record.command_words import write_command
from kaizenlake.decide.record.state import DecisionState, Deployment, Version
from kaizenlake.errors import GateError
from kaizenlake.jobs.policies.policy_promotions import NIGHT
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Deployments

REASON_LENGTH = 500


@dataclass(frozen=True)
class Night:
    """What a night decided of the deployments that run.

    Args:
        decided: Each decision, in words.
        waiting: What waits for a person, or for more, in words.
    """

    decided: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def night(lake: Lake, *, as_of: datetime, now: datetime) -> Night:
    """Decide what a night may decide by itself: roll back on a verdict to roll back, promote on a verdict to promote.

    Each only where the deployment says so, and a promotion only where every gate lets it through: a person's approval
    where the settings ask for one. It decides on the latest looks, as of the night; of a policy of which something was
    decided from `as_of` on it decides nothing, since it looks back. The same night once more decides nothing new.

    Args:
        lake: The lake as a tenant has it, its tables as of the night.
        as_of: Events before it count.
        now: Aware instant of the clock.
    """
    if lake.scan(Deployments).filter(status="running").select(pl.len()).collect().item() == 0:
        return Night()
    # The decision counts for this night's as_of, also where that lies in the past.
    at = min(now, as_of - timedelta(microseconds=1))
    evidence = GateEvidence(lake, policies.state(lake), at)
    decided: list[str] = []
    waiting: list[str] = []
    for row in evidence.state.deployments.filter(status="running").sort("started_at", "deployment_id").to_dicts():
        if row["started_at"] >= as_of:
            continue
        if evidence.state.last[row["policy_id"]] >= as_of:
            waiting.append(
                f"{row['deployment_id']}: decisions on {row['policy_id']} lie after this night, which looks back."
            )
            continue
        for is_done, words in _judge(evidence, row):
            (decided if is_done else waiting).append(words)
    return Night(tuple(decided), tuple(waiting))


def _judge(evidence: GateEvidence, row: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Yield what is decided of one deployment, and what waits."""
    found, name = evidence.state, row["deployment_id"]
    deployment = next(item for item in found.running(row["policy_id"]) if item.deployment_id == name)
    looks = [
        (version, look)
        for number in deployment.candidate_versions
        if (version := _find_version(found, row["policy_id"], number)) is not None
        and (look := evidence.look(deployment, version)) is not None
    ]
    if worse := [(version, look) for version, look in looks if look["verdict"] == "rollback"]:
        for version, look in worse:
            if row["auto_rollback"]:
                yield _roll_back(evidence, deployment, version, look)
            else:
                way = write_command("policy", "rollback", version.policy_id, version.policy_version)
                said = f"{name}: night {look['look']} says rollback of {version.policy_version}"
                yield False, f"{said}; {way} is a person's to say."
        return
    # Of several that may be promoted, the one with the lowest loss is.
    better = sorted(
        ((version, look) for version, look in looks if look["verdict"] == "promote"), key=lambda item: item[1]["effect"]
    )
    if better:
        yield _promote(evidence, deployment, *better[0], is_allowed=row["auto_promote"])
    for version, look in looks:
        if look["verdict"] != "promote":
            yield False, f"{name}: night {look['look']} says {look['verdict']} of {version.policy_version}."


def _roll_back(
    evidence: GateEvidence, deployment: Deployment, version: Version, look: Mapping[str, Any]
) -> tuple[bool, str]:
    mode = deployment.deployment_mode
    said = f"night {look['look']} at {mode} {deployment.deployment_id} says rollback: {look['reason']}"
    gate = Gate(mode, False, said, deployment.deployment_id, look["look"])
    decide = partial(policies.roll_back, rests_on=[gate])
    return _decide(evidence, deployment, version, look, decide, f"{version.name} was rolled back: {said}")


def _promote(
    evidence: GateEvidence, deployment: Deployment, version: Version, look: Mapping[str, Any], *, is_allowed: bool
) -> tuple[bool, str]:
    target = "canary" if deployment.deployment_mode == "shadow" else "active"
    said = f"{deployment.deployment_id}: night {look['look']} says promote {version.policy_version} to {target}"
    if not is_allowed:
        way = write_command("policy", "promote", version.policy_id, version.policy_version, "--to", target)
        return False, f"{said}; {way} is a person's to say."
    # A gate that refuses is asked again each night, which the audit need not tell each time.
    if failed := [gate for gate in gates(evidence, version, target) if not gate.passed]:
        return False, f"{said}; " + " ".join(f"Gate {gate.name}: {gate.found}" for gate in failed)
    decide = partial(policies.promote, to=target)
    words = f"{version.name} was promoted to {target}: {look['reason']}"
    return _decide(evidence, deployment, version, look, decide, words)


def _decide(
    evidence: GateEvidence,
    deployment: Deployment,
    version: Version,
    look: Mapping[str, Any],
    decide: Callable[..., Decision],
    words: str,
) -> tuple[bool, str]:
    """Return whether a decision on a version was taken, and in what words: those given, or why it was refused."""
    try:
        done = decide(
            evidence.lake,
            version.policy_id,
            version.policy_version,
            by=NIGHT,
            reason=look["reason"][:REASON_LENGTH],
            now=evidence.now,
        )
    except GateError as error:
        return False, f"{deployment.deployment_id}: {error}"
    return done.is_new, words


def _find_version(found: DecisionState, policy_id: str, number: str) -> Version | None:
    return next((version for version in found.versions(policy_id) if version.policy_version == number), None)
