"""One span, of whatever dialect, as the payload of a SPAN_RECORDED."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from kaizenlake.traces import values
from kaizenlake.traces.dialects import FIELDS, FLATTENED, KINDS, MARKS, NAMES

METADATA_LENGTH = 2_000
"""Most characters that are kept of the value of an attribute that is no field."""

MOST_ATTRIBUTES = 200
"""Most names of attributes that are listed of one span; the last of a longer list says how many there were."""

_INDEX = re.compile(r"\.\d+(?=\.|$)")
_BEGINNINGS = tuple(FLATTENED)
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_KEYS = (
    "operation",
    "agent",
    "agent_version",
    "workflow",
    "session_id",
    "user_id",
    "prompt_name",
    "prompt_version",
    "model",
    "provider",
    "tool_name",
    "tool_call_id",
)
_GENERIC = ("other", "workflow")
_STATUSES = {
    "ok": "ok",
    "1": "ok",
    "status_code_ok": "ok",
    "error": "error",
    "2": "error",
    "status_code_error": "error",
}


@dataclass
class Span:
    """A span with its attributes as they were written.

    Args:
        trace_id: As it was written.
        span_id: As it was written.
        parent: As it was written.
        name: Name.
        start: Nanoseconds since 1970; None where not told.
        end: The same.
        status: As it was written.
        attributes: By name.
        events: Events within it, each with name and attributes.
        service: Service that recorded it.
        told: Fields that the form itself tells, beside attributes; they come first.
        kind: Kind that the form itself tells, in its words.
        dialect: Names in which it was told; None to find that out.
        envelope: Fields of the event beside its payload, such as its tenant.
        message: What is said of its status; of a failed span that tells no other kind of error, that is it.
        unread: Attributes of its resource that nothing reads, as `resource.name`.
    """

    trace_id: Any
    span_id: Any
    parent: Any = None
    name: Any = None
    start: int | None = None
    end: int | None = None
    status: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    events: Any = ()
    service: str | None = None
    told: dict[str, Any] = field(default_factory=dict)
    kind: Any = None
    dialect: str | None = None
    envelope: dict[str, Any] = field(default_factory=dict)
    message: Any = None
    unread: tuple[str, ...] = ()


@dataclass
class TraceStep:
    """A span as an event: when it began, its payload, and the attributes that are no field of it."""

    start: int
    payload: dict[str, Any]
    rest: dict[str, str] = field(default_factory=dict)


def step_of(span: Span) -> TraceStep:
    """Bring a span into our fields.

    Raises:
        BadSpanError: It names no trace or no span, or does not say when it began.
    """
    trace, name = values.trace_id(span.trace_id), values.span_id(span.span_id)
    if trace is None or name is None:
        raise values.BadSpanError("it names no trace" if trace is None else "it names no span")
    if span.start is None:
        raise values.BadSpanError("it does not say when it began")
    if span.end is not None and span.end < span.start:
        raise values.BadSpanError("it ends before it begins")
    held = span.attributes
    found, unknown = _fields(held)
    found.update({key: value for key, value in span.told.items() if value is not None})
    if span.events:
        _take_events(span.events, found)
    parent = values.span_id(span.parent)
    status = None if span.status is None else _STATUSES.get(str(span.status).lower().removeprefix("statuscode."))
    error = found.get("error_type") or (span.message if status == "error" else None)
    kind = kind_of(span, found)
    # The order stays: the id of an event is a hash of all it says.
    told: dict[str, Any] = {
        "run_id": trace,
        "span_id": name,
        "parent_span_id": parent if parent != name else None,
        "name": values.text(span.name, 500),
        "kind": kind,
        "status": status,
        "duration_seconds": None if span.end is None else (span.end - span.start) / 1e9,
        "dialect": span.dialect or _find_dialect(held),
        "service": span.service,
        "error_type": None if error is None else values.text(error, 500) or None,
    }
    if "first_chunk_seconds" in found:
        told["first_chunk_seconds"] = values.amount(found["first_chunk_seconds"])
    if isinstance(found.get("cached"), bool):
        told["is_cached"] = found["cached"]
    for key in _KEYS:
        if key in found:
            told[key] = values.key(found[key])
    payload = {key: value for key, value in told.items() if value is not None}
    _take_usage(found, payload)
    _take_texts(kind, found, payload)
    if not unknown and not span.unread:
        return TraceStep(span.start, payload)
    payload["unknown_attributes"] = _list_unknown([*unknown, *span.unread])
    rest = {key: values.text(held[key], METADATA_LENGTH) or "" for key in unknown[:MOST_ATTRIBUTES]}
    return TraceStep(span.start, payload, rest)


def _find_dialect(held: dict[str, Any]) -> str:
    return "otel" if _MARKED.isdisjoint(held) else next(MARKS[mark] for mark in MARKS if mark in held)


_MARKED = frozenset(MARKS)


def kind_of(span: Span, found: dict[str, Any]) -> str:
    """Return what a span is: by its kind, its operation, a tool's or an agent's name, its model, and last by its own name."""
    told: list[str] = []
    for value in (span.kind, found.get("kind"), found.get("operation")):
        kind = None if value is None else KINDS.get(str(value).lower())
        if kind is not None:
            if kind not in _GENERIC:
                return kind
            told.append(kind)
    if found.get("tool_name") is not None:
        return "tool"
    named = NAMES.get(span.name.split(" ", 1)[0]) if isinstance(span.name, str) else None
    if named is not None or told:
        return named or told[0]
    if found.get("agent") is not None:
        return "agent"
    if found.get("model") is not None and ("input_tokens" in found or "output_tokens" in found):
        return "inference"
    return "workflow" if found.get("workflow") is not None and span.parent is None else "other"


def _fields(held: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return fields that attributes tell, and the names of those that are none."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    unknown: list[str] = []
    parts: dict[str, dict[str, Any]] | None = None
    for name, value in held.items():
        hit = FIELDS.get(name)
        if hit is not None:
            rank, key = hit
            if value is not None and value != "" and rank < ranks.get(key, 1 << 30):
                found[key], ranks[key] = value, rank
        elif name.startswith(_BEGINNINGS):
            parts = parts or {}
            beginning = next(item for item in _BEGINNINGS if name.startswith(item))
            parts.setdefault(FLATTENED[beginning], {})[name[len(beginning) :]] = value
        else:
            unknown.append(name)
    if parts:
        found |= {key: _assemble(flat) for key, flat in parts.items()}
    return found, unknown


def _assemble(flat: dict[str, Any]) -> Any:
    """Return messages out of attributes such as `0.message.role`."""
    root: dict[str, Any] = {}
    for path, value in flat.items():
        node = root
        *above, last = [part for part in path.split(".") if part not in {"message", "message_content"}] or [path]
        for part in above:
            inner = node.setdefault(part, {})
            node = inner if isinstance(inner, dict) else node
        node[last] = value
    return _as_lists(root)


def _as_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_as_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _as_lists(value) for key, value in node.items()}


def _take_events(events: Any, found: dict[str, Any]) -> None:
    """Take what events within a span tell: exceptions, and the content of a call."""
    for event in events:
        if not isinstance(event, dict):
            continue
        held = values.attributes(event.get("attributes"))
        name = event.get("name") or held.get("event.name")
        if name == "exception" and "error_type" not in found:
            found["error_type"] = held.get("exception.type") or held.get("exception.message")
        elif name in {
            "gen_ai.client.inference.operation.details",
            "gen_ai.content.prompt",
            "gen_ai.content.completion",
        }:
            told, _ = _fields(held)
            for key in ("input", "output", "instructions", "input_messages", "output_messages"):
                if key in told:
                    found.setdefault(key, told[key])
        elif isinstance(name, str) and name.startswith("gen_ai.") and name.endswith((".message", ".choice")):
            side = "output_messages" if name == "gen_ai.choice" else "input_messages"
            role = {"role": name.split(".")[1]} if side == "input_messages" else {}
            messages = found.setdefault(side, [])
            if isinstance(messages, list):
                messages.append(role | held)


def _take_usage(found: dict[str, Any], payload: dict[str, Any]) -> None:
    if "usage" in found:
        found |= usage_of(values.from_text(found["usage"]))
    counts = {key: number for key in _COUNTS if key in found and (number := values.count(found[key])) is not None}
    if "input_tokens" in counts:
        counts["input_tokens"] = with_cached(counts, values.count(found.get("total_tokens")))
    payload.update(counts)
    cost = cost_of(found)
    if cost is not None:
        payload["cost_usd"] = cost


def with_cached(counts: dict[str, int], total: int | None) -> int:
    """Return tokens read, cached ones among them, where a dialect counts them apart.

    Apart they are where the total says so, or where more came from the cache than was read at all.
    """
    read = counts["input_tokens"]
    cached = counts.get("cache_read_tokens", 0) + counts.get("cache_write_tokens", 0)
    is_apart = cached > read or (cached > 0 and total == read + counts.get("output_tokens", 0) + cached)
    return read + cached if is_apart else read


def cost_of(found: dict[str, Any]) -> float | None:
    """Return the cost as it was told: the total, else input and output together."""
    if _COSTS.isdisjoint(found):
        return None
    costs = values.from_text(found.get("costs"))
    if isinstance(costs, dict):
        told = {str(name): cost for name, held in costs.items() if (cost := values.amount(held)) is not None}
        if told:
            return told.get("total", told.get("total_cost", sum(told.values())))
    if (total := values.amount(found.get("cost"))) is not None:
        return total
    parts = [values.amount(found.get(key)) for key in ("input_cost", "output_cost")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


_COSTS = frozenset(("costs", "cost", "input_cost", "output_cost"))

_READ = {
    "cache_read_tokens": ("cache_read", "cached"),
    "cache_write_tokens": ("cache_write", "cache_creation"),
}


def usage_of(usage: Any) -> dict[str, Any]:
    """Return tokens out of an object of usage, such as Langfuse's and MLflow's: names of parts differ by who recorded them.

    A part is counted apart from its whole, or within it: the total tells, else its name does (`prompt_details.cache_read`
    is a detail of the prompt, `input_cache_read` is counted beside `input`).
    """
    if not isinstance(usage, dict):
        return {}
    told = {str(key): number for key, held in usage.items() if (number := values.count(held)) is not None}
    names = {
        "input": ("input", "input_tokens", "prompt_tokens", "promptTokens"),
        "output": ("output", "output_tokens", "completion_tokens", "completionTokens"),
        "total": ("total", "total_tokens", "totalTokens"),
    }
    base = {part: next((told[name] for name in spelled if name in told), None) for part, spelled in names.items()}
    plain = {name for spelled in names.values() for name in spelled}
    read = {key: number for key, number in told.items() if key not in plain and _is_input(key)}
    written = {key: number for key, number in told.items() if key not in plain and not _is_input(key)}
    found = _in_all(base, read, written)
    for key, number in read.items():
        for name, words in _READ.items():
            if any(word in key for word in words):
                found[name] = found.get(name, 0) + number
                break
    reasoning = [number for key, number in written.items() if "reasoning" in key]
    if reasoning:
        found["reasoning_tokens"] = max(reasoning)
    return found


def _is_input(key: str) -> bool:
    return key.startswith(("input", "prompt", "cache"))


def _in_all(base: dict[str, int | None], read: dict[str, int], written: dict[str, int]) -> dict[str, Any]:
    """Return tokens read and written in all: parts are added to their whole where the total, or else their names, say so."""
    found: dict[str, Any] = {}
    choices = []
    for side, parts in (("input", read), ("output", written)):
        whole = base[side] or 0
        beside = sum(number for key, number in parts.items() if "." not in key and key != "reasoning_tokens")
        every = sum(parts.values())
        # The likelier first: as the names say it, then the other way.
        options = dict.fromkeys((whole + beside, whole, whole + every))
        choices.append([option for option in options if option >= max(whole, *parts.values(), 0)])
        if base[side] is not None or parts:
            found[f"{side}_tokens"] = choices[-1][0]
    fits = [pair for pair in product(*choices) if sum(pair) == base["total"]]
    if fits:
        found |= {
            name: number
            for name, number in zip(("input_tokens", "output_tokens"), fits[0], strict=True)
            if name in found
        }
    return found


def _take_texts(kind: str, found: dict[str, Any], payload: dict[str, Any]) -> None:
    if _TEXTS.isdisjoint(found):
        return
    is_tool = kind == "tool"
    given = ("arguments", "input", "input_messages") if is_tool else ("input_messages", "input", "arguments")
    made = ("result", "output", "output_messages") if is_tool else ("output_messages", "output", "result")
    for name, keys in (("input_text", given), ("output_text", made)):
        value = next((found[key] for key in keys if found.get(key) is not None), None)
        if name == "input_text" and not is_tool and found.get("instructions") is not None and value is not None:
            value = {"instructions": values.from_text(found["instructions"]), "input": values.from_text(value)}
        if (text := values.text(value)) is not None:
            payload[name] = text


_TEXTS = frozenset(("arguments", "input", "input_messages", "result", "output", "output_messages"))


def _list_unknown(unknown: list[str]) -> list[str]:
    names = list(
        dict.fromkeys((_INDEX.sub(".N", name) if any(map(str.isdigit, name)) else name)[:200] for name in unknown)
    )
    names = [name.replace("\0", "") for name in names if name.strip("\0")]
    if len(names) > MOST_ATTRIBUTES:
        return [*names[: MOST_ATTRIBUTES - 1], f"and {len(names) - MOST_ATTRIBUTES + 1} more"]
    return names
