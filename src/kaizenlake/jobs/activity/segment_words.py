"""What was said each day of the segment that a project belongs to?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_latest
from kaizenlake.tables import SILVER, SegmentWords, Table

SEGMENT = ("industry", "client_type")

NAMING: tuple[type[Table], ...] = tuple(table for table in SILVER if set(SEGMENT) <= set(tables.schema(table)))
"""Families whose events can name a segment."""


@job(reads=NAMING, writes=SegmentWords, by_day=True, timeless=True)
def segment_words(*naming: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Keep the latest word of each day on each project's industry, and on its kind of client.

    Args:
        naming: Silver events of the families in `NAMING`.
        as_of: Events from this instant on do not count.
    """
    parts = []
    for name in SEGMENT:
        columns = ("tenant_id", "event_date", "project_id", "occurred_at", "event_id")
        said = pl.concat([family.select(*columns, value=name) for family in naming]).filter(
            pl.col("project_id").is_not_null(), pl.col("value").is_not_null(), pl.col("occurred_at") < as_of
        )
        parts.append(keep_latest(said, ("tenant_id", "event_date", "project_id")).with_columns(attribute=pl.lit(name)))
    return pl.concat(parts)
