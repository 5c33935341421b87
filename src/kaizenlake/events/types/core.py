"""Core events: strategies, creatives, executions and workflows of the generating application."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Count, Key, Payload, Rate, Seconds, Usd, Word, says


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
    strategy_id: Annotated[Key | None, says("Strategy they carry out.")] = None
    brand_id: Annotated[Key | None, says("Brand they are for.")] = None
    platform: Annotated[Key | None, says("Platform they are made for.")] = None
    content_type: Annotated[Key | None, says("Kind of content, such as reel or photo.")] = None
    model: Annotated[Key | None, says("Model that generated them.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the generation took.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the generation.")] = None


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
