"""How clear do the briefs of each segment arrive?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from kaizenlake import stats
from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest
from kaizenlake.parameters import Clarity, EvidenceNeeds
from kaizenlake.stats import expressions
from kaizenlake.tables import Intake, ProjectSegments, SegmentClarity

_MICRO = 1_000_000
"""Scores are added as whole millionths, which gives the same bits in every order."""

PROJECT = ("tenant_id", "project_id")
SEGMENT = ("tenant_id", "industry", "client_type")


@job(reads=(Intake, ProjectSegments), writes=SegmentClarity, timeless=True)
def segment_clarity(
    intake: pl.LazyFrame,
    project_segments: pl.LazyFrame,
    *,
    as_of: datetime,
    clarity: Clarity = Clarity(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Say of each segment how clear its briefs arrive: mean first score, and share of the briefs that arrive clear.

    The first score of a project counts, since later ones tell of the questions that were asked. Segments without a known
    industry or kind of client are segments of their own. The shrunk rate is drawn toward all segments of the tenant.

    Args:
        intake: Silver intake events.
        project_segments: What is known of the segment of a project.
        as_of: Scores from this instant on do not count.
        clarity: `high_score`: score from which a brief is clear.
        evidence: `confidence` of the interval.
    """
    scored = intake.filter(
        pl.col("event_type") == "INTAKE_CLARITY_SCORED",
        pl.col("occurred_at") < as_of,
        pl.col("project_id").is_not_null(),
    )
    interval = expressions.wilson("clear_briefs", "briefs", evidence.confidence).struct
    score_micros = (pl.col("clarity_score") * _MICRO).round().cast(pl.Int64)
    return (
        keep_earliest(scored, PROJECT)
        .select(*PROJECT, "clarity_score")
        .join(project_segments.select(*PROJECT, "industry", "client_type"), on=PROJECT, how="left", nulls_equal=True)
        .group_by(SEGMENT)
        .agg(
            briefs=pl.len().cast(pl.Int64),
            mean_score=score_micros.sum() / (pl.len() * _MICRO),
            clear_briefs=(pl.col("clarity_score") >= clarity.high_score).sum().cast(pl.Int64),
        )
        .with_columns(_tenant=pl.col("tenant_id").rank("dense").fill_null(0).cast(pl.Int64))
        .with_columns(
            clear_rate=pl.col("clear_briefs") / pl.col("briefs"),
            ci_low=interval.field("low"),
            ci_high=interval.field("high"),
            shrunk_rate=pl.map_batches(["_tenant", "clear_briefs", "briefs"], _shrunk, return_dtype=pl.Float64),
        )
        .sort(SEGMENT)
    )


def _shrunk(columns: Sequence[pl.Series]) -> pl.Series:
    """Return the shrunk rate of each segment; the prior is fitted to all segments of its tenant at once."""
    tenant, clear_briefs, briefs = columns
    codes = tenant.to_numpy()
    return pl.Series(stats.shrink(clear_briefs, briefs, stats.fit_by(codes, clear_briefs, briefs).of(codes)))
