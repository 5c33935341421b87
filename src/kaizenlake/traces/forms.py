"""Documents of traces and of results of benchmarks, told apart by what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from kaizenlake.traces import langfuse, mlflow, otlp, results
from kaizenlake.traces.records import Told
from kaizenlake.traces.values import BadSpanError

Reader: TypeAlias = Callable[[dict[str, Any]], Iterator[Told]]


@dataclass(frozen=True)
class TraceForm:
    """One form in which traces come.

    Args:
        name: What we call it.
        is_it: Whether an object is of this form.
        read: Gives what an object of it tells.
        marks: Keys of which an object of it has all of one set.
        within: Bytes of an object of it whose keys are names of its own.
    """

    name: str
    is_it: Callable[[dict[str, Any]], bool]
    read: Reader
    marks: tuple[frozenset[str], ...]
    within: bytes = b""


_PAGES = ("data", "traces")


def _is_page(document: dict[str, Any]) -> bool:
    """Return whether it is a page of a list, as interfaces answer: the items are documents themselves."""
    items: list[Any] = next((document[name] for name in _PAGES if isinstance(document.get(name), list)), [])
    return len(items) > 0 and form_of(items[0]) is not None


def _of_page(document: dict[str, Any]) -> Iterator[Told]:
    items = next(document[name] for name in _PAGES if isinstance(document.get(name), list))
    for item in items:
        form = form_of(item)
        if form is None:
            raise BadSpanError("an item of the page tells of no trace")
        yield from form.read(item)


def _list_marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(keys.split()) for keys in sets)


FORMS: tuple[TraceForm, ...] = (
    TraceForm("otlp", otlp.is_request, otlp.of_request, _list_marks("resourceSpans", "resource_spans")),
    TraceForm(
        "langfuse-trace", langfuse.is_trace, langfuse.of_trace, _list_marks("trace observations", "id observations")
    ),
    TraceForm(
        "langfuse-observation",
        langfuse.is_observation,
        langfuse.of_observation,
        _list_marks("id traceId startTime type", "id trace_id start_time type"),
    ),
    TraceForm(
        "langfuse-score",
        langfuse.is_score,
        langfuse.of_score,
        _list_marks(
            "traceId name value source",
            "traceId name value dataType",
            "trace_id name value source",
            "trace_id name value data_type",
        ),
    ),
    TraceForm(
        "langfuse-description",
        langfuse.is_description,
        langfuse.of_description,
        _list_marks("id timestamp bookmarked", "id timestamp public"),
    ),
    TraceForm("promptfoo", results.is_promptfoo, results.of_promptfoo, _list_marks("results config", "evalId results")),
    TraceForm("inspect", results.is_inspect, results.of_inspect, _list_marks("eval status", "eval version")),
    TraceForm(
        "swe-bench",
        results.is_swe_bench,
        results.of_swe_bench,
        _list_marks("resolved_ids"),
        b'"patch_successfully_applied"',
    ),
    TraceForm("aider", results.is_aider, results.of_aider, _list_marks("testcase tests_outcomes")),
    TraceForm("tau-bench", results.is_tau_bench, results.of_tau_bench, _list_marks("task_id reward traj")),
    TraceForm(
        "mlflow", mlflow.is_trace, mlflow.of_trace, _list_marks("info data", "trace_info data", "trace_info spans")
    ),
    TraceForm("page", _is_page, _of_page, _list_marks("data meta", "data next_cursor", "data total", "traces")),
    TraceForm("spans", otlp.is_list_of_spans, otlp.of_list_of_spans, _list_marks("spans")),
    TraceForm(
        "span",
        otlp.is_span,
        otlp.of_span,
        _list_marks(
            "context start_time",
            "context start_time_unix_nano",
            "trace_id span_id",
            "traceId spanId",
            "traceID spanID",
            "context.trace_id context.span_id",
        ),
    ),
)
"""Every form, the more telling first."""


def form_of(document: Any) -> TraceForm | None:
    """Return the form of a document; None for one that tells of no trace."""
    if not isinstance(document, dict):
        return None
    return next((form for form in FORMS if form.is_it(document)), None)
