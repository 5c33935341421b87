"""Events and lakes for the tests of landing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.lake.store import Lake

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def lead(name: str = "e1", lead_id: str = "lead_1", **changes: Any) -> dict[str, Any]:
    """A good event in our envelope."""
    event = {
        "id": name,
        "type": "LEAD_CREATED",
        "occurred_at": "2026-02-01T09:00:00Z",
        "payload": {"lead_id": lead_id},
    }
    return event | changes


def post(name: str = "p1", **payload: Any) -> dict[str, Any]:
    """A good performance event."""
    given = {"content_id": "c1", "platform": "instagram", "impressions": 100, "engagements": 5} | payload
    return lead(name, type="PERFORMANCE_RECORDED", payload=given)


def line(event: dict[str, Any]) -> bytes:
    """An event as a line without its end."""
    return json.dumps(event).encode()


def ndjson(*events: dict[str, Any]) -> bytes:
    """Events as NDJSON."""
    return b"".join(line(event) + b"\n" for event in events)


def put(path: Path, content: bytes) -> Path:
    """A file of that content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def ids(lake: Lake) -> list[str]:
    """Ids of all events of a lake, in order."""
    return lake.scan(tables.Events).select(pl.col("event_id").sort()).collect()["event_id"].to_list()


def held(lake: Lake) -> list[tuple[int, list[str]]]:
    """Line and rules of all quarantined lines."""
    rows = lake.scan(tables.Quarantine).sort("file", "line").collect()
    return list(zip(rows["line"], rows["rules"].to_list(), strict=True))
