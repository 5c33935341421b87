"""The policies that doers run under, published: one signed file a doer, which the router of a service reads.

They follow from every decision there is, whatever the night's as_of: what was rolled back is never served again because
an older night is computed anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.publish.signed import policy_file as model
from kaizenlake.publish.signed.signed_files import FileForm, SignedFiles
from kaizenlake.publish.signed.signed_folder import FOLDER, VerifiedFolder

PLACE = "policies"


def _find_changed_document(signed: Mapping[str, Any]) -> str | None:
    """Return the first version whose document is not that of its hash, in words; None where each is."""
    for version in _yield_versions(signed):
        if signing.content_hash(signing.canonical(version["document"]).decode()) != version["content_sha256"]:
            return f"the document of version {version['policy_version']} is not what its hash says"
    return None


def _yield_versions(signed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in signed["policies"]:
        yield policy["active"]
        yield from policy["candidates"]


FILES = SignedFiles(
    PLACE,
    FileForm(
        model.SCHEMA,
        model.VERSION,
        model.PolicyFile,
        model.json_schema(),
        "file of policies",
        check=_find_changed_document,
        is_redacted=False,  # a policy is run as it is, and its hash says so
    ),
    "files of policies",
)


@dataclass(frozen=True)
class Served:
    """What is served after a publication.

    Args:
        doers: Doers that have a file.
        written: Files that were written or removed; 0 where nothing changed and each is good for long enough.
        unverified: Versions that should serve but are not what was signed, each in words; they are not served.
        left_out: Deployments that route nobody, each with the reason.
    """

    doers: int
    written: int
    unverified: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def publish_policies(
    lake: Lake, policies: pl.DataFrame, deployments: pl.DataFrame, *, generated_at: datetime
) -> Served:
    """Publish the policies of every doer; a file that would say the same, and holds for long enough, stays as it is.

    A doer of which nothing is in service any more keeps a file that says so, so that running services learn of it.

    Args:
        policies: Versions as they stand: rows of `gold.policies`.
        deployments: Shadows and canaries as they stand: rows of `gold.deployments`.
        generated_at: Now, aware.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A file cannot be written.
    """
    if policies.is_empty() and not lake.path(FOLDER, PLACE).is_dir():
        return Served(0, 0)
    valid_for = timedelta(hours=lake.settings.publishing.valid_hours)
    with FILES.hold(lake) as held:
        entries, unverified, left_out = _entries(policies, deployments, decisions.public_keys(lake))
        doers = {doer: {"doer": doer, "policies": entries.get(doer, [])} for doer in (*entries, *held.signed)}
        written = held.replace(doers, at=generated_at, valid_for=valid_for)
    return Served(len(doers), written, unverified, left_out)


def verify_policies(lake: Lake, public_key: bytes | None = None) -> VerifiedFolder:
    """Check the published policies, every document in them included; see `SignedFiles.verify`."""
    return FILES.verify(lake, public_key)


def _entries(
    policies: pl.DataFrame, deployments: pl.DataFrame, key: signing.Keys
) -> tuple[dict[str, list[dict[str, Any]]], tuple[str, ...], tuple[str, ...]]:
    """Return what is served by doer, the versions that do not verify, and the deployments that are left out."""
    versions = {(row["policy_id"], row["policy_version"]): row for row in policies.iter_rows(named=True)}
    active = {name: row for (name, _), row in versions.items() if row["status"] == "active"}
    running = deployments.filter(status="running").sort("started_at", "deployment_id")
    # Of two that run on one policy, which no command starts, the later counts.
    on = {row["policy_id"]: row for row in running.iter_rows(named=True)}
    unverified: dict[str, str] = {}
    left_out: list[str] = []
    found: dict[str, list[dict[str, Any]]] = {}
    for policy_id in sorted({*active, *on}):
        deployment, served = on.get(policy_id), active.get(policy_id)
        if deployment is not None:
            problem = _why_not(deployment, served, versions)
            if problem is None:
                arms = (deployment["control_version"], *deployment["candidate_versions"])
                said = (_why_unverified(versions[policy_id, version], key) for version in arms)
                broken = [words for words in said if words is not None]
                unverified |= dict.fromkeys(broken, "")
                problem = next(iter(broken), None)
            if problem is None:
                served = versions[policy_id, deployment["control_version"]]
            else:
                left_out.append(f"{deployment['deployment_id']} routes nobody: {problem}")
                deployment = None
        if served is None:
            continue
        if (words := _why_unverified(served, key)) is not None:
            unverified[words] = ""
            continue
        found.setdefault(served["doer"], []).append(_gather_entry(served, deployment, versions))
    # The policy that is named by default goes before others for the same phase.
    first = {
        doer: sorted(said, key=lambda entry: entry["policy_id"] not in {doer, f"{doer}.{entry['phase']}"})
        for doer, said in sorted(found.items())
    }
    return first, tuple(unverified), tuple(left_out)


def _why_not(
    deployment: Mapping[str, Any],
    active: Mapping[str, Any] | None,
    versions: Mapping[tuple[str, str], Mapping[str, Any]],
) -> str | None:
    """Return why a deployment cannot be routed by what stands in the tables; None where it can."""
    control = deployment["control_version"]
    if active is not None and active["policy_version"] != control:
        return f"its control {control} is not active any more, {active['policy_version']} is"
    if not deployment["candidate_versions"] or None in deployment["candidate_shares"]:
        return "its candidates and their shares are not told"
    if sum(deployment["candidate_shares"]) > 1:
        return "the shares of its candidates sum to more than 1"
    said = (
        _why_not_version(version, versions.get((deployment["policy_id"], version)), deployment["doer"])
        for version in (control, *deployment["candidate_versions"])
    )
    return next((words for words in said if words is not None), None)


def _why_not_version(version: str, row: Mapping[str, Any] | None, doer: str) -> str | None:
    if row is None:
        return f"its version {version} was never created"
    if row["status"] == "archived":
        return f"its version {version} is archived"
    return None if row["doer"] == doer else f"its version {version} is of the agent {row['doer']}, not of {doer}"


def _why_unverified(row: Mapping[str, Any], key: signing.Keys) -> str | None:
    """Return why the document of a version is not what was signed; None where it is."""
    try:
        signing.verify_policy(row, key)
    except VerificationError as error:
        return f"{row['policy_id']} {row['policy_version']}: {error}"
    return None


def _gather_entry(
    served: Mapping[str, Any],
    deployment: Mapping[str, Any] | None,
    versions: Mapping[tuple[str, str], Mapping[str, Any]],
) -> dict[str, Any]:
    policy_id = served["policy_id"]
    candidates = [] if deployment is None else deployment["candidate_versions"]
    is_canary = deployment is not None and deployment["deployment_mode"] == "canary"
    said = deployment or {}
    return {
        "policy_id": policy_id,
        "phase": served["phase"],
        "active": _gather_version(served),
        "candidates": [_gather_version(versions[policy_id, version]) for version in candidates],
        "allocation": [
            {"policy_version": version, "share": share if is_canary else 0.0}
            for version, share in zip(candidates, said.get("candidate_shares", ()), strict=True)
        ],
        "deployment_id": said.get("deployment_id"),
        "mode": said.get("deployment_mode"),
        "unit_name": said.get("unit_name"),
        "salt": said.get("salt"),
    }


def _gather_version(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "policy_version": row["policy_version"],
        "content_sha256": row["content_sha256"],
        "document": json.loads(row["document"]),
    }
