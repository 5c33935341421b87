"""What the audit of policies tells: the decisions in their order, the versions as they stand, and whether each is as signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.errors import VerificationError
from kaizenlake.publish import report_format as say
from kaizenlake.publish.report_blocks import Cell, Kind, raw
from kaizenlake.publish.report_rows import Listing, Scan, listing
from kaizenlake.tables import Policies, PolicyPromotions
from kaizenlake.tables.policy_rows import PolicyVersion

POLICIES = 15
"""Most policies that have a section; those with the latest decisions have."""

DECISIONS = 150
"""Most decisions that are listed over all policies, shared among them alike."""

VERSIONS = 40

Signed: TypeAlias = Literal["verified", "changed", "forged", "other key"]


@dataclass(frozen=True)
class DecisionRow:
    """A decision on a policy, as `gold.policy_promotions` has it."""

    event_id: str
    occurred_at: datetime
    policy_id: str
    policy_version: str
    action: str
    from_status: str | None
    to_status: str | None
    decided_by: str
    is_automatic: bool
    is_override: bool
    reason: str | None
    gates: str | None
    archived_version: str | None
    restored_version: str | None
    deployment_id: str | None

    @property
    def decision(self) -> str:
        """What was decided, in a word; a skipped gate goes before all else."""
        return "override" if self.is_override else self.action.replace("_", " ")


class Gate(msgspec.Struct, frozen=True):
    """A gate of a decision: whether it let the policy pass, and the figures it found."""

    gate: str
    passed: bool = False
    found: str = ""


class _Gates(msgspec.Struct, frozen=True):
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True)
class PolicyAudit:
    """One policy: its decisions in their order, and its versions, the newest first."""

    policy_id: str
    decisions: Listing[DecisionRow]
    versions: Listing[PolicyVersion]


@dataclass(frozen=True)
class AuditData:
    """Everything the audit tells.

    Args:
        as_of: Events before this instant count.
        policies: Policies, those with the latest decisions first.
        signed: Whether each version is as it was signed, by policy and version.
        overrides: Decisions by which a gate was skipped, in their order.
        refused: Promotions that a gate refused.
        decisions: Decisions in all.
    """

    as_of: datetime
    policies: Listing[PolicyAudit]
    signed: dict[tuple[str, str], Signed]
    overrides: tuple[DecisionRow, ...]
    refused: int
    decisions: int


def build(scan: Scan, key: Ed25519PublicKey | None, *, as_of: datetime) -> AuditData | None:
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
    audits = tuple(
        PolicyAudit(
            name,
            decisions(scan, pl.col("policy_id") == name, rows=each),
            listing(
                PolicyVersion,
                held.filter(pl.col("policy_id") == name),
                by={"created_at": True, "policy_version": True},
                rows=VERSIONS,
            ),
        )
        for name in shown
    )
    overrides = listing(
        DecisionRow, taken.filter("is_override"), by={"occurred_at": True, "event_id": True}, rows=DECISIONS
    )
    refused = taken.filter(pl.col("action") == "refused").select(pl.len()).collect().item()
    versions = listing(PolicyVersion, held, by={"policy_id": False, "policy_version": False}, rows=_ALL).rows
    return AuditData(
        as_of,
        Listing(audits, latest.height),
        {(row.policy_id, row.policy_version): signed(row, key) for row in versions},
        overrides.rows[::-1],
        int(refused),
        int(latest["decisions"].sum()),
    )


def decisions(scan: Scan, which: pl.Expr, *, rows: int) -> Listing[DecisionRow]:
    """The latest decisions of those that `which` names, in the order they were taken."""
    by = {"occurred_at": True, "event_id": True}
    found = listing(DecisionRow, scan(PolicyPromotions).filter(which), by=by, rows=rows)
    return Listing(found.rows[::-1], found.total)


def gates(text: str | None) -> tuple[Gate, ...]:
    """Gates of a decision out of their JSON; none where it says something else."""
    try:
        return msgspec.json.decode(text or "{}", type=_Gates).gates
    except msgspec.MsgspecError:
        return ()


def signed(row: PolicyVersion, key: Ed25519PublicKey | None) -> Signed:
    """Whether a version is what was signed, and by whom.

    Args:
        row: The version.
        key: Key of the lake.

    Returns:
        verified; changed: its document is not that of its hash; other key: the key of this lake did not sign it; forged:
        it names that key, and the signature is not of it, or the document is of another version.
    """
    if signing.content_hash(row.document) != row.content_sha256:
        return "changed"
    if key is None or row.key_id != signing.key_id(key):
        return "other key"
    try:
        signing.verified_policy(asdict(row), key)
    except VerificationError:
        return "forged"
    return "verified"


def decision_parts() -> tuple[tuple[str, Kind, Callable[[Any], Cell]], ...]:
    """Columns of a table of decisions."""
    return (
        ("When", "text", lambda r: raw(say.instant(r.occurred_at), r, "event_id", "occurred_at")),
        ("Version", "text", lambda r: raw(say.clean(r.policy_version, 40), r, "policy_version")),
        ("Decision", "verdict", lambda r: raw(r.decision, r, "action", "is_override")),
        ("Status", "text", lambda r: raw(_moved(r), r, "from_status", "to_status")),
        ("By", "text", lambda r: raw(say.clean(r.decided_by, 40), r, "decided_by")),
        ("Reason, or what the gates found", "text", lambda r: raw(_why(r), r, "reason")),
    )


def _moved(row: DecisionRow) -> str:
    if row.action == "refused":
        return f"{row.from_status}, not {row.to_status}"
    names = [name for name in (row.from_status, row.to_status) if name is not None]
    also = [f"{version} archived" for version in [row.archived_version] if version]
    also += [f"{version} active again" for version in [row.restored_version] if version]
    moved = " → ".join(names) or say.NOTHING
    return moved + "".join(f"; {say.clean(text, 50)}" for text in also)


def _why(row: DecisionRow) -> str:
    """The reason, and the gates that did not let it pass, or those that did where no reason was given."""
    told = gates(row.gates)
    failed = [gate for gate in told if not gate.passed]
    shown = failed or ([] if row.reason else list(told))
    found = [f"{say.words(gate.gate)} gate {'passed' if gate.passed else 'not passed'}: {gate.found}" for gate in shown]
    reason = [f"“{say.clean(row.reason, 200)}”"] if row.reason else []
    return say.clean(" ".join([*reason, *(say.sentence(text) for text in found)]), 420) or say.NOTHING


_ALL = 1_000_000
