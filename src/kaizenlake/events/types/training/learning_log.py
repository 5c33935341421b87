"""Learning events: tasks and plans of agents with what went in and came out, and what they are worth."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Count, Document, Key, Keys, Payload, Rate, Score, Word, says


class _Trace(Payload, frozen=True, kw_only=True):
    """What every task and plan says of itself."""

    trace_id: Annotated[Key, says("Trace: the run in which it was done, as scores name it.")]
    agent_id: Annotated[Key, says("Agent that did it.")]
    task_type: Annotated[Key, says("What kind of task it is, such as summary.")]
    input: Annotated[Document, says("What went in; an object as JSON text.")]
    model: Annotated[Key | None, says("Model that made what came out, such as writer@1.2.0.")] = None
    policy_id: Annotated[Key | None, says("Policy it ran under.")] = None
    policy_version: Annotated[Key | None, says("Version of that policy.")] = None
    human_edited: Annotated[bool | None, says("A person edited what came out.")] = None
    verified_by: Annotated[Key | None, says("Who verified what came out: a person, or an evaluator's model.")] = None
    quality_score: Annotated[Score | None, says("Mark of its quality, by whoever scored it.")] = None
    confidence: Annotated[Rate | None, says("How sure the scorer is, from 0 to 1.", is_field_name_given=True)] = None
    labels: Annotated[Keys, says("Labels that it was given.")] = []


class AgentTaskCompleted(_Trace, frozen=True, kw_only=True):
    """An agent completed a task."""

    output: Annotated[Document, says("What came out; an object as JSON text.")]


class AgentPlanCreated(_Trace, frozen=True, kw_only=True):
    """An agent made a plan."""

    plan: Annotated[Document, says("The plan; an object or a list as JSON text.")]


class EvaluationCompleted(Payload, frozen=True, kw_only=True):
    """A task or a plan was evaluated; the latest evaluation of a trace counts."""

    trace_id: Annotated[Key, says("Trace that was evaluated.")]
    quality_score: Annotated[Score, says("Mark of its quality, 0 to 100.")]
    confidence: Annotated[Rate, says("How sure the evaluator is, from 0 to 1.", is_field_name_given=True)]
    labels: Annotated[Keys, says("Labels that it was given.")] = []


class ArtifactKept(Payload, frozen=True, kw_only=True):
    """A file that a run made or took was kept beside the lake, under its hash."""

    trace_id: Annotated[Key, says("Trace: the run that it belongs to.")]
    artifact_sha256: Annotated[Key, says("SHA-256 of the file, as 64 hexadecimal digits.")]
    artifact_name: Annotated[Word, says("What it is called in its bundle; never a path of the lake.")]
    size_bytes: Annotated[Count, says("Bytes of the file.")]
    media_type: Annotated[Key | None, says("Kind of the file, such as text/markdown.")] = None
    artifact_purpose: Annotated[Key | None, says("What it is of the run, such as input or output.")] = None
