"""Gold tables of traces: what agent runs did step by step, and what their models cost."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table
from kaizenlake.vocabulary import StepKind, StepStatus

KINDS: tuple[str, ...] = get_args(StepKind)
STATUSES: tuple[str, ...] = get_args(StepStatus)
COST_FROM = TOLD, PRICES = ("told", "prices")


@table(layer="gold", grain=("tenant_id", "trace_id", "span_id"), partition="event_date")
class TraceSteps(OfTenant):
    """One step of a trace, told by one span or by several that name the same."""

    trace_id: str = column("Trace, as 32 hexadecimal digits; it is the run_id of its run.")
    span_id: str = column("Span, unique in its trace.")
    parent_span_id: str = column("Span within which it ran; null for one that names none.", nullable=True)
    event_date: pl.Date = column("UTC date on which its run counts, by which the table is partitioned.")
    project_id: str = column("Project; null where none was given.", nullable=True)
    event_id: str = column("Event that told of it last.")
    started_at: Instant = column("When it began.")
    duration_seconds: float = column("Time it took; null where it did not end.", unit="seconds", nullable=True, ge=0)
    first_chunk_seconds: float = column(
        "Time until the first part of an answer came; null where not told.", unit="seconds", nullable=True, ge=0
    )
    depth: pl.Int64 = count("Spans around it that are known; 0 for the outermost.")
    name: str = column("Name of the step; null where it has none.", nullable=True)
    kind: str = column("What it is.", isin=KINDS)
    status: str = column("How it ended, as it says itself.", isin=STATUSES)
    error_type: str = column("Kind of its error; null where none was told.", nullable=True)
    is_retry: bool = column("The step right before it under the same parent has the same name, and failed.")
    dialect: str = column("Names in which it was told; null where not given.", nullable=True)
    agent: str = column("Agent that it names; null where it names none.", nullable=True)
    agent_version: str = column("Version of that agent; null where not given.", nullable=True)
    workflow: str = column("Workflow that it names; null where it names none.", nullable=True)
    service: str = column("Service that recorded it; null where not given.", nullable=True)
    session_id: str = column("Conversation; null where not given.", nullable=True)
    user_id: str = column("User; null where not given.", nullable=True)
    prompt_name: str = column("Prompt that was used; null where not given.", nullable=True)
    prompt_version: str = column("Version of that prompt; null where not given.", nullable=True)
    model: str = column("Model; null where not given.", nullable=True)
    provider: str = column("Provider of the model; null where not given.", nullable=True)
    tool_name: str = column("Tool that was executed; null where none was.", nullable=True)
    tool_call_id: str = column("Call of that tool; null where not given.", nullable=True)
    input_tokens: pl.Int64 = count("Tokens read, cached ones among them; null where not told.", nullable=True)
    output_tokens: pl.Int64 = count(
        "Tokens written, those of reasoning among them; null where not told.", nullable=True
    )
    cache_read_tokens: pl.Int64 = count("Tokens read from a cache; null where not told.", nullable=True)
    cache_write_tokens: pl.Int64 = count("Tokens written to a cache; null where not told.", nullable=True)
    reasoning_tokens: pl.Int64 = count("Tokens of reasoning; null where not told.", nullable=True)
    cost_usd: float = column(
        "Cost as it was told, else by the team's own prices; null where neither is known.",
        unit="usd",
        nullable=True,
        ge=0,
    )
    cost_from: str = column(
        "Where the cost is known from: told by the step, or the team's own prices; null where it is not known.",
        isin=COST_FROM,
        nullable=True,
    )
    is_cached: bool = column("The whole answer came from a cache; null where not told.", nullable=True)
    counts_call: bool = column("It is a call of a model that is counted: no other lies within it.")
    counts_tokens: bool = column("Its tokens are in the sums of its trace: a model's, and none within it tells any.")
    counts_cost: bool = column("Its cost is in the sum of its trace, by the same rule.")
    lacks_cost: bool = column("Its tokens count, and nobody told what they cost.")
    trace_name: str = column("Name of the trace; null where not told.", nullable=True)
    steps: pl.Int64 = count("Steps of its trace.")
    records: pl.Int64 = column("Events that tell of its run.", ge=1)
    first_told_date: pl.Date = column("UTC date of the first of them.")
    last_told_date: pl.Date = column("UTC date of the last of them.")


@table(layer="gold", grain=("tenant_id", "trace_id"), partition="event_date")
class Traces(OfTenant):
    """One trace: a run of an agent, out of its steps."""

    trace_id: str = column("Trace, as 32 hexadecimal digits; it is the run_id of its run.")
    event_date: pl.Date = column("UTC date on which its run counts, by which the table is partitioned.")
    project_id: str = column("Project; null where none was given.", nullable=True)
    event_id: str = column("Event of its outermost step.")
    doer: str = column("Outermost named agent; else the trace's, the outermost step's or the service's name.")
    name: str = column("Name of the trace; null where not told.", nullable=True)
    started_at: Instant = column("When its first step began.")
    latency_seconds: float = column(
        "The single root's time, else from the first start to the last end; null where nothing ended.",
        unit="seconds",
        nullable=True,
        ge=0,
    )
    steps: pl.Int64 = column("Steps.", ge=1)
    roots: pl.Int64 = count("Steps that name no parent; 0 where the root has not come, or was not recorded.")
    llm_calls: pl.Int64 = count("Calls of models; one within another counts once.")
    tool_calls: pl.Int64 = count("Executed tool steps.")
    errors: pl.Int64 = count("Steps of status error.")
    retries: pl.Int64 = count("Steps of the same name under the same parent right after one that failed.")
    input_tokens: pl.Int64 = count("Tokens read, cached ones among them; null where no step tells any.", nullable=True)
    output_tokens: pl.Int64 = count("Tokens written; null where no step tells any.", nullable=True)
    cache_read_tokens: pl.Int64 = count("Tokens read from a cache; null where no step tells any.", nullable=True)
    cost_usd: float = column(
        "Cost of its models; null where it is not known of every call that read or wrote.",
        unit="usd",
        nullable=True,
        ge=0,
    )
    calls_without_cost: pl.Int64 = count("Calls that tell tokens, and of which nobody tells the cost.")
    quality_score: float = column(
        "Latest mark of its quality; null where nobody scored it.", unit="score", nullable=True, ge=0, le=100
    )
    model: str = column("Model that read and wrote most; null where none is named.", nullable=True)
    models: Words = column("Models of its calls, by name.")
    outcome: str = column("error where its single root failed; else null.", nullable=True)
    error_type: str = column("Kind of that error; null where none was told.", nullable=True)
    session_id: str = column("Conversation; null where not told.", nullable=True)
    user_id: str = column("User; null where not told.", nullable=True)
    policy_id: str = column("Prompt of its outermost step that names one; null where none does.", nullable=True)
    policy_version: str = column("Version of that prompt; null where not told.", nullable=True)
    agent_version: str = column("Version of the agent; null where not told.", nullable=True)
    records: pl.Int64 = column("Events that tell of its run.", ge=1)
    first_told_date: pl.Date = column("UTC date of the first of them.")
    last_told_date: pl.Date = column("UTC date of the last of them.")


@table(layer="gold", grain=("tenant_id", "event_date", "doer", "model"), partition="event_date")
class RunCosts(OfTenant):
    """What the runs of one agent cost with one model on one day: those of traces by their steps, others by their own word."""

    event_date: pl.Date = column("UTC date on which the runs count, by which the table is partitioned.")
    doer: str = column("Agent that did the runs.")
    model: str = column("Model; null where none is named.", nullable=True)
    runs: pl.Int64 = column("Runs that called it; one that called two models counts for both.", ge=1)
    passed: pl.Int64 = count("Those that passed all of their gates.")
    calls: pl.Int64 = count("Calls of the model that traces tell of.")
    calls_without_cost: pl.Int64 = count("Calls, or runs without a trace, that tell tokens and no cost.")
    input_tokens: pl.Int64 = count("Tokens read, cached ones among them; null where none are told.", nullable=True)
    output_tokens: pl.Int64 = count("Tokens written; null where none are told.", nullable=True)
    cache_read_tokens: pl.Int64 = count("Tokens read from a cache; null where none are told.", nullable=True)
    cached_rate: float = rate("cache_read_tokens over input_tokens; null where either is not known.", nullable=True)
    cost_usd: float = column("Cost; null where it is not known of every call.", unit="usd", nullable=True, ge=0)
    cost_per_passed_usd: float = column(
        "Cost over runs that passed; null where the cost is, or none passed.", unit="usd", nullable=True, ge=0
    )
    timed_calls: pl.Int64 = count("Calls that tell their time, those answered from a cache left out.")
    latency_seconds: float = column("Mean time of those; null without one.", unit="seconds", nullable=True, ge=0)


@table(layer="gold", grain=("tenant_id", "event_date", "dialect", "attribute"), partition="event_date")
class TraceAttributes(OfTenant):
    """One name of an attribute that is no field of a step, on one day: nothing reads it, and it is not lost silently."""

    event_date: pl.Date = column("UTC date of the spans, by which the table is partitioned.")
    dialect: str = column("Names in which the spans were told; null where not given.", nullable=True)
    attribute: str = column("Name of the attribute.")
    spans: pl.Int64 = column("Spans that have it; their values lie in the metadata of their events.", ge=1)
