"""Why do packs, their sections and their quality fail?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.outcomes.outcome_subjects import PACK, number_productions
from kaizenlake.tables import PackFailures, Packs

_PARTS = {"PACK_FAILED": "pack", "SECTION_FAILED": "section", "PACK_QUALITY_FAILED": "quality"}


@job(reads=(Packs,), writes=PackFailures, timeless=True)
def pack_failures(packs: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count the reasons for which packs, sections and quality failed; productions that hold a stub are left out.

    Args:
        packs: Silver pack events.
        as_of: Events from this instant on do not count.
    """
    part = pl.col("event_type").replace_strict(_PARTS, default=None)
    productions = number_productions(packs.filter(pl.col("occurred_at") < as_of))
    stubs = productions.filter(pl.col("is_stub")).select(PACK)
    failures = (
        productions.join(stubs, on=PACK, how="anti", nulls_equal=True)
        .with_columns(part=part)
        .filter(pl.col("part").is_not_null())
        .with_columns(section_id=pl.when(pl.col("part") == "section").then("section_id"))
    )
    found = failures.filter(pl.col("part") == "quality").with_columns(reason="issues").explode("reason")
    told = failures.filter(pl.col("part") != "quality")
    columns = ("tenant_id", "pack_key", "part", "section_id", "reason", "occurred_at")
    return (
        pl.concat([told.select(columns), found.select(columns)])
        .with_columns(pl.col("reason").fill_null("no reason told"))
        .group_by("tenant_id", "pack_key", "part", "section_id", "reason")
        .agg(
            failures=pl.len().cast(pl.Int64),
            first_at=pl.col("occurred_at").min(),
            last_at=pl.col("occurred_at").max(),
        )
    )
