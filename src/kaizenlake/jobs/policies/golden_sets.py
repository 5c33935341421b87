"""Which runs were frozen as golden sets? Every version of every set."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest
from kaizenlake.tables import GoldenSets, ReplayLog


@job(reads=(ReplayLog,), writes=GoldenSets, timeless=True)
def golden_sets(replay_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the versions of golden sets; what was frozen first under a version is that version.

    Args:
        replay_log: Silver replay events.
        as_of: Sets that were frozen from this instant on do not count.
    """
    frozen = replay_log.filter(pl.col("event_type") == "GOLDEN_SET_FROZEN", pl.col("occurred_at") < as_of)
    version = pl.col("golden_set_version")
    return (
        keep_earliest(frozen, ("tenant_id", "golden_set_id", "golden_set_version"))
        .with_columns(
            runs=pl.col("golden_runs").list.len().cast(pl.Int64),
            is_newest=version == version.max().over("tenant_id", "golden_set_id"),
            frozen_at="occurred_at",
            frozen_by="decided_by",
        )
        .sort("tenant_id", "golden_set_id", "golden_set_version")
    )
