"""What was learned of each brand that nobody should have to learn again?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_latest
from kaizenlake.tables import BrandFacts, BrandNotes

GRAIN = ("tenant_id", "brand_id", "noted_at", "note")


@job(reads=(BrandFacts,), writes=BrandNotes, timeless=True)
def brand_notes(brand_facts: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the notes on each brand; one that comes again at the same instant counts once.

    Args:
        brand_facts: Descriptions of brands, and notes on them.
        as_of: Notes from this instant on do not count.
    """
    told = brand_facts.filter(pl.col("occurred_at") < as_of, event_type="BRAND_NOTED")
    return keep_latest(told.with_columns(noted_at="occurred_at", note="insight"), GRAIN).sort(GRAIN)
