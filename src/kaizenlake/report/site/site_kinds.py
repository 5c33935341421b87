"""What the site has a page of, one each: projects, agents, canaries, experiments, patterns and brands, as declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.columns import Shown, show, show_interval, show_text
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.kaizen.report_labels import pattern_label
from kaizenlake.report.site.page_parts import PagePart
from kaizenlake.tables import (
    Anomalies,
    BrandNotes,
    Brands,
    CanaryLooks,
    CanarySegments,
    ContentExperiments,
    Contents,
    CreativeLabels,
    CrlTrends,
    Deployments,
    Experiments,
    Findings,
    KpiTargets,
    PackRuns,
    Patterns,
    PerformanceSnapshots,
    Policies,
    PolicyPromotions,
    Projects,
    ScopedPatterns,
    ScopedWinRates,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
    Table,
    Tasks,
)

TEXT = 110
"""Most characters of a text of an event in a table."""


@dataclass(frozen=True)
class PageKind:
    """A kind of page: one for everything that its parts are about.

    Args:
        name: Its folder, and its place in the navigation.
        title: What it is called, many of it.
        one: What one is called.
        about: What its pages tell.
        overview: The list of all; its columns are those of the overview page.
        figures: Columns of the overview whose values stand at the head of a page.
        parts: Tables of a page, in their order.
    """

    name: str
    title: str
    one: str
    about: str
    overview: PagePart
    figures: tuple[str, ...]
    parts: tuple[PagePart, ...]


def _name_post(row: TableRow) -> str:
    return say.clean(row.text or row.content_id, TEXT)


def _name_pattern(row: TableRow) -> str:
    return pattern_label(row.pattern_type, row.pattern)


def _name_arm(row: TableRow) -> str:
    return say.clean(row.text or row.arm, TEXT)


def _whole(name: str) -> Shown:
    """Show a sentence of a table whole."""
    return show_text(_SAID.get(name, ""), lambda row: say.clean(getattr(row, name) or "", 400) or say.NOTHING, name)


_SAID = {"sentence": "What was found", "remedy": "What to do", "evidence": "What was found"}

POST = show_text("Post", _name_post, "content_id")
_PATTERN = show_text("Pattern", _name_pattern, "pattern_type", "pattern")
_LIFT_ENDS = show_interval("lift_ci_low", "lift_ci_high", format="lift")
_VERDICT = show("verdict", format="verdict")
_LIFT, _SHRUNK = show("lift", format="lift"), show("shrunk_lift", "Shrunk lift", "lift")


def _part(
    title: str, table: type[Table], key: str | tuple[str, ...], by: str, columns: tuple[str | Shown, ...]
) -> PagePart:
    """Return a part whose identifier follows from its table, sorted by columns: one that descends has a hyphen before it."""
    keys = (key,) if isinstance(key, str) else key
    order = {name.removeprefix("-"): name.startswith("-") for name in by.split()}
    links = {name: kind for name, kind in _LINKS.items() if name not in keys}
    # Trends are told of parts of an agent's runs too.
    where = (pl.col("cut") == "all") if table is CrlTrends else None
    return PagePart(f"{table.__name__.lower()}-part", title, table, keys, order, columns, links, where)


_LINKS: Mapping[str, str] = {
    "project_id": "projects",
    "doer": "agents",
    "deployment_id": "canaries",
    "experiment_id": "experiments",
    "pattern_type": "patterns",
    "brand_id": "brands",
    "task_id": "tasks",
}
"""Pages that columns lead to, but for those of the page's own kind."""

_EXPERIMENT_ARMS = (
    show_text("Wording", _name_arm, "arm"),
    "platform",
    _VERDICT,
    "shown",
    "clicks",
    show("rate", format="small_rate"),
    show("rate_of_others", "Rate of the others", "small_rate"),
    _LIFT,
    _SHRUNK,
    _LIFT_ENDS,
    show("q_value", "q-value", "q"),
)

