"""Lakes of literal events, for tests of the night."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.lake.landing import batches
from kaizenlake.tables import Events

NIGHT = datetime(2026, 3, 10, tzinfo=UTC)


def day(number, hour=12):
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def event(name, at, *, source="app", project="p1", kind="LEAD_CREATED", **payload):
    body = json.dumps({"lead_id": name, "source": "website"} | payload)
    return {
        "event_id": name,
        "event_type": kind,
        "event_date": at.date(),
        "occurred_at": at,
        "project_id": project,
        "tenant_id": None,
        "tags": None,
        "payload": body,
        "metadata": None,
        "payload_hash": hashlib.sha256(body.encode()).hexdigest(),
        "source": source,
        "file": "drawn.ndjson",
        "line": 1,
        "landed_at": at,
    }


def add(lake, *events):
    rows = pl.DataFrame(list(events), schema=tables.schema(Events))
    land(lake, rows)


def land(lake, rows):
    """Append events of bronze as a landing does: as a batch that the lake signs."""
    marks = {}

    def sealed(snapshot):
        made, said = batches.seal(lake, snapshot, rows.drop("batch", "seal", strict=False))
        marks.update(said)
        return made

    lake.append(Events, sealed, marks=marks)
    batches.remember(lake, marks)


def contents(lake, which=None):
    """Rows of every silver and gold table that is there, in an order of their own."""
    found = {}
    for table in which or (*tables.SILVER, *tables.GOLD):
        if lake.exists(table):
            found[tables.full_name(table)] = sorted(map(repr, lake.scan(table).collect().iter_rows()))
    return found


def versions(lake):
    return {tables.full_name(table): lake.version(table) for table in tables.TABLES}
