"""Sections on decided outcomes: win rates of every kind, and how clear briefs arrive."""

from __future__ import annotations

from collections.abc import Callable

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import (
    Block,
    Paragraph,
    Picture,
    Section,
    build_empty,
    build_grid,
    build_intervals,
)
from kaizenlake.report.engine.columns import show_interval, show_text
from kaizenlake.report.engine.interval_chart import Mark, RowGroup, Scale, build_estimate, draw_interval_chart
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.engine.svg import Tone
from kaizenlake.report.kaizen.headlines import WIN_SECTIONS
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.report_labels import describe_dimension, describe_segment
from kaizenlake.tables import IntakeSegments, WinRates
from kaizenlake.vocabulary import OUTCOMES, plural, within


def build_win_rates(data: ReportData) -> Section:
    """Return the decided outcomes by kind, and which contents are good or excellent."""
    title = "Win rates"
    if not data.kinds:
        return build_empty(
            "win-rates", title, "Nothing has been decided yet.", "PERFORMANCE_RECORDED", "OUTREACH_SENT", "DEAL_WON"
        )
    overall = build_grid(
        "kinds-table",
        "Outcomes by kind",
        WinRates,
        Listing.whole(data.kinds),
        (
            show_text("Kind", _format_kind, "kind"),
            "wins",
            "decided",
            "pending",
            "age_days",
            "win_rate",
            show_interval(),
        ),
    )
    lead = " ".join(OUTCOMES[row.kind].rule.format(within=within(row.age_days)) for row in data.kinds)
    creative = _build_win_blocks(data, "creative")
    if creative:
        creative.insert(
            0,
            Paragraph(
                "Rates are over all platforms; lifts compare posts of one project, platform, type and reach. Posts with too few "
                "impressions are pending."
            ),
        )
    return Section("win-rates", title, lead, (overall, *creative))


def wins_of(identifier: str, title: str, missing: str, *events: str) -> Callable[[ReportData], Section]:
    """Make the section of win rates that `WIN_SECTIONS` shows under an identifier.

    Args:
        identifier: Section.
        missing: What to say where nothing was decided.
        events: Events that would fill it.
    """
    kinds = [kind for kind, section in WIN_SECTIONS.items() if section == identifier]

    def make(data: ReportData) -> Section:
        blocks = [block for kind in kinds for block in _build_win_blocks(data, kind)]
        if not blocks:
            return build_empty(identifier, title, missing, *events)
        lead = " ".join(_in_words(row) for row in data.kinds if row.kind in kinds)
        return Section(identifier, title, lead, tuple(blocks))

    return make


def _format_kind(row: TableRow) -> str:
    return say.sentence(OUTCOMES[row.kind].many)


def _format_dimension(row: TableRow) -> str:
    return say.sentence(describe_dimension(row.dimension))


def _format_value(row: TableRow) -> str:
    return say.clean(row.value, 48)


def _format_segment(row: TableRow) -> str:
    return describe_segment(row.industry, row.client_type)


def _in_words(row: TableRow) -> str:
    """Return how many of a kind were won at which age, and how many are pending."""
    noun = OUTCOMES[row.kind]
    waiting = f"{plural(row.pending, noun.one, noun.many)} {'is' if row.pending == 1 else 'are'} pending."
    if row.win_rate is None:
        return f"Not enough data yet: {waiting}"
    return (
        f"{say.percent(row.win_rate)} of {plural(row.decided, noun.one, noun.many)} {noun.won}{within(row.age_days)} "
        f"({say.between(say.percent(row.ci_low), say.percent(row.ci_high))})." + (f" {waiting}" if row.pending else "")
    )


def _build_win_blocks(data: ReportData, kind: str) -> list[Block]:
    listing, noun = data.win_rates[kind], OUTCOMES[kind]
    if not listing.total:
        return []
    overall = next((row.win_rate for row in data.kinds if row.kind == kind), None)
    names = list(dict.fromkeys(row.dimension for row in listing.rows))
    ordered = [row for name in names for row in sorted(listing.rows, key=_by_rate) if row.dimension == name]
    groups = [
        RowGroup.of(
            f"By {describe_dimension(name)}",
            (_build_win_mark(row, data.evidence.q_value) for row in ordered if row.dimension == name),
        )
        for name in names
    ]
    told = ". ".join(
        f"{group.heading}: " + "; ".join(f"{mark.label} {mark.shown}" for mark in group.marks) for group in groups
    )
    title = f"Share of {noun.many} that {noun.won}, with intervals"
    legend = (("good", "Above the others"), ("bad", "Below the others"), ("plain", "Not told apart"))
    return [
        Picture(draw_interval_chart(f"chart-{kind}", title, told + ".", groups, scale=Scale(overall), legend=legend)),
        build_grid(
            f"{kind}-table",
            f"{say.sentence(noun.many)} by dimension and value",
            WinRates,
            Listing(tuple(ordered), listing.total),
            (
                show_text("Value", _format_value, "kind", "dimension", "value"),
                show_text("Dimension", _format_dimension),
                *(
                    "wins",
                    "decided",
                    "pending",
                    "age_days",
                    "win_rate",
                    show_interval(),
                    "adjusted_rate",
                    "lift",
                    "q_value",
                ),
            ),
        ),
    ]


def build_clarity(data: ReportData) -> Section:
    """Return how clear briefs arrive, by segment."""
    title = "Clarity of briefs"
    if not data.clarity.total:
        return build_empty("clarity", title, "No brief has been scored.", "INTAKE_CLARITY_SCORED", "INTAKE_APPROVED")
    marks = [
        build_estimate(_format_segment(row), row.clear_rate, (row.ci_low, row.ci_high), say.percent)
        for row in data.clarity.rows
    ]
    table = build_grid(
        "clarity-table",
        "Briefs by segment, at their first score",
        IntakeSegments,
        data.clarity,
        (
            show_text("Segment", _format_segment, "industry", "client_type"),
            *("briefs", "mean_score", "clear_briefs", "clear_rate", show_interval(), "shrunk_rate"),
        ),
    )
    title_of = "Share of briefs that arrive clear, with intervals"
    picture = build_intervals("chart-clarity", title_of, [RowGroup.of("", marks)])
    return Section("clarity", title, "How clear briefs arrive, by industry and kind of client.", (picture, table))


def _by_rate(row: TableRow) -> tuple[float, str]:
    rate = -1.0 if row.adjusted_rate is None else row.adjusted_rate
    return (-rate, row.value)


def _build_win_mark(row: TableRow, most: float) -> Mark | None:
    proven = row.q_value is not None and row.q_value <= most and row.lift is not None
    tone: Tone = "plain" if not proven or row.lift is None else "good" if row.lift > 0 else "bad"
    return build_estimate(say.clean(row.value, 60), row.win_rate, (row.ci_low, row.ci_high), say.percent, tone)
