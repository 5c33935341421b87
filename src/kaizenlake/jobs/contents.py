"""What is known of each content on each platform? Its latest figures, attributes, features and segment."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.daily_performance import trials
from kaizenlake.tables import ContentFeatures, Contents, DailyPerformance, Projects

KEYS = ("project_id", "content_id", "platform")


@job(reads=(DailyPerformance, ContentFeatures, Projects), writes=Contents)
def contents(
    daily_performance: pl.LazyFrame, content_features: pl.LazyFrame, projects: pl.LazyFrame, *, as_of: datetime
) -> pl.LazyFrame:
    """Take the latest day of each content and platform, and join the features of that day's text.

    Industry and kind of client are the content's own, else its project's.

    Args:
        daily_performance: Figures by content, platform and day.
        content_features: Features by content, platform and day.
        projects: Projects with their segments.
        as_of: Figures measured from this instant on do not count.
    """
    days = daily_performance.filter(pl.col("occurred_at") < as_of)
    last_days = days.group_by(KEYS).agg(pl.col("performed_on").max())
    figures = days.join(last_days, on=(*KEYS, "performed_on"), how="semi", nulls_equal=True).drop("hook_type")
    features = content_features.drop("event_date")
    segments = projects.select("project_id", known_industry="industry", known_client_type="client_type")
    return (
        figures.join(features, on=tables.grain(ContentFeatures), how="left", nulls_equal=True)
        .join(segments, on="project_id", how="left")
        .with_columns(
            industry=pl.coalesce("industry", "known_industry"),
            client_type=pl.coalesce("client_type", "known_client_type"),
            trials=trials(),
        )
    )
