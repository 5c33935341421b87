"""What did each ad cost and bring on each day?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._records import figures_of_days, ratio, share
from kaizenlake.tables import AdDays, Ads

AD = ("tenant_id", "project_id", "content_id", "platform")
COUNTS = ("spend_usd", "impressions", "clicks", "conversions", "revenue_usd")
"""Figures that parts and days add up to."""

LOST = ("reach", "roas")
"""What is not known of several parts or days together."""


@job(reads=(Ads,), writes=AdDays, by_day=True, timeless=True)
def ad_days(ads: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Keep the latest record of each ad, platform and day, its parts added up, and add its rates and costs.

    Args:
        ads: Silver ad events.
        as_of: Events from this instant on do not count.
    """
    return figures_of_days(ads, AD, COUNTS, LOST, as_of=as_of).with_columns(**rates())


def rates() -> dict[str, pl.Expr]:
    """Return the rates and costs of an ad by their names."""
    spend = pl.col("spend_usd")
    return {
        "click_rate": share(pl.col("clicks"), pl.col("impressions")),
        "conversion_rate": share(pl.col("conversions"), pl.col("clicks")),
        "cost_per_click_usd": ratio(spend, pl.col("clicks")),
        "cost_per_conversion_usd": ratio(spend, pl.col("conversions")),
        "roas": pl.coalesce(ratio(pl.col("revenue_usd"), spend), pl.when(spend.fill_null(1.0) > 0).then("roas")),
    }
