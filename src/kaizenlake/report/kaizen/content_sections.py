"""Sections on content: how it performs, who wins and loses, and what works."""

from __future__ import annotations

from collections.abc import Iterable

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, Picture, Section, build_empty, build_grid, build_intervals
from kaizenlake.report.engine.columns import show, show_interval, show_text
from kaizenlake.report.engine.interval_chart import Bar, Mark, RowGroup, Scale, build_estimate, draw_share_chart
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.engine.svg import Tone
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.report_labels import pattern_label
from kaizenlake.tables import AvoidedPhrases, Contents, CreativeLabels, Patterns
from kaizenlake.tables.content import TIERS
from kaizenlake.vocabulary import plural


def build_tiers(data: ReportData) -> Section:
    """Return how many contents of each platform and type reach which tier."""
    title, edges = "How content performs", data.tier_edges
    rows = data.tiers.rows
    if not rows:
        return build_empty("tiers", title, "No post has been measured.", "PERFORMANCE_RECORDED")
    rule = (
        f"By engagement rate: excellent from {say.percent(edges.excellent)}, good from {say.percent(edges.good)}, "
        f"average from {say.percent(edges.average)}, else poor. Each post counts once on each platform, at its latest day. "
        f"Posts with fewer than {say.count(data.impressions)} impressions or people reached are not rated."
    )
    charted = [row for row in rows if row.rated]
    blocks: list[Block] = []
    if charted:
        told = "; ".join(
            f"{_format_tier_name(row.platform, row.content_type)}: {say.percent(row.good_or_better_rate)} of "
            f"{say.count(row.rated)} good or excellent"
            for row in charted
        )
        bars = [
            Bar(
                _format_tier_name(row.platform, row.content_type),
                tuple((f"tier-{tier}", getattr(row, tier) / row.rated) for tier in TIERS),
                f"{say.percent(row.good_or_better_rate)} of {say.count(row.rated)}",
            )
            for row in charted
        ]
        legend = tuple((f"tier-{tier}", say.sentence(tier)) for tier in TIERS)
        blocks.append(
            Picture(
                draw_share_chart(
                    "chart-tiers",
                    "Share of posts by tier, with the share good or excellent",
                    told + ".",
                    bars,
                    legend,
                )
            )
        )
    blocks.append(
        build_grid(
            "tiers-table",
            "Posts by platform, type and tier",
            Contents,
            data.tiers,
            (
                show_text("Platform and type", _place_name, "platform", "content_type"),
                show("contents", "Posts", "count"),
                *(show(name, format="count") for name in ("rated", *TIERS)),
                show("good_or_better_rate", "Good or better", "rate"),
                show_interval(format="rate"),
                show("median_engagement_rate", "Median rate", "rate"),
            ),
        )
    )
    return Section("tiers", title, rule, tuple(blocks))


def build_labels(data: ReportData) -> Section:
    """Return winners and losers, and what people asked to avoid."""
    title = "Winners and losers"
    if not data.winners.total + data.losers.total:
        return build_empty(
            "labels",
            title,
            "Not enough data yet: no group is large enough to rank, and nobody has marked a post.",
            "PERFORMANCE_RECORDED",
            "CREATIVE_MARKED_WINNER",
            "CREATIVE_MARKED_LOSER",
        )
    parts = (
        show_text("Post", _name, "content_id", "platform", "project_id"),
        show_text("Platform and type", _place_name),
        show_text("Marked", _mark_text, "source", "reason"),
        "engagement_rate",
        "shrunk_rate",
        show_text("Place in group", _place, "rank_in_group", "group_size", format="count"),
    )
    blocks: list[Block] = [
        build_grid(f"{name}-table", caption, CreativeLabels, listing, parts)
        for name, caption, listing in (
            ("winners", "Winners: marks of people, then the best of each group", data.winners),
            ("losers", "Losers: marks of people, then the weakest of each group", data.losers),
        )
        if listing.total
    ]
    if data.avoided.total:
        blocks.append(
            build_grid(
                "avoided-table",
                "What people asked to avoid",
                AvoidedPhrases,
                data.avoided,
                ("phrase", "marks", "contents", "last_reason"),
            )
        )
    lead = "Ranked by shrunk engagement rate within project, platform and content type. A person's mark overrides the rank."
    return Section("labels", title, lead, tuple(blocks))


