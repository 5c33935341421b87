"""Core events: strategies, creatives, contents, executions and workflows of the generating application."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Brand, Count, Key, Payload, Rate, Score, Seconds, Text, Usd, Word, says


class StrategyGenerated(Payload, frozen=True, kw_only=True):
    """A strategy was generated."""

    strategy_id: Annotated[Key | None, says("Strategy, as the application names it.")] = None
    brand_id: Annotated[Key | None, says("Brand the strategy is for.")] = None
    industry: Annotated[Key | None, says("Industry of the client.")] = None
    client_type: Annotated[Key | None, says("Kind of client, such as startup or enterprise.")] = None
    pack_key: Annotated[Key | None, says("Pack the strategy belongs to.")] = None
    model: Annotated[Key | None, says("Model that generated it.")] = None
    objective: Annotated[Word | None, says("What the strategy is to achieve.")] = None
    quality_rate: Annotated[Rate | None, says("Share of the quality rules that it met.")] = None
    is_context_used: Annotated[bool | None, says("A published context was used.")] = None
    context_confidence_score: Annotated[Score | None, says("Confidence of that context.")] = None
    context_sha256: Annotated[Key | None, says("SHA-256 of that context.")] = None
    held_out: Annotated[bool | None, says("The context was held back on purpose, for comparison.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the generation took.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the generation.")] = None


class StrategyFailed(Payload, frozen=True, kw_only=True):
    """The generation of a strategy failed."""

    reason: Annotated[Word, says("Why it failed, in words.")]
    strategy_id: Annotated[Key | None, says("Strategy, as the application names it.")] = None
    brand_id: Annotated[Key | None, says("Brand the strategy was for.")] = None
    industry: Annotated[Key | None, says("Industry of the client.")] = None
    client_type: Annotated[Key | None, says("Kind of client, such as startup or enterprise.")] = None
    pack_key: Annotated[Key | None, says("Pack the strategy belonged to.")] = None
    model: Annotated[Key | None, says("Model that was asked.")] = None
    error_type: Annotated[Key | None, says("Class of the error.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time until it failed.")] = None
    cost_usd: Annotated[Usd | None, says("Cost until it failed.")] = None


class CreativesGenerated(Payload, frozen=True, kw_only=True):
    """A set of creatives was generated."""

    creatives_count: Annotated[Count, says("Creatives that were generated.")]
    generation_id: Annotated[Key | None, says("Generation that they came out of, as the application names it.")] = None
    strategy_id: Annotated[Key | None, says("Strategy they carry out.")] = None
    brand_id: Annotated[Key | None, says("Brand they are for.")] = None
    platform: Annotated[Key | None, says("Platform they are made for.")] = None
    content_type: Annotated[Key | None, says("Kind of content, such as reel or photo.")] = None
    model: Annotated[Key | None, says("Model that generated them.")] = None
    is_context_used: Annotated[bool | None, says("A published context was used.")] = None
    context_confidence_score: Annotated[Score | None, says("Confidence of that context.")] = None
    context_sha256: Annotated[Key | None, says("SHA-256 of that context.")] = None
    held_out: Annotated[bool | None, says("The context was held back on purpose, for comparison.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the generation took.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the generation.")] = None


class ContentCreated(Payload, frozen=True, kw_only=True):
    """A content was made; figures that name its content id or external id are about it."""

    content_id: Annotated[Key, says("Content, as the application names it.")]
    external_id: Annotated[Key | None, says("The content as the platform names it.")] = None
    execution_job_id: Annotated[Key | None, says("Job that produced or published the content.")] = None
    generation_id: Annotated[Key | None, says("Generation that it came out of, as the application names it.")] = None
    brand_id: Brand = None
    platform: Annotated[Key | None, says("Platform it was made for; any if not said.")] = None
    text: Annotated[Text | None, says("Text of the content.")] = None
    tone: Annotated[Key | None, says("Tone, such as friendly.")] = None
    hook_type: Annotated[Key | None, says("How it catches attention, such as question.")] = None
    pillar: Annotated[Key | None, says("Content pillar it belongs to.")] = None
    context_sha256: Annotated[
        Key | None, says("SHA-256 of the published context it was made with; none was used if not said.")
    ] = None
    held_out: Annotated[bool | None, says("The context was held back from it on purpose, for comparison.")] = None
    unit_id: Annotated[Key | None, says("What was drawn for it, such as the brief that it was made for.")] = None
    draft_of: Annotated[Key | None, says("Content of which it is a draft.")] = None
    edited_by: Annotated[Key | None, says("Who edited it, where somebody did.")] = None


class ArmAllocated(Payload, frozen=True, kw_only=True):
    """An arm of a running test was given its share of what is shown next; the arms of one allocation are told together."""

    allocation_id: Annotated[Key, says("Allocation that it is part of; the shares of its arms sum to 1.")]
    experiment_id: Annotated[Key, says("Experiment, as the application names it.")]
    variant_id: Annotated[Key, says("Arm: the variant, or the content where that is the arm.")]
    propensity_rate: Annotated[Rate, says("Share of what is shown from now on that it has: its propensity.")]
    platform: Annotated[Key | None, says("Platform of the experiment; its only one if not said.")] = None
    impressions: Annotated[Count | None, says("Times it was shown until now.")] = None
    clicks: Annotated[Count | None, says("Clicks on it until now.")] = None


class ExecutionStarted(Payload, frozen=True, kw_only=True):
    """The execution of a plan on a channel was started."""

    execution_id: Annotated[Key, says("Execution, as the application names it.")]
    channel: Annotated[Key | None, says("Channel it is executed on.")] = None
    content_id: Annotated[Key | None, says("Content that is executed.")] = None


class ExecutionCompleted(Payload, frozen=True, kw_only=True):
    """An execution was completed."""

    execution_id: Annotated[Key, says("Execution, as the application names it.")]
    channel: Annotated[Key | None, says("Channel it was executed on.")] = None
    content_id: Annotated[Key | None, says("Content that was executed.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time it took.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the execution.")] = None


class ExecutionFailed(Payload, frozen=True, kw_only=True):
    """An execution failed."""

    execution_id: Annotated[Key, says("Execution, as the application names it.")]
    reason: Annotated[Word, says("Why it failed, in words.")]
    channel: Annotated[Key | None, says("Channel it was executed on.")] = None
    content_id: Annotated[Key | None, says("Content that was executed.")] = None
    error_type: Annotated[Key | None, says("Class of the error.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time until it failed.")] = None


class WorkflowTransition(Payload, frozen=True, kw_only=True):
    """A workflow went from one state to another."""

    workflow_id: Annotated[Key, says("Workflow, as the application names it.")]
    from_state: Annotated[Key, says("State it left.")]
    to_state: Annotated[Key, says("State it entered.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None
