"""Which versions of data sets were cut?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest
from kaizenlake.tables import DatasetLog, Datasets

KEY = ("tenant_id", "dataset_id", "dataset_version")


@job(reads=(DatasetLog,), writes=Datasets, timeless=True)
def datasets(dataset_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the versions of data sets; what was cut first under a version is that version.

    Args:
        dataset_log: Decisions on data sets.
        as_of: Versions that were cut from this instant on do not count.
    """
    cut = dataset_log.filter(pl.col("event_type") == "DATASET_CUT", pl.col("occurred_at") < as_of)
    return keep_earliest(cut, KEY).with_columns(cut_at="occurred_at").sort(KEY)
