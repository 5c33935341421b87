"""How much did a source send at once? Events by the day on which they were landed, whenever they happened."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import Events, SourceArrivals

BEFORE = timedelta(days=56)
"""Days before a landing against which it is held."""

LEAST_DAYS = 5
"""Days on which a source landed anything, from which on it is known what is usual."""

LEAST_FLOOD = 1_000
"""Events of one source and day of landing, below which nothing is said."""

TIMES_USUAL, TIMES_MOST = 10.0, 1.5
"""Times the median day, and times the day that nine of ten do not pass, beyond which a day's landing is unusual."""

ARRIVAL = ("tenant_id", "source")


@job(reads=(Events,), writes=SourceArrivals, by_day=True)
def source_arrivals(events: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count the events of each tenant and source by the day on which they happened and the day on which they were landed.

    Args:
        events: Bronze events.
        as_of: Events from this instant on do not count.
    """
    return (
        events.filter(pl.col("occurred_at") < as_of)
        .group_by("tenant_id", "event_date", "source", landed_on=pl.col("landed_at").dt.date())
        .agg(events=pl.len().cast(pl.Int64))
    )


def hold_against_usual(arrivals: pl.LazyFrame, since: date) -> pl.LazyFrame:
    """Hold the largest late landing of each source against the days on which it landed before.

    What a source sent at first, such as an export of years, does not count as usual once there are enough days; what it sends
    in bulk on one day of ten does.

    Args:
        arrivals: Events by tenant, source and day of landing; several rows may be of one day.
        since: First day that counts as late.

    Returns:
        By tenant and source: the day, `landed_on`; its events, `value`; the median day before, `usual`, null for too few; the
        most that is no flood, `most`; the days before, `days`; and whether it is a flood, `is_flood`.
    """
    days = arrivals.group_by(*ARRIVAL, "landed_on").agg(pl.col("events").sum())
    late = (
        days.filter(pl.col("landed_on") >= since)
        .group_by(ARRIVAL)
        .agg(
            pl.col("landed_on").sort_by("events", "landed_on").last(),
            value=pl.col("events").max(),
        )
    )
    before = (
        days.join(late.select(*ARRIVAL, at="landed_on"), on=ARRIVAL, nulls_equal=True)
        .filter(pl.col("landed_on") < pl.col("at"), pl.col("landed_on") >= pl.col("at") - BEFORE)
        .group_by(ARRIVAL)
        .agg(
            days=pl.len().cast(pl.Int64),
            middle=pl.col("events").median(),
            high=pl.col("events").quantile(0.9, interpolation="lower"),
        )
    )
    is_known = pl.col("days") >= LEAST_DAYS
    most = pl.max_horizontal(
        pl.lit(float(LEAST_FLOOD)), TIMES_USUAL * pl.col("middle"), TIMES_MOST * pl.col("high").cast(pl.Float64)
    )
    return (
        late.join(before, on=ARRIVAL, how="left", nulls_equal=True)
        .with_columns(pl.col("days").fill_null(0))
        .with_columns(usual=pl.when(is_known).then(pl.col("middle")), most=pl.when(is_known).then(most))
        .with_columns(is_flood=(pl.col("value") > pl.col("most")).fill_null(value=False))
        .drop("middle", "high")
    )
