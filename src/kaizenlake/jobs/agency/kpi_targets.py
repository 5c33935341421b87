"""What may a brand aim at? What the best quarter of its own contents reached."""

from __future__ import annotations

import polars as pl

from kaizenlake.events.values.platforms import holds_posts
from kaizenlake.job import job
from kaizenlake.jobs.agency._brand_owners import name_brands
from kaizenlake.tables import Brands, Contents, KpiTargets
from kaizenlake.tables.agency.targets import TARGET_METRICS

FEWEST = 5
"""Fewest contents from which a target is told."""


@job(reads=(Contents, Brands), writes=KpiTargets, timeless=True)
def kpi_targets(contents: pl.LazyFrame, brands: pl.LazyFrame) -> pl.LazyFrame:
    """Tell the quartiles of each rate of each brand, over its posts: days of a newsletter or a website have other rates.

    A content is of the brand that it names, else of the one whose description names its project; of several such brands,
    of none.

    Args:
        contents: Contents with their rates.
        brands: Brands with their projects.
    """
    rates = (
        name_brands(contents.filter(holds_posts(pl.col("platform"))), brands)
        .select("tenant_id", "brand_id", *TARGET_METRICS)
        .unpivot(TARGET_METRICS, index=["tenant_id", "brand_id"], variable_name="metric", value_name="rate")
        .drop_nulls("rate")
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
