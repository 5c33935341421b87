"""Literal frames of the gold tables as a year of a small agency might fill them; every figure is drawn here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import polars as pl

from kaizenlake import tables
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.stats import wilson
from kaizenlake.tables import (
    AvoidedPhrases,
    Contents,
    CreativeLabels,
    EventCounts,
    FieldCounts,
    Findings,
    IntakeSegments,
    Landings,
    Patterns,
    Projects,
    Quarantine,
    SourceFreshness,
    WinRates,
)

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def frame(table, rows, **shared):
    """A frame of the table out of partial rows; what they leave out is null."""
    schema = tables.schema(table)
    whole = [{name: {**shared, **row}.get(name) for name in schema} for row in rows]
    return pl.DataFrame(whole, schema=schema)


def _contents():
    rows = []
    shares = {"photo": (30, 120, 200, 76), "status": (18, 17, 8, 2), "video": (1, 3, 3, 0), "link": (0, 3, 12, 7)}
    middles = {"excellent": 0.14, "good": 0.07, "average": 0.03, "poor": 0.01}
    for kind, numbers in shares.items():
        for tier, number in zip(("excellent", "good", "average", "poor"), numbers, strict=True):
            for index in range(number):
                rate = middles[tier] + index * 0.00004
                rows.append({"content_type": kind, "tier": tier, "engagement_rate": rate, "trials": 1000 + index})
    rows += [{"content_type": None, "tier": None, "engagement_rate": None, "trials": None}] * 5
    rows = [row | {"content_id": f"post-{number}"} for number, row in enumerate(rows, 1)]
    shared = {
        "project_id": "cosmetics_2025",
        "platform": "facebook",
        "performed_on": date(2026, 3, 1),
        "occurred_at": NOON,
    }
    return frame(Contents, rows, **shared)


def _labels():
    rows = [
        {
            "content_id": f"post-{first + index}",
            "label": label,
            "source": "automatic",
            "reason": f"{place} 10.0% of 426 contents of its group by shrunk rate.",
            "engagement_rate": rate + step * index,
            "shrunk_rate": rate * 0.9 + step * index,
            "rank_in_group": index + 1 if label == "winner" else 426 - index,
            "group_size": 426,
        }
        for label, place, rate, step, first in (
            ("winner", "Top", 0.31, -0.004, 100),
            ("loser", "Bottom", 0.004, 0.0003, 300),
        )
        for index in range(42)
    ]
    rows.append(
        {
            "content_id": "spring-teaser",
            "label": "loser",
            "source": "manual",
            "reason": "The client found it off brand.",
            "platform": None,
        }
    )
    shared = {"project_id": "cosmetics_2025", "content_type": "photo", "labelled_at": NOON}
    return frame(CreativeLabels, [{"platform": "facebook", **row} for row in rows], **shared)


# kind, dimension, value, wins, decided, win_rate, ci_low, ci_high, shrunk_rate, lift, p, q
_WINS = [
    ("outreach", "template_id", "cold_outreach_v3", 61, 180, 0.3389, 0.2738, 0.4108, 0.3262, 0.71, 0.0001, 0.0004),
    ("outreach", "template_id", "warm_intro_v1", 24, 96, 0.25, 0.1742, 0.3452, 0.2478, 0.05, 0.81, 0.81),
    ("outreach", "template_id", "cold_outreach_v2", 19, 151, 0.1258, 0.0822, 0.1880, 0.1391, -0.55, 0.0002, 0.0004),
    ("outreach", "channel", "email", 71, 310, 0.2290, 0.1857, 0.2789, 0.2301, -0.19, 0.21, 0.32),
    ("outreach", "channel", "linkedin", 33, 117, 0.2821, 0.2085, 0.3694, 0.2713, 0.24, 0.21, 0.32),
    ("deal", "industry", "healthcare", 14, 31, 0.4516, 0.2918, 0.6222, 0.4201, 0.38, 0.2, 0.4),
    ("deal", "industry", "technology", 18, 55, 0.3273, 0.2184, 0.4590, 0.3377, -0.28, 0.2, 0.4),
    ("pack", "pack_family", "strategy_campaign", 45, 52, 0.8654, 0.7471, 0.9332, 0.8511, 0.21, 0.03, 0.06),
    ("pack", "pack_family", "quick_social", 63, 88, 0.7159, 0.6142, 0.7995, 0.7204, -0.17, 0.03, 0.06),
    ("pack", "pack_family", "brand_turnaround_lab", 3, 3, 1.0, 0.4385, 1.0, 0.8104, 0.31, 0.9, 0.9),
    ("run", "model", "gpt-mini", 33, 60, 0.55, 0.4249, 0.6691, 0.5488, -0.2, 0.02, 0.04),
    ("run", "model", "sonnet", 71, 90, 0.7889, 0.6939, 0.8603, 0.7802, 0.43, 0.002, 0.006),
    ("creative", "content_type", "status", 35, 45, 0.7778, 0.6373, 0.8746, 0.7601, 1.19, 0.0001, 0.0003),
    ("creative", "content_type", "photo", 150, 426, 0.3521, 0.3083, 0.3986, 0.3533, -0.31, 0.01, 0.02),
    ("creative", "content_type", "link", 3, 22, 0.1364, 0.0475, 0.3334, 0.1622, -0.65, 0.03, 0.03),
]


def _wins():
    names = (
        "kind", "dimension", "value", "wins", "decided", "win_rate", "ci_low", "ci_high", "shrunk_rate", "lift",
        "p_value", "q_value",
    )  # fmt: skip
    kinds = {"outreach": (104, 427), "deal": (32, 86), "pack": (111, 143), "run": (104, 150), "creative": (188, 493)}
    ages = {"outreach": 14, "deal": 60, "pack": 7}
    totals = [
        (kind, "all", "all", wins, decided, wins / decided, *interval_of(wins, decided), wins / decided)
        for kind, (wins, decided) in kinds.items()
    ]
    rows = _of_no_tenant(WinRates, names, _WINS).to_dicts() + _of_no_tenant(WinRates, names[:9], totals).to_dicts()
    waiting = {"kind": "outreach", "dimension": "channel", "value": "chat", "wins": 0, "decided": 0, "pending": 30}
    rows = [row | {"status": "rated", "pending": 0, "adjusted_rate": row["win_rate"]} for row in rows]
    rows = [
        row
        | {
            "strata": int(row["lift"] is not None),
            "compared_rate": row["win_rate"] if row["lift"] is not None else None,
        }
        | {"others_rate": None if row["lift"] is None else row["win_rate"] / (1 + row["lift"])}
        for row in rows
    ]
    rows.append(waiting | {"status": "pending", "strata": 0})
    return frame(WinRates, [row | {"age_days": ages.get(row["kind"], 0)} for row in rows])


def interval_of(wins, decided):
    """The interval of a rate as the tables have it."""
    low, high = wilson(wins, decided)
    return float(low), float(high)


def _of_no_tenant(table, names, rows):
    """Rows of a table without tenant, each with the values of the named columns."""
    return frame(table, [dict(zip(names, row, strict=True)) for row in rows])


# pattern_type, pattern, contents, experiments, lift, low, high, q, verdict, rate_with, rate_without
_EXPERIMENTS = [
    ("hook_type", "curiosity", 1412, 611, 0.092, 0.058, 0.127, 0.0001, "works", 0.0123, 0.0113),
    ("hook_type", "question", 702, 388, -0.061, -0.092, -0.029, 0.0009, "risky", 0.0103, 0.0110),
    ("hook_type", "list", 311, 190, -0.018, -0.071, 0.038, 0.61, "unclear", 0.0109, 0.0111),
    ("hook_type", "how_to", 96, 71, -0.112, -0.203, -0.011, 0.06, "unclear", 0.0095, 0.0107),
    ("number", "yes", 911, 502, 0.024, -0.002, 0.051, 0.12, "unclear", 0.0115, 0.0112),
    ("negation", "yes", 804, 455, 0.055, 0.024, 0.087, 0.002, "works", 0.0118, 0.0112),
    ("second_person", "yes", 1733, 702, 0.011, -0.011, 0.033, 0.44, "unclear", 0.0114, 0.0113),
    ("superlative", "yes", 402, 260, 0.031, -0.014, 0.078, 0.31, "unclear", 0.0116, 0.0112),
    ("length_band", "16-25", 2110, 690, 0.048, 0.021, 0.076, 0.001, "works", 0.0117, 0.0112),
    ("length_band", "1-5", 88, 60, -0.208, -0.304, -0.099, 0.003, "risky", 0.0089, 0.0112),
]
_OBSERVATIONS = [
    ("content_type", "status", 45, 1, 0.94, 0.51, 1.49, 0.0001, "works", 0.091, 0.047),
    ("content_type", "video", 7, 1, 0.62, -0.21, 2.61, 0.3, "unclear", 0.076, 0.047),
    ("content_type", "link", 22, 1, -0.41, -0.58, -0.17, 0.009, "risky", 0.028, 0.047),
    ("tone", "friendly", 120, 2, 0.07, -0.05, 0.2, 0.4, "unclear", 0.05, 0.047),
    ("tone", "unmeasured", 1, 1, None, None, None, None, "unclear", None, 0.047),
]


def _patterns():
    names = (
        "pattern_type", "pattern", "contents", "experiments", "lift", "lift_ci_low", "lift_ci_high", "q_value",
        "verdict", "rate_with", "rate_without",
    )  # fmt: skip
    rows = [
        {"evidence": evidence, "metric": metric, "left_out": left_out, **dict(zip(names, row, strict=True))}
        for evidence, metric, left_out, given in (
            ("experiment", "click_rate", 7, _EXPERIMENTS),
            ("observation", "engagement_rate", 0, _OBSERVATIONS),
        )
        for row in given
    ]
    return frame(Patterns, rows)


def with_findings(frames, **settings):
    """The same frames, with what they say."""
    # What is told of events is not drawn: nothing is missing in them.
    without = set() if FieldCounts in frames else {EventCounts}
    held = (
        (tables.empty(table).collect() if table in without else frames.get(table, tables.empty(table).collect())).lazy()
        for table in findings.reads
    )
    return frames | {Findings: tables.check(Findings, findings(*held, as_of=AS_OF, **settings).collect())}


def full():
    """Frames of every gold and bronze table that the report reads, filled."""
    return dict(_full())


@cache
def _full():
    events = [
        {
            "source": source,
            "event_type": kind,
            "events": number,
            "first_at": NOON - timedelta(days=days),
            "last_at": last,
        }
        for source, kind, number, days, last in (
            ("facebook_posts", "PERFORMANCE_RECORDED", 505, 360, NOON),
            ("crm_deals", "DEAL_WON", 118, 300, NOON - timedelta(days=6)),
            ("outreach_tool", "OUTREACH_SENT", 854, 200, NOON - timedelta(hours=2)),
        )
    ]
    clarity = [
        ("technology", "startup", 41, 68.2, 22, 0.5366, 0.3875, 0.6794, 0.55),
        ("healthcare", "enterprise", 18, 81.4, 15, 0.8333, 0.6078, 0.9416, 0.77),
        ("retail", None, 9, 52.75, 3, 0.3333, 0.1206, 0.6458, 0.45),
        (None, None, 4, 61.0, 2, 0.5, 0.15, 0.85, 0.54),
    ]
    freshness = [
        ("crm_deals", 118, NOON - timedelta(days=6), 156.0, True),
        ("facebook_posts", 505, NOON, 12.0, False),
        ("outreach_tool", 854, NOON - timedelta(hours=2), 14.0, False),
    ]
    landed = {"file_hash": "a" * 64, "file": "posts.csv", "mapping": "facebook_posts", "landed_at": NOON}
    lines = [
        {
            "quarantine_id": f"q{index}",
            "rules": rules,
            "reasons": ["…"] * len(rules),
            "raw": "{",
            "line": index,
            "status": status,
        }
        for index, (rules, status) in enumerate(
            [(["not_json"], "waiting")] * 3
            + [(["missing_field", "out_of_range"], "waiting")]
            + [(["no_zone"], "landed")],
            1,
        )
    ]
    return with_findings(
        {
            EventCounts: frame(EventCounts, events, event_date=date(2026, 3, 1)),
            Projects: frame(
                Projects, [{"project_id": "cosmetics_2025", "events": 505, "first_at": NOON, "last_at": NOON}]
            ),
            Contents: _contents(),
            CreativeLabels: _labels(),
            AvoidedPhrases: frame(
                AvoidedPhrases,
                [{"phrase": "game-changer", "marks": 4, "contents": 3, "last_reason": "Sounds like everybody else."}],
                last_marked_at=NOON,
            ),
            WinRates: _wins(),
            Patterns: _patterns(),
            IntakeSegments: _of_no_tenant(
                IntakeSegments,
                tables.schema(IntakeSegments).names()[1:],
                [(*row, 1.5, ["budget"], 0.25, 6, 5, 5 / 6, 4, 2, 0.5, 0.3333, -0.2, 0.7, 0.5) for row in clarity],
            ),
            SourceFreshness: _of_no_tenant(SourceFreshness, tables.schema(SourceFreshness).names()[1:], freshness),
            Landings: frame(Landings, [{"lines_in": 1486, "landed": 1477, "duplicate": 4, "quarantined": 5}], **landed),
            Quarantine: frame(Quarantine, lines, file="posts.ndjson", file_hash="b" * 64, quarantined_at=NOON),
        }
    )


def scan_of(frames):
    """A `scan` over literal frames; a table that is not among them is empty."""
    return lambda table: frames[table].lazy() if table in frames else tables.empty(table)
