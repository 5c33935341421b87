"""How good is a content, in absolute terms and among its like? Its tier, and its percentile in its group."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import DailyPerformance, PerformanceTiers

GROUP = ("project_id", "platform", "content_type")


@job(reads=(DailyPerformance,), writes=PerformanceTiers)
def performance_tiers(daily_performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Add to the figures of each content, platform and day its percentile within project, platform and content type.

    A record without a project or a content type is compared with the others without one.

    Args:
        daily_performance: Figures by content, platform and day.
        as_of: Figures measured from this instant on do not count.
    """
    figures = daily_performance.filter(pl.col("occurred_at") < as_of)
    # Equal rates of a group have one percentile, so it is joined by the rate: the wide rows are streamed, never sorted.
    on = (*GROUP, "engagement_rate")
    return figures.join(percentiles(figures, GROUP), on=on, how="left", nulls_equal=True)


def percentiles(figures: pl.LazyFrame, group: tuple[str, ...]) -> pl.LazyFrame:
    """Percentile of every rate that occurs in a group: its average rank over the number of rated rows.

    Args:
        figures: Rows with `engagement_rate` and the columns of the group; rows without a rate do not count.
        group: Columns that name a group; a null is a value of its own.

    Returns:
        The columns of the group, `engagement_rate` and `percentile_in_group`, one row a distinct rate.
    """
    equal = pl.len().cast(pl.Int64)
    below = (pl.col("equal").cum_sum() - pl.col("equal")).over(group, order_by="engagement_rate")
    average_rank = below + (pl.col("equal") + 1) / 2
    return (
        figures.filter(pl.col("engagement_rate").is_not_null())
        .group_by(*group, "engagement_rate")
        .agg(equal=equal)
        .select(*group, "engagement_rate", percentile_in_group=average_rank / pl.col("equal").sum().over(group))
    )
