"""How good is a content, in absolute terms and among its like? Its tier, and its percentile in its group."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import DailyPerformance, PerformanceTiers

GROUP = ("tenant_id", "project_id", "platform", "content_type")


@job(reads=(DailyPerformance,), writes=PerformanceTiers, timeless=True)
def performance_tiers(daily_performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Add to the figures of each content, platform and day its percentile within project, platform and content type.

    A record without a project or a content type is compared with the others without one.

    Args:
        daily_performance: Figures by content, platform and day.
        as_of: Figures measured from this instant on do not count.
    """
    return daily_performance.filter(pl.col("occurred_at") < as_of).with_columns(
        percentile_in_group=percentile(pl.col("engagement_rate"), GROUP)
    )


def percentile(value: pl.Expr, group: tuple[str, ...]) -> pl.Expr:
    """Return the average rank of a value among the values of its group, over their number: in (0, 1], the best alone has 1.

    Args:
        value: Nulls get no percentile and do not count.
        group: Columns that name a group; a null is a value of its own.
    """
    return value.rank("average").over(group) / value.count().over(group)