def build_patterns(data: ReportData) -> Section:
    """Return effects of patterns: those tested in experiments first, then those only observed."""
    title = "What works in content"
    listings = [("Tested in experiments", data.experiments), ("Observed, not tested", data.observations)]
    if not any(listing.total for _, listing in listings):
        return build_empty(
            "patterns",
            title,
            "Not enough data yet: posts need a text or attributes to be compared.",
            "PERFORMANCE_RECORDED",
        )
    blocks: list[Block] = []
    for name, strata, (heading, listing) in zip(
        ("experiments", "observations"), ("Experiments", "Groups"), listings, strict=True
    ):
        if not listing.total:
            continue
        group = RowGroup.of("", map(_build_pattern_mark, _by_lift(listing.rows)))
        if group.marks:
            blocks.append(_build_forest(f"chart-{name}", heading, group))
        blocks.append(
            build_grid(
                f"{name}-table",
                f"{heading}: patterns and their effects",
                Patterns,
                listing,
                (
                    show_text("Pattern", _format_pattern, "pattern_type", "pattern"),
                    *("verdict", "contents", show("experiments", strata), "rate_with", "rate_without", "lift"),
                    show_interval("lift_ci_low", "lift_ci_high"),
                    "q_value",
                ),
            )
        )
    left_out = max((row.left_out for row in data.experiments.rows), default=0)
    lead = (
        "Experiments compare arms of one test. Observations compare posts as they happened to be made. Something else may "
        "explain what observations show."
    )
    if left_out:
        lead += f" Up to {plural(left_out, 'experiment')} of a pattern left out: the arms failed the sample-ratio test."
    return Section("patterns", title, lead, tuple(blocks))


def _build_forest(identifier: str, heading: str, group: RowGroup) -> Picture:
    title = f"{heading}: relative difference of posts with a pattern from those without, with intervals"
    legend = (("good", "Works"), ("bad", "Risky"), ("plain", "Unclear"))
    return build_intervals(identifier, title, [group], scale=Scale(0.0, signed=True), legend=legend)


def _format_tier_name(platform: str, content_type: str | None) -> str:
    kind = ", no type given" if content_type is None else f", {say.clean(content_type, 40)}"
    return say.clean(platform, 40) + kind


def _place_name(row: TableRow) -> str:
    return _format_tier_name(row.platform or "any platform", row.content_type)


def _name(row: TableRow) -> str:
    """Return what people know the post by: its text, else the name that the application gives it."""
    return say.clean(row.text or row.content_id, 90)


def _format_pattern(row: TableRow) -> str:
    return pattern_label(row.pattern_type, row.pattern)


def _mark_text(row: TableRow) -> str:
    return f"By a person: {say.clean(row.reason, 90)}" if row.source == "manual" else "By rank"


def _place(row: TableRow) -> str:
    return (
        say.NOTHING if row.rank_in_group is None else f"{say.count(row.rank_in_group)} of {say.count(row.group_size)}"
    )


def _by_lift(rows: Iterable[TableRow]) -> list[TableRow]:
    return sorted(rows, key=lambda row: (-(row.lift or 0.0), row.pattern_type, row.pattern))


_TONES: dict[str, Tone] = {"works": "good", "risky": "bad", "unclear": "plain"}


def _build_pattern_mark(row: TableRow) -> Mark | None:
    label, hollow = _format_pattern(row), row.evidence == "observation"
    return build_estimate(
        label, row.lift, (row.lift_ci_low, row.lift_ci_high), say.lift, _TONES[row.verdict], hollow=hollow
    )
