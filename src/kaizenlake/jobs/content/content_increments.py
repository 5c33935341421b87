"""What do the figures of single days of a content come to?"""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.tables import ContentIncrements, DailyPerformance
from kaizenlake.tables.content import INCREMENTS, MILLIONTHS


@job(reads=(DailyPerformance,), writes=ContentIncrements, adds_up=True, timeless=True)
def content_increments(
    daily_performance: pl.LazyFrame,
) -> pl.LazyFrame:
    """Add up the figures of contents whose records are of single days, and count the days that tell each.

    Args:
        daily_performance: Figures by content, platform and day.
    """
    of_days = daily_performance.filter(pl.col("figures") == "of the day")
    return of_days.group_by(tables.grain(ContentIncrements)).agg(
        days=pl.len().cast(pl.Int64),
        **{f"{name}_days": pl.col(name).count().cast(pl.Int64) for name in INCREMENTS},
        **{name: _compute_whole(name).sum().cast(pl.Int64) for name in INCREMENTS},
    )


def _compute_whole(name: str) -> pl.Expr:
    figure = pl.col(name)
    return (figure * 1_000_000).round(0).cast(pl.Int64) if name in MILLIONTHS else figure
