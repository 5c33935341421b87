"""Which projects are there, and to which segment does each belong?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._latest import latest
from kaizenlake.tables import SILVER, EventCounts, Projects, Table

SEGMENT = ("industry", "client_type")

NAMING: tuple[type[Table], ...] = tuple(table for table in SILVER if set(SEGMENT) <= set(tables.schema(table)))
"""Families whose events can name a segment."""


@job(reads=(EventCounts, *NAMING), writes=Projects)
def projects(event_counts: pl.LazyFrame, *naming: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """List each project with its events, and with the industry and kind of client that its latest word on each names.

    The two are taken apart from one another: a later event that names only the industry leaves the kind of client.

    Args:
        event_counts: Events by day, source, type and project.
        naming: Silver events of the families in `NAMING`.
        as_of: Events from this instant on do not count.
    """
    known = (
        event_counts.filter(pl.col("project_id").is_not_null(), pl.col("last_at") < as_of)
        .group_by("project_id")
        .agg(pl.col("events").sum(), pl.col("first_at").min(), pl.col("last_at").max())
    )
    for name in SEGMENT:
        said = pl.concat([family.select("project_id", "occurred_at", "event_id", name) for family in naming])
        named = said.filter(
            pl.col("project_id").is_not_null(), pl.col(name).is_not_null(), pl.col("occurred_at") < as_of
        )
        # A project's events are many: all but those of its last instant are dropped before the tie is looked at.
        last = named.group_by("project_id").agg(pl.col("occurred_at").max())
        word = latest(named.join(last, on=("project_id", "occurred_at"), how="semi"), ("project_id",))
        known = known.join(word.select("project_id", name), on="project_id", how="left")
    return known.sort("project_id")
