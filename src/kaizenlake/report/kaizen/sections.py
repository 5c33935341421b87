"""The report as a document: its head and its sections in their order."""

from __future__ import annotations

from collections.abc import Callable

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import ReportDocument, Section
from kaizenlake.report.kaizen.content_sections import build_labels, build_patterns, build_tiers
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.lake_sections import (
    build_changes,
    build_glossary,
    build_headlines,
    build_key_figures,
    build_method,
    build_quality,
    build_recommendations,
)
from kaizenlake.report.kaizen.learning_section import build_learning
from kaizenlake.report.kaizen.outcome_sections import build_clarity, build_win_rates, wins_of
from kaizenlake.report.kaizen.wording_section import build_wording


def build_document(data: ReportData, more: tuple[Section, ...] = ()) -> ReportDocument:
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
        figures=tuple(build_key_figures(data).values()),
        sections=(*(make(data) for make in SECTIONS), *more, *(make(data) for make in LAST)),
    ).with_foot(period)


SECTIONS: tuple[Callable[[ReportData], Section | None], ...] = (
    build_recommendations,
    build_headlines,
    build_changes,
    build_tiers,
    build_labels,
    build_patterns,
    build_wording,
    build_win_rates,
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
    build_learning,
    build_clarity,
)
"""Sections on what was learned, in the order of the report."""

LAST: tuple[Callable[[ReportData], Section | None], ...] = (build_quality, build_method, build_glossary)
"""Sections on what it rests on."""
