"""Headline findings: which of the findings of the tables a report tells first. Their sentences are those of the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Basis, FindingBlock
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.report_labels import waiting_lines
from kaizenlake.tables import (
    Contents,
    CreativeLabels,
    DailyPerformance,
    FieldCounts,
    IntakeSegments,
    Patterns,
    Quarantine,
    SourceChecks,
    SourceFreshness,
    Table,
    WinRates,
    full_name,
)

HEADLINES = 7
"""Most findings of a report, warnings aside."""

PER_KIND = 2
"""Most findings of one kind, so that one large table does not crowd out the rest."""


@dataclass(frozen=True)
class FindingKind:
    """A kind of finding.

    Args:
        name: Its name, as `gold.findings` has it.
        table: Table it rests on.
        basis: What it rests on: an experiment, a comparison of what was observed, a plain count, or a warning.
        section: Section of the report that shows it.
        most: Most findings of it.
    """

    name: str
    table: type[Table]
    basis: Basis
    section: str
    most: int = PER_KIND


def findings(data: ReportData, limit: int = HEADLINES) -> list[FindingBlock]:
    """Return the strongest findings in the order of their evidence, then all warnings.

    Each kind gives its strongest finding before any gives its second, so the list is broad before it is deep.

    Args:
        data: Data of the report.
        limit: Most findings, warnings aside.
    """
    ranked: list[tuple[int, int, FindingBlock]] = []
    for order, kind in enumerate(FINDING_KINDS):
        of_kind = (row for row in (*data.headlines, *_gather_waiting(data)) if row.kind == kind.name)
        ranked += [
            (
                place,
                order,
                FindingBlock(
                    kind.name, say.clean(row.sentence, LONGEST), full_name(kind.table), kind.basis, kind.section
                ),
            )
            for place, row in enumerate(_gather_strongest(of_kind)[: kind.most])
        ]
    ordered = [finding for _, _, finding in sorted(ranked, key=lambda item: item[:2])]
    headlines = [finding for finding in ordered if finding.basis != "warning"][:limit]
    headlines.sort(key=lambda finding: _BASES.index(finding.basis))
    return headlines + [finding for finding in ordered if finding.basis == "warning"]


LONGEST = 400
"""Most characters of a sentence; what is longest in one, a text of an event, stands at its end."""


def _gather_strongest(rows: Iterable[TableRow]) -> list[TableRow]:
    """Return the strongest finding, and beside it rather one that speaks the other way than one more of the same."""
    ordered = sorted(rows, key=lambda row: (-(row.strength or 0.0), row.sentence))
    if not ordered:
        return []
    first = ordered[0]
    apart = (row for row in ordered[1:] if first.topic is None or row.topic != first.topic)
    return [first, *sorted(apart, key=lambda row: row.verdict == first.verdict)]


def _gather_waiting(data: ReportData) -> list[TableRow]:
    """Return what waits in quarantine, as it is now: lines of no tenant, which people correct between two nights."""
    sentence = waiting_lines(data.quality.waiting, data.quality.waiting_by_rule)
    strength = float(data.quality.waiting)
    found = TableRow(kind="quarantine", sentence=sentence, verdict="waiting", strength=strength, topic=None)
    return [found] if sentence else []


WIN_SECTIONS = {"deal": "outreach", "outreach": "outreach", "pack": "packs", "run": "runs", "creative": "win-rates"}
"""Section that shows the win rates of each kind of outcome."""

_BASES: tuple[Basis, ...] = ("experiment", "observation", "count", "warning")

FINDING_KINDS: tuple[FindingKind, ...] = (
    FindingKind("tested_pattern", Patterns, "experiment", "patterns"),
    *(
        FindingKind(f"{kind}_win_rate", WinRates, "observation", section)
        for kind, section in WIN_SECTIONS.items()
        # Rates of posts are compared within a platform, by their patterns.
        if kind != "creative"
    ),
    FindingKind("observed_pattern", Patterns, "observation", "patterns"),
    FindingKind("tiers", Contents, "count", "tiers"),
    FindingKind("brief_clarity", IntakeSegments, "count", "clarity"),
    FindingKind("best_content", CreativeLabels, "count", "labels"),
    FindingKind("quarantine", Quarantine, "warning", "quality"),
    FindingKind("shrinking_counts", DailyPerformance, "warning", "quality"),
    FindingKind("unusual_source", SourceChecks, "warning", "quality"),
    FindingKind("missing_data", FieldCounts, "warning", "quality"),
    # The sentence on the one that is silent longest says how many others are.
    FindingKind("silent_source", SourceFreshness, "warning", "quality", most=1),
)
"""Kinds of findings that a report begins with, strongest evidence first."""
