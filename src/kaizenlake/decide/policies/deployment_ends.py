"""Which deployments end by a decision on a version, and with what result?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from kaizenlake.decide.policies.gates import GateEvidence
from kaizenlake.decide.record.state import DecisionState, Deployment, Version
from kaizenlake.vocabulary import Result


@dataclass(frozen=True)
class End:
    """A deployment that ends.

    Args:
        deployment: The deployment.
        result: What came of it, as `DEPLOYMENT_ENDED` says it.
        why: Why it ends, in words.
        looks: Looks at it until then; None where no night has looked.
    """

    deployment: Deployment
    result: Result
    why: str
    looks: int | None = None


def list_ends_by_promotion(evidence: GateEvidence, version: Version, target: str) -> tuple[End, ...]:
    """Return deployments that end when a version gets a status.

    Args:
        evidence: What was decided, and what the nights saw.
        target: The status it gets.
    """
    return _list_ends(evidence, version, _yield_ends_by_promotion(evidence.state, version, target))


def list_ends_by_roll_back(evidence: GateEvidence, version: Version) -> tuple[End, ...]:
    """Return deployments that end when a version is rolled back: those that try it, and those it is the control of."""
    return _list_ends(evidence, version, _yield_ends_by_roll_back(evidence.state, version))


def find_result_of_each(found: DecisionState, row: Mapping[str, Any]) -> dict[str, str]:
    """Return what came of each candidate of a deployment; of several, those on which nothing was decided were stopped.

    Args:
        found: What was decided until now.
        row: Row of `gold.deployments`.

    Returns:
        By version, in their order: `running`, or a `Result`.
    """
    candidates: list[str] = row["candidate_versions"]
    if row["result"] is None or len(candidates) == 1:
        return dict.fromkeys(candidates, row["result"] or row["status"])
    decided = found.promotions.filter(
        pl.col("action").is_in(["promoted", "rolled_back"]),
        deployment_id=row["deployment_id"],
        policy_id=row["policy_id"],
    )
    moved = set(decided["policy_version"])
    return {version: row["result"] if version in moved else "stopped" for version in candidates}


def _yield_ends_by_promotion(found: DecisionState, version: Version, target: str) -> Iterator[End]:
    number = version.policy_version
    for deployment in found.running(version.policy_id):
        is_tried = number in deployment.candidate_versions
        if target == "active":
            # Whatever else is compared was compared with a version that is archived now.
            yield End(deployment, "promoted" if is_tried else "stopped", f"{number} became active.")
        elif target == "canary" and is_tried and deployment.deployment_mode == "shadow":
            yield End(deployment, "validated", f"{number} went on to canary.")
        elif target == "archived" and (is_tried or number == deployment.control_version):
            yield End(deployment, "stopped", f"{number} was archived.")


def _yield_ends_by_roll_back(found: DecisionState, version: Version) -> Iterator[End]:
    number = version.policy_version
    for deployment in found.running(version.policy_id):
        if number in deployment.candidate_versions:
            yield End(deployment, "rolled_back", f"{number} was rolled back.")
        elif number == deployment.control_version:
            yield End(deployment, "stopped", f"Its control {number} was rolled back.")


def _list_ends(evidence: GateEvidence, version: Version, ends: Iterator[End]) -> tuple[End, ...]:
    found = []
    for end in ends:
        look = evidence.look(end.deployment, version)
        found.append(end if look is None else replace(end, looks=look["look"]))
    return tuple(found)