_TASK = ("task_id", "task_type", "priority", "status", "status_since", "decided_by", "proposal_reason", "run_at")

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
        _part(
            "Posts that stand out",
            CreativeLabels,
            "project_id",
            "-label source -lift -shrunk_rate content_id platform",
            (POST, "platform", "label", "source", "engagement_rate", "shrunk_rate", "rank_in_group", "experiment_id"),
        ),
        _part(
            "What works in it, and what does not",
            ScopedPatterns,
            "project_id",
            "q_value pattern_type pattern",
            (_PATTERN, "evidence", _VERDICT, "contents", _LIFT, _SHRUNK, _LIFT_ENDS, show("q_value", "q-value", "q")),
        ),
        _part(
            "Arms of experiments, the clearest first",
            ContentExperiments,
            "project_id",
            "q_value -measured_at experiment_id arm",
            ("experiment_id", *_EXPERIMENT_ARMS),
        ),
        _part(
            "How often its outcomes are won",
            ScopedWinRates,
            "project_id",
            "-decided kind dimension value",
            ("kind", "dimension", "value", "wins", "decided", "pending", "win_rate", show_interval(format="rate")),
        ),
        _part(
            "Its latest posts",
            Contents,
            "project_id",
            "-performed_on content_id platform",
            (POST, "platform", "performed_on", "impressions", "clicks", "engagement_rate", "tier", "experiment_id"),
        ),
        _part(
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

AGENTS = PageKind(
    "agents",
    "Agents",
    "agent",
    "Its loss and where it goes, what it is good and bad at, how it fails, and what serves.",
    PagePart(
        "agents-table",
        "Agents",
        SkillCards,
        ("doer",),
        {"runs": True, "doer": False},
        (
            show("doer", "Agent"),
            "runs",
            "mean_loss",
            "direction",
            show("change_30d", "In 30 days", "effect"),
            "best_model",
            "main_failure",
            "last_run_date",
        ),
        {"doer": "agents"},
    ),
    ("runs", "mean_loss", "direction", "policy_version", "last_run_date"),
    (
        _part(
            "What is said of it",
            Findings,
            "doer",
            "-raised_on finding_id",
            (_whole("sentence"), _VERDICT, "severity", "raised_on", _whole("remedy"), "deployment_id"),
        ),
        _part(
            "Its loss, day by day, the latest first",
            CrlTrends,
            "doer",
            "-event_date",
            ("event_date", "n", "mean_loss", "ewma_loss", "change_7d", "change_30d", "direction", "alert"),
        ),
        _part(
            "What it is good and bad at",
            SkillTerms,
            "doer",
            "-loss_share_rate term",
            ("term", _VERDICT, "mean_term", "fleet_mean_term", "fleet_difference", "past_mean_term", "past_difference"),
        ),
        _part(
            "The models that it calls",
            SkillModels,
            "doer",
            "place model",
            ("model", _VERDICT, "runs", "mean_loss", show_interval(format="loss"), "mean_cost_usd", "equal_cost_loss"),
        ),
        _part(
            "How it fails",
            SkillFailures,
            "doer",
            "-failed failure_mode",
            ("failure_mode", "failed", "failed_rate", "failed_before", "trend"),
        ),
        _part(
            "Versions of its policies",
            Policies,
            "doer",
            "policy_id -created_at policy_version",
            ("policy_version", "policy_id", "status", "status_since", "decided_by", "parent_version", "experiment_id"),
        ),
        _part(
            "Shadows and canaries of it",
            Deployments,
            "doer",
            "-started_at deployment_id",
            (
                "deployment_id",
                "deployment_mode",
                "status",
                "control_version",
                "candidate_versions",
                "started_at",
                "result",
            ),
        ),
        _part(
            "Experiments on it",
            Experiments,
            "doer",
            "-started_at experiment_id",
            ("experiment_id", "experiment_type", "status", "policy_version", "loss_delta", "started_at"),
        ),
    ),
)

CANARIES = PageKind(
    "canaries",
    "Canaries",
    "shadow or canary",
    "What each night saw of its candidates, in which segments, and what was decided.",
    PagePart(
        "canaries-table",
        "Shadows and canaries",
        Deployments,
        ("deployment_id",),
        {"started_at": True, "deployment_id": False},
        (
            "deployment_id",
            "doer",
            "deployment_mode",
            "status",
            "control_version",
            "candidate_versions",
            show("started_at", format="day"),
            "result",
        ),
        {"deployment_id": "canaries", "doer": "agents"},
    ),
    ("status", "deployment_mode", "control_version", "horizon_nights", "started_at", "result"),
    (
        _part(
            "What is said of it",
            Findings,
            "deployment_id",
            "-raised_on finding_id",
            (_whole("sentence"), _VERDICT, "severity", "raised_on", _whole("remedy")),
        ),
        _part(
            "Night by night, the latest first",
            CanaryLooks,
            "deployment_id",
            "-look policy_version",
            (
                "look",
                "policy_version",
                "looked_on",
                _VERDICT,
                "units",
                "units_control",
                "mean_loss",
                "mean_loss_control",
                "effect",
                show_interval("sequential_ci_low", "sequential_ci_high", "On all nights", "effect"),
                "p_value",
            ),
        ),
        _part(
            "By segment",
            CanarySegments,
            "deployment_id",
            "q_value policy_version dimension value",
            (
                "dimension",
                "value",
                "policy_version",
                "units",
                "units_control",
                "effect",
                "shrunk_effect",
                "q_value",
                _VERDICT,
            ),
        ),
        _part(
            "Decisions that rest on it",
            PolicyPromotions,
            "deployment_id",
            "-occurred_at event_id",
            (
                "occurred_at",
                "policy_id",
                "policy_version",
                "action",
                "from_status",
                "to_status",
                "decided_by",
                "reason",
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
        _part(
            "Its arms, the best first",
            ContentExperiments,
            "experiment_id",
            "-shrunk_lift project_id platform arm",
            (*_EXPERIMENT_ARMS, "project_id"),
        ),
        _part(
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
            _PATTERN,
            "evidence",
            _VERDICT,
            "metric",
            "contents",
            "experiments",
            "rate_with",
            "rate_without",
            _LIFT,
            _LIFT_ENDS,
            show("q_value", "q-value", "q"),
        ),
        {"pattern_type": "patterns"},
    ),
    ("evidence", "verdict", "contents", "experiments", "lift", "q_value"),
    (
        _part(
            "Over everything",
            Patterns,
            ("pattern_type", "pattern"),
            "evidence metric",
            (
                "evidence",
                _VERDICT,
                "metric",
                "contents",
                "experiments",
                "rate_with",
                "rate_without",
                _LIFT,
                _SHRUNK,
                _LIFT_ENDS,
                show("q_value", "q-value", "q"),
            ),
        ),
        _part(
            "By project and segment",
            ScopedPatterns,
            ("pattern_type", "pattern"),
            "q_value scope project_id",
            ("project_id", "scope", "industry", "evidence", _VERDICT, "contents", _LIFT, _SHRUNK, _LIFT_ENDS),
        ),
    ),
)

BRANDS = PageKind(
    "brands",
    "Brands",
    "brand",
    "What its channels brought, what is unusual, what there is to do, and what was noted.",
    PagePart(
        "brands-table",
        "Brands",
        Brands,
        ("brand_id",),
        {"brand_id": False},
        ("brand_id", "name", "offer", "audience", "zone", "projects", show("described_at", format="day")),
        {"brand_id": "brands"},
    ),
    ("name", "zone", "described_at"),
    (
        _part(
            "What is unusual, the latest first",
            Anomalies,
            "brand_id",
            "-day metric kind",
            ("day", "metric", "kind", "severity", "is_alarm", "observed", "expected_low", _whole("evidence")),
        ),
        _part(
            "Day by day, the latest first",
            PerformanceSnapshots,
            "brand_id",
            "-day",
            (
                "day",
                "email_open_rate",
                "email_click_rate",
                "instagram_engagement_rate",
                "website_conversion_rate",
                "leads",
                "deals_won",
            ),
        ),
        _part("What there is to do", Tasks, "brand_id", "-status_since task_id", _TASK),
        _part(
            "Where its rates stand, and what they may aim at",
            KpiTargets,
            "brand_id",
            "metric",
            ("metric", "contents", "median_rate", "low_rate", "target_rate"),
        ),
        _part("What was noted", BrandNotes, "brand_id", "-noted_at", ("noted_at", "note", "told_by")),
    ),
)

TASKS = PageKind(
    "tasks",
    "Tasks",
    "task",
    "What it is, why, who approved it, when it runs, and what came of it.",
    PagePart(
        "tasks-table",
        "Tasks, the latest step first",
        Tasks,
        ("task_id",),
        {"status_since": True, "task_id": False},
        (*_TASK[:1], "brand_id", *_TASK[1:]),
        {"task_id": "tasks", "brand_id": "brands"},
    ),
    ("status", "priority", "risk", "confidence_rate", "runs_count"),
    (),
)

KINDS: tuple[PageKind, ...] = (PROJECTS, AGENTS, CANARIES, EXPERIMENTS, PATTERNS, BRANDS, TASKS)
"""Kinds of pages in the order of the navigation; tables have a module of their own."""
