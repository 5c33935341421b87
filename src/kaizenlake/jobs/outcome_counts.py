"""How many outcomes were decided and won, by project, segment, dimension and value?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.tables import OutcomeCounts, Outcomes


@job(reads=(Outcomes,), writes=OutcomeCounts, adds_up=True, timeless=True)
def outcome_counts(
    outcomes: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - the outcomes leave out what is later
) -> pl.LazyFrame:
    """Count decided outcomes, so that rates over years are read off a small table.

    Args:
        outcomes: Decided outcomes by dimension.
        as_of: Events before it count.
    """
    return outcomes.group_by(tables.grain(OutcomeCounts)).agg(
        wins=pl.col("won").sum().cast(pl.Int64), decided=pl.len().cast(pl.Int64)
    )
