"""Which projects are there, and to which segment does each belong?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import EventCounts, Projects, ProjectSegments

KEY = ("tenant_id", "project_id")


@job(reads=(EventCounts, ProjectSegments), writes=Projects, timeless=True)
def projects(event_counts: pl.LazyFrame, project_segments: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List each project of each tenant with its events and its segment.

    Args:
        event_counts: Events by day, source, type and project.
        project_segments: What is known of the segment of a project.
        as_of: Events from this instant on do not count.
    """
    return (
        event_counts.filter(pl.col("project_id").is_not_null(), pl.col("last_at") < as_of)
        .group_by(KEY)
        .agg(pl.col("events").sum(), pl.col("first_at").min(), pl.col("last_at").max())
        .join(project_segments, on=KEY, how="left", nulls_equal=True)
        .sort(KEY)
    )
