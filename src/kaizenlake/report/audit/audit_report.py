"""The audit of policies: what to look at, then for each policy every decision in its order, its versions and their origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.audit.audit_data import AuditData, PolicyAudit
from kaizenlake.report.engine.blocks import (
    Block,
    Definitions,
    FindingBlock,
    Grid,
    Headlines,
    KeyFigure,
    Paragraph,
    ReportDocument,
    Section,
    build_grid,
    build_meanings,
)
from kaizenlake.report.engine.columns import Shown, show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.kaizen.decision_rows import GateResult, build_decisions_table, gates
from kaizenlake.tables import Policies, PolicyPromotions
from kaizenlake.vocabulary import plural

WARNINGS = 20
"""Most things to look at that are listed."""

_SIGNED = {
    "changed": "is not what its hash says: the document was changed after it was created",
    "forged": "does not carry the signature of the key that it names, or is the document of another version",
    "other key": "was not signed by the key of this lake",
}


def build_document(data: AuditData) -> ReportDocument:
    """Lay the audit out.

    Args:
        data: What `audit_report_data.build` read.
    """
    verified = sum(state == "verified" for state in data.signed.values())
    return ReportDocument.of(
        data.as_of,
        title="Policy audit",
        subtitle="Every decision on every policy: who took it, when, and on what figures",
        window=f"Decisions before {say.instant(data.as_of)}. Each is an event of its own; none is changed afterwards.",
        figures=(
            KeyFigure("Policies", say.count(data.policies.total), ""),
            KeyFigure("Versions", say.count(len(data.signed)), ""),
            KeyFigure("Decisions", say.count(data.decisions), ""),
            KeyFigure("Gates skipped", say.count(data.overrides.total), ""),
            KeyFigure("Promotions refused", say.count(data.refused), ""),
            KeyFigure("Signatures verified", f"{say.count(verified)} of {say.count(len(data.signed))}", ""),
        ),
        sections=(
            build_attention(data),
            *(build_policy(place, audit, data) for place, audit in enumerate(data.policies.rows, 1)),
            build_method(),
        ),
    )


def build_attention(data: AuditData) -> Section:
    """Return the skipped gates, and versions that are not as they were signed."""
    places = {audit.policy_id: f"policy-{place}" for place, audit in enumerate(data.policies.rows, 1)}
    unsigned = list(_yield_signatures(data, places))
    found, total = [*unsigned, *_yield_overrides(data, places)][:WARNINGS], len(unsigned) + data.overrides.total
    lead = "No gate was skipped, and every version is as it was signed."
    blocks: list[Block] = []
    if found:
        lead = "Gates that a person skipped, and versions that are not as signed."
        blocks.append(Headlines(tuple(found)))
    if total > len(found):
        blocks.append(Paragraph(f"{say.count(total - len(found))} more; the lake's tables have them all."))
    if data.policies.total > len(places):
        told = f"Of {say.count(data.policies.total)} policies the {say.count(len(places))} with the latest decisions follow."
        blocks.append(Paragraph(told))
    return Section("attention", "What to look at", lead, tuple(blocks))


def _yield_signatures(data: AuditData, places: dict[str, str]) -> Iterator[FindingBlock]:
    for (policy_id, version), state in sorted(data.signed.items()):
        if state != "verified":
            yield FindingBlock(
                "signature",
                f"{say.clean(policy_id, 60)} {say.clean(version, 40)} {_SIGNED[state]}; it is neither promoted nor served.",
                tables.full_name(Policies),
                "warning",
                places.get(policy_id, "attention"),
            )


def _yield_overrides(data: AuditData, places: dict[str, str]) -> Iterator[FindingBlock]:
    for row in data.overrides.rows:
        skipped = [say.clean(say.name_words(gate.gate), 40) for gate in gates(row.gates) if not gate.passed]
        over = f" over the gate{'s' if len(skipped) > 1 else ''} {', '.join(skipped)}" if skipped else " over a gate"
        reason = f" The reason given: “{say.clean(row.reason, 240)}”" if row.reason else " No reason was given."
        yield FindingBlock(
            "override",
            (
                f"{say.clean(row.decided_by, 60)} promoted {say.clean(row.policy_id, 60)} "
                f"{say.clean(row.policy_version, 40)} to {row.to_status}{over} on {say.instant(row.occurred_at)}.{reason}"
            ),
            tables.full_name(PolicyPromotions),
            "warning",
            places.get(row.policy_id, "attention"),
        )


def build_policy(place: int, audit: PolicyAudit, data: AuditData) -> Section:
    """Return one policy: its decisions, the gates of what was refused or forced, and its versions."""
    name = say.clean(audit.policy_id, 80)
    blocks: list[Block] = [
        build_decisions_table(f"decisions-{place}-table", "Decisions in their order", audit.decisions)
    ]
    gated = _build_gates_grid(place, audit)
    if gated is not None:
        blocks.append(gated)
    if audit.versions.total:
        blocks.append(_build_versions(place, audit, data))
    return Section(f"policy-{place}", f"Policy {name}", _format_lead(audit), tuple(blocks))


def _format_lead(audit: PolicyAudit) -> str:
    active = audit.active
    if active is None:
        return "No version is active."
    forced = ", by a skipped gate" if active.is_override else ""
    phase = "" if active.phase is None else f" in phase {say.clean(active.phase, 40)}"
    return (
        f"{say.clean(active.doer, 60)}{phase} runs under {say.clean(active.policy_version, 40)} since "
        f"{say.instant(active.status_since)}, by {say.clean(active.decided_by, 60)}{forced}."
    )


def _build_gates_grid(place: int, audit: PolicyAudit) -> Grid | None:
    """Return every gate of the promotions that were refused or forced, with what it found."""
    asked = [row for row in audit.decisions.rows if row.action == "refused" or row.is_override]
    rows = [_GateOf(row, gate) for row in asked for gate in gates(row.gates)]
    if not rows:
        return None
    return build_grid(
        f"gates-{place}-table",
        "Gates of the promotions that were refused or forced, with their figures",
        PolicyPromotions,
        Listing(tuple(rows[-WARNINGS:]), len(rows)),
        (
            show_text("Promotion", _format_promotion, "event_id"),
            show_text("Gate", _format_gate),
            show_text("Result", _format_result, format="verdict"),
            show_text("Found", _format_finding),
        ),
    )


class _GateOf(NamedTuple):
    """A gate of a decision."""

    decision: TableRow
    gate: GateResult

    @property
    def event_id(self) -> str:
        return str(self.decision.event_id)


def _format_promotion(row: _GateOf) -> str:
    return f"{say.clean(row.decision.policy_version, 40)} to {row.decision.to_status}"


def _format_gate(row: _GateOf) -> str:
    return say.sentence(say.clean(say.name_words(row.gate.gate), 40))


def _format_result(row: _GateOf) -> str:
    return "passed" if row.gate.passed else "skipped" if row.decision.is_override else "refused"


def _format_finding(row: _GateOf) -> str:
    return say.clean(row.gate.found, 420) or say.NOTHING


def _build_versions(place: int, audit: PolicyAudit, data: AuditData) -> Grid:
    def state(row: TableRow) -> str:
        return data.signed[row.policy_id, row.policy_version]

    return build_grid(
        f"versions-{place}-table",
        "Versions as they stand, the newest first",
        Policies,
        audit.versions,
        (
            "policy_version",
            Shown(("status", "is_override"), text=_format_status, format="verdict"),
            show_text("Made of", _format_origin, "parent_version", "ancestors_count", "experiment_id"),
            show_text("Created", _format_creation, "created_by"),
            show_text("Approved", _format_approval_text, "approved_by"),
            show_text("Content", _format_digits, "content_sha256"),
            show_text("Signature", state, "key_id", format="verdict"),
        ),
    )


def _format_status(row: TableRow) -> str:
    return str(row.status)


def _format_creation(row: TableRow) -> str:
    return f"{say.day(row.created_at.date())}, {say.clean(row.created_by, 40)}"


def _format_digits(row: TableRow) -> str:
    return say.clean(row.content_sha256, 64)[:12]


def _format_origin(row: TableRow) -> str:
    if row.parent_version is None:
        made = "the root"
    else:
        older = f", {plural(row.ancestors_count, 'version')} from the root" if row.ancestors_count > 1 else ""
        made = f"{say.clean(row.parent_version, 40)}{older}"
    return made if row.experiment_id is None else f"{made}, by {say.clean(row.experiment_id, 40)}"


def _format_approval_text(row: TableRow) -> str:
    if row.approved_at is None or row.approved_by is None:
        return "by nobody"
    return f"{say.day(row.approved_at.date())}, {say.clean(row.approved_by, 40)}"


_TERMS = (
    (
        "Gates",
        (
            "Shadow needs a passed replay of the very content. Canary needs a validated shadow. Active needs a canary whose "
            "verdict is to promote, and a person's approval where the settings ask for it."
        ),
    ),
    (
        "Override",
        "A person skipped a gate and gave the reason. It stays on record, and is named at the head of this audit.",
    ),
    ("Refused", "A gate did not let a promotion pass. The figures are those of the moment it was asked for."),
    ("Content", "First digits of the SHA-256 of the version's canonical JSON: equal contents have equal digits."),
    (
        "Signature",
        (
            "Verified: the document is that of its hash, signed by the key of this lake. Changed: the document is another one. "
            "Forged: the signature is not of the key it names, or the document is of another version. Other key: the key of this lake did not sign it."
        ),
    ),
)


def build_method() -> Section:
    """Return what the words of the audit mean."""
    shown = (
        (PolicyPromotions, ("action", "is_override", "gates", "archived_version")),
        (Policies, ("status", "content_sha256", "approved_at")),
    )
    return Section("method", "What the words mean", "", (Definitions("", "", _TERMS), *build_meanings(shown)))
