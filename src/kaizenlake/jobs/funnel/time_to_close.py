"""How many days pass from lead to deal?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.funnel.leads import MICROSECONDS_PER_DAY
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import expressions
from kaizenlake.stats.survival.kaplan_meier import time_quantiles
from kaizenlake.tables import Leads, TimeToClose
from kaizenlake.tables.agency.funnel import ALL_LEADS

DIMENSIONS = (ALL_LEADS, "source", "industry", "client_type")
GROUP = ("tenant_id", "dimension", "value")
_SHARES = {"quarter": 0.25, "median": 0.5, "three_quarter": 0.75}


@job(reads=(Leads,), writes=TimeToClose)
def time_to_close(
    leads: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Estimate the days from creation to deal by Kaplan and Meier: median and quartiles of all leads, by source and segment.

    A lead that is open waits since its creation, one that was lost is censored when it was lost: the days are those by which
    so many would be won if none were lost. Leads whose creation nobody told, or told of as later than their end, are left out.

    Args:
        leads: Leads with their stages.
        as_of: Instant at which open leads are censored.
        evidence: `confidence` of the intervals.
    """
    until = pl.coalesce("won_at", "lost_at", pl.lit(as_of))
    waiting = (
        leads.filter(pl.col("created_at") <= until)
        .with_columns(
            expressions.divide((until - pl.col("created_at")).dt.total_microseconds(), MICROSECONDS_PER_DAY).alias(
                "_days"
            ),
            pl.lit(ALL_LEADS).alias(ALL_LEADS),
        )
        .select("tenant_id", "outcome", "_days", *DIMENSIONS)
        .unpivot(
            on=DIMENSIONS,
            index=["tenant_id", "outcome", "_days"],
            variable_name="dimension",
            value_name="value",
        )
        .filter(pl.col("value").is_not_null())
    )
    counted = waiting.group_by(GROUP).agg(
        leads=pl.len().cast(pl.Int64),
        **{name: (pl.col("outcome") == name).sum().cast(pl.Int64) for name in ("won", "lost", "open")},
        _days="_days",
        _won=pl.col("outcome") == "won",
    )

    def with_quantiles(groups: pl.DataFrame) -> pl.DataFrame:
        rows = [
            time_quantiles(days, won, tuple(_SHARES.values()), evidence.confidence)
            for days, won in groups.select("_days", "_won").iter_rows()
        ]
        columns = [
            pl.Series(f"{name}_days{end}", [row[number][part] for row in rows], dtype=pl.Float64)
            for number, name in enumerate(_SHARES)
            for part, end in enumerate(("", "_low", "_high"))
        ]
        return groups.with_columns(columns).select(tables.schema(TimeToClose).names())

    return counted.sort(GROUP).map_batches(with_quantiles, schema=tables.schema(TimeToClose))
