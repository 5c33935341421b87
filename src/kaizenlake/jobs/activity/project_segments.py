"""To which segment does each project belong?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_latest
from kaizenlake.jobs.activity.segment_words import SEGMENT
from kaizenlake.tables import ProjectSegments, SegmentWords

KEY = ("tenant_id", "project_id")


@job(reads=(SegmentWords,), writes=ProjectSegments, timeless=True)
def project_segments(segment_words: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Take the industry and the kind of client that the latest word on each names.

    The two are taken apart from one another: a later event that names only the industry leaves the kind of client.

    Args:
        segment_words: Latest words of each day.
        as_of: Words from this instant on do not count.
    """
    said = segment_words.filter(pl.col("occurred_at") < as_of)
    found = said.select(KEY).unique()
    for name in SEGMENT:
        word = keep_latest(said.filter(pl.col("attribute") == name), KEY)
        found = found.join(word.select(*KEY, pl.col("value").alias(name)), on=KEY, how="left", nulls_equal=True)
    return found.sort(KEY)
