"""Rows of policies and deployments as they stand in a lake, signed by its key, without a night."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from kaizenlake import signing, tables
from kaizenlake.tables import Deployments, Policies

AT = datetime(2026, 3, 1, tzinfo=UTC)


def row_of(document, key, **columns):
    """A row of `gold.policies` of a document, signed by a key; active unless told otherwise."""
    text = signing.canonical(document).decode()
    digest = signing.content_hash(text)
    named = {name: document[name] for name in signing.NAMED}
    return (
        named
        | {
            "status": "active",
            "content_sha256": digest,
            "parent_version": None,
            "root_sha256": digest,
            "ancestors_count": 0,
            "experiment_id": None,
            "created_at": AT,
            "created_by": "ann",
            "status_since": AT,
            "decided_by": "ann",
            "approved_at": None,
            "approved_by": None,
            "is_override": False,
            "document": text,
            "signature": signing.sign_document(text, key),
            "key_id": signing.key_id(key.public_key()),
        }
        | columns
    )


def version(lake, number, status="active", *, doer="planner", policy=None, phase=None, **document):
    """A row of `gold.policies`; its document is signed by the lake's key."""
    name = policy or (doer if phase is None else f"{doer}.{phase}")
    said = {"policy_id": name, "policy_version": number, "doer": doer, "phase": phase, "parent_sha256": None}
    whole = said | {"prompts": {"system": f"{name} {number}"}} | document
    return row_of(whole, signing.signing_key(lake.path("keys")), status=status)


def deployment(name, control, candidates, *, mode="canary", doer="planner", policy=None, **other):
    """A row of `gold.deployments`; `candidates` are versions and their shares."""
    return {
        "deployment_id": name,
        "policy_id": policy or doer,
        "doer": doer,
        "phase": None,
        "deployment_mode": mode,
        "status": "running",
        "control_version": control,
        "candidate_versions": list(candidates),
        "candidate_shares": [None if share is None else float(share) for share in candidates.values()],
        "unit_name": "user",
        "salt": name,
        "horizon_nights": 14,
        "minimum_units": 100,
        "alpha": 0.05,
        "method": "power",
        "max_loss_increase": 0.02,
        "guardrail_metrics": [],
        "guardrail_margins": [],
        "auto_promote": False,
        "auto_rollback": True,
        "started_at": AT,
        "started_by": "ann",
        "ended_at": None,
        "result": None,
        "ended_by": None,
        "reason": None,
        "looks_count": 0,
    } | other


def policies_of(*rows):
    return pl.DataFrame(list(rows), schema=tables.schema(Policies))


def deployments_of(*rows):
    return pl.DataFrame(list(rows), schema=tables.schema(Deployments))
