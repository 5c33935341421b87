"""Documents of traces, told apart by what is in them: spans of OTLP, of SDKs, of MLflow, observations of Langfuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from kaizenlake.traces import langfuse, mlflow, otlp
from kaizenlake.traces.records import Told

Reader: TypeAlias = Callable[[dict[str, Any]], Iterator[Told]]


@dataclass(frozen=True)
class Form:
    """One form in which traces come.

    Args:
        name: What we call it.
        is_it: Whether an object is of this form.
        read: Gives what an object of it tells.
        marks: Keys of which an object of it has all of one set.
    """

    name: str
    is_it: Callable[[dict[str, Any]], bool]
    read: Reader
    marks: tuple[frozenset[str], ...]


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(keys.split()) for keys in sets)


FORMS: tuple[Form, ...] = (
    Form("otlp", otlp.is_request, otlp.of_request, _marks("resourceSpans", "resource_spans")),
    Form("langfuse-trace", langfuse.is_trace, langfuse.of_trace, _marks("trace observations", "id observations")),
    Form(
        "langfuse-observation",
        langfuse.is_observation,
        langfuse.of_observation,
        _marks("id traceId startTime type", "id trace_id start_time type"),
    ),
    Form(
        "langfuse-score",
        langfuse.is_score,
        langfuse.of_score,
        _marks(
            "traceId name value source",
            "traceId name value dataType",
            "trace_id name value source",
            "trace_id name value data_type",
        ),
    ),
    Form(
        "langfuse-description",
        langfuse.is_description,
        langfuse.of_description,
        _marks("id timestamp bookmarked", "id timestamp public"),
    ),
    Form("mlflow", mlflow.is_trace, mlflow.of_trace, _marks("info data", "trace_info data", "trace_info spans")),
    Form("spans", otlp.is_list_of_spans, otlp.of_list_of_spans, _marks("spans")),
    Form(
        "span",
        otlp.is_span,
        otlp.of_span,
        _marks(
            "context start_time",
            "context start_time_unix_nano",
            "trace_id span_id",
            "traceId spanId",
            "traceID spanID",
        ),
    ),
)
"""Every form, the more telling first."""


def form_of(document: Any) -> Form | None:
    """Form of a document; None for one that tells of no trace."""
    if not isinstance(document, dict):
        return None
    return next((form for form in FORMS if form.is_it(document)), None)
