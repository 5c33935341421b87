"""What the audit of policies tells: the decisions in their order, the versions as they stand, and whether each is as signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import polars as pl

from kaizenlake import signing
from kaizenlake.errors import VerificationError
from kaizenlake.report.engine.rows import Listing, TableRow, listing
from kaizenlake.report.kaizen.decision_rows import decisions
from kaizenlake.tables import Policies, PolicyPromotions, Scan

POLICIES = 15
"""Most policies that have a section; those with the latest decisions have."""

DECISIONS = 150
"""Most decisions that are listed over all policies, shared among them alike."""

VERSIONS = 40

Signed: TypeAlias = Literal["verified", "changed", "forged", "other key"]


@dataclass(frozen=True)
class PolicyAudit:
    """One policy: the version that is active, its decisions in their order, and its versions, the newest first."""

    policy_id: str
    active: TableRow | None
    decisions: Listing[TableRow]
    versions: Listing[TableRow]


@dataclass(frozen=True)
class AuditData:
    """Everything the audit tells.

    Args:
        as_of: Events before this instant count.
        policies: Policies, those with the latest decisions first.
        signed: Whether each version is as it was signed, by policy and version.
        overrides: Decisions by which a gate was skipped, the latest first.
        refused: Promotions that a gate refused.
        decisions: Decisions in all.
    """

    as_of: datetime
    policies: Listing[PolicyAudit]
    signed: dict[tuple[str, str], Signed]
    overrides: Listing[TableRow]
    refused: int
    decisions: int


def build(scan: Scan, key: signing.Keys | None, *, as_of: datetime) -> AuditData | None:
    """Read the audit out of the tables; None where nothing was decided.

    Args:
        scan: Gives a table.
        key: Key of the lake, which must have signed the versions; without it none is verified.
        as_of: Aware instant; the tables hold what happened before it.
    """
    taken, held = scan(PolicyPromotions), scan(Policies)
    summary = taken.group_by("policy_id").agg(last=pl.col("occurred_at").max(), decisions=pl.len())
    latest = summary.sort("last", "policy_id", descending=[True, False]).collect()
    if not latest.height:
        return None
    shown = latest["policy_id"].to_list()[:POLICIES]
    each = max(DECISIONS // len(shown), 6)
    versions = listing(held, by={"policy_id": False, "policy_version": False}, rows=_ALL).rows
    active = {row.policy_id: row for row in versions if row.status == "active"}
    audits = tuple(
        PolicyAudit(
            name,
            active.get(name),
            decisions(scan, pl.col("policy_id") == name, rows=each),
            listing(
                held.filter(pl.col("policy_id") == name),
                by={"created_at": True, "policy_version": True},
                rows=VERSIONS,
            ),
        )
        for name in shown
    )
    overrides = listing(taken.filter("is_override"), by={"occurred_at": True, "event_id": True}, rows=DECISIONS)
    refused = taken.filter(pl.col("action") == "refused").select(pl.len()).collect().item()
    return AuditData(
        as_of,
        Listing(audits, latest.height),
        {(row.policy_id, row.policy_version): check_signature(row, key) for row in versions},
        overrides,
        int(refused),
        int(latest["decisions"].sum()),
    )


def check_signature(row: TableRow, key: signing.Keys | None) -> Signed:
    """Return whether a version is what was signed, and by whom.

    Args:
        row: The version.
        key: Key of the lake, or all that it has had.

    Returns:
        verified; changed: its document is not that of its hash; other key: the key of this lake did not sign it; forged:
        it names that key, and the signature is not of it, or the document is of another version.
    """
    if signing.content_hash(row.document) != row.content_sha256:
        return "changed"
    if key is None or signing.key_named(row.key_id, key) is None:
        return "other key"
    try:
        signing.verify_policy(vars(row), key)
    except VerificationError:
        return "forged"
    return "verified"


_ALL = 1_000_000
