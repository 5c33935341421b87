"""What did each content achieve on each platform and day? The latest record, its parts added up, with its rates and tier."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest import LANDED, latest
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

    The latest record of a day replaces the earlier ones, and null figures of it stay null. Where it is one of several that break
    a content down, by age or placement, they are added up. Engagements that are not told are the sum of their parts.

    Args:
        performance: Silver performance events.
        as_of: Events from this instant on do not count.
        tiers: Engagement rates from which a tier begins.
    """
    return (
        _with_parts_added_up(performance, as_of)
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
    return latest(_select_recorded(performance, as_of), DAY, LANDED)


DAY = ("tenant_id", "project_id", "content_id", "platform", "event_date")
COUNTS = ("impressions", "clicks", "engagements", "conversions", "revenue_usd")
"""Figures that are added up; people reached, whom several parts may share, are not."""

PARTS = ("likes", "comments", "shares", "saves")
"""What engagements are the sum of, where they are not told."""

PLACES = 6
"""Decimals that are kept of a sum: platforms credit parts of conversions."""


def _select_recorded(performance: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    return performance.filter(pl.col("event_type") == "PERFORMANCE_RECORDED", pl.col("occurred_at") < as_of)


def _with_parts_added_up(performance: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return the latest record of each day; the figures of one that is a part are those of all parts of the day."""
    told = pl.sum_horizontal(pl.col(name) for name in PARTS)
    says = pl.any_horizontal(pl.col(name).is_not_null() for name in PARTS)
    recorded = _select_recorded(performance, as_of).with_columns(
        engagements=pl.coalesce("engagements", pl.when(says).then(told))
    )
    parts = latest(recorded.filter(pl.col("breakdown").is_not_null()), (*DAY, "breakdown"), LANDED)
    sums = parts.group_by(DAY).agg(*(total(pl.col(name)).name.suffix("_sum") for name in COUNTS), parts=pl.len())
    joined = latest(recorded, DAY, LANDED).join(sums, on=list(DAY), how="left", nulls_equal=True)
    is_part = pl.col("breakdown").is_not_null()
    is_sum = is_part & (pl.col("parts") > 1)
    return joined.with_columns(
        *(pl.when(is_part).then(_kept_places(f"{name}_sum")).otherwise(name).alias(name) for name in COUNTS),
        *(
            pl.when(~is_sum.fill_null(value=False)).then(name).alias(name)
            for name in ("reach", "engagement_rate", "ctr", "conversion_rate")
        ),
    )


def _kept_places(name: str) -> pl.Expr:
    return pl.col(name).round(PLACES) if name.removesuffix("_sum") in {"conversions", "revenue_usd"} else pl.col(name)


def total(figure: pl.Expr) -> pl.Expr:
    """Sum of a figure in a group; null where no row tells it."""
    return pl.when(figure.count() > 0).then(figure.sum())


def trials() -> pl.Expr:
    """Return the denominator of the engagement rate: people reached where the record says so, else impressions."""
    return pl.when(pl.col("rate_of") == "reach").then("reach").otherwise("impressions")


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return the part over whole; null without a part or a whole, or with a whole of 0.

    It is at most 1: a platform may count several engagements or clicks a view, and a rate is a share of the views.
    """
    return pl.when(whole > 0).then((part / whole).clip(upper_bound=1.0))


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
