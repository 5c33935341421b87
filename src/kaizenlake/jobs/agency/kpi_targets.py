"""What may a brand aim at? What the best quarter of its own posts, or days of a channel, reached."""

from __future__ import annotations

import polars as pl

from kaizenlake.events.values.platforms import holds_posts
from kaizenlake.job import job
from kaizenlake.jobs._brand_owners import name_brands
from kaizenlake.tables import Brands, Contents, KpiTargets, PerformanceSnapshots
from kaizenlake.tables.agency.targets import DAY_METRICS, POST_METRICS

_BRAND = ["tenant_id", "brand_id"]

FEWEST = 5
"""Fewest contents from which a target is told."""


@job(reads=(Contents, Brands, PerformanceSnapshots), writes=KpiTargets, timeless=True)
def kpi_targets(contents: pl.LazyFrame, brands: pl.LazyFrame, performance_snapshots: pl.LazyFrame) -> pl.LazyFrame:
    """Tell the quartiles of each rate of each brand: over its posts, and of its newsletter and its website over their days.

    A content is of the brand that it names, else of the one whose description names its project; of several such brands,
    of none.

    Args:
        contents: Contents with their rates.
        brands: Brands with their projects.
        performance_snapshots: Rates of the channels of each brand by day.
    """
    posts = name_brands(contents.filter(holds_posts(pl.col("platform"))), brands)
    rates = pl.concat(
        [
            found.select(*_BRAND, *metrics)
            .unpivot(metrics, index=_BRAND, variable_name="metric", value_name="rate")
            .drop_nulls("rate")
            for found, metrics in ((posts, POST_METRICS), (performance_snapshots, DAY_METRICS))
        ]
    )
    quantile = pl.col("rate").quantile
    return (
        rates.group_by("tenant_id", "brand_id", "metric")
        .agg(
            pl.len().cast(pl.Int64).alias("contents"),
            quantile(0.5, "nearest").alias("median_rate"),
            quantile(0.25, "nearest").alias("low_rate"),
            quantile(0.75, "nearest").alias("target_rate"),
        )
        .filter(pl.col("contents") >= FEWEST)
        .sort("tenant_id", "brand_id", "metric")
    )
