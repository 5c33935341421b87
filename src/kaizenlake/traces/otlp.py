"""Spans of OpenTelemetry: requests of OTLP as JSON, and single spans as SDKs and tools write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kaizenlake.traces import values
from kaizenlake.traces.records import Scored, Told
from kaizenlake.traces.steps import Span

_UNNAMED = "unknown_service"
_OWN = {"kaizen.tenant_id": "tenant_id", "kaizen.project_id": "project_id"}
"""Attributes of a resource that say whose its spans are."""


def is_request(document: dict[str, Any]) -> bool:
    """Return whether it is a request to export, as the Collector's file exporter writes one a line."""
    return "resourceSpans" in document or "resource_spans" in document


def of_request(document: dict[str, Any]) -> Iterator[Told]:
    """Yield spans of a request."""
    for group in document.get("resourceSpans", document.get("resource_spans")) or ():
        resource = values.attributes((group.get("resource") or {}).get("attributes"))
        service, envelope = of_resource(resource)
        unread = list_unread(resource)
        scopes = group.get("scopeSpans") or group.get("scope_spans") or group.get("instrumentationLibrarySpans") or ()
        for scope in scopes:
            for span in scope.get("spans") or ():
                yield from _yield_otlp_span(span, service, envelope, unread)


def of_resource(resource: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the service that a resource names, and fields of the envelope that it sets."""
    service = values.key(resource.get("service.name"))
    envelope = {ours: made for theirs, ours in _OWN.items() if (made := values.key(resource.get(theirs))) is not None}
    return (None if service is None or service.startswith(_UNNAMED) else service), envelope


def list_unread(resource: dict[str, Any]) -> tuple[str, ...]:
    """Return the attributes of a resource that nothing reads, each once under `resource.`."""
    return tuple(f"resource.{name}" for name in resource if name != "service.name" and name not in _OWN)


def _yield_otlp_span(
    held: dict[str, Any], service: str | None, envelope: dict[str, Any], unread: tuple[str, ...]
) -> Iterator[Told]:
    get = held.get
    status = get("status")
    span = Span(
        get("traceId", get("trace_id")),
        get("spanId", get("span_id")),
        get("parentSpanId", get("parent_span_id")),
        get("name"),
        _find_nanos(get("startTimeUnixNano", get("start_time_unix_nano"))),
        _find_nanos(get("endTimeUnixNano", get("end_time_unix_nano"))),
        status.get("code") if status else None,
        values.attributes(get("attributes")),
        get("events") or (),
        service,
        envelope=envelope,
        message=status.get("message") if status else None,
        unread=unread,
    )
    yield span
    if span.events:
        yield from evaluations(span)


def _find_nanos(value: Any) -> int | None:
    """Return nanoseconds as OTLP writes them: a 64-bit integer as text or as number, 0 for none."""
    try:
        return int(value) or None if value is not None else None
    except (TypeError, ValueError):
        return values.nanoseconds(value)


def is_list_of_spans(document: dict[str, Any]) -> bool:
    """Return whether it is an object that holds spans under `spans`."""
    spans = document.get("spans")
    return isinstance(spans, list) and bool(spans) and isinstance(spans[0], dict) and is_span(spans[0])


def of_list_of_spans(document: dict[str, Any]) -> Iterator[Told]:
    """Yield spans under `spans`."""
    for span in document["spans"]:
        yield from of_span(span) if isinstance(span, dict) else ()


def is_span(document: dict[str, Any]) -> bool:
    """Return whether it is one span: it names itself and its trace, and tells when it began."""
    if "context.trace_id" in document:
        return "context.span_id" in document and "start_time" in document
    context = document.get("context")
    held = context if isinstance(context, dict) else document
    names = any(key in held for key in ("trace_id", "traceId", "traceID"))
    own = any(key in held for key in ("span_id", "spanId", "spanID"))
    return names and own and any(key in document for key in _STARTS)


_STARTS = ("start_time", "startTimeUnixNano", "start_time_unix_nano", "startTime", "start_time_ns", "start_time_unix")
_ENDS = ("end_time", "endTimeUnixNano", "end_time_unix_nano", "endTime", "end_time_ns", "end_time_unix")


def of_span(document: dict[str, Any]) -> Iterator[Told]:
    """Yield a single span, as the SDK's `to_json`, any-agent, Phoenix, Jaeger and others write it."""
    if "context.trace_id" in document:
        document = _of_columns(document)
    elif "operationName" in document:
        document = _of_jaeger(document)
    get = document.get
    inner = get("context")
    context: dict[str, Any] = inner if isinstance(inner, dict) else document
    parent = get("parent")
    if isinstance(parent, dict):
        parent = _first(parent, ("span_id", "spanId"))
    if parent is None:
        parent = _first(document, ("parent_id", "parent_span_id", "parentSpanId", "parentSpanID", "parentId"))
    status, message = get("status", get("status_code")), get("status_message")
    if isinstance(status, dict):
        message = _first(status, ("description", "message"))
        status = _first(status, ("status_code", "code"))
    resource = get("resource")
    held = values.attributes(resource.get("attributes")) if isinstance(resource, dict) else {}
    service, envelope = of_resource(held)
    span = Span(
        _first(context, ("trace_id", "traceId", "traceID")),
        _first(context, ("span_id", "spanId", "spanID")),
        parent,
        get("name"),
        values.nanoseconds(_first(document, _STARTS)),
        values.nanoseconds(_first(document, _ENDS)),
        status,
        _flat(values.attributes(get("attributes"))),
        get("events") or (),
        service,
        kind=get("span_kind"),
        envelope=envelope,
        message=message,
        unread=list_unread(held),
    )
    yield span
    if span.events:
        yield from evaluations(span)


def _of_columns(row: dict[str, Any]) -> dict[str, Any]:
    """Return a span of Phoenix, whose columns are named by their paths."""
    told = {key.removeprefix("attributes."): value for key, value in row.items() if value is not None}
    held = {key: value for key, value in told.items() if f"attributes.{key}" in row}
    own = {key: value for key, value in told.items() if key in row and not key.startswith("context.")}
    return own | {"trace_id": row["context.trace_id"], "span_id": row["context.span_id"], "attributes": held}


def _of_jaeger(held: dict[str, Any]) -> dict[str, Any]:
    """Return a span of Jaeger: times in microseconds, the parent among its references, attributes as tags."""
    tags = {tag["key"]: tag.get("value") for tag in held.get("tags") or () if isinstance(tag, dict) and "key" in tag}
    start, duration = held.get("startTime"), held.get("duration")
    parents = (item.get("spanID") for item in held.get("references") or () if item.get("refType") == "CHILD_OF")
    return {
        "name": held["operationName"],
        "trace_id": held.get("traceID"),
        "span_id": held.get("spanID"),
        "parent_id": next(parents, None),
        "start_time": start,
        "end_time": start + duration if isinstance(start, int) and isinstance(duration, int) else None,
        "status_code": tags.pop("otel.status_code", "ERROR" if tags.pop("error", None) is True else None),
        "status_message": tags.pop("otel.status_description", None),
        "attributes": tags,
    }


def evaluations(span: Span) -> Iterator[Scored]:
    """Yield results of evaluations that a span holds as events."""
    for event in span.events:
        if isinstance(event, dict) and event.get("name") == "gen_ai.evaluation.result":
            held = values.attributes(event.get("attributes"))
            at = _first(event, ("timeUnixNano", "time_unix_nano", "timestamp", "time"))
            value = held.get("gen_ai.evaluation.score.value", held.get("gen_ai.evaluation.score.label"))
            yield Scored(
                span.trace_id,
                values.nanoseconds(at) or span.end or span.start,
                span.service or "evaluation",
                held.get("gen_ai.evaluation.name"),
                value,
                held.get("gen_ai.evaluation.explanation"),
                span.span_id if span.parent is not None else None,
            )


def _flat(held: dict[str, Any]) -> dict[str, Any]:
    """Return attributes by their whole names, where a tool has nested them by their dots (`{"llm": {"model_name": …}}`)."""
    if not any(
        isinstance(held.get(root), dict) for root in ("llm", "openinference", "gen_ai", "input", "output", "tool")
    ):
        return held
    found: dict[str, Any] = {}

    def add(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                add(f"{prefix}.{key}" if prefix else key, inner)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for place, inner in enumerate(value):
                add(f"{prefix}.{place}", inner)
        else:
            found[prefix] = value

    add("", held)
    return found


def _first(held: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((held[name] for name in names if held.get(name) is not None), None)
