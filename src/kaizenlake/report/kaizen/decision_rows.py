"""Decisions on policies, as the audit and the reports of canaries list them: who took each, and what its gates found."""

from __future__ import annotations

import msgspec
import polars as pl

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Grid, build_grid
from kaizenlake.report.engine.columns import show_text
from kaizenlake.report.engine.rows import Listing, TableRow, listing
from kaizenlake.tables import PolicyPromotions, Scan


class GateResult(msgspec.Struct, frozen=True):
    """A gate of a decision: whether it let the policy pass, and the figures it found."""

    gate: str
    passed: bool = False
    found: str = ""


class _Gates(msgspec.Struct, frozen=True):
    gates: tuple[GateResult, ...] = ()


def decisions(scan: Scan, which: pl.Expr, *, rows: int) -> Listing[TableRow]:
    """Return the latest decisions of those that `which` names, in the order they were taken."""
    by = {"occurred_at": True, "event_id": True}
    found = listing(scan(PolicyPromotions).filter(which), by=by, rows=rows)
    return Listing(found.rows[::-1], found.total)


def gates(text: str | None) -> tuple[GateResult, ...]:
    """Return gates of a decision out of their JSON; none where it says something else."""
    try:
        return msgspec.json.decode(text or "{}", type=_Gates).gates
    except msgspec.MsgspecError:
        return ()


def build_decisions_table(identifier: str, caption: str, rows: Listing[TableRow]) -> Grid:
    """Return a table of decisions.

    Args:
        identifier: Unique in the report.
        caption: What one row is.
        rows: The decisions.
    """
    return build_grid(
        identifier,
        caption,
        PolicyPromotions,
        rows,
        (
            show_text("When", _when, "event_id", "occurred_at"),
            "policy_version",
            show_text("Decision", _format_decision, "action", "is_override", format="verdict"),
            show_text("Status", _describe_move, "from_status", "to_status"),
            "decided_by",
            show_text("Reason, or what the gates found", _why, "reason"),
        ),
    )


def _when(row: TableRow) -> str:
    return say.instant(row.occurred_at)


def _format_decision(row: TableRow) -> str:
    """Return what was decided, in a word; a skipped gate goes before all else."""
    return "override" if row.is_override else str(row.action).replace("_", " ")


def _describe_move(row: TableRow) -> str:
    if row.action == "refused":
        return f"{row.from_status}, not {row.to_status}"
    names = [name for name in (row.from_status, row.to_status) if name is not None]
    also = [f"{version} archived" for version in [row.archived_version] if version]
    also += [f"{version} active again" for version in [row.restored_version] if version]
    moved = " → ".join(names) or say.NOTHING
    return moved + "".join(f"; {say.clean(text, 50)}" for text in also)


def _why(row: TableRow) -> str:
    """Return the reason, and the gates that did not let it pass, or those that did where no reason was given."""
    told = gates(row.gates)
    failed = [gate for gate in told if not gate.passed]
    shown = failed or ([] if row.reason else list(told))
    found = [
        f"{say.name_words(gate.gate)} gate {'passed' if gate.passed else 'not passed'}: {gate.found}" for gate in shown
    ]
    reason = [f"“{say.clean(row.reason, 200)}”"] if row.reason else []
    return say.clean(" ".join([*reason, *(say.sentence(text) for text in found)]), 420) or say.NOTHING
