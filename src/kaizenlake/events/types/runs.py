"""Run events: what an agent run did step by step, and what it cost, passed and broke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from kaizenlake.events.values.disagreements import Disagreement, beyond, refuse
from kaizenlake.events.values.disagreements import Figure as Told
from kaizenlake.events.values.fields import (
    Count,
    Figure,
    Index,
    Key,
    Keys,
    Names,
    Payload,
    Rate,
    Score,
    Seconds,
    Text,
    Usd,
    Word,
    says,
)
from kaizenlake.vocabulary import StepKind, StepStatus


class SpanRecorded(Payload, frozen=True, kw_only=True):
    """A step of a run was recorded as a span of a trace; it happened when it began."""

    run_id: Annotated[Key, says("Run: the trace, as 32 hexadecimal digits.")]
    span_id: Annotated[Key, says("Span, unique in its trace.")]
    parent_span_id: Annotated[Key | None, says("Span within which it ran.")] = None
    name: Annotated[Word | None, says("Name of the step.")] = None
    kind: Annotated[StepKind, says("What it is.")] = "other"
    status: Annotated[StepStatus, says("How it ended.")] = "unset"
    error_type: Annotated[Word | None, says("Kind of its error.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time it took.")] = None
    first_chunk_seconds: Annotated[Seconds | None, says("Time until the first part of an answer came.")] = None
    dialect: Annotated[Key | None, says("Names in which it was told, such as otel.")] = None
    operation: Annotated[Key | None, says("Operation, as the span calls it.")] = None
    agent: Annotated[Key | None, says("Agent that it names.")] = None
    agent_version: Annotated[Key | None, says("Version of that agent.")] = None
    workflow: Annotated[Key | None, says("Workflow that it names.")] = None
    service: Annotated[Key | None, says("Service that recorded it.")] = None
    session_id: Annotated[Key | None, says("Conversation.")] = None
    user_id: Annotated[Key | None, says("User, as the application names it.")] = None
    prompt_name: Annotated[Key | None, says("Prompt that was used.")] = None
    prompt_version: Annotated[Key | None, says("Version of that prompt.")] = None
    model: Annotated[Key | None, says("Model that answered, else the one that was asked.")] = None
    provider: Annotated[Key | None, says("Provider of the model.")] = None
    tool_name: Annotated[Key | None, says("Tool that was executed.")] = None
    tool_call_id: Annotated[Key | None, says("Call of that tool.")] = None
    input_tokens: Annotated[Count | None, says("Tokens read, those from a cache among them.")] = None
    output_tokens: Annotated[Count | None, says("Tokens written, those of reasoning among them.")] = None
    cache_read_tokens: Annotated[Count | None, says("Tokens read from a cache.")] = None
    cache_write_tokens: Annotated[Count | None, says("Tokens written to a cache.")] = None
    reasoning_tokens: Annotated[Count | None, says("Tokens of reasoning.")] = None
    cost_usd: Annotated[Usd | None, says("Cost, as it was told.")] = None
    is_cached: Annotated[bool | None, says("The whole answer came from a cache.")] = None
    input_text: Annotated[Text | None, says("What went in, cut to its beginning.")] = None
    output_text: Annotated[Text | None, says("What came out, cut to its beginning.")] = None
    unknown_attributes: Annotated[Names, says("Names of attributes that are no field here.")] = []


class TraceDescribed(Payload, frozen=True, kw_only=True):
    """A trace was described as a whole, beside its spans."""

    run_id: Annotated[Key, says("Run: the trace, as 32 hexadecimal digits.")]
    name: Annotated[Word | None, says("Name of the trace.")] = None
    session_id: Annotated[Key | None, says("Conversation.")] = None
    user_id: Annotated[Key | None, says("User, as the application names it.")] = None
    prompt_name: Annotated[Key | None, says("Prompt that was used.")] = None
    prompt_version: Annotated[Key | None, says("Version of that prompt.")] = None
    agent_version: Annotated[Key | None, says("Version of the application.")] = None
    dialect: Annotated[Key | None, says("Names in which it was told, such as langfuse.")] = None
    status: Annotated[StepStatus, says("How it ended.")] = "unset"
    input_text: Annotated[Text | None, says("What went in, cut to its beginning.")] = None
    output_text: Annotated[Text | None, says("What came out, cut to its beginning.")] = None
    unknown_attributes: Annotated[Names, says("Names of attributes that are no field here.")] = []


class RunCompleted(Payload, frozen=True, kw_only=True):
    """A run of an agent ended, well or badly."""

    run_id: Annotated[Key, says("Run, as the application names it.")]
    doer: Annotated[Key, says("Agent that did the run, such as planner.")]
    phase: Annotated[Key | None, says("Phase of the work, such as draft.")] = None
    policy_id: Annotated[Key | None, says("Policy it ran under.")] = None
    policy_version: Annotated[Key | None, says("Version of that policy.")] = None
    model: Annotated[Key | None, says("Model it called.")] = None
    unit_id: Annotated[Key | None, says("What was randomised: a user, a project.")] = None
    task_id: Annotated[Key | None, says("Task it worked on.")] = None
    deployment_id: Annotated[Key | None, says("Shadow or canary it ran in, as the router told.")] = None
    segment: Annotated[Key | None, says("Segment of the unit, such as a language or a plan.")] = None
    action: Annotated[Key | None, says("Action that was chosen, such as a tool; the model where not given.")] = None
    gates_passed: Annotated[Count | None, says("Gates it passed.")] = None
    gates_total: Annotated[Count | None, says("Gates there were.")] = None
    contradictions: Annotated[Count | None, says("Times it contradicted itself or its sources.")] = None
    grounding_rate: Annotated[Rate | None, says("Share of its claims that its sources support.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the run.")] = None
    budget_usd: Annotated[Usd | None, says("Budget of the run.")] = None
    latency_seconds: Annotated[Seconds | None, says("Time the run took.")] = None
    latency_budget_seconds: Annotated[Seconds | None, says("Time the run was allowed.")] = None
    security_criticals: Annotated[Count | None, says("Critical security findings.")] = None
    api_breakages: Annotated[Count | None, says("Interfaces it broke.")] = None
    db_migration_failed: Annotated[bool | None, says("A database migration failed.")] = None
    rag_coverage_rate: Annotated[Rate | None, says("Share of the needed sources that retrieval found.")] = None
    input_tokens: Annotated[Count | None, says("Tokens read.")] = None
    output_tokens: Annotated[Count | None, says("Tokens written.")] = None
    outcome: Annotated[Key | None, says("How it ended, in one word; error, timeout and crash count as failed.")] = None
    failure_modes: Annotated[Keys, says("Ways in which it failed.")] = []
    seed: Annotated[Index | None, says("Random seed of the run.")] = None
    action_propensity: Annotated[
        Rate | None, says("Probability with which the logged action was chosen.", is_field_name_given=True)
    ] = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield more gates passed than there were."""
        yield from beyond(Told("gates_passed", self.gates_passed), Told("gates_total", self.gates_total))

    def __post_init__(self) -> None:
        if self.gates_total is not None and (self.gates_passed or 0) > self.gates_total:
            refuse(self.disagreements())


