"""Sections on the lake itself: headlines, what changed, data quality, and how the figures are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import (
    Block,
    Definitions,
    FindingBlock,
    Grid,
    Headlines,
    KeyFigure,
    MissingData,
    Paragraph,
    ReportColumn,
    Section,
    build_empty,
    build_grid,
    build_meanings,
    events_to_log,
    how_many_more,
)
from kaizenlake.report.engine.columns import Cell, show, show_text
from kaizenlake.report.engine.rows import CHART_ROWS, Figures, TableRow
from kaizenlake.report.kaizen.headlines import findings
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.report_labels import GLOSSARY, pattern_label
from kaizenlake.report.kaizen.uplift_words import describe_uplift
from kaizenlake.tables import (
    Contents,
    CreativeLabels,
    Findings,
    IntakeSegments,
    Landings,
    Patterns,
    Quarantine,
    SourceFreshness,
    Table,
    WinRates,
)
from kaizenlake.vocabulary import OUTCOMES, plural


def _count(value: float | None) -> str:
    """Return a number of things; those of a report before are read as floats."""
    return say.count(None if value is None else round(value))


_NUMBERS: dict[str, tuple[str, Callable[[Any], str], Callable[[Any], str]]] = {
    "events": ("Events", _count, _count),
    "projects": ("Projects", _count, _count),
    "contents": ("Posts measured", _count, _count),
    "good_or_better_rate": ("Posts good or excellent", say.percent, say.points),
    "winners": ("Winners", _count, _count),
    "losers": ("Losers", _count, _count),
    "patterns_that_work": ("Patterns that work", _count, _count),
    "patterns_at_risk": ("Risky patterns", _count, _count),
    **{
        f"{kind}_win_rate": (f"{say.sentence(noun.many)} won", say.percent, say.points)
        for kind, noun in OUTCOMES.items()
    },
    "sources": ("Sources", _count, _count),
    "stale_sources": ("Silent sources", _count, _count),
    "waiting_in_quarantine": ("Lines in quarantine", _count, _count),
}
"""Figures of the report by name: label, how the value is written, how its change is written."""

_KEYS = ("events", "contents", "good_or_better_rate", "patterns_that_work", "patterns_at_risk", "waiting_in_quarantine")


def build_key_figures(data: ReportData) -> dict[str, KeyFigure]:
    """Return figures at the head of the report by name, and how they moved since the report before."""
    now, before = data.figures.numbers, data.previous.numbers if data.previous else None
    made = {}
    for name in _KEYS:
        label, written, _ = _NUMBERS[name]
        change = "" if before is None else _format_change(name, before.get(name), now.get(name)) or "no change"
        made[name] = KeyFigure(label, written(now.get(name)), change)
    return made


def list_moved(data: ReportData) -> list[tuple[str, str, str, str, str]]:
    """Return the figures that moved since the report before: name, label, before, now and change."""
    before, now = data.previous.numbers if data.previous else {}, data.figures.numbers
    return [
        (name, label, written(before.get(name)), written(now.get(name)), change)
        for name, (label, written, _) in _NUMBERS.items()
        if (change := _format_change(name, before.get(name), now.get(name)))
    ]


def _format_change(name: str, before: float | None, now: float | None) -> str:
    """Return how a figure moved; empty where it did not, or where one of the two is not defined."""
    if before is None or now is None or before == now:
        return ""
    written = _NUMBERS[name][2]
    text = written(now - before)
    return text if text.startswith(("+", "−")) else f"+{text}"


def build_recommendations(data: ReportData) -> Section:
    """Return what to do, to stop and to test next, before what it rests on."""
    told = tuple(
        FindingBlock(item.action, item.sentence, item.table, item.basis, item.section) for item in data.recommendations
    )
    wanted = MissingData(
        "Nothing can be recommended yet: no test has a clear result, and no difference is likely enough to be tested.",
        events_to_log("PERFORMANCE_RECORDED", "OUTREACH_SENT", "RUN_COMPLETED"),
    )
    order = "What a test has shown comes first; what was only observed is to be tested." if told else ""
    lead = " ".join(filter(None, (describe_uplift(data.uplift), order)))
    return Section("recommendations", "What to do", lead, (Headlines(told),) if told else (wanted,))


def build_headlines(data: ReportData) -> Section:
    """Return what is known most surely, in sentences."""
    found = tuple(findings(data))
    lead = (
        "The strongest findings first: tested in experiments, then observed, then counted."
        if found
        else "Nothing can be said yet with the evidence that the settings ask for."
    )
    wanted = MissingData(
        f"A pattern is judged from {plural(data.evidence.contents, 'post')} on, a win rate from "
        f"{plural(data.evidence.decided, 'decided outcome')} on.",
        events_to_log("PERFORMANCE_RECORDED", "OUTREACH_SENT", "PACK_COMPLETED", "RUN_COMPLETED"),
    )
    return Section("findings", "Headline findings", lead, (Headlines(found),) if found else (wanted,))


def build_changes(data: ReportData) -> Section:
    """Return what the run read and wrote, which figures moved and which verdicts turned."""
    facts, before, blocks = data.facts, data.previous, list[Block]()
    read = (
        f"This run read {plural(facts.lines_in, 'line')}: {say.count(facts.landed)} landed, "
        f"{say.count(facts.duplicate)} {'was' if facts.duplicate == 1 else 'were'} known already, "
        f"{say.count(facts.quarantined)} went to quarantine{_by_rule(facts.by_rule)}."
        if facts.lines_in
        else "This run read no new line."
    )
    if before is None:
        blocks.append(Paragraph("This is the first report of this lake; the next one says what changed since."))
    else:
        moved = [row[1:] for row in list_moved(data)]
        turned = [
            (pattern_label(kind, pattern), evidence, old, new)
            for kind, pattern, evidence, old, new in list_turned(before, data.figures)
        ]
        if moved:
            blocks.append(
                Grid(
                    "changed-figures",
                    f"Figures that moved since {say.instant(before.as_of)}",
                    "this report and the one before",
                    (
                        ReportColumn("Figure", "text"),
                        ReportColumn("Before"),
                        ReportColumn("Now"),
                        ReportColumn("Change"),
                    ),
                    tuple(tuple(Cell(text) for text in row) for row in moved),
                )
            )
        if turned:
            blocks.append(
                Grid(
                    "changed-verdicts",
                    "Patterns whose verdict turned",
                    tables.full_name(Patterns),
                    (
                        ReportColumn("Pattern", "text"),
                        ReportColumn("Evidence", "text"),
                        *(ReportColumn(n, "verdict") for n in ("Before", "Now")),
                    ),
                    tuple(tuple(Cell(text) for text in row) for row in turned[:CHART_ROWS]),
                    how_many_more(len(turned[:CHART_ROWS]), len(turned)),
                )
            )
        if not moved and not turned:
            blocks.append(Paragraph(f"No figure moved since the report of {say.instant(before.as_of)}."))
    written = [
        (name, old, new) for name, (old, new) in sorted(facts.versions.items()) if new is not None and old != new
    ]
    again = [(name, old, new) for name, old, new in written if old is not None]
    if len(written) > len(again):
        blocks.append(Paragraph(f"{plural(len(written) - len(again), 'table')} written for the first time."))
    if again:
        shown = again[:CHART_ROWS]
        blocks.append(
            Grid(
                "changed-tables",
                "Tables written again since the run before",
                "the lake's own versions",
                (ReportColumn("Table", "text"), ReportColumn("Version before"), ReportColumn("Version now")),
                tuple((Cell(name), Cell(say.count(old)), Cell(say.count(new))) for name, old, new in shown),
                how_many_more(len(shown), len(again)),
            )
        )
    return Section("changes", "What changed", read, tuple(blocks))


def _by_rule(by_rule: tuple[tuple[str, int], ...]) -> str:
    ordered = sorted(by_rule, key=lambda item: (-item[1], item[0]))[:_RULES]
    return f" ({', '.join(f'{say.clean(rule, 60)} {say.count(lines)}' for rule, lines in ordered)})" if ordered else ""


_RULES = 5
"""Most rules that are named in the sentence on a run; the section on data quality has all that wait."""


def list_turned(before: Figures | None, now: Figures) -> list[tuple[str, str, str, str, str]]:
    """Return patterns whose verdict turned since the report before: type, pattern, evidence, verdict before and now."""
    turned = []
    former = before.verdicts if before is not None else now.verdicts
    for name in sorted({*former, *now.verdicts}):
        old, new = former.get(name, "unclear"), now.verdicts.get(name, "unclear")
        if old != new and name.count("|") >= 2:
            evidence, pattern_type, pattern = name.split("|", 2)
            turned.append((pattern_type, pattern, evidence, old, new))
    return turned


def build_quality(data: ReportData) -> Section:
    """Return where every line went, what waits in quarantine and how fresh the sources are."""
    found, blocks = data.quality, list[Block]()
    title = "Data quality"
    if not (found.files or data.sources.total or data.contradictions.total):
        return build_empty("quality", title, "Nothing has been landed.", "PERFORMANCE_RECORDED")
    lines = Cell(say.count(found.lines_in), "lines_in", str(found.lines_in))
    shares = [
        (
            label,
            Cell(say.count(value), name, str(value)),
            Cell(say.percent(value / found.lines_in if found.lines_in else None)),
        )
        for label, name, value in (
            ("Landed as events", "landed", found.landed),
            ("Known already", "duplicate", found.duplicate),
            ("Quarantined", "quarantined", found.quarantined),
        )
    ]
    blocks.append(
        Grid(
            "landing-table",
            f"Where the lines of {plural(found.files, 'file')} went",
            tables.full_name(Landings),
            (ReportColumn("Lines", "text"), ReportColumn("Count"), ReportColumn("Share")),
            (
                *((Cell(label), number, share) for label, number, share in shares),
                (Cell("Read in all"), lines, Cell("")),
            ),
        )
    )
    if found.waiting_by_rule:
        rules = found.waiting_by_rule
        blocks.append(
            Grid(
                "rules-table",
                "Lines waiting in quarantine, by the rule they broke",
                tables.full_name(Quarantine),
                (ReportColumn("Rule", "text"), ReportColumn("Lines")),
                tuple(
                    (Cell(say.clean(rule, 60)), Cell(say.count(n), "lines", str(n))) for rule, n in rules[:CHART_ROWS]
                ),
                how_many_more(len(rules[:CHART_ROWS]), len(rules)),
            )
        )
    if data.sources.total:
        blocks.append(
            build_grid(
                "sources-table",
                "Freshness by source",
                SourceFreshness,
                data.sources,
                (
                    "source",
                    show_text("State", _format_freshness, "stale", format="verdict"),
                    "events",
                    "last_at",
                    "silent_hours",
                ),
            )
        )
    if data.contradictions.total:
        blocks.append(
            build_grid(
                "contradictions-table",
                "Records that contradict earlier ones, and what to do",
                Findings,
                data.contradictions,
                (show("subject", "Posts"), "raised_on", show("sentence", "What is wrong"), "remedy"),
            )
        )
    blocks += [
        build_grid(name, title_of, Findings, rows, (show("subject", "Source"), *more, show("sentence", said), "remedy"))
        for name, title_of, rows, more, said in (
            (
                "unusual-table",
                "Sources that send otherwise than they used to, and what to do",
                data.unusual,
                ("raised_on",),
                "What is unusual",
            ),
            ("missing-table", "What stays empty, and what to do", data.missing, (), "What is missing"),
        )
        if rows.total
    ]
    waiting = f"{plural(found.waiting, 'line')} wait{'s' if found.waiting == 1 else ''} in quarantine"
    lead = f"{waiting}. Every line read is landed, known already or quarantined; the three add up to the lines read."
    return Section("quality", title, lead, tuple(blocks))


_SHOWN: tuple[tuple[type[Table], tuple[str, ...]], ...] = (
    (Contents, ("engagement_rate", "click_rate", "tier", "trials")),
    (CreativeLabels, ("label", "source", "engagement_rate", "shrunk_rate", "rank_in_group", "group_size")),
    (Patterns, ("evidence", "contents", "experiments", "rate_with", "rate_without", "lift", "q_value", "verdict")),
    (WinRates, ("age_days", "wins", "decided", "pending", "win_rate", "ci_low", "adjusted_rate", "lift", "q_value")),
    (IntakeSegments, ("briefs", "mean_score", "clear_briefs", "clear_rate", "shrunk_rate")),
    (SourceFreshness, ("last_at", "silent_hours", "stale")),
    (Landings, ("lines_in", "landed", "duplicate", "quarantined")),
)
"""Columns that the report shows; their meanings come from the tables' declarations."""


def _format_freshness(row: TableRow) -> str:
    return "silent" if row.stale else "fresh"


def build_method(data: ReportData) -> Section:
    """Return what each figure means, out of the declarations of the tables."""
    lead = (
        f"Every figure is read from a table of the lake as of {say.instant(data.as_of)}; `kaizen show TABLE` prints it. "
        f"Events from then on change nothing here. Intervals hold with {data.evidence.confidence * 100:.10g}% confidence."
    ).replace("`", "")
    return Section("method", "How the figures are computed", lead, build_meanings(_SHOWN))


def build_glossary(data: ReportData) -> Section:  # noqa: ARG001 - every section is made of the data
    """Return terms a client may not know."""
    return Section("glossary", "Glossary", "", (Definitions("", "", GLOSSARY),))
