"""How many subjects were won at each age, by project, segment, dimension, value and stratum?"""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.tables import OutcomeCounts, Outcomes


@job(reads=(Outcomes,), writes=OutcomeCounts, adds_up=True, timeless=True)
def outcome_counts(
    outcomes: pl.LazyFrame,
) -> pl.LazyFrame:
    """Count subjects at each age, so that rates over years are read off a small table.

    Args:
        outcomes: Subjects at each age by dimension.
    """
    won = pl.col("won")
    return outcomes.group_by(tables.grain(OutcomeCounts)).agg(
        wins=won.sum().cast(pl.Int64),
        decided=won.count().cast(pl.Int64),
        undecided=won.null_count().cast(pl.Int64),
        latest=pl.col("is_latest").sum().cast(pl.Int64),
    )
