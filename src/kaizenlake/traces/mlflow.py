"""Traces of MLflow 3: `{info, data: {spans}}`, as its files, its interface and its exports write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kaizenlake.traces import values
from kaizenlake.traces.dialects import MLFLOW
from kaizenlake.traces.records import Description, Scored, Told
from kaizenlake.traces.steps import Span

_INFO_KEYS = frozenset(
    [
        "trace_id",
        "request_id",
        "client_request_id",
        "trace_location",
        "request_time",
        "timestamp_ms",
        "execution_duration",
        "execution_duration_ms",
        "execution_time_ms",
        "state",
        "status",
        "request_preview",
        "response_preview",
        "trace_metadata",
        "request_metadata",
        "tags",
        "assessments",
    ]
)
_USED_METADATA = ("mlflow.trace.session", "mlflow.trace.user", "mlflow.trace.tokenUsage", "mlflow.trace.cost")


def is_trace(document: dict[str, Any]) -> bool:
    """Return whether it is a trace: its info, and its spans under `data`."""
    info = document.get("info", document.get("trace_info"))
    return isinstance(info, dict) and ("trace_id" in info or "request_id" in info)


def of_trace(document: dict[str, Any]) -> Iterator[Told]:
    """Yield spans of a trace, what its info tells, and its assessments."""
    info = document.get("info", document.get("trace_info"))
    assert isinstance(info, dict)
    name = info.get("trace_id", info.get("request_id"))
    metadata = values.attributes(info.get("trace_metadata", info.get("request_metadata")))
    tags = values.attributes(info.get("tags"))
    at = values.nanoseconds(info.get("request_time", info.get("timestamp_ms")))
    state = str(info.get("state", info.get("status")) or "").upper()
    fields = {
        "name": values.text(tags.get("mlflow.traceName"), 500),
        "session_id": values.key(metadata.get("mlflow.trace.session")),
        "user_id": values.key(metadata.get("mlflow.trace.user")),
        "dialect": MLFLOW.name,
        "status": "error" if state == "ERROR" else "ok" if state == "OK" else None,
        "input_text": values.text(info.get("request_preview")),
        "output_text": values.text(info.get("response_preview")),
    }
    rest = {key: value for key, value in metadata.items() if key not in _USED_METADATA}
    rest |= {f"tags.{key}": value for key, value in tags.items() if key != "mlflow.traceName"}
    rest |= {key: value for key, value in info.items() if key not in _INFO_KEYS and value not in (None, "", {}, [])}
    yield Description(name, at, fields, rest)
    data = document.get("data")
    spans = (data if isinstance(data, dict) else document).get("spans") or ()
    for span in spans:
        if isinstance(span, dict):
            yield _make_span(span, name)
    for held in info.get("assessments") or ():
        if isinstance(held, dict):
            yield from _yield_assessment(held, name)


def _make_span(held: dict[str, Any], trace: Any) -> Span:
    get = held.get
    inner = get("context")
    context: dict[str, Any] = inner if isinstance(inner, dict) else held
    status = get("status", get("status_code"))
    message = status.get("message", status.get("description")) if isinstance(status, dict) else None
    if isinstance(status, dict):
        status = status.get("code", status.get("status_code"))
    attributes = {key: values.from_text(value) for key, value in values.attributes(get("attributes")).items()}
    # The trace is named by its info; a span of an older file names only a number of its own.
    attributes.pop("mlflow.traceRequestId", None)
    return Span(
        trace,
        context.get("span_id", context.get("spanId")),
        get("parent_span_id", get("parent_id")),
        get("name"),
        values.nanoseconds(get("start_time_unix_nano", get("start_time_ns", get("start_time")))),
        values.nanoseconds(get("end_time_unix_nano", get("end_time_ns", get("end_time")))),
        status,
        attributes,
        get("events") or (),
        kind=get("span_type"),
        dialect=MLFLOW.name,
        message=message,
    )


def _yield_assessment(held: dict[str, Any], trace: Any) -> Iterator[Scored]:
    feedback = held.get("feedback", held.get("expectation"))
    if not isinstance(feedback, dict) or "expectation" in held:
        return
    source = held.get("source") if isinstance(held.get("source"), dict) else {}
    yield Scored(
        held.get("trace_id", trace),
        values.nanoseconds(held.get("create_time", held.get("last_update_time", held.get("create_time_ms")))),
        (source or {}).get("source_id") or (source or {}).get("source_type") or "mlflow",
        held.get("assessment_name", held.get("name")),
        feedback.get("value"),
        held.get("rationale"),
        held.get("span_id"),
        held.get("assessment_id"),
    )
