"""What did each content achieve on each platform and day? The latest record, with its rates and tier."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest import latest
from kaizenlake.parameters import Tiers
from kaizenlake.tables import DailyPerformance, Performance


@job(reads=(Performance,), writes=DailyPerformance, by_day=True, timeless=True)
def daily_performance(
    performance: pl.LazyFrame,
    *,
    as_of: datetime,
    tiers: Tiers = Tiers(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """Keep the latest record of each content, platform and day, and add its rates and tier.

    Records are cumulative: the latest of a day replaces the earlier ones, and null figures of it stay null.

    Args:
        performance: Silver performance events.
        as_of: Events from this instant on do not count.
        tiers: Engagement rates from which a tier begins.
    """
    return (
        latest_records(performance, as_of=as_of)
        .with_columns(performed_on=pl.col("event_date"), rate_of=pl.col("rate_of").fill_null("impressions"))
        .with_columns(
            engagement_rate=pl.coalesce("engagement_rate", share(pl.col("engagements"), trials())),
            # What the counts say goes before what a platform reports, which is rounded.
            click_rate=pl.coalesce(share(pl.col("clicks"), pl.col("impressions")), "ctr"),
            conversion_rate=pl.coalesce(share(pl.col("conversions"), pl.col("clicks")), "conversion_rate"),
        )
        .with_columns(tier=tier(pl.col("engagement_rate"), tiers))
    )


def latest_records(performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Latest record of figures of each tenant, project, content, platform and day before `as_of`, in the columns of silver."""
    recorded = performance.filter(pl.col("event_type") == "PERFORMANCE_RECORDED", pl.col("occurred_at") < as_of)
    return latest(recorded, ("tenant_id", "project_id", "content_id", "platform", "event_date"))


def trials() -> pl.Expr:
    """Denominator of the engagement rate: people reached where the record says so, else impressions."""
    return pl.when(pl.col("rate_of") == "reach").then("reach").otherwise("impressions")


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Part over whole; null without a part or a whole, or with a whole of 0.

    It is at most 1: a platform may count several engagements or clicks a view, and a rate is a share of the views.
    """
    return pl.when(whole > 0).then((part / whole).clip(upper_bound=1.0))


def tier(rate: pl.Expr, tiers: Tiers) -> pl.Expr:
    """Tier of a rate; null for null.

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
