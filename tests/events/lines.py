"""Drawn events: one good line of every type, and lines that Hypothesis makes of the declarations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from kaizenlake.events.catalogue import LOGGED, EventType, Field
from kaizenlake.events.rules import field_types

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT = "2026-11-19T08:30:00.123456Z"


def line(kind: Any = "LEAD_CREATED", payload: Any = None, **said: Any) -> bytes:
    """A good line, changed by what is said; None takes a key away."""
    document = {
        "id": "e-1",
        "type": kind,
        "occurred_at": AT,
        "project_id": "p",
        "payload": {"lead_id": "lead_123"} if payload is None else payload,
    } | said
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


def values(field: Field, event: EventType) -> st.SearchStrategy[Any]:
    """Good values of a field."""
    allowed = _allowed(field, event)
    if allowed:
        return st.sampled_from(allowed)
    return {
        "str": _TEXT,
        "int": st.integers(int(field.minimum or 0), int(min(field.maximum or 0, 2**63 - 1))),
        "float": st.floats(field.minimum, field.maximum, allow_subnormal=False),
        "bool": st.booleans(),
        "datetime": st.sampled_from(["2026-11-30T10:00:00+02:00", "2026-11-30T10:00:00.5Z"]),
        "list": st.lists(_TEXT, max_size=3),
        "dict": st.dictionaries(_TEXT, st.floats(-1e9, 1e9), max_size=3),
    }[field.kind]


def _allowed(field: Field, event: EventType) -> tuple[str, ...]:
    ahead = [field_types(event.payload)[field.name]]
    while ahead:
        part = ahead.pop()
        inner = getattr(part, "__args__", ())
        if inner and all(isinstance(item, str) for item in inner):
            return inner
        ahead += inner
    return ()


@st.composite
def payloads(draw: st.DrawFn, event: EventType) -> dict[str, Any]:
    """Good payloads of a type, whose figures can all be true."""
    chosen = [field for field in event.fields if field.required or draw(st.booleans())]
    payload = {field.name: draw(values(field, event)) for field in chosen}
    nothing = dict.fromkeys(field.name for field in event.fields)
    while found := next(event.payload.disagreements(SimpleNamespace(**nothing | payload)), None):
        del payload[found.field]
    return payload


@st.composite
def good(draw: st.DrawFn) -> dict[str, Any]:
    """Good envelopes of any type."""
    event = draw(st.sampled_from(LOGGED))
    document: dict[str, Any] = {
        "id": draw(_TEXT),
        "type": event.name,
        "occurred_at": draw(st.sampled_from([AT, "2026-11-19T09:00:00+05:30", "1970-01-01T00:00:00Z"])),
        "project_id": draw(_TEXT),
        "payload": draw(payloads(event)),
    }
    if draw(st.booleans()):
        document["tags"] = draw(st.lists(_TEXT, max_size=3))
    if draw(st.booleans()):
        document["metadata"] = draw(st.dictionaries(_TEXT, ANY, max_size=3))
    return document


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
"""Any value that the standard library writes, NaN and halves of surrogate pairs among them."""
