"""Which files belong to which run?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest
from kaizenlake.tables import LearningLog, RunArtifacts

KEY = ("tenant_id", "trace_id", "artifact_sha256", "artifact_name")


@job(reads=(LearningLog,), writes=RunArtifacts, timeless=True)
def run_artifacts(learning_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the files of runs that were kept beside the lake; one that was told twice is one.

    Args:
        learning_log: Learning events, files that were kept among them.
        as_of: Files of runs that ended from this instant on do not count.
    """
    kept = learning_log.filter(pl.col("event_type") == "ARTIFACT_KEPT", pl.col("occurred_at") < as_of)
    return keep_earliest(kept, KEY).with_columns(kept_at="occurred_at").sort(KEY)
