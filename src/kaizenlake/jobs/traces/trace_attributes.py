"""Which attributes of spans does nothing read? Counted by name, so that none is lost in silence."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import Runs, TraceAttributes


@job(reads=(Runs,), writes=TraceAttributes, by_day=True, timeless=True)
def trace_attributes(runs: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count the spans that have each attribute that is no field of a step.

    Args:
        runs: Silver run events: spans and descriptions of traces.
        as_of: Events from this instant on do not count.
    """
    spans = runs.filter(pl.col("occurred_at") < as_of, pl.col("unknown_attributes").list.len() > 0)
    return (
        spans.select("tenant_id", "event_date", "dialect", attribute="unknown_attributes")
        .with_columns(pl.col("attribute").list.unique())
        .explode("attribute")
        .group_by("tenant_id", "event_date", "dialect", "attribute")
        .agg(spans=pl.len().cast(pl.Int64))
    )
