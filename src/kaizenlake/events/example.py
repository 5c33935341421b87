"""An example of each event type, made of its declaration: a line that lands as it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin

from kaizenlake.events import envelope, rules
from kaizenlake.events.catalogue import Catalogue, EventType, Field

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When the examples happened."""

_OPTIONAL = 4
"""Most optional fields that an example shows."""


def example_line(event: EventType) -> str:
    """Return a line of an event type: its required fields and some others, with values that its declaration takes.

    Args:
        event: An event type, of ours or of a plug-in.
    """
    document: dict[str, Any] = {
        "id": f"example-{event.name.lower()}",
        "type": event.name,
        "occurred_at": AT.isoformat().replace("+00:00", "Z"),
        "project_id": "project-1",
        "payload": {field.name: _value(field, event) for field in event.fields if field.required},
    }
    catalogue = Catalogue((event.family,))
    for field in [field for field in event.fields if not field.required and field.kind != "dict"][:_OPTIONAL]:
        more = {**document, "payload": {**document["payload"], field.name: _value(field, event)}}
        if not any(rules.problems(more, now=AT, future_hours=0, catalogue=catalogue)):
            document = more
    return envelope.encode(document).decode()


def _value(field: Field, event: EventType) -> Any:
    match field.kind:
        case "str":
            return _text(field, event)
        case "list":
            return [_text(field, event)]
        case "bool":
            return True
        case "datetime":
            return AT.isoformat().replace("+00:00", "Z")
        case "dict":
            return {}
    low = 0.0 if field.minimum is None else field.minimum
    high = low + 10 if field.maximum is None else field.maximum
    middle = low + min(high - low, 10) / 2
    return int(middle) if field.kind == "int" else middle


def _text(field: Field, event: EventType) -> str:
    hint = rules.field_types(event.payload)[field.name]
    literals = [part for part in _list_parts(hint) if get_origin(part) is Literal]
    return str(get_args(literals[0])[0]) if literals else f"{field.name.removesuffix('_id')}-1"


def _list_parts(hint: Any) -> list[Any]:
    return [hint, *(part for inner in get_args(hint) for part in _list_parts(inner))]
