"""Gold table of what a brand may aim at."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import OfTenant, column, rate, table

POST_METRICS = ("engagement_rate", "click_rate", "conversion_rate")
"""Rates of posts."""

DAY_METRICS = ("email_open_rate", "email_click_rate", "website_conversion_rate")
"""Rates of the days of a channel that holds no posts."""


@table(layer="gold", grain=("tenant_id", "brand_id", "metric"))
class KpiTargets(OfTenant):
    """Where one rate of one brand stands, and what it may aim at: what the best quarter of its own posts, or days of a channel, reached."""

    brand_id: str = column("Brand that a content names, or else whose description names the project.", label="Brand")
    metric: str = column("The rate.", isin=(*POST_METRICS, *DAY_METRICS), format="words")
    contents: pl.Int64 = column(
        "Posts that have the rate, or days of the newsletter or the website; five at least.",
        ge=5,
        label="Posts or days",
    )
    median_rate: float = rate("Median of their rates.", label="Median", format="small_rate")
    low_rate: float = rate("Lower quartile.", label="Lower quartile", format="small_rate")
    target_rate: float = rate("Upper quartile: what the best quarter reached.", label="Target", format="small_rate")
