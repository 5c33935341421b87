"""What did people ask never to use again?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import AvoidedPhrases, CreativeMarks


@job(reads=(CreativeMarks,), writes=AvoidedPhrases, timeless=True)
def avoided_phrases(creative_marks: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the phrases and patterns that marks of losers name, by tenant and project.

    A phrase counts as it was written, without the blanks around it; a blank one says nothing. A mark that names a phrase
    twice counts once.

    Args:
        creative_marks: Marks of winners and losers.
        as_of: Marks from this instant on do not count.
    """
    latest_reason = pl.col("reason").sort_by("occurred_at", "event_id").last()
    return (
        creative_marks.filter(pl.col("label") == "loser", pl.col("occurred_at") < as_of)
        .select(
            "event_id", "occurred_at", "tenant_id", "project_id", "content_id", "reason", phrase="patterns_to_avoid"
        )
        .explode("phrase")
        .with_columns(pl.col("phrase").str.strip_chars())
        .filter(pl.col("phrase") != "")
        .group_by("tenant_id", "phrase", "project_id")
        .agg(
            marks=pl.col("event_id").n_unique().cast(pl.Int64),
            contents=pl.col("content_id").n_unique().cast(pl.Int64),
            last_marked_at=pl.col("occurred_at").max(),
            last_reason=latest_reason,
        )
        .sort("tenant_id", "phrase", "project_id")
    )
