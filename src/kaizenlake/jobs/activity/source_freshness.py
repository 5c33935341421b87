"""Who has fallen silent? Each source with the hours since its latest event."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.events.catalogue import LOGGED
from kaizenlake.job import job
from kaizenlake.parameters import Windows
from kaizenlake.stats import expressions
from kaizenlake.tables import EventCounts, SourceFreshness

_LOGGED = [event.name for event in LOGGED if event.family.name != "brand_facts"]
"""Types that sources send; who decides nothing, or describes no brand, for a week is no silent source."""

_MICROSECONDS_PER_HOUR = 3_600_000_000


@job(reads=(EventCounts,), writes=SourceFreshness)
def source_freshness(
    event_counts: pl.LazyFrame,
    *,
    as_of: datetime,
    windows: Windows = Windows(),
) -> pl.LazyFrame:
    """Say of each source how long it has been silent, and whether that is too long.

    Args:
        event_counts: Events by day, source, type and project.
        as_of: Instant from which silence is counted back.
        windows: `freshness_hours`: a source is stale when it was silent for **longer** than this.
    """
    silent = expressions.divide((pl.lit(as_of) - pl.col("last_at")).dt.total_microseconds(), _MICROSECONDS_PER_HOUR)
    return (
        event_counts.filter(pl.col("last_at") < as_of, pl.col("event_type").is_in(_LOGGED))
        .group_by("tenant_id", "source")
        .agg(pl.col("events").sum(), pl.col("last_at").max())
        .with_columns(silent_hours=silent)
        .with_columns(stale=pl.col("silent_hours") > windows.freshness_hours)
        .sort("tenant_id", "source")
    )
