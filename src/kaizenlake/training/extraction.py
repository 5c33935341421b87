"""Examples out of the events of agents, without a lake: for applications that hold the events in their hands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from kaizenlake.events import envelope, rules
from kaizenlake.events.catalogue import OURS
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.examples import ExampleSource, TrainingExample

_SOURCES = {
    "AGENT_TASK_COMPLETED": (ExampleSource.EXECUTION_TRACE, "output"),
    "AGENT_PLAN_CREATED": (ExampleSource.PLANNING_TRACE, "plan"),
}
_TOLD = ("trace_id", "agent_id", "task_type", "model", "policy_id", "policy_version", "human_edited", "verified_by")


class FailedEvent(NamedTuple):
    """An event of which no example could be made.

    Args:
        place: Its place among those that were given, from 0.
        error: Why, with its code.
    """

    place: int
    error: LearningError


class ExtractedExamples(NamedTuple):
    """Examples of events, and the events of which none could be made.

    Args:
        examples: An example for each task and plan, with the latest mark of its trace.
        failures: Events that are incomplete, malformed, or of other types.
    """

    examples: list[TrainingExample]
    failures: list[FailedEvent]


def extract_from_event(event: Mapping[str, Any]) -> TrainingExample | None:
    """Make an example of a task that was completed or a plan that was made; None of an evaluation, which only marks one.

    Args:
        event: A CloudEvent (task.completed, plan.created, evaluation.completed, with or without a prefix), or our envelope.

    Raises:
        LearningError: It is incomplete (E7001), malformed (E7002), or of another type (E7003).
    """
    return _make_example(_read(event))


def extract_batch(events: Iterable[Mapping[str, Any]]) -> ExtractedExamples:
    """Make examples of events, each with the latest mark that any of the events gives its trace.

    Args:
        events: As for `extract_from_event`, in any order.
    """
    read: list[dict[str, Any]] = []
    failures: list[FailedEvent] = []
    for place, event in enumerate(events):
        try:
            read.append(_read(event))
        except LearningError as error:
            failures.append(FailedEvent(place, error))
    read.sort(key=lambda item: (item["occurred_at"], str(item.get("id", ""))))
    marks: dict[str, dict[str, Any]] = {}
    labels: dict[str, set[str]] = {}
    for item in read:
        said = item["payload"]
        labels.setdefault(said["trace_id"], set()).update(said.get("labels", ()))
        if said.get("quality_score") is not None:
            marks[said["trace_id"]] = {name: said.get(name) for name in ("quality_score", "confidence")}
    examples: dict[str, TrainingExample] = {}
    for item in read:
        trace = item["payload"]["trace_id"]
        item["payload"] = item["payload"] | marks.get(trace, {}) | {"labels": sorted(labels[trace])}
        if (made := _make_example(item)) is not None:
            examples.setdefault(made.example_id, made)
    return ExtractedExamples(list(examples.values()), failures)


def _read(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the envelope of an event, with its time as an instant."""
    document = envelope.from_cloud_event(event) if envelope.is_cloud_event(event) else dict(event)
    kind = OURS.by_name(document.get("type"))
    if kind is None or kind.family.name != "learning_log":
        raise LearningError(
            "E7003", f"Expected a task, a plan or an evaluation; found the type {rules.short(event.get('type'))}."
        )
    found = list(rules.problems({"id": "-", **document}, now=datetime.now(UTC), future_hours=envelope.FUTURE_HOURS))
    if codes := [problem.rule for problem in rules.trace_problems(kind, found)]:
        raise LearningError(codes[0], f"{kind.name}: {'; '.join(problem.reason for problem in found)}.")
    return document | {"occurred_at": msgspec.convert(document["occurred_at"], datetime)}


def _make_example(event: Mapping[str, Any]) -> TrainingExample | None:
    if event["type"] not in _SOURCES:
        return None
    said = event["payload"]
    source, output = _SOURCES[event["type"]]
    metadata = {name: said[name] for name in _TOLD if said.get(name) is not None}
    return TrainingExample(
        source_type=source,
        input_text=said["input"],
        output_text=said[output],
        quality_score=said.get("quality_score"),
        confidence=said.get("confidence"),
        metadata=metadata | {"timestamp": event["occurred_at"].astimezone(UTC).isoformat()},
        labels=list(said.get("labels", ())),
    )
