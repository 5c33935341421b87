"""Pages of projects, experiments and patterns, as declarations."""

from __future__ import annotations

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.columns import show, show_interval, show_text
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.site.page_kind import LIFT, LIFT_ENDS, PATTERN, POST, SHRUNK, TEXT, VERDICT, PageKind, make_part
from kaizenlake.report.site.page_parts import PagePart
from kaizenlake.tables import (
    ContentExperiments,
    Contents,
    CreativeLabels,
    Experiments,
    PackRuns,
    Patterns,
    Projects,
    ScopedPatterns,
    ScopedWinRates,
)


def _name_arm(row: TableRow) -> str:
    return say.clean(row.text or row.arm, TEXT)


_EXPERIMENT_ARMS = (
    show_text("Wording", _name_arm, "arm"),
    "platform",
    VERDICT,
    "shown",
    "clicks",
    show("rate", format="small_rate"),
    show("rate_of_others", "Rate of the others", "small_rate"),
    LIFT,
    SHRUNK,
    LIFT_ENDS,
    show("q_value", "q-value", "q"),
)


PROJECTS = PageKind(
    "projects",
    "Projects",
    "project",
    "What was published, what stands out, what works, and how its outcomes went.",
    PagePart(
        "projects-table",
        "Projects",
        Projects,
        ("project_id",),
        {"last_at": True, "project_id": False},
        (
            "project_id",
            "industry",
            "client_type",
            "events",
            show("first_at", format="day"),
            show("last_at", format="day"),
        ),
        {"project_id": "projects"},
    ),
    ("events", "industry", "client_type", "first_at", "last_at"),
    (
        make_part(
            "Posts that stand out",
            CreativeLabels,
            "project_id",
            "-label source -lift -shrunk_rate content_id platform",
            (POST, "platform", "label", "source", "engagement_rate", "shrunk_rate", "rank_in_group", "experiment_id"),
        ),
        make_part(
            "What works in it, and what does not",
            ScopedPatterns,
            "project_id",
            "q_value pattern_type pattern",
            (PATTERN, "evidence", VERDICT, "contents", LIFT, SHRUNK, LIFT_ENDS, show("q_value", "q-value", "q")),
        ),
        make_part(
            "Arms of experiments, the clearest first",
            ContentExperiments,
            "project_id",
            "q_value -measured_at experiment_id arm",
            ("experiment_id", *_EXPERIMENT_ARMS),
        ),
        make_part(
            "How often its outcomes are won",
            ScopedWinRates,
            "project_id",
            "-decided kind dimension value",
            ("kind", "dimension", "value", "wins", "decided", "pending", "win_rate", show_interval(format="rate")),
        ),
        make_part(
            "Its latest posts",
            Contents,
            "project_id",
            "-performed_on content_id platform",
            (POST, "platform", "performed_on", "impressions", "clicks", "engagement_rate", "tier", "experiment_id"),
        ),
        make_part(
            "Its packs, the latest first",
            PackRuns,
            "project_id",
            "-started_at",
            (
                "pack_key",
                "status",
                "started_at",
                "sections_generated",
                "sections_failed",
                "quality_score",
                "failure_reason",
            ),
        ),
    ),
)

EXPERIMENTS = PageKind(
    "experiments",
    "Experiments",
    "experiment",
    "Its arms, how each fared against the others, and how sure that is.",
    PagePart(
        "experiments-table",
        "Experiments on posts, by their clearest arm",
        ContentExperiments,
        ("experiment_id",),
        {"q_value": False, "measured_at": True, "experiment_id": False, "arm": False},
        ("experiment_id", "project_id", "arms", *_EXPERIMENT_ARMS[:4], *_EXPERIMENT_ARMS[7:]),
        {"experiment_id": "experiments", "project_id": "projects"},
    ),
    ("arms", "metric", "platform", "sample_ratio_p", "measured_at"),
    (
        make_part(
            "Its arms, the best first",
            ContentExperiments,
            "experiment_id",
            "-shrunk_lift project_id platform arm",
            (*_EXPERIMENT_ARMS, "project_id"),
        ),
        make_part(
            "What was tried, and what came of it",
            Experiments,
            "experiment_id",
            "-started_at",
            (
                "experiment_type",
                "doer",
                "status",
                "hypothesis",
                "policy_version",
                "loss_delta",
                "cost_usd",
                "started_at",
            ),
        ),
    ),
)

PATTERNS = PageKind(
    "patterns",
    "Patterns",
    "pattern",
    "What it does to the rate of posts, by experiment and as observed, over everything and by project.",
    PagePart(
        "patterns-table",
        "Patterns, the clearest first",
        Patterns,
        ("pattern_type", "pattern"),
        {"evidence": False, "q_value": False, "pattern_type": False, "pattern": False},
        (
            PATTERN,
            "evidence",
            VERDICT,
            "metric",
            "contents",
            "experiments",
            "rate_with",
            "rate_without",
            LIFT,
            LIFT_ENDS,
            show("q_value", "q-value", "q"),
        ),
        {"pattern_type": "patterns"},
    ),
    ("evidence", "verdict", "contents", "experiments", "lift", "q_value"),
    (
        make_part(
            "Over everything",
            Patterns,
            ("pattern_type", "pattern"),
            "evidence metric",
            (
                "evidence",
                VERDICT,
                "metric",
                "contents",
                "experiments",
                "rate_with",
                "rate_without",
                LIFT,
                SHRUNK,
                LIFT_ENDS,
                show("q_value", "q-value", "q"),
            ),
        ),
        make_part(
            "By project and segment",
            ScopedPatterns,
            ("pattern_type", "pattern"),
            "q_value scope project_id",
            ("project_id", "scope", "industry", "evidence", VERDICT, "contents", LIFT, SHRUNK, LIFT_ENDS),
        ),
    ),
)