class RunScored(Payload, frozen=True, kw_only=True):
    """A run was looked at again, by a judge, a person or a later check: what it tells completes the record of the run."""

    run_id: Annotated[Key, says("Run, as its RUN_COMPLETED names it.")]
    scorer: Annotated[Key, says("Who or what scored it, such as judge or ann.")]
    gates_passed: Annotated[Count | None, says("Gates it passed.")] = None
    gates_total: Annotated[Count | None, says("Gates there were.")] = None
    contradictions: Annotated[Count | None, says("Times it contradicted itself or its sources.")] = None
    grounding_rate: Annotated[Rate | None, says("Share of its claims that its sources support.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the run.")] = None
    budget_usd: Annotated[Usd | None, says("Budget of the run.")] = None
    latency_seconds: Annotated[Seconds | None, says("Time the run took.")] = None
    latency_budget_seconds: Annotated[Seconds | None, says("Time the run was allowed.")] = None
    security_criticals: Annotated[Count | None, says("Critical security findings.")] = None
    api_breakages: Annotated[Count | None, says("Interfaces it broke.")] = None
    db_migration_failed: Annotated[bool | None, says("A database migration failed.")] = None
    rag_coverage_rate: Annotated[Rate | None, says("Share of the needed sources that retrieval found.")] = None
    input_tokens: Annotated[Count | None, says("Tokens read.")] = None
    output_tokens: Annotated[Count | None, says("Tokens written.")] = None
    outcome: Annotated[Key | None, says("How it ended, in one word; error, timeout and crash count as failed.")] = None
    failure_modes: Annotated[Keys, says("Ways in which it failed.")] = []
    quality_score: Annotated[Score | None, says("Mark of its quality, by whoever scored it.")] = None
    confidence: Annotated[Rate | None, says("How sure the scorer is, from 0 to 1.", is_field_name_given=True)] = None
    score_name: Annotated[Key | None, says("What was scored, as the scorer calls it.")] = None
    score_value: Annotated[Figure | None, says("The score in the scorer's own unit.")] = None
    score_label: Annotated[Word | None, says("The score in words.")] = None
    comment: Annotated[Text | None, says("Why, in the scorer's words, cut to its beginning.")] = None
    span_id: Annotated[Key | None, says("Step that was scored; the whole run where none is named.")] = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield more gates passed than there were."""
        yield from beyond(Told("gates_passed", self.gates_passed), Told("gates_total", self.gates_total))

    def __post_init__(self) -> None:
        if self.gates_total is not None and (self.gates_passed or 0) > self.gates_total:
            refuse(self.disagreements())
