"""What do the events of each source tell? By day, type and field: how many tell it, and of what size its numbers are."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.events.catalogue import FAMILIES, EventType, Family
from kaizenlake.events.values.platforms import holds_posts
from kaizenlake.job import job
from kaizenlake.tables import SILVER, Events, FieldCounts, Table
from kaizenlake.tables.base.needs import NEEDS, TableNeed

RATIOS = (
    ("engagements", "impressions"),
    ("clicks", "impressions"),
    ("conversions", "clicks"),
    ("spend_usd", "impressions"),
    ("opened", "delivered"),
    ("clicked", "delivered"),
    ("cost_usd", "input_tokens"),
)
"""Figures whose ratio moves less than they do."""

WIDE = frozenset({"SPAN_RECORDED", "TRACE_DESCRIBED"})
"""Types of which a run sends hundreds, and whose attributes `trace_attributes` counts."""

_KEYS = ("tenant_id", "event_date", "_producer", "event_type")
"""A payload may have a field that is called source, too."""


def _is_sent(family: Family) -> bool:
    """Return whether events of a family come from exports and trackers: they tell numbers, or tables need something of them."""
    needed = {need.event for need in NEEDS}
    return not family.is_decision and any(event.name in needed or event.is_record for event in family.types)


SENT: tuple[tuple[Family, type[Table]], ...] = tuple(
    (family, table) for family, table in zip(FAMILIES, SILVER, strict=True) if _is_sent(family)
)


@job(reads=(Events, *(table for _, table in SENT)), writes=FieldCounts, by_day=True)
def field_counts(events: pl.LazyFrame, *families: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Count for each source and type of event how many tell each field, and add up the logarithms of its numbers.

    Logarithms, as a change of unit moves them all alike: a thousandfold by 3, whatever the field.

    Args:
        events: Bronze events.
        families: Silver events of the families that come from exports and trackers.
        as_of: Events from this instant on do not count.
    """
    sources = events.filter(pl.col("occurred_at") < as_of).select("event_id", _producer="source")
    counted = [
        _counts(rows.filter(pl.col("event_type") == event.name).join(sources, on="event_id"), event)
        for (family, _), rows in zip(SENT, families, strict=True)
        for event in family.types
        if event.name not in WIDE
    ]
    names = tables.schema(FieldCounts).names()
    return pl.concat([frame.select(names) for frame in counted])


def _counts(rows: pl.LazyFrame, event: EventType) -> pl.LazyFrame:
    fields = {field.name: field for field in event.fields}
    found: dict[str, pl.Expr] = {}
    for name, field in fields.items():
        cell = pl.col(name)
        told = cell.list.len() > 0 if field.kind == "list" else cell.is_not_null()
        found[name] = _struct(told, cell.cast(pl.Float64) if field.kind in {"int", "float"} else None)
    for part, whole in RATIOS:
        if part in fields and whole in fields:
            both = pl.col(part).is_not_null() & (pl.col(whole) > 0)
            ratio = pl.when(both).then(pl.col(part) / pl.col(whole))
            found[f"{part} / {whole}"] = _struct(both, ratio)
    for need in NEEDS:
        if need.event == event.name and need.fields:
            is_told = pl.any_horizontal(pl.col(name).is_not_null() for name in need.fields)
            found[need_field(need)] = _struct(
                is_told | ~holds_posts(pl.col("platform")) if need.of_posts else is_told, None
            )
    wide = rows.group_by(_KEYS).agg(**{f"={name}": told for name, told in found.items()})
    return (
        wide.unpivot(on=[f"={name}" for name in found], index=_KEYS, variable_name="field", value_name="told")
        .unnest("told")
        .filter(pl.col("events") > 0)
        .with_columns(source="_producer", field=pl.col("field").str.strip_prefix("="))
    )


def need_field(need: TableNeed) -> str:
    """Name under which it is counted how many events tell what tables need."""
    return f"{need.name}?"


def _struct(told: pl.Expr, number: pl.Expr | None) -> pl.Expr:
    """Return how often something is told, how often it is a number above 0, and the logarithms of these."""
    above = pl.lit(None, pl.Float64) if number is None else pl.when(number > 0).then(number)
    numbers = pl.lit(0, pl.Int64) if number is None else above.count().cast(pl.Int64)
    logs = pl.lit(0, pl.Int64) if number is None else (above.log10() * 1e6).round(0).cast(pl.Int64).sum()
    return pl.struct(events=told.fill_null(value=False).sum().cast(pl.Int64), numbers=numbers, log_micros=logs)
