"""Which scores wait for their run?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.runs.run_records import RUN
from kaizenlake.tables import PendingScores, RunRecords, Runs


@job(reads=(Runs, RunRecords), writes=PendingScores, timeless=True)
def pending_scores(runs: pl.LazyFrame, run_records: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count the scores of each scorer that name a run of which no RUN_COMPLETED has come; none of them makes a run.

    Args:
        runs: Silver run events.
        run_records: The record of each run.
        as_of: Events from this instant on do not count.
    """
    return (
        runs.filter(pl.col("event_type") == "RUN_SCORED", pl.col("occurred_at") < as_of)
        .join(run_records.filter(pl.col("occurred_at") < as_of), on=RUN, how="anti", nulls_equal=True)
        .group_by("tenant_id", "scorer")
        .agg(
            scores=pl.len().cast(pl.Int64),
            runs=pl.col("run_id").n_unique().cast(pl.Int64),
            first_at=pl.col("occurred_at").min(),
            last_at=pl.col("occurred_at").max(),
        )
        .sort("tenant_id", "scorer")
    )
