"""The policies that doers run under, published: one signed file a doer, which the router of a service reads.

They follow from every decision there is, whatever the night's as_of: what was rolled back is never served again because
an older night is computed anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.context import file_name
from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.publish import policy_file as model
from kaizenlake.publish.context import instant
from kaizenlake.publish.documents import FOLDER, PUBLIC_KEY, alone, verifying_key, write_once

PLACE = "policies"
SCHEMA_FILE = f"schema/{model.SCHEMA}-{model.VERSION}.schema.json"

_VALIDATOR = jsonschema_rs.Draft202012Validator(model.json_schema())


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


@dataclass(frozen=True)
class VerifiedPolicies:
    """What was verified.

    Args:
        files: Files whose signature, schema and documents were checked.
        key_id: Name of the key that signed them.
        key_source: Where the public key came from.
    """

    files: int
    key_id: str
    key_source: str


def publish_policies(
    lake: Lake, policies: pl.DataFrame, deployments: pl.DataFrame, *, generated_at: datetime
) -> Served:
    """Publish the policies of every doer; a file that would say the same, and holds for long enough, stays as it is.

    A doer of which nothing is in service any more keeps a file that says so, so that running services learn of it.

    Args:
        lake: The lake.
        policies: Versions as they stand: rows of `gold.policies`.
        deployments: Shadows and canaries as they stand: rows of `gold.deployments`.
        generated_at: Now, aware.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A file cannot be written.
    """
    folder = lake.path(FOLDER)
    if policies.is_empty() and not (folder / PLACE).is_dir():
        return Served(0, 0)
    with alone(folder):
        key = signing.signing_key(lake.path("keys"))
        entries, unverified, left_out = _entries(policies, deployments, key.public_key())
        for path in (folder / PLACE).glob(f"{files.ASIDE}*"):
            path.unlink(missing_ok=True)
        # What this lake did not sign is not kept beside what it did.
        there = {path: _signed(path, key.public_key()) for path in sorted((folder / PLACE).glob("*.json"))}
        doers = entries | {signed["doer"]: entries.get(signed["doer"], []) for signed in there.values() if signed}
        written = 0
        valid_for = timedelta(hours=lake.settings.publishing.valid_hours)
        for doer, said in doers.items():
            path = folder / PLACE / file_name(doer)
            current = there.pop(path, None)
            if current is not None and _still_good(current, said, generated_at):
                continue
            content = _file(doer, said, _after(current, generated_at), valid_for, key)
            files.write_atomic(path, content)
            written += 1
        for path in there:
            path.unlink(missing_ok=True)
            written += 1
        if written:
            write_once(folder / SCHEMA_FILE, json.dumps(model.json_schema(), indent=2).encode())
            write_once(folder / PUBLIC_KEY, signing.public_pem(key.public_key()))
        return Served(len(doers), written, unverified, left_out)


def verify_policies(lake: Lake, public_key: bytes | None = None) -> VerifiedPolicies:
    """Check the published policies: the name, schema and signature of each file, and every document in it.

    Args:
        lake: The lake.
        public_key: Key in PEM that must have signed them; by default as for `documents.verify`.

    Raises:
        VerificationError: Says everything that is not as it should be.
    """
    folder = lake.path(FOLDER)
    key, key_source = verifying_key(lake, folder, public_key)
    paths = sorted((folder / PLACE).glob("*.json"))
    problems = [f"{path.name}: {problem}" for path in paths if (problem := _problem(path, key)) is not None]
    if problems:
        more = f" … and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise VerificationError(
            f"{len(problems)} of {len(paths)} file(s) of policies are not what this lake published: "
            + "; ".join(problems[:20])
            + more
            + ".",
            where=str(folder / PLACE),
            hint="Publish again with `kaizen nightly`, and find out who wrote there.",
        )
    return VerifiedPolicies(len(paths), signing.key_id(key), key_source)


def _entries(
    policies: pl.DataFrame, deployments: pl.DataFrame, key: Ed25519PublicKey
) -> tuple[dict[str, list[dict[str, Any]]], tuple[str, ...], tuple[str, ...]]:
    """What is served by doer, the versions that do not verify, and the deployments that are left out."""
    versions = {(row["policy_id"], row["policy_version"]): row for row in policies.iter_rows(named=True)}
    active = {name: row for (name, _), row in versions.items() if row["status"] == "active"}
    running = deployments.filter(status="running").sort("started_at", "deployment_id")
    # Of two that run on one policy, which no command starts, the later counts.
    on = {row["policy_id"]: row for row in running.iter_rows(named=True)}
    unverified: dict[str, str] = {}
    left_out: list[str] = []
    found: dict[str, list[dict[str, Any]]] = {}
    for policy_id in sorted({*active, *on}):
        deployment = on.get(policy_id)
        problem = None if deployment is None else _why_not(deployment, active.get(policy_id), versions)
        if deployment is not None and problem is None:
            arms = [deployment["control_version"], *deployment["candidate_versions"]]
            rows = [versions[policy_id, version] for version in arms]
            broken = [words for row in rows if (words := _why_unverified(row, key)) is not None]
            unverified |= dict.fromkeys(broken, "")
            problem = broken[0] if broken else None
        if deployment is not None and problem is not None:
            left_out.append(f"{deployment['deployment_id']} routes nobody: {problem}")
            deployment = None
        served = versions[policy_id, deployment["control_version"]] if deployment is not None else active.get(policy_id)
        if served is None:
            continue
        if (words := _why_unverified(served, key)) is not None:
            unverified[words] = ""
            continue
        found.setdefault(served["doer"], []).append(_entry(served, deployment, versions))
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
    """Why a deployment cannot be routed by what stands in the tables; None where it can."""
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
    return None if row["doer"] == doer else f"its version {version} is of the doer {row['doer']}, not of {doer}"


def _why_unverified(row: Mapping[str, Any], key: Ed25519PublicKey) -> str | None:
    """Why the document of a version is not what was signed; None where it is."""
    try:
        signing.verified_policy(row, key)
    except (VerificationError, ValueError) as error:
        return f"{row['policy_id']} {row['policy_version']}: {error}"
    return None


def _entry(
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
        "active": _version(served),
        "candidates": [_version(versions[policy_id, version]) for version in candidates],
        "allocation": [
            {"policy_version": version, "share": share if is_canary else 0.0}
            for version, share in zip(candidates, said.get("candidate_shares", ()), strict=True)
        ],
        "deployment_id": said.get("deployment_id"),
        "mode": said.get("deployment_mode"),
        "unit_name": said.get("unit_name"),
        "salt": said.get("salt"),
    }


def _version(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "policy_version": row["policy_version"],
        "content_sha256": row["content_sha256"],
        "document": json.loads(row["document"]),
    }


def _file(doer: str, said: list[dict[str, Any]], now: datetime, valid_for: timedelta, key: Any) -> bytes:
    """The file of a doer: signed, then parsed and checked before it counts."""
    signed = {
        "schema": model.SCHEMA,
        "version": model.VERSION,
        "doer": doer,
        "generated_at": instant(now),
        "valid_until": instant(now + valid_for),
        "policies": said,
    }
    content = json.dumps(
        {"signed": signed, "signature": signing.sign(signed, key)}, indent=1, ensure_ascii=False, allow_nan=False
    ).encode("utf-8")
    if (broken := _broken_rule(content)) is not None:
        raise PublishError(f"The policies of a doer are not published: {broken}.", where=doer)
    return content


def _still_good(current: Mapping[str, Any], said: list[dict[str, Any]], now: datetime) -> bool:
    generated_at, valid_until = (datetime.fromisoformat(current[name]) for name in ("generated_at", "valid_until"))
    return current["policies"] == said and generated_at <= now < generated_at + (valid_until - generated_at) / 2


def _after(current: Mapping[str, Any] | None, now: datetime) -> datetime:
    """Now, or just after the file that is there: routers take no older one, also where a clock went back."""
    if current is None:
        return now
    return max(now, datetime.fromisoformat(current["generated_at"]) + timedelta(microseconds=1))


def _signed(path: Path, key: Ed25519PublicKey) -> dict[str, Any] | None:
    """The signed part of a file that this lake published; None where it did not."""
    if _problem(path, key) is not None:
        return None
    signed: dict[str, Any] = json.loads(path.read_bytes())["signed"]
    return signed


def _problem(path: Path, key: Ed25519PublicKey) -> str | None:
    """What is wrong with a file, in words; None where it is what this lake published."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if (broken := _broken_rule(content)) is not None:
        return f"it breaks its schema: {broken}"
    found = json.loads(content)
    try:
        signing.check_signature(found["signed"], found["signature"], key)
    except VerificationError as error:
        return error.message
    signed = found["signed"]
    if path.name != file_name(signed["doer"]):
        return f"it is the file of the doer {signed['doer']!r}"
    for version in _versions(signed):
        if signing.content_hash(signing.canonical(version["document"]).decode()) != version["content_sha256"]:
            return f"the document of version {version['policy_version']} is not what its hash says"
    return None


def _versions(signed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in signed["policies"]:
        yield policy["active"]
        yield from policy["candidates"]


def _broken_rule(content: bytes) -> str | None:
    """The first rule of the schema that a file breaks, in words; None where it keeps all."""
    try:
        msgspec.json.decode(content, type=model.PolicyFile)
        parsed = json.loads(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return f"it is no file of policies ({error})"[:300]
    broken = next(_VALIDATOR.iter_errors(parsed), None)
    return None if broken is None else f"{'/'.join(map(str, broken.instance_path))}: {broken.message[:300]}"
