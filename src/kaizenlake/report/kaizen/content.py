"""Sections on content: how it performs, who wins and loses, and what works."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, Cell, Kind, Picture, Section, empty, grid, interval, intervals, raw
from kaizenlake.report.engine.interval_chart import Bar, Group, Mark, estimate, share_chart
from kaizenlake.report.engine.rows import LabelRow, PatternRow
from kaizenlake.report.engine.svg import Tone
from kaizenlake.report.kaizen.data import ReportData
from kaizenlake.report.kaizen.labels import pattern_label
from kaizenlake.tables import AvoidedPhrases, Contents, CreativeLabels, Patterns
from kaizenlake.tables.content import TIERS
from kaizenlake.vocabulary import plural


def tiers(data: ReportData) -> Section:
    """How many contents of each platform and type reach which tier."""
    title, edges = "How content performs", data.tier_edges
    rows = data.tiers.rows
    if not rows:
        return empty("tiers", title, "No content has been measured.", "PERFORMANCE_RECORDED")
    rule = (
        f"By engagement rate: excellent from {say.percent(edges.excellent)}, good from {say.percent(edges.good)}, "
        f"average from {say.percent(edges.average)}, else poor. Each content counts once on each platform, at its latest day; "
        f"those with fewer than {say.count(data.impressions)} impressions or people reached are not rated."
    )
    charted = [row for row in rows if row.rated]
    blocks: list[Block] = []
    if charted:
        told = "; ".join(
            f"{_tier_name(row.platform, row.content_type)}: {say.percent(row.good_or_better_rate)} of "
            f"{say.count(row.rated)} good or excellent"
            for row in charted
        )
        bars = [
            Bar(
                _tier_name(row.platform, row.content_type),
                tuple((f"tier-{tier}", getattr(row, tier) / row.rated) for tier in TIERS),
                f"{say.percent(row.good_or_better_rate)} of {say.count(row.rated)}",
            )
            for row in charted
        ]
        legend = tuple((f"tier-{tier}", say.sentence(tier)) for tier in TIERS)
        blocks.append(
            Picture(
                share_chart(
                    "chart-tiers",
                    "Share of contents by tier, with the share good or excellent",
                    told + ".",
                    bars,
                    legend,
                )
            )
        )
    blocks.append(
        grid(
            "tiers-table",
            "Contents by platform, type and tier",
            Contents,
            data.tiers,
            (
                (
                    "Platform and type",
                    "text",
                    lambda r: raw(_tier_name(r.platform, r.content_type), r, "platform", "content_type"),
                ),
                ("Contents", "number", lambda r: raw(say.count(r.contents), r, "contents")),
                ("Rated", "number", lambda r: raw(say.count(r.rated), r, "rated")),
                *(
                    (say.sentence(tier), "number", lambda r, tier=tier: raw(say.count(getattr(r, tier)), r, tier))
                    for tier in TIERS
                ),
                (
                    "Good or better",
                    "number",
                    lambda r: raw(say.percent(r.good_or_better_rate), r, "good_or_better_rate"),
                ),
                ("Interval", "number", lambda r: interval(r, say.percent)),
                (
                    "Median rate",
                    "number",
                    lambda r: raw(say.percent(r.median_engagement_rate), r, "median_engagement_rate"),
                ),
            ),
        )
    )
    return Section("tiers", title, rule, tuple(blocks))


def labels(data: ReportData) -> Section:
    """Winners and losers, and what people asked to avoid."""
    title = "Winners and losers"
    if not data.winners.total + data.losers.total:
        return empty(
            "labels",
            title,
            "Nobody is marked: no group is large enough, and no person has marked a content.",
            "PERFORMANCE_RECORDED",
            "CREATIVE_MARKED_WINNER",
            "CREATIVE_MARKED_LOSER",
        )
    parts: tuple[tuple[str, Kind, Callable[[LabelRow], Cell]], ...] = (
        ("Content", "text", lambda r: raw(say.clean(r.name, 90), r, "content_id", "platform", "project_id")),
        ("Platform and type", "text", lambda r: Cell(_tier_name(r.platform or "any platform", r.content_type))),
        ("Marked", "text", lambda r: raw(_marked(r), r, "source", "reason")),
        ("Engagement rate", "number", lambda r: raw(say.percent(r.engagement_rate), r, "engagement_rate")),
        ("Shrunk rate", "number", lambda r: raw(say.percent(r.shrunk_rate), r, "shrunk_rate")),
        (
            "Place in group",
            "number",
            lambda r: raw(_place(r.rank_in_group, r.group_size), r, "rank_in_group", "group_size"),
        ),
    )
    blocks: list[Block] = [
        grid(f"{name}-table", caption, CreativeLabels, listing, parts)
        for name, caption, listing in (
            ("winners", "Winners: marks of people, then the best of each group", data.winners),
            ("losers", "Losers: marks of people, then the weakest of each group", data.losers),
        )
        if listing.total
    ]
    if data.avoided.total:
        blocks.append(
            grid(
                "avoided-table",
                "What people asked to avoid",
                AvoidedPhrases,
                data.avoided,
                (
                    ("Phrase or pattern", "text", lambda r: raw(say.clean(r.phrase, 60), r, "phrase")),
                    ("Marks", "number", lambda r: raw(say.count(r.marks), r, "marks")),
                    ("Contents", "number", lambda r: raw(say.count(r.contents), r, "contents")),
                    ("Latest reason", "text", lambda r: raw(say.clean(r.last_reason, 90), r, "last_reason")),
                ),
            )
        )
    lead = "Ranked by shrunk engagement rate within project, platform and content type; a person's mark overrides the rank."
    return Section("labels", title, lead, tuple(blocks))


def patterns(data: ReportData) -> Section:
    """Effects of patterns: those tested in experiments first, then those only observed."""
    title = "What works in content"
    listings = [("Tested in experiments", data.experiments), ("Observed, not tested", data.observations)]
    if not any(listing.total for _, listing in listings):
        return empty(
            "patterns",
            title,
            "No pattern can be compared yet: contents need a text or attributes.",
            "PERFORMANCE_RECORDED",
        )
    blocks: list[Block] = []
    for name, strata, (heading, listing) in zip(
        ("experiments", "observations"), ("Experiments", "Groups"), listings, strict=True
    ):
        if not listing.total:
            continue
        group = Group.of("", map(_pattern_mark, _by_lift(listing.rows)))
        if group.marks:
            blocks.append(_forest(f"chart-{name}", heading, group))
        blocks.append(
            grid(
                f"{name}-table",
                f"{heading}: patterns and their effects",
                Patterns,
                listing,
                (
                    (
                        "Pattern",
                        "text",
                        lambda r: raw(pattern_label(r.pattern_type, r.pattern), r, "pattern_type", "pattern"),
                    ),
                    ("Verdict", "verdict", lambda r: raw(r.verdict, r, "verdict")),
                    ("Contents", "number", lambda r: raw(say.count(r.contents), r, "contents")),
                    (strata, "number", lambda r: raw(say.count(r.experiments), r, "experiments")),
                    ("Rate with", "number", lambda r: raw(say.small_percent(r.rate_with), r, "rate_with")),
                    ("Rate without", "number", lambda r: raw(say.small_percent(r.rate_without), r, "rate_without")),
                    ("Lift", "number", lambda r: raw(say.lift(r.lift), r, "lift")),
                    ("Interval", "number", lambda r: interval(r, say.lift, "lift_ci_low", "lift_ci_high")),
                    ("q", "number", lambda r: raw(say.p_value(r.q_value), r, "q_value")),
                ),
            )
        )
    left_out = max((row.left_out for row in data.experiments.rows), default=0)
    lead = (
        "Experiments compare arms of one test; observations compare contents as they happened to be made, and something "
        "else may explain what they show."
    )
    if left_out:
        lead += f" Up to {plural(left_out, 'experiment')} of a pattern left out: the arms failed the sample-ratio test."
    return Section("patterns", title, lead, tuple(blocks))


def _forest(identifier: str, heading: str, group: Group) -> Picture:
    title = f"{heading}: relative difference of contents with a pattern from those without, with intervals"
    legend = (("good", "Works"), ("bad", "Risky"), ("plain", "Unclear"))
    return intervals(identifier, title, [group], reference=0.0, signed=True, legend=legend)


def _tier_name(platform: str, content_type: str | None) -> str:
    kind = ", no type given" if content_type is None else f", {say.clean(content_type, 40)}"
    return say.clean(platform, 40) + kind


def _marked(row: LabelRow) -> str:
    return f"By a person: {say.clean(row.reason, 90)}" if row.source == "manual" else "By rank"


def _place(rank: int | None, size: int | None) -> str:
    return say.NOTHING if rank is None else f"{say.count(rank)} of {say.count(size)}"


def _by_lift(rows: Iterable[PatternRow]) -> list[PatternRow]:
    return sorted(rows, key=lambda row: (-(row.lift or 0.0), row.pattern_type, row.pattern))


_TONES: dict[str, Tone] = {"works": "good", "risky": "bad", "unclear": "plain"}


def _pattern_mark(row: PatternRow) -> Mark | None:
    label, hollow = pattern_label(row.pattern_type, row.pattern), row.evidence == "observation"
    return estimate(label, row.lift, row.lift_ci_low, row.lift_ci_high, say.lift, _TONES[row.verdict], hollow=hollow)
