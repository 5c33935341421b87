"""What a document of traces tells: steps, descriptions of whole traces and scores, each on its way to be an event."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeAlias

from kaizenlake.traces import values
from kaizenlake.traces.steps import Span, step_of


@dataclass(frozen=True)
class TraceOrigin:
    """The file that a document lies in, for what the document does not tell.

    Args:
        name: Its name without folder and ending.
        modified: Nanoseconds since 1970 at which it was last changed; None where nobody knows.
    """

    name: str = ""
    modified: int | None = None


NOWHERE = TraceOrigin()


@dataclass
class Ran:
    """A run that was completed, as a benchmark tells of it.

    Args:
        run_id: Name of the run.
        at: Nanoseconds since 1970; None where the document does not tell it, and the file's time stands for it.
        fields: Fields of a RUN_COMPLETED; one without a doer is of the one that its file is named for.
        of_file: The run is named within its file only, so the file's name is before its own.
    """

    run_id: Any
    at: int | None
    fields: dict[str, Any]
    of_file: bool = False


@dataclass
class Description:
    """What is told of a trace as a whole.

    Args:
        trace_id: As it was written.
        at: Nanoseconds since 1970; None where not told.
        fields: Fields of a TRACE_DESCRIBED.
        rest: What is no field of it.
        envelope: Fields of the event beside its payload.
        of_file: See `Ran`.
    """

    trace_id: Any
    at: int | None
    fields: dict[str, Any]
    rest: dict[str, Any] = field(default_factory=dict)
    envelope: dict[str, Any] = field(default_factory=dict)
    of_file: bool = False


@dataclass
class Scored:
    """A score of a run or of one of its steps.

    Args:
        trace_id: As it was written.
        at: Nanoseconds since 1970; None where not told.
        scorer: Who or what scored.
        name: What was scored.
        value: A number, a truth or a word.
        comment: Why.
        span_id: Step that was scored.
        score_id: Name of the score; None where it has none.
    """

    trace_id: Any
    at: int | None
    scorer: Any
    name: Any
    value: Any
    comment: Any = None
    span_id: Any = None
    score_id: Any = None


@dataclass
class Called:
    """A call of a tool in a case of a benchmark that tells the order of its calls and no times.

    Args:
        run_id: Name of the run.
        place: Its place among the calls of the run, from 0.
        calls: Calls of the run in all.
        fields: Fields of a SPAN_RECORDED.
    """

    run_id: Any
    place: int
    calls: int
    fields: dict[str, Any]


Told: TypeAlias = Span | Description | Scored | Ran | Called

QUALITY = frozenset(
    ("quality", "quality_score", "overall_quality", "overall", "overall_score", "score", "rating", "user_rating")
)
"""Names of scores that are marks of the quality of a run, in lower case; others are kept as they are, and are none."""

PASSES = frozenset(
    ("passed", "pass", "success", "successful", "task_success", "resolved", "correct", "correctness", "is_correct")
)
"""Names of scores that say whether a run passed, where their value is a truth."""

_TRUE = frozenset(("true", "yes", "pass", "passed", "correct", "success"))
_FALSE = frozenset(("false", "no", "fail", "failed", "incorrect", "failure"))


def line_of(told: Told, origin: TraceOrigin = NOWHERE) -> bytes:
    """Return the event line of what a document tells; its id follows from what it says, so that twice is once.

    Args:
        told: What a document tells.
        origin: The file it lies in.

    Raises:
        BadSpanError: It cannot be an event; the words say why.
    """
    if isinstance(told, Span):
        return _line_of_span(told)
    if isinstance(told, Scored):
        return _line_of_score(told)
    if isinstance(told, Called):
        return _line_of_call(told, origin)
    return _line_of_description(told, origin) if isinstance(told, Description) else _line_of_run(told, origin)


def _line_of_span(span: Span) -> bytes:
    step = step_of(span)
    payload = step.payload
    envelope: dict[str, Any] = {
        "type": "SPAN_RECORDED",
        "occurred_at": values.instant(step.start),
        "payload": payload,
        "source": span.service or payload["dialect"],
    }
    if step.rest:
        envelope["metadata"] = {"attributes": step.rest}
    if span.envelope:
        envelope.update(span.envelope)
    return _name_event(envelope, f"{payload['run_id']}/{payload['span_id']}")


def _line_of_run(told: Ran, origin: TraceOrigin) -> bytes:
    run = values.trace_id(f"{origin.name}/{told.run_id}" if told.of_file and told.run_id else told.run_id)
    if run is None:
        raise values.BadSpanError("the run has no name")
    fields = {key: value for key, value in told.fields.items() if value is not None}
    doer = fields.pop("doer", None) or values.key(origin.name)
    if doer is None:
        raise values.BadSpanError("it does not say who did the run")
    envelope: dict[str, Any] = {
        "type": "RUN_COMPLETED",
        **_when(told.at, origin),
        "payload": {"run_id": run, "doer": doer, **fields},
        "source": "results",
    }
    return _name_event(envelope, run, is_alone=told.at is None)


def _line_of_call(told: Called, origin: TraceOrigin) -> bytes:
    """Return the step of a call. It has no time of its own: it lies before the end of its run, by its place alone."""
    run = values.trace_id(f"{origin.name}/{told.run_id}") if told.run_id else None
    if run is None:
        raise values.BadSpanError("the call names no run")
    if origin.modified is None:
        raise values.BadSpanError("it does not say when it was")
    at = origin.modified - 1_000 * (told.calls - told.place)
    payload = {"run_id": run, "span_id": f"call-{told.place}", "kind": "tool", "agent": values.key(origin.name)}
    payload |= {key: value for key, value in told.fields.items() if value is not None}
    envelope: dict[str, Any] = {
        "type": "SPAN_RECORDED",
        "occurred_at": values.instant(at),
        "metadata": {"occurred_at": "when the file was last changed, less its place in microseconds"},
        "payload": {key: value for key, value in payload.items() if value is not None},
        "source": "results",
    }
    return _name_event(envelope, f"{run}/{told.place}", is_alone=True)


def _when(at: int | None, origin: TraceOrigin) -> dict[str, Any]:
    """Return when it was, as a document tells it; else its file does, and the event says so."""
    if at is not None:
        return {"occurred_at": values.instant(at)}
    if origin.modified is None:
        raise values.BadSpanError("it does not say when it was")
    return {
        "occurred_at": values.instant(origin.modified),
        "metadata": {"occurred_at": "when the file was last changed"},
    }


def _line_of_description(told: Description, origin: TraceOrigin) -> bytes:
    trace = values.trace_id(f"{origin.name}/{told.trace_id}" if told.of_file and told.trace_id else told.trace_id)
    if trace is None:
        raise values.BadSpanError("it names no trace")
    if told.at is None and not told.of_file:
        raise values.BadSpanError("it does not say when it began")
    fields = {key: value for key, value in told.fields.items() if value is not None}
    unknown = [values.key(name) for name in told.rest]
    payload = {"run_id": trace, **fields}
    envelope: dict[str, Any] = {
        "type": "TRACE_DESCRIBED",
        **_when(told.at, origin),
        "payload": payload,
        "source": fields.get("dialect", "traces"),
    }
    if told.rest:
        payload["unknown_attributes"] = [name for name in unknown if name]
        envelope["metadata"] = {
            "attributes": {key: values.text(value, 2_000) or "" for key, value in told.rest.items()}
        }
    envelope.update(told.envelope)
    return _name_event(envelope, trace, is_alone=told.at is None)


def _line_of_score(told: Scored) -> bytes:
    trace = values.trace_id(told.trace_id)
    if trace is None:
        raise values.BadSpanError("the score names no trace")
    if told.at is None:
        raise values.BadSpanError("the score does not say when it was given")
    payload: dict[str, Any] = {"run_id": trace, "scorer": values.key(told.scorer) or "unnamed"}
    fields = {
        "score_name": values.key(told.name),
        "comment": values.text(told.comment) or None,
        "span_id": values.span_id(told.span_id) if told.span_id is not None else None,
        **_gather_meaning(told),
    }
    payload |= {key: value for key, value in fields.items() if value is not None}
    envelope = {
        "type": "RUN_SCORED",
        "occurred_at": values.instant(told.at),
        "payload": payload,
        "source": "scores",
    }
    return _name_event(envelope, f"{trace}/score/{values.key(told.score_id) or ''}")


def _gather_meaning(told: Scored) -> dict[str, Any]:
    """Return what a score says: its value or word, and of the whole run its quality or whether it passed."""
    value, name = told.value, str(told.name or "").lower().replace(" ", "_").replace("-", "_")
    fields: dict[str, Any] = {}
    truth: bool | None = value if isinstance(value, bool) else None
    if isinstance(value, int | float):
        fields["score_value"] = float(value)
    elif isinstance(value, str):
        fields["score_label"] = values.text(value, 500)
        word = value.strip().lower()
        truth = True if word in _TRUE else False if word in _FALSE else None
    elif value is not None:
        fields["score_label"] = values.text(value, 500)
    if told.span_id is not None:
        return fields
    number = fields.get("score_value")
    if name in QUALITY and truth is None and number is not None and 0 <= number <= 100:
        fields["quality_score"] = number * 100 if number <= 1 else number
    if name in PASSES and (truth is not None or number in (0.0, 1.0)):
        fields |= {"gates_total": 1, "gates_passed": int(truth if truth is not None else bool(number))}
    return fields


def _name_event(envelope: dict[str, Any], name: str, *, is_alone: bool = False) -> bytes:
    """Return the line of an event whose id is a name and a hash of all it says.

    Where the file's time stands for its own, the name alone is the id: a copy of the file is of another time, and no new run.
    """
    said = values.encode(envelope)
    told = b"alone" if is_alone else said
    tail = envelope["type"].encode() if is_alone else b""
    return (
        b'{"id":"' + _plain(name) + b"/" + blake2b(told + tail, digest_size=12).hexdigest().encode() + b'",' + said[1:]
    )


def _plain(name: str) -> bytes:
    return values.encode(name[:400])[1:-1]
