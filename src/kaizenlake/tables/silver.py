"""Silver: one typed table a family, its columns derived from the catalogue."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl

from kaizenlake.events.catalogue import FAMILIES, EventType, Family, Field
from kaizenlake.tables.base import INSTANT, WORDS, Table, build_class, column, table

DTYPES: dict[str, Any] = {
    "str": pl.String,
    "int": pl.Int64,
    "float": pl.Float64,
    "bool": pl.Boolean,
    "datetime": INSTANT,
    "list": WORDS,
    "dict": pl.String,
}
"""Column type of each kind of payload field; a free object stays JSON text."""

ENVELOPE: dict[str, tuple[Any, Any]] = {
    "event_id": (pl.String, column("Name of the event, unique in the lake.")),
    "event_type": (pl.String, column("Type, as in the catalogue.")),
    "event_date": (pl.Date, column("UTC date of the event's own time.")),
    "occurred_at": (INSTANT, column("When it happened.")),
    "batch": (
        pl.Int64,
        column("Number of the batch in which it was landed, as in bronze; null where none is.", nullable=True),
    ),
    "project_id": (pl.String, column("Project it belongs to; null where it belongs to none.", nullable=True)),
    "tenant_id": (pl.String, column("Tenant it belongs to; null where there is one only.", nullable=True)),
}


def events_of(family: Family) -> tuple[EventType, ...]:
    """Return the event types of a family."""
    return family.types


def payload_columns(family: Family) -> dict[str, Field]:
    """Return the payload fields of all event types of a family, by name, in the order of their declaration."""
    return {field.name: field for event in events_of(family) for field in event.fields}


@cache
def silver_table(family: Family) -> type[Table]:
    """Return the table of a family: the envelope, then every payload field of its event types, null where a type lacks it."""
    columns = dict(ENVELOPE)
    for field in payload_columns(family).values():
        said = column(field.description, unit=field.unit, nullable=True, ge=field.minimum, le=field.maximum)
        columns[field.name] = (DTYPES[field.kind], said)
    name = family.name.title().replace("_", "")
    made = build_class(name, f"One event: {family.meaning}", columns, module=__name__)
    return table(layer="silver", grain=("event_id",), partition="event_date")(made)


SILVER: tuple[type[Table], ...] = tuple(silver_table(family) for family in FAMILIES)

(
    Core,
    Packs,
    Acquisition,
    Intake,
    Performance,
    Email,
    Ads,
    Web,
    Runs,
    ExperimentLog,
    PolicyLog,
    DeploymentLog,
    ReplayLog,
    Routings,
    BrandFacts,
    TaskLog,
    LearningLog,
    DatasetLog,
    ModelLog,
    JobLog,
    TrustLog,
) = SILVER
