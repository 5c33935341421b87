"""The readiness of one pack on paper: which sections pass, which rules the others break, and what to change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, KeyFigure, Paragraph, ReportDocument, Section, build_grid
from kaizenlake.report.engine.columns import show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.tables import PackFailures, PackReadiness, PackRuns, Scan, SectionReadiness
from kaizenlake.vocabulary import plural

MOST_RULES = 60
"""Most broken rules that are listed."""

_STATES = (
    ("sections_failed", "Fail"),
    ("sections_missing", "No real text was ever judged"),
    ("sections_only_stub", "Only ever a stub"),
    ("sections_without_text", "Generated without its text"),
    ("sections_without_benchmark", "Without a benchmark"),
    ("sections_with_warnings", "Pass, with a word on style"),
    ("sections_passed", "Pass"),
)


def build_readiness(scan: Scan, pack: str, *, as_of: datetime) -> ReportDocument | None:
    """Lay out the report on the readiness of a pack; None where none of its sections was generated.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        pack: Key of the pack, as its benchmark names it.
        as_of: Aware instant; the tables hold what happened before it.
    """
    rows = scan(PackReadiness).filter(pack_key=pack).collect()
    if rows.is_empty():
        return None
    state = rows.row(0, named=True)
    runs = scan(PackRuns).filter(pack_key=pack).collect()
    completed = runs.filter(status="completed").height
    verdict = "Ready" if state["is_ready"] else "Not ready"
    return ReportDocument.of(
        as_of,
        title=say.clean(f"Readiness of {say.name_words(pack)}"),
        subtitle="Whether the pack is fit to be sold, and what to change",
        window=f"The latest real text of each section; the last of them is of {say.instant(state['last_at'])}. Stubs are never judged.",
        figures=(
            KeyFigure("Pack", verdict, ""),
            KeyFigure(
                "Sections that pass",
                say.count(len(state["sections_passed"]) + len(state["sections_with_warnings"])),
                "",
            ),
            KeyFigure("Sections that fail", say.count(len(state["sections_failed"])), ""),
            KeyFigure("Sections missing", say.count(len(state["sections_missing"])), ""),
            KeyFigure("Productions", say.count(runs.height), f"{say.count(completed)} completed"),
        ),
        sections=(_build_sections(state), _build_rules(scan, pack), _build_failures(scan, pack)),
    )


def _build_sections(state: dict[str, Any]) -> Section:
    parts = [(label, state[name]) for name, label in _STATES if state[name]]
    blocks = tuple(
        Paragraph(f"{label} ({len(names)}): {', '.join(say.clean(say.name_words(name), 60) for name in names)}.")
        for label, names in parts
    )
    return Section("sections", "Sections", "", blocks)


def _build_rules(scan: Scan, pack: str) -> Section:
    latest = pl.col("event_id") == pl.col("event_id").sort_by("occurred_at", "event_id").last().over("section_id")
    broken = (
        scan(SectionReadiness)
        .filter(pl.col("pack_key") == pack, ~pl.col("is_stub"))
        .filter(latest)
        .filter(pl.col("verdict") != "PASS")
        .sort("verdict", "section_id", "rule", "about")
        .collect()
    )
    if broken.is_empty():
        return Section("rules", "What to change", "", (Paragraph("No rule is broken by the latest real texts."),))
    rows = tuple(TableRow(**row) for row in broken.head(MOST_RULES).iter_rows(named=True))
    table = build_grid(
        "rules-table",
        "Rules that sections break",
        SectionReadiness,
        Listing(rows, broken.height),
        (
            show_text("Section", lambda row: say.clean(say.name_words(row.section_id), 60), "section_id"),
            "rule",
            "verdict",
            "found",
            "wanted",
            "text_line",
            show_text("What to change", lambda row: say.clean(row.advice, 200), "advice"),
        ),
    )
    return Section(
        "rules", "What to change", f"{plural(broken.height, 'rule')} broken by the latest real texts.", (table,)
    )


def _build_failures(scan: Scan, pack: str) -> Section | None:
    found = scan(PackFailures).filter(pack_key=pack).collect()
    if found.is_empty():
        return None
    blocks: list[Block] = [
        Paragraph(f"{say.clean(str(row['reason']), 200).rstrip('.')}: {say.count(row['failures'])} times.")
        for row in found.sort("failures", "reason", descending=[True, False]).head(10).iter_rows(named=True)
    ]
    return Section("failures", "Why productions failed", "", tuple(blocks))
