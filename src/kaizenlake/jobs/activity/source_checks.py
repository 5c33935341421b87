"""Does a source send what it used to? Its volume by weekday and at once, fields, sizes of its numbers, lines that are refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.source_arrivals import LEAST_DAYS as LEAST_LANDINGS
from kaizenlake.jobs.activity.source_arrivals import hold_against_usual
from kaizenlake.stats import expressions
from kaizenlake.tables import EventCounts, FieldCounts, Landings, Quarantine, SourceArrivals, SourceChecks

RECENT = timedelta(days=3)
"""Days before `as_of` that are held against the earlier ones."""

BEFORE = timedelta(days=56)
"""Days before those that they are held against."""

ARRIVED = timedelta(days=1)
"""How long a day's events may take to arrive before its volume is judged."""

LEAST_WEEKDAYS, LEAST_DAYS, LEAST_EVENTS = 4, 5, 10
"""Same weekdays, days, and events on the days that are judged, from which on a check says anything."""

FAR = 4.0
"""Robust standard deviations by which a day's volume, or a mean size, must lie off."""

LEAST_SPREAD = 0.25
"""Smallest standard deviation of the natural logarithm of a day's volume that is believed."""

FACTOR = 0.6
"""Least change of a mean decimal logarithm that may be a change of unit: about fourfold."""

USUAL_SHARE, GONE_SHARE = 0.8, 0.02
"""Share of events that told a field before, and the share at which it counts as gone."""

LANDED_RECENTLY = timedelta(days=7)
"""Days before `as_of` whose landings are held against the earlier ones."""

LEAST_LINES, LEAST_SHARE, TIMES_MORE = 20, 0.05, 3.0
"""Lines of a mapping, share of them in quarantine, and times the share before, from which on it is unusual."""

_SOURCE = ("tenant_id", "source", "event_type")
_MAD = 1.4826


HELD_BACK = ("over_cap", "over_usual")
"""Rules by which landing holds lines back for their number alone."""


@job(reads=(EventCounts, FieldCounts, Landings, SourceArrivals, Quarantine), writes=SourceChecks)
def source_checks(
    event_counts: pl.LazyFrame,
    field_counts: pl.LazyFrame,
    landings: pl.LazyFrame,
    source_arrivals: pl.LazyFrame,
    quarantine: pl.LazyFrame,
    *,
    as_of: datetime,
) -> pl.LazyFrame:
    """Hold what each source sent of late against what it sent before.

    What changed for good is told for as long as the days before it reach back beyond the change. Lines in quarantine are
    those of a mapping, on the days on which they were landed: of a line that was refused neither type nor tenant is known.

    Args:
        event_counts: Events by day, source, type and project.
        field_counts: Events that tell a field, and the size of its numbers, by day, source and type.
        landings: Files that were landed, with their lines.
        source_arrivals: Events by the day on which they were landed.
        quarantine: Lines that were refused or held back.
        as_of: Events from this instant on do not count.
    """
    days = (
        event_counts.filter(pl.col("last_at") < as_of, pl.col("event_date") >= (as_of - RECENT - BEFORE).date())
        .group_by(*_SOURCE, "event_date")
        .agg(sent=pl.col("events").sum())
    )
    told = field_counts.filter(
        pl.col("event_date") >= (as_of - RECENT - BEFORE).date(),
        pl.col("event_date") < as_of.date() + timedelta(days=1),
    )
    sent = told.select(*_SOURCE).unique()
    known = days.join(sent, on=_SOURCE, how="semi", nulls_equal=True)
    names = tables.schema(SourceChecks).names()
    found = (
        _volume(known, as_of),
        _fields(known, told, as_of),
        _sizes(told, as_of),
        _share_refusals(landings, as_of),
        _floods(source_arrivals, as_of),
        _count_lines_over_caps(quarantine, as_of),
    )
    return pl.concat([frame.select(names) for frame in found]).sort(
        "tenant_id", "source", "event_type", "check", "field"
    )


