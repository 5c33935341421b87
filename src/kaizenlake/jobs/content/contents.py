"""What is known of each content on each platform? Its latest figures, attributes, features and segment."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.content.daily_performance import trials
from kaizenlake.tables import ContentFeatures, Contents, DailyPerformance, ProjectSegments

KEYS = ("tenant_id", "project_id", "content_id", "platform")


@job(
    reads=(DailyPerformance, ContentFeatures, ProjectSegments),
    writes=Contents,
    by_day=True,
    last_of=KEYS,
    timeless=True,
)
def contents(
    daily_performance: pl.LazyFrame,
    content_features: pl.LazyFrame,
    project_segments: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - the figures of a day leave out what is later
) -> pl.LazyFrame:
    """Take the latest day of each content and platform, and join the features of that day's text.

    Industry and kind of client are the content's own, else its project's.

    Args:
        daily_performance: Figures by content, platform and day: of each content and platform the latest day alone.
        content_features: Features by content, platform and day.
        project_segments: What is known of the segment of a project.
        as_of: Events before it count.
    """
    features = content_features.drop("event_date")
    project = list(tables.grain(ProjectSegments))
    segments = project_segments.filter(pl.col("project_id").is_not_null()).select(
        *project, known_industry="industry", known_client_type="client_type"
    )
    return (
        daily_performance.drop("hook_type")
        .join(features, on=tables.grain(ContentFeatures), how="left", nulls_equal=True)
        .join(segments, on=project, how="left", nulls_equal=True)
        .with_columns(
            industry=pl.coalesce("industry", "known_industry"),
            client_type=pl.coalesce("client_type", "known_client_type"),
            trials=trials(),
        )
    )
