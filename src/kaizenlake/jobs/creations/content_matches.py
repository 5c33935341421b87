"""Of how many contents that were made are there figures, and of how many figures is it known how the content was made?"""

from __future__ import annotations

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import ContentMatches, ContentOrigins, Contents

PROJECT = ("tenant_id", "project_id")


@job(reads=(ContentOrigins, Contents), writes=ContentMatches, timeless=True)
def content_matches(
    content_origins: pl.LazyFrame,
    contents: pl.LazyFrame,
) -> pl.LazyFrame:
    """Count the contents that were made, and those that have figures, each with and without the other.

    Args:
        content_origins: Contents that were made, by name.
        contents: Contents with their figures.
    """
    found = contents.filter(pl.col("creation_id").is_not_null()).select("creation_id").unique()
    made = (
        content_origins.filter(~pl.col("is_external"))
        .join(found.with_columns(is_found=pl.lit(value=True)), on="creation_id", how="left")
        .group_by("tenant_id", project_id="created_project")
        .agg(created=pl.len().cast(pl.Int64), created_matched=pl.col("is_found").count().cast(pl.Int64))
    )
    measured = contents.group_by(PROJECT).agg(
        measured=pl.len().cast(pl.Int64), measured_matched=pl.col("creation_id").count().cast(pl.Int64)
    )
    counts = ("created", "created_matched", "measured", "measured_matched")
    return (
        made.join(measured, on=list(PROJECT), how="full", coalesce=True, nulls_equal=True)
        .with_columns(pl.col(counts).fill_null(0))
        .with_columns(
            created_unmatched=pl.col("created") - pl.col("created_matched"),
            measured_unmatched=pl.col("measured") - pl.col("measured_matched"),
        )
    )
