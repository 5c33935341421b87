"""Silver from bronze: the payloads of one family become typed columns, as the catalogue declares them."""

from __future__ import annotations

import json

import polars as pl

from kaizenlake.events.catalogue import EventType, Family, Field
from kaizenlake.events.values import platforms

ENVELOPE_COLUMNS = ("event_id", "event_type", "event_date", "occurred_at", "batch", "project_id", "tenant_id")

_READ_AS: dict[str, pl.DataType] = {
    "str": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "datetime": pl.String(),
    "list": pl.List(pl.String()),
}


def decode(bronze: pl.LazyFrame, family: Family) -> pl.LazyFrame:
    """Return the events of one family with their payload as typed columns: the rows of its silver table.

    A field that an event leaves out has its declared default; a field that its type does not declare is null. A free
    object stays JSON text.

    Args:
        bronze: Rows of `bronze.events`, whose payloads have passed `check_lines`.
        family: The family, of the catalogue or of a plug-in.
    """
    events = family.types
    fields = {field.name: field for event in events for field in event.fields}
    struct = pl.Struct({name: _READ_AS[field.kind] for name, field in fields.items() if field.kind != "dict"})
    payload = pl.col("payload").str.json_decode(struct)
    if "batch" not in bronze.collect_schema():
        # Lines that were checked and not landed.
        bronze = bronze.with_columns(batch=pl.lit(None, pl.Int64))
    return (
        bronze.filter(pl.col("event_type").is_in([event.name for event in events]))
        .select(*ENVELOPE_COLUMNS, "payload", payload.alias("_fields"))
        .select(*ENVELOPE_COLUMNS, *(_compute_column(field, events) for field in fields.values()))
    )


def _compute_column(field: Field, events: tuple[EventType, ...]) -> pl.Expr:
    if field.kind == "dict":
        # Each such look is another reading of the JSON, so only payloads that may hold the field are looked into.
        declaring = [event.name for event in events if any(item.name == field.name for item in event.fields)]
        held = pl.col("event_type").is_in(declaring) & pl.col("payload").str.contains(f'"{field.name}"', literal=True)
        value = pl.when(held).then("payload").str.json_path_match(f"$.{field.name}")
    else:
        value = pl.col("_fields").struct.field(field.name)
    if field.name == "platform":
        value = platforms.normalise_column(value)
    if field.kind == "datetime":
        value = value.str.to_datetime("%+", time_unit="us", time_zone="UTC")
    for event in events:
        for item in event.fields:
            if item.name == field.name and item.default is not None:
                default = _compute_literal(item)
                value = pl.when(value.is_null() & (pl.col("event_type") == event.name)).then(default).otherwise(value)
    return value.alias(field.name)


def _compute_literal(field: Field) -> pl.Expr:
    if field.kind == "dict":
        return pl.lit(json.dumps(field.default))
    return pl.lit(field.default, dtype=_READ_AS[field.kind])
