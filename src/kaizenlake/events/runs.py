"""Run events: what an agent run cost, passed and broke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from kaizenlake.events.disagreements import Disagreement, beyond, refuse
from kaizenlake.events.disagreements import Figure as Told
from kaizenlake.events.fields import Count, Index, Key, Keys, Payload, Rate, Score, Seconds, Usd, says


class RunCompleted(Payload, frozen=True, kw_only=True):
    """A run of a doer ended, well or badly."""

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
        """More gates passed than there were."""
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

    def disagreements(self) -> Iterator[Disagreement]:
        """More gates passed than there were."""
        yield from beyond(Told("gates_passed", self.gates_passed), Told("gates_total", self.gates_total))

    def __post_init__(self) -> None:
        if self.gates_total is not None and (self.gates_passed or 0) > self.gates_total:
            refuse(self.disagreements())
