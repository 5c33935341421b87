"""What is known of each brand?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_latest
from kaizenlake.tables import BrandFacts, Brands

KEY = ("tenant_id", "brand_id")
_LISTS = ("competitors", "claims", "holidays", "projects")


@job(reads=(BrandFacts,), writes=Brands, timeless=True)
def brands(brand_facts: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Keep the latest description of each brand.

    Args:
        brand_facts: Descriptions of brands.
        as_of: Descriptions from this instant on do not count.
    """
    return (
        keep_latest(brand_facts.filter(pl.col("occurred_at") < as_of, event_type="BRAND_DESCRIBED"), KEY)
        .with_columns(pl.col(_LISTS).fill_null([]), pl.col("zone").fill_null("UTC"), described_at="occurred_at")
        .sort(KEY)
    )
