"""The report as a document: its head and its sections in their order."""

from __future__ import annotations

from collections.abc import Callable

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import ReportDocument, Section
from kaizenlake.report.kaizen.about import changes, glossary, headlines, key_figures, method, quality
from kaizenlake.report.kaizen.content import labels, patterns, tiers
from kaizenlake.report.kaizen.data import ReportData
from kaizenlake.report.kaizen.learning import learning
from kaizenlake.report.kaizen.outcomes import clarity, win_rates, wins_of


def document(data: ReportData, more: tuple[Section, ...] = ()) -> ReportDocument:
    """Lay the report out.

    Args:
        data: What `report_data.build` read.
        more: Sections of plug-ins, which come after ours on what was learned.
    """
    first, last = data.window or (None, None)
    period = f"Events from {say.instant(first)} to {say.instant(last)}." if data.window else "No event has arrived yet."
    window = period
    if data.previous is not None:
        window += f" Changes are since the report of {say.instant(data.previous.as_of)}."
    return ReportDocument.of(
        data.as_of,
        title="Kaizen report",
        subtitle="What was learned, how sure it is, and what it rests on",
        window=window,
        figures=key_figures(data),
        sections=(*(make(data) for make in SECTIONS), *more, *(make(data) for make in LAST)),
    ).with_foot(period)


SECTIONS: tuple[Callable[[ReportData], Section | None], ...] = (
    headlines,
    changes,
    tiers,
    labels,
    patterns,
    win_rates,
    wins_of(
        "outreach",
        "Outreach and deals",
        "No outreach and no deal has been decided.",
        "OUTREACH_SENT",
        "OUTREACH_REPLIED",
        "DEAL_WON",
        "LEAD_LOST",
    ),
    wins_of("packs", "Packs", "No pack has been decided.", "PACK_STARTED", "PACK_COMPLETED", "PACK_QUALITY_ASSESSED"),
    wins_of("runs", "Agent runs", "No agent run has been recorded.", "RUN_COMPLETED"),
    learning,
    clarity,
)
"""Sections on what was learned, in the order of the report."""

LAST: tuple[Callable[[ReportData], Section | None], ...] = (quality, method, glossary)
"""Sections on what it rests on."""
