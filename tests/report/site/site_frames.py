"""Frames of which the site is made in tests."""

from __future__ import annotations

import polars as pl

from kaizenlake.jobs import JOBS
from kaizenlake.report.site.site_scope import SiteScope
from kaizenlake.tables import (
    TABLES,
    CanaryLooks,
    ContentExperiments,
    CreativeLabels,
    Deployments,
    Experiments,
    Findings,
    Patterns,
    Projects,
    SourceFreshness,
    Tasks,
)
from publish.learning_documents import frames as learning
from publish.report_frames import AS_OF, NOON, frame, full, scan_of

SHOWN = (Projects, CreativeLabels, Patterns, Experiments, Findings, Deployments, CanaryLooks, SourceFreshness, Tasks)
TABLES_SHOWN = tuple(table for table in TABLES if table in {*SHOWN, ContentExperiments})


def held():
    """Frames of every table of which the site has pages."""
    arms = [
        {
            "experiment_id": f"test-{number}", "platform": "web", "arm": arm, "content_id": f"{arm}-{number}",
            "contents": 1, "arms": 2, "metric": "click_rate", "shown": 1000, "clicks": clicks, "rate": clicks / 1000,
            "verdict": "unclear",
        }
        for number in range(3)
        for arm, clicks in (("a", 12), ("b", 9))
    ]  # fmt: skip
    task = {
        "task_id": "task 1; rm -rf /", "brand_id": "acme", "task_type": "email_rewrite", "priority": "high",
        "status": "pending_review", "decided_by": "night", "steps": 1, "proposed_by": "night", "depends_on": [],
        "proposal_reason": "Few open it", "runs_count": 0, "status_since": NOON, "proposed_at": NOON,
    }  # fmt: skip
    projects = [
        {"project_id": name, "events": 3, "first_at": NOON, "last_at": NOON} for name in ("cosmetics_2025", "..")
    ]
    return {
        **learning(),
        **{table: rows for table, rows in full().items() if table is not Findings},
        Findings: pl.concat([learning()[Findings], full()[Findings]]),
        ContentExperiments: frame(ContentExperiments, arms, measured_at=NOON, project_id="cosmetics_2025"),
        Tasks: frame(Tasks, [task]),
        Projects: frame(Projects, projects),
    }


def scope_of(frames, **changes):
    """What a site is made of out of frames."""
    jobs = tuple(job for job in JOBS if job.writes in TABLES_SHOWN)
    return SiteScope(scan_of(frames), AS_OF, TABLES_SHOWN, jobs, **changes)
