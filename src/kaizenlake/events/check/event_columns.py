"""Good events as columns of `bronze.events`: spelled in one way, and named by the hash of what they say."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
import polars as pl

from kaizenlake.events import envelope
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.events.envelope import Envelope
from kaizenlake.events.values.fields import Payload

COLUMNS = pl.Schema(
    {
        "event_id": pl.String(),
        "event_type": pl.String(),
        "event_date": pl.Date(),
        "occurred_at": pl.Datetime("us", "UTC"),
        "project_id": pl.String(),
        "tenant_id": pl.String(),
        "tags": pl.List(pl.String()),
        "payload": pl.String(),
        "metadata": pl.String(),
        "payload_hash": pl.String(),
        "source": pl.String(),
        "line": pl.Int64(),
    }
)
"""Columns of a checked frame: those of `bronze.events` that the line itself decides, and its number."""


class RefusedError(Exception):
    """A decoded event breaks a rule that its types cannot express."""


REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, RefusedError)


class EventColumns:
    """Columns that grow by some events at a time.

    Args:
        latest: Latest time an event may have.
        decisions: Whether decisions are taken too.
        catalogue: Event types that there are.
    """

    def __init__(self, latest: datetime, *, decisions: bool, catalogue: Catalogue = OURS) -> None:
        self.catalogue = catalogue
        self.horizon = latest - envelope.EARLIEST
        # A type without a name here is refused by `extend`.
        self.decisions = decisions
        taken = catalogue.events if decisions else catalogue.logged
        self.names = {envelope.envelope_of(event): event.name for event in taken}
        self.instants = _instant_fields(catalogue)
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS if name != "event_date"}

    def add(self, event: Envelope, number: int) -> None:
        """Add a decoded event; see `extend`."""
        self.extend([event], [number])

    def extend(self, events: Sequence[Envelope], numbers: Sequence[int]) -> None:
        """Add decoded events, all or none.

        Raises:
            RefusedError: One is a decision, or its time or its metadata breaks a rule; nothing was added.
        """
        names = [self.names.get(type(event)) for event in events]
        ages = [event.occurred_at - envelope.EARLIEST for event in events]
        if None in names or min(ages) < _NOTHING or max(ages) > self.horizon:
            raise RefusedError
        payloads = [event.payload for event in events]
        if not self.instants.keys().isdisjoint(map(type, payloads)):
            payloads = [_in_utc(payload, self.instants.get(type(payload), ())) for payload in payloads]
        micros = [age // _MICROSECOND for age in ages]
        projects = [event.project_id for event in events]
        tenants = [event.tenant_id for event in events]
        tags = [event.tags or None for event in events]
        bodies = list(map(envelope.encode_sorted, payloads))
        metadata = [
            envelope.encode_sorted(_plain_numbers(event.metadata)) if event.metadata else None for event in events
        ]
        said = map(envelope.encode, zip(names, micros, projects, tenants, tags, strict=True))
        texts = map(operator.add, said, bodies)
        if any(metadata):
            texts = map(operator.add, texts, [text or b"" for text in metadata])
        columns: dict[str, Sequence[Any]] = {
            "event_id": [event.id for event in events],
            "event_type": names,
            "occurred_at": micros,
            "project_id": projects,
            "tenant_id": tenants,
            "tags": [None if words is None else envelope.encode(words) for words in tags],
            "payload": bodies,
            "metadata": metadata,
            "payload_hash": [sha256(text).digest() for text in texts],
            "source": [event.source for event in events],
            "line": numbers,
        }
        for name, values in columns.items():
            self.columns[name] += values

    def frame(self, default_source: str) -> pl.DataFrame:
        """Return all rows; the columns are `COLUMNS`."""
        made = {name: pl.Series(name, values, _HELD.get(name, COLUMNS[name])) for name, values in self.columns.items()}
        made["payload_hash"] = made["payload_hash"].bin.encode("hex")
        for name in ("payload", "metadata", "tags"):
            made[name] = made[name].cast(pl.String)
        made["tags"] = made["tags"].str.json_decode(COLUMNS["tags"])
        made["source"] = made["source"].fill_null(default_source)
        made["occurred_at"] = made["occurred_at"].cast(COLUMNS["occurred_at"])
        made["event_date"] = made["occurred_at"].dt.date().alias("event_date")
        return pl.DataFrame([made[name] for name in COLUMNS])


_HELD: dict[str, pl.DataType] = {name: pl.Binary() for name in ("payload", "metadata", "tags", "payload_hash")}
_HELD["occurred_at"] = pl.Int64()
_NOTHING = timedelta(0)
_MICROSECOND = timedelta(microseconds=1)


@cache
def _instant_fields(catalogue: Catalogue) -> dict[type[Payload], tuple[str, ...]]:
    """Return the payload classes that hold instants, with the names of those fields."""
    found = {
        event.payload: tuple(field.name for field in event.fields if field.kind == "datetime")
        for event in catalogue.events
    }
    return {payload: names for payload, names in found.items() if names}


def _in_utc(payload: Payload, names: tuple[str, ...]) -> Payload:
    """Return the payload with its instants in UTC, so that one instant is spelled in one way."""
    values = {name: getattr(payload, name) for name in names}
    return msgspec.structs.replace(
        payload, **{name: value.astimezone(UTC) for name, value in values.items() if value is not None}
    )


def _plain_numbers(value: Any, depth: int = 2) -> Any:
    """Return the value with whole floats as integers, so that 1 and 1.0 are one number.

    Raises:
        RefusedError: It lies too deep.
    """
    if isinstance(value, dict | list):
        if depth > envelope.DEEPEST:
            raise RefusedError
        if isinstance(value, dict):
            return {key: _plain_numbers(item, depth + 1) for key, item in value.items()}
        return [_plain_numbers(item, depth + 1) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
