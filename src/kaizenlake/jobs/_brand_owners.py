"""Whose are contents and leads that name no brand? Of the brand whose description names their project."""

from __future__ import annotations

import polars as pl


def own_projects(brands: pl.LazyFrame) -> pl.LazyFrame:
    """Return the one brand whose description names each project: `tenant_id`, `project_id` and `owner`; a project that several name has none.

    Args:
        brands: Brands with their projects.
    """
    return (
        brands.select("tenant_id", "projects", owner="brand_id")
        .explode("projects")
        .drop_nulls("projects")
        .unique()
        .group_by("tenant_id", project_id="projects")
        .agg(pl.col("owner").first(), pl.len().alias("claimed"))
        .filter(pl.col("claimed") == 1)
        .drop("claimed")
    )


def name_brands(rows: pl.LazyFrame, brands: pl.LazyFrame) -> pl.LazyFrame:
    """Fill in the brand of rows that name none, from their project; of a project that several brands name, none. The others are left out.

    Args:
        rows: Rows with `tenant_id`, `project_id` and `brand_id`.
        brands: Brands with their projects.
    """
    return (
        rows.join(own_projects(brands), on=["tenant_id", "project_id"], how="left", nulls_equal=True)
        .with_columns(brand_id=pl.coalesce("brand_id", "owner"))
        .drop_nulls("brand_id")
        .drop("owner")
    )
