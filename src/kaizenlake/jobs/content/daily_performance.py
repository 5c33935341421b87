"""What did each content achieve on each platform and day? The latest record, its parts added up, with its rates and tier."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import LANDED, keep_latest
from kaizenlake.jobs._records import latest_of_days, share
from kaizenlake.parameters import Tiers
from kaizenlake.tables import DailyPerformance, Performance
from kaizenlake.tables.content import INCREMENTS


@job(reads=(Performance,), writes=DailyPerformance, by_day=True, timeless=True)
def daily_performance(
    performance: pl.LazyFrame,
    *,
    as_of: datetime,
    tiers: Tiers = Tiers(),
) -> pl.LazyFrame:
    """Keep the latest record of each content, platform and day, and add its rates and tier.

    The latest record of a day replaces the earlier ones, and null figures of it stay null. Where it is one of several that break
    a content down, by age or placement, they are added up. Engagements that are not told are the sum of their parts.

    Args:
        performance: Silver performance events.
        as_of: Events from this instant on do not count.
        tiers: Engagement rates from which a tier begins.
    """
    return (
        _add_parts_added_up(performance, as_of)
        .with_columns(
            performed_on=pl.col("event_date"),
            rate_of=pl.col("rate_of").fill_null("impressions"),
            figures=pl.col("figures").fill_null("total so far"),
        )
        .with_columns(
            engagement_rate=pl.coalesce("engagement_rate", share(pl.col("engagements"), trials())),
            # What the counts say goes before what a platform reports, which is rounded.
            click_rate=pl.coalesce(share(pl.col("clicks"), pl.col("impressions")), "ctr"),
            conversion_rate=pl.coalesce(share(pl.col("conversions"), pl.col("clicks")), "conversion_rate"),
        )
        .with_columns(tier=tier(pl.col("engagement_rate"), tiers))
    )


def latest_records(performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Return the latest record of figures of each tenant, project, content, platform and day before `as_of`, in the columns of silver."""
    return keep_latest(_select_recorded(performance, as_of), DAY, LANDED)


CONTENT = ("tenant_id", "project_id", "content_id", "platform")
DAY = (*CONTENT, "event_date")
COUNTS = tuple(name for name in INCREMENTS if name != "reach")
"""Figures that are added up; people reached, whom several parts may share, are not."""

PARTS = ("likes", "comments", "shares", "saves")
"""What engagements are the sum of, where they are not told."""


def _select_recorded(performance: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    return performance.filter(pl.col("event_type") == "PERFORMANCE_RECORDED", pl.col("occurred_at") < as_of)


def _add_parts_added_up(performance: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return the latest record of each day; the figures of one that is a part are those of all parts of the day."""
    told = pl.sum_horizontal(pl.col(name) for name in PARTS)
    says = pl.any_horizontal(pl.col(name).is_not_null() for name in PARTS)
    recorded = _select_recorded(performance, as_of).with_columns(
        engagements=pl.coalesce("engagements", pl.when(says).then(told))
    )
    return latest_of_days(recorded, CONTENT, COUNTS, ("reach", "engagement_rate", "ctr", "conversion_rate"))


def trials() -> pl.Expr:
    """Return the denominator of the engagement rate: people reached where the record says so, else impressions."""
    return pl.when(pl.col("rate_of") == "reach").then("reach").otherwise("impressions")


def tier(rate: pl.Expr, tiers: Tiers) -> pl.Expr:
    """Return the tier of a rate; null for null.

    Args:
        rate: Engagement rate, a fraction; not NaN.
        tiers: Rates from which a tier begins.
    """
    return (
        pl.when(rate.is_null())
        .then(None)
        .when(rate >= tiers.excellent)
        .then(pl.lit("excellent"))
        .when(rate >= tiers.good)
        .then(pl.lit("good"))
        .when(rate >= tiers.average)
        .then(pl.lit("average"))
        .otherwise(pl.lit("poor"))
    )
