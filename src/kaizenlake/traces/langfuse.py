"""What Langfuse keeps: traces, observations and scores, as its interface, its exports and its blobs write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kaizenlake.traces import values
from kaizenlake.traces.dialects import LANGFUSE
from kaizenlake.traces.records import Description, Scored, Told
from kaizenlake.traces.steps import Span

_TYPES = frozenset(
    ["SPAN", "EVENT", "GENERATION", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL"]
)

_OBSERVATION = frozenset(
    (
        *(name for names in LANGFUSE.names.values() for name in names),
        *("id", "type", "name", "level", "metadata", "input", "output", "environment", "version", "release"),
        *("projectId", "project_id", "createdAt", "created_at", "updatedAt", "updated_at", "latency"),
        *("timeToFirstToken", "time_to_first_token", "inputUsage", "outputUsage", "totalUsage", "unit"),
        *("inputCost", "outputCost", "providedCostDetails", "provided_cost_details", "providedUsageDetails"),
        *("provided_usage_details", "promptTokens", "completionTokens", "totalTokens", "promptId", "prompt_id"),
        *("calculatedInputCost", "calculatedOutputCost", "internalModelId", "internal_model_id", "modelId", "model_id"),
        *("inputPrice", "outputPrice", "totalPrice", "input_price", "output_price", "total_price"),
    )
)
"""Keys that we know; `latency` is never read: it is in seconds here and in milliseconds there."""

_TRACE_KEYS = frozenset(
    [
        "id",
        "projectId",
        "project_id",
        "name",
        "timestamp",
        "environment",
        "tags",
        "bookmarked",
        "release",
        "version",
        "userId",
        "user_id",
        "sessionId",
        "session_id",
        "public",
        "input",
        "output",
        "metadata",
        "createdAt",
        "created_at",
        "updatedAt",
        "updated_at",
        "scores",
        "latency",
        "observations",
        "totalCost",
        "total_cost",
        "htmlPath",
        "html_path",
        "externalId",
        "external_id",
    ]
)


def is_trace(document: dict[str, Any]) -> bool:
    """Return whether it is a trace with its observations, apart or within."""
    held = document.get("observations")
    return isinstance(held, list) and (isinstance(document.get("trace"), dict) or "id" in document)


def of_trace(document: dict[str, Any]) -> Iterator[Told]:
    """Yield a trace, its observations and its scores."""
    trace = document["trace"] if isinstance(document.get("trace"), dict) else document
    yield from of_description(trace)
    for observation in document["observations"]:
        if isinstance(observation, dict):
            held = observation if _get(observation, "trace_id") else {"traceId": trace.get("id"), **observation}
            yield from of_observation(held)
    scores = [*_list(trace.get("scores")), *(_list(document.get("scores")) if document is not trace else [])]
    for score in scores:
        yield from of_score({"traceId": trace.get("id"), **score})


def is_description(document: dict[str, Any]) -> bool:
    """Return whether it is a trace without its observations, as a blob of traces holds one a line."""
    return "id" in document and "timestamp" in document and ("bookmarked" in document or "public" in document)


def of_description(trace: dict[str, Any]) -> Iterator[Told]:
    """Yield what a trace tells of itself."""
    fields = {
        "name": values.text(trace.get("name"), 500),
        "session_id": values.key(_get(trace, "session_id")),
        "user_id": values.key(_get(trace, "user_id")),
        "agent_version": values.key(trace.get("version")) or values.key(trace.get("release")),
        "dialect": LANGFUSE.name,
        "input_text": values.text(values.from_text(trace.get("input"))),
        "output_text": values.text(values.from_text(trace.get("output"))),
    }
    at = values.nanoseconds(trace.get("timestamp"))
    rest = {key: value for key, value in trace.items() if key not in _TRACE_KEYS and value not in (None, [], {}, "")}
    yield Description(trace.get("id"), at, fields, rest)


def is_observation(document: dict[str, Any]) -> bool:
    """Return whether it is an observation."""
    return "id" in document and _get(document, "trace_id") is not None and document.get("type") in _TYPES


def of_observation(held: dict[str, Any]) -> Iterator[Told]:
    """Yield an observation as a span; its metadata may hold the attributes that it was made of."""
    metadata = values.from_text(held.get("metadata"))
    metadata = metadata if isinstance(metadata, dict) else {}
    inner = values.from_text(metadata.get("attributes"))
    attributes = dict(inner) if isinstance(inner, dict) else {}
    attributes |= {
        f"metadata.{key}": value
        for key, value in metadata.items()
        if key not in {"attributes", "resourceAttributes", "scope"} and isinstance(key, str)
    }
    attributes |= {
        key: value for key, value in held.items() if key not in _OBSERVATION and value not in (None, {}, [], "")
    }
    start, end = values.nanoseconds(_get(held, "start")), values.nanoseconds(_get(held, "end"))
    level = str(held.get("level") or "").upper()
    usage = _usage(held)
    told: dict[str, Any] = {
        "model": _get(held, "model"),
        "prompt_name": _get(held, "prompt_name"),
        "prompt_version": _get(held, "prompt_version"),
        "session_id": _get(held, "session_id"),
        "user_id": _get(held, "user_id"),
        "input": held.get("input"),
        "output": held.get("output"),
        "usage": usage,
        **_gather_cost(held),
    }
    if (
        (first := values.nanoseconds(_get(held, "completion_start"))) is not None
        and start is not None
        and first >= start
    ):
        told["first_chunk_seconds"] = (first - start) / 1e9
    kind = held.get("type")
    if kind in {"SPAN", "EVENT"}:
        kind = "tool" if _is_answer_of_tool(held.get("output")) else None
    if kind == "EVENT" or (end is None and held.get("type") == "EVENT"):
        end = start
    _drop_repeated(attributes, usage)
    resource = values.from_text(metadata.get("resourceAttributes"))
    service = values.key(resource.get("service.name")) if isinstance(resource, dict) else None
    yield Span(
        _get(held, "trace_id"),
        held.get("id"),
        _get(held, "parent_span_id") or None,
        held.get("name"),
        start,
        end,
        "error" if level == "ERROR" else None,
        attributes,
        (),
        None if service is None or service.startswith("unknown_service") else service,
        told,
        kind,
        LANGFUSE.name,
        message=_get(held, "message"),
    )


def is_score(document: dict[str, Any]) -> bool:
    """Return whether it is a score: it has a name and a value, and is of a trace."""
    is_named = "name" in document and ("value" in document or "stringValue" in document or "string_value" in document)
    return (
        is_named
        and _get(document, "trace_id") is not None
        and ("source" in document or "dataType" in document or "data_type" in document)
    )


def of_score(held: dict[str, Any]) -> Iterator[Told]:
    """Yield a score of a trace or of an observation."""
    word = held.get("stringValue", held.get("string_value"))
    value = held.get("value")
    kind = str(held.get("dataType", held.get("data_type")) or "").upper()
    if kind == "BOOLEAN" and value is not None:
        value = bool(value)
    elif kind == "CATEGORICAL" or value is None:
        value = word
    yield Scored(
        _get(held, "trace_id"),
        values.nanoseconds(held.get("timestamp") or held.get("createdAt") or held.get("created_at")),
        held.get("authorUserId") or held.get("author_user_id") or held.get("source") or "langfuse",
        held.get("name"),
        value,
        held.get("comment"),
        held.get("observationId") or held.get("observation_id"),
        held.get("id"),
    )


def _usage(held: dict[str, Any]) -> Any:
    details = values.from_text(_get(held, "usage"))
    if isinstance(details, dict) and details:
        return details if str(details.get("unit") or "TOKENS").upper() == "TOKENS" else None
    older = {
        "input": held.get("promptTokens"),
        "output": held.get("completionTokens"),
        "total": held.get("totalTokens"),
    }
    given = {key: value for key, value in older.items() if value}
    return given or None


def _gather_cost(held: dict[str, Any]) -> dict[str, Any]:
    """Return the cost as it is told; the 0 beside empty details is of what nobody priced."""
    details = values.from_text(_get(held, "costs"))
    if isinstance(details, dict):
        return {"costs": details} if details else ({"cost": total} if (total := _get(held, "cost")) else {})
    return {"cost": _get(held, "cost")}


def _drop_repeated(attributes: dict[str, Any], usage: Any) -> None:
    """Leave out what attributes say again of usage: Langfuse has read them already."""
    if usage:
        for name in [
            name for name in attributes if name.startswith(("gen_ai.usage.", "llm.token_count.", "llm.cost."))
        ]:
            del attributes[name]


def _is_answer_of_tool(output: Any) -> bool:
    output = values.from_text(output)
    return isinstance(output, dict) and output.get("type") == "tool" and "tool_call_id" in output


def _get(held: dict[str, Any], field: str) -> Any:
    return next((held[name] for name in LANGFUSE.names[field] if held.get(name) is not None), None)


def _list(held: Any) -> list[dict[str, Any]]:
    held = values.from_text(held)
    return [item for item in held if isinstance(item, dict)] if isinstance(held, list) else []
