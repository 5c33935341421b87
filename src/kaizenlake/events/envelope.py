"""The envelope: the one form in which an event travels, as a line of NDJSON; CloudEvents 1.0 are brought into it.

A line is a JSON object: `id`, `type`, `occurred_at` (RFC 3339 with zone), `payload`, and where they are known
`project_id`, `tenant_id`, `tags` (a list of text), `source` and `metadata` (a free object).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from kaizenlake.events.catalogue import OURS, Catalogue, EventType
from kaizenlake.events.values.fields import Instant, Key, Payload

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE_BYTES = 1_048_576
"""Longest line that a log function writes; the default of the longest line that landing takes."""

FUTURE_HOURS = 24
"""Hours an event's time may lie ahead of the clock; the default of the same setting of landing."""


class LineLimits(NamedTuple):
    """What a line may be.

    Args:
        future_hours: Hours an event's time may lie ahead of the clock.
        line_bytes: Longest line taken.
        source: Source of events that name none.
    """

    future_hours: int = FUTURE_HOURS
    line_bytes: int = LINE_BYTES
    source: str = "application"


DEFAULT_LIMITS = LineLimits()

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Earliest time of an event; what lies before is a broken clock."""

DEEPEST = 64
"""Most levels of objects and lists within one another, the line itself being the first."""

EventId = Annotated[str, Meta(min_length=1, max_length=500)]
Tags = Annotated[list[Key], Meta(max_length=100)]

FIELDS: dict[str, Any] = {
    "id": EventId,
    "occurred_at": Instant,
    "project_id": Key | None,
    "tenant_id": Key | None,
    "tags": Tags | None,
    "source": Key | None,
    "metadata": dict[str, Any] | None,
}
"""Fields of every envelope beside `type` and `payload`."""

REQUIRED = ("id", "type", "occurred_at", "payload")


class Envelope(
    msgspec.Struct,
    tag_field="type",
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """An event with everything it says of itself; each event type has a subclass whose payload is its own."""

    id: EventId
    occurred_at: Instant
    project_id: Key | None = None
    tenant_id: Key | None = None
    tags: Tags | None = None
    source: Key | None = None
    metadata: dict[str, Any] | None = None
    payload: Payload


@cache
def envelope_of(event: EventType) -> type[Envelope]:
    """Return the envelope class of an event type; events of a family that needs a project have no default for it."""
    fields: list[Any] = [("payload", event.payload)]
    if event.family.needs_project:
        fields.append(("project_id", Key))
    made: type[Envelope] = msgspec.defstruct(  # type: ignore[assignment]
        f"{event.payload.__name__}Event",
        fields,
        bases=(Envelope,),
        tag=event.name,
        frozen=True,
        kw_only=True,
        module=__name__,
    )
    return made


@cache
def any_envelope(catalogue: Catalogue = OURS) -> Any:
    """Return the union of the envelopes of all event types, told apart by `type`."""
    made: Any = envelope_of(catalogue.events[0])
    for event in catalogue.events[1:]:
        made |= envelope_of(event)
    return made


@cache
def decoder(catalogue: Catalogue = OURS) -> msgspec.json.Decoder[Envelope]:
    """Return the decoder that checks a line against the whole catalogue."""
    return msgspec.json.Decoder(any_envelope(catalogue))


encode = msgspec.json.Encoder().encode
"""Encode an envelope, or any plain value, as JSON."""

encode_sorted = msgspec.json.Encoder(order="sorted").encode
"""The same with the keys of every object in order, so that no order of declaration shows in it."""


def latest(now: datetime, future_hours: int) -> datetime:
    """Return the latest time an event may have at `now`."""
    try:
        return now + timedelta(hours=future_hours)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def in_time(event: Envelope, now: datetime, future_hours: int = FUTURE_HOURS) -> bool:
    """Return whether an event's time is one that landing takes at `now`."""
    return EARLIEST <= event.occurred_at <= latest(now, future_hours)


_CLOUD_NAMES = (
    ("type", "type"),
    ("occurred_at", "time"),
    ("project_id", "projectid"),
    ("tenant_id", "tenantid"),
    ("source", "source"),
    ("payload", "data"),
)
_CLOUD_ATTRIBUTES = frozenset({theirs for _, theirs in _CLOUD_NAMES} | {"specversion", "id", "datacontenttype", "tags"})


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_cloud_event(document: Mapping[str, Any]) -> bool:
    """Return whether a document is a CloudEvent rather than our own envelope."""
    return "specversion" in document


def from_cloud_event(document: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a CloudEvent (1.0, structured JSON) into our envelope.

    `type` is ours, alone or after a prefix that ends in a dot, such as `io.kaizenlake.LEAD_CREATED`. `time` is
    `occurred_at`, `data` the payload; the extension attributes `projectid`, `tenantid` and `tags` (a list, or text
    separated by commas) are ours too, and any other attribute is kept in `metadata`. A CloudEvent is named by its
    source and id together: unless the id is a UUID, the event id is both, as `source#id`.

    Args:
        document: The CloudEvent; what is missing or wrong in it is so in the envelope, for the rules to find.
    """
    envelope: dict[str, Any] = {}
    for ours, theirs in _CLOUD_NAMES:
        if theirs in document:
            envelope[ours] = document[theirs]
    left_out: list[str] = []
    if isinstance(envelope.get("type"), str):
        kind = ".".join(envelope["type"].rsplit(".", 2)[-2:])
        envelope["type"] = _TRACE_TYPES.get(kind, kind.rpartition(".")[2])
        if kind in _TRACE_TYPES and isinstance(envelope.get("payload"), dict):
            envelope["payload"], left_out = _read_trace(envelope["type"], envelope["payload"])
    if "id" in document:
        envelope["id"] = _cloud_id(document["id"], document.get("source"))
    tags = document.get("tags")
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    if tags is not None:
        envelope["tags"] = tags
    rest = {key: value for key, value in document.items() if key not in _CLOUD_ATTRIBUTES}
    if left_out:
        rest["left_out"] = left_out
    if rest:
        envelope["metadata"] = rest
    return envelope


_TRACE_TYPES = {
    "task.completed": "AGENT_TASK_COMPLETED",
    "plan.created": "AGENT_PLAN_CREATED",
    "evaluation.completed": "EVALUATION_COMPLETED",
}
"""Types of CloudEvents that agents emit of their tasks, by the end of their names."""

_CONTENTS = ("input", "output", "plan")


def _read_trace(kind: str, data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of a task, plan or evaluation that are ours, contents as text; and the names of all others.

    What an application adds beside is left out, since nobody said that its content may be kept.
    """
    event = OURS.by_name(kind)
    assert event is not None
    fields = event.payload.__struct_fields__
    payload = {
        name: encode_sorted(value).decode() if name in _CONTENTS and isinstance(value, dict | list) else value
        for name, value in data.items()
        if name in fields
    }
    return payload, sorted(str(name)[:200] for name in data if name not in fields)[:100]


def _cloud_id(name: Any, source: Any) -> Any:
    if not (isinstance(name, str) and name and isinstance(source, str)):
        return name
    return name if _UUID.fullmatch(name) else f"{source}#{name}"
