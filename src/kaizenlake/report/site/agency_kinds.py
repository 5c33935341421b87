"""Pages of brands and tasks, as declarations."""

from __future__ import annotations

from kaizenlake.report.engine.columns import show
from kaizenlake.report.site.page_kind import PageKind, make_part, show_whole
from kaizenlake.report.site.page_parts import PagePart
from kaizenlake.tables import Anomalies, BrandNotes, Brands, KpiTargets, PerformanceSnapshots, Tasks

_TASK = ("task_id", "task_type", "priority", "status", "status_since", "decided_by", "proposal_reason", "run_at")


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
        make_part(
            "What is unusual, the latest first",
            Anomalies,
            "brand_id",
            "-day metric kind",
            ("day", "metric", "kind", "severity", "is_alarm", "observed", "expected_low", show_whole("evidence")),
        ),
        make_part(
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
        make_part("What there is to do", Tasks, "brand_id", "-status_since task_id", _TASK),
        make_part(
            "Where its rates stand, and what they may aim at",
            KpiTargets,
            "brand_id",
            "metric",
            ("metric", "contents", "median_rate", "low_rate", "target_rate"),
        ),
        make_part("What was noted", BrandNotes, "brand_id", "-noted_at", ("noted_at", "note", "told_by")),
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
