"""How much arrived? Events by tenant, day, source, type and project."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import EventCounts, Events


@job(reads=(Events,), writes=EventCounts, by_day=True)
def event_counts(events: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count the events of each tenant, day, source, type and project, with the first and the last instant.

    Args:
        events: Bronze events.
        as_of: Events from this instant on do not count.
    """
    return (
        events.filter(pl.col("occurred_at") < as_of)
        .group_by("tenant_id", "event_date", "source", "event_type", "project_id")
        .agg(
            events=pl.len().cast(pl.Int64),
            first_at=pl.col("occurred_at").min(),
            last_at=pl.col("occurred_at").max(),
        )
    )