def _volume(days: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Hold the events of the latest whole day of each source against those of the same weekday before; a day without any is 0."""
    # Of the day just gone some are still on their way.
    last = (as_of - ARRIVED - timedelta(days=1)).date()
    weeks = BEFORE.days // 7
    asked = pl.concat(
        days.group_by(_SOURCE)
        .agg(first=pl.col("event_date").min(), latest=pl.col("event_date").max())
        .with_columns(event_date=pl.lit(last) - pl.duration(days=7 * week), week=pl.lit(week, pl.Int64))
        for week in range(weeks + 1)
    ).with_columns(pl.col("event_date").cast(pl.Date))
    counted = (
        asked.filter(pl.col("event_date") >= pl.col("first"))
        .join(days, on=[*_SOURCE, "event_date"], how="left", nulls_equal=True)
        .with_columns(log=pl.col("sent").fill_null(0).cast(pl.Float64).log1p())
    )
    is_before = pl.col("week") > 0
    before = pl.col("log").filter(is_before)
    return (
        counted.group_by(_SOURCE)
        .agg(
            value=pl.col("sent").filter(~is_before).sum().cast(pl.Float64),
            now=pl.col("log").filter(~is_before).first(),
            middle=before.median(),
            spread=(before - before.median()).abs().median() * _MAD,
            busy=(before > 0).sum().cast(pl.Int64),
            days=before.len().cast(pl.Int64),
            latest=pl.col("latest").first(),
        )
        .filter(pl.col("now").is_not_null())
        .with_columns(
            check=pl.lit("volume"),
            field=pl.lit(None, pl.String),
            event_date=pl.lit(last),
            # Of a source that is silent altogether something else speaks.
            is_enough=(pl.col("busy") >= LEAST_WEEKDAYS) & (pl.col("latest") >= last),
            is_far=(pl.col("now") - pl.col("middle")).abs() > FAR * pl.max_horizontal("spread", pl.lit(LEAST_SPREAD)),
        )
        .with_columns(usual=pl.when("is_enough").then(pl.col("middle").exp() - 1.0), verdict=_verdict())
    )


def _verdict() -> pl.Expr:
    return (
        pl.when(~pl.col("is_enough"))
        .then(pl.lit("too early"))
        .when("is_far")
        .then(pl.lit("unusual"))
        .otherwise(pl.lit("usual"))
    )


def _is_recent(as_of: datetime) -> pl.Expr:
    return pl.col("event_date") >= (as_of - RECENT).date()


def _fields(days: pl.LazyFrame, told: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Ask of each field that most events told whether any does of late."""
    recent = _is_recent(as_of)
    of_source = days.group_by(_SOURCE).agg(
        sent_now=pl.col("sent").filter(recent).sum(),
        sent_before=pl.col("sent").filter(~recent).sum(),
        days=(~recent).sum().cast(pl.Int64),
        event_date=pl.col("event_date").filter(recent).min(),
    )
    is_field = ~pl.col("field").str.contains(r"\?$| / ")
    return (
        told.filter(is_field)
        .group_by(*_SOURCE, "field")
        .agg(told_now=pl.col("events").filter(recent).sum(), told_before=pl.col("events").filter(~recent).sum())
        .join(of_source, on=_SOURCE, nulls_equal=True)
        .filter(pl.col("sent_now") > 0)
        .with_columns(
            check=pl.lit("field"),
            value=pl.col("told_now") / pl.col("sent_now"),
            usual=pl.when(pl.col("sent_before") > 0).then(pl.col("told_before") / pl.col("sent_before")),
            is_enough=(pl.col("sent_now") >= LEAST_EVENTS)
            & (pl.col("sent_before") >= LEAST_EVENTS)
            & (pl.col("days") >= LEAST_DAYS),
        )
        .with_columns(is_far=(pl.col("usual") >= USUAL_SHARE) & (pl.col("value") <= GONE_SHARE))
        .with_columns(verdict=_verdict())
    )


def _sizes(told: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Hold the mean size of the numbers of each field against that of the days before."""
    recent = _is_recent(as_of)
    of_day = expressions.divide(pl.col("log_micros") / pl.col("numbers"), 1e6)
    before = pl.col("mean").filter(~recent)
    return (
        told.filter(pl.col("numbers") > 0)
        .with_columns(mean=of_day)
        .group_by(*_SOURCE, "field")
        .agg(
            numbers=pl.col("numbers").filter(recent).sum(),
            now=expressions.divide(
                pl.col("log_micros").filter(recent).sum() / pl.col("numbers").filter(recent).sum(), 1e6
            ),
            middle=before.median(),
            spread=(before - before.median()).abs().median() * _MAD,
            days=(~recent).sum().cast(pl.Int64),
            event_date=pl.col("event_date").filter(recent).min(),
        )
        .filter(pl.col("numbers") > 0)
        .with_columns(
            check=pl.lit("size"),
            value=pl.lit(10.0).pow(pl.col("now")),
            usual=pl.lit(10.0).pow(pl.col("middle")),
            is_enough=(pl.col("numbers") >= LEAST_EVENTS) & (pl.col("days") >= LEAST_DAYS),
            is_far=(pl.col("now") - pl.col("middle")).abs() > pl.max_horizontal(pl.lit(FACTOR), FAR * pl.col("spread")),
        )
        .with_columns(verdict=_verdict())
    )


def _share_refusals(landings: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Hold the share of the lines of each mapping that went to quarantine against that of the landings before."""
    recent = pl.col("landed_at") >= as_of - LANDED_RECENTLY
    day = pl.col("landed_at").dt.date()
    return (
        landings.filter(
            pl.col("mapping").is_not_null(),
            pl.col("landed_at") < as_of,
            pl.col("landed_at") >= as_of - LANDED_RECENTLY - BEFORE,
        )
        .group_by(source="mapping")
        .agg(
            lines=pl.col("lines_in").filter(recent).sum(),
            bad=pl.col("quarantined").filter(recent).sum(),
            lines_before=pl.col("lines_in").filter(~recent).sum(),
            bad_before=pl.col("quarantined").filter(~recent).sum(),
            event_date=day.filter(recent).min(),
            days=day.filter(~recent).n_unique().cast(pl.Int64),
        )
        .filter(pl.col("lines") > 0)
        .with_columns(
            tenant_id=pl.lit(None, pl.String),
            event_type=pl.lit(None, pl.String),
            field=pl.lit(None, pl.String),
            check=pl.lit("quarantine"),
            value=pl.col("bad") / pl.col("lines"),
            usual=pl.when(pl.col("lines_before") > 0).then(pl.col("bad_before") / pl.col("lines_before")),
            is_enough=(pl.col("lines") >= LEAST_LINES) & (pl.col("lines_before") >= LEAST_LINES),
        )
        .with_columns(
            is_far=(pl.col("value") >= LEAST_SHARE) & (pl.col("value") > TIMES_MORE * pl.col("usual").fill_null(0.0))
        )
        .with_columns(verdict=_verdict())
    )


def _floods(arrivals: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Hold the day on which most events of a source were landed of late against the days on which it landed before."""
    of_late = arrivals.filter(pl.col("landed_on") <= as_of.date())
    return hold_against_usual(of_late, (as_of - LANDED_RECENTLY).date()).with_columns(
        pl.col("value").cast(pl.Float64),
        event_type=pl.lit(None, pl.String),
        field=pl.lit(None, pl.String),
        check=pl.lit("arrival"),
        event_date="landed_on",
        verdict=pl.when(pl.col("days") < LEAST_LANDINGS)
        .then(pl.lit("too early"))
        .when("is_flood")
        .then(pl.lit("unusual"))
        .otherwise(pl.lit("usual")),
    )


def _count_lines_over_caps(quarantine: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Count the lines that were held back for their number and wait; what was held back counts in no figure."""
    is_held = pl.col("rules").list.set_intersection(list(HELD_BACK)).list.len() > 0
    return (
        quarantine.filter(pl.col("status") == "waiting", pl.col("quarantined_at") < as_of, is_held)
        .group_by(source=pl.coalesce("mapping", "file"))
        .agg(value=pl.len().cast(pl.Float64), event_date=pl.col("quarantined_at").min().dt.date())
        .with_columns(
            tenant_id=pl.lit(None, pl.String),
            event_type=pl.lit(None, pl.String),
            field=pl.lit(None, pl.String),
            check=pl.lit("held"),
            usual=pl.lit(None, pl.Float64),
            days=pl.lit(0, pl.Int64),
            verdict=pl.lit("unusual"),
        )
    )
