"""What was each trace as a whole? One run: its doer, steps, tokens, cost, latency, errors and retries."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import Gathering, job
from kaizenlake.jobs.runs.run_records import BEGINS, RUN
from kaizenlake.jobs.traces.trace_steps import TRACE
from kaizenlake.stats import expressions
from kaizenlake.tables import Runs, Traces, TraceSteps

_OUTERMOST = ("depth", "started_at", "span_id")


@job(reads=(Runs, TraceSteps), writes=Traces, by_day=True, timeless=True, gathers=Gathering(RUN, BEGINS, TRACE))
def traces(runs: pl.LazyFrame, trace_steps: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Sum the steps of each trace up to one run.

    Tokens and cost are those of the calls of models, each once. Latency is the time of the one step that names no parent;
    where there is none or several, the time from the first start to the last end.

    Args:
        runs: Silver run events, for the scores among them.
        trace_steps: Steps of the traces.
        as_of: Events from this instant on do not count.
    """
    scored = pl.col("quality_score").is_not_null() & (pl.col("event_type") == "RUN_SCORED")
    scores = (
        runs.filter(pl.col("occurred_at") < as_of, scored)
        .group_by(tenant_id="tenant_id", trace_id="run_id")
        .agg(pl.col("quality_score").sort_by("occurred_at", "event_id").last())
    )
    steps = trace_steps.with_columns(
        end=pl.col("started_at").dt.epoch("us") + (pl.col("duration_seconds") * 1e6).round().cast(pl.Int64),
        is_root=pl.col("parent_span_id").is_null(),
        agent_span=pl.when(pl.col("kind") == "agent").then(_compute_plain_name()),
    )
    return (
        steps.group_by(TRACE)
        .agg(
            *(pl.col(name).first() for name in ("event_date", "steps", "records", "first_told_date", "last_told_date")),
            *(
                _compute_outermost(name)
                for name in ("project_id", "session_id", "user_id", "agent_version", "event_id")
            ),
            policy_id=_compute_outermost("prompt_name"),
            policy_version=_compute_outermost("prompt_version", pl.col("prompt_name").is_not_null()),
            name=pl.col("trace_name").first(),
            doer=pl.coalesce(
                _compute_outermost("agent"),
                _compute_outermost("agent_span"),
                pl.col("trace_name").first().str.head(200),
                _compute_outermost("name").str.head(200),
                _compute_outermost("service"),
                pl.lit("unnamed"),
            ),
            started_at=pl.col("started_at").min(),
            root_seconds=pl.col("duration_seconds").filter("is_root").first(),
            roots=pl.col("is_root").sum().cast(pl.Int64),
            first_start=pl.col("started_at").dt.epoch("us").min(),
            last_end=pl.col("end").max(),
            root_status=pl.col("status").filter("is_root").first(),
            error_type=pl.col("error_type").filter("is_root").first(),
            llm_calls=pl.col("counts_call").sum().cast(pl.Int64),
            tool_calls=(pl.col("kind") == "tool").sum().cast(pl.Int64),
            errors=(pl.col("status") == "error").sum().cast(pl.Int64),
            retries=pl.col("is_retry").sum().cast(pl.Int64),
            **{
                name: sum_known(name, "counts_tokens")
                for name in ("input_tokens", "output_tokens", "cache_read_tokens")
            },
            cost_usd=sum_known("cost_usd", "counts_cost"),
            calls_without_cost=pl.col("lacks_cost").sum().cast(pl.Int64),
            models=pl.col("model").filter("counts_tokens").drop_nulls().unique().sort(),
        )
        .with_columns(
            latency_seconds=pl.when(pl.col("roots") == 1)
            .then(pl.coalesce("root_seconds", _compute_span_of_time()))
            .otherwise(_compute_span_of_time()),
            outcome=pl.when(pl.col("roots") == 1, pl.col("root_status") == "error").then(pl.lit("error")),
            error_type=pl.when(pl.col("roots") == 1, pl.col("root_status") == "error").then("error_type"),
            cost_usd=pl.when(pl.col("calls_without_cost") == 0).then("cost_usd"),
        )
        .join(_select_main_models(steps), on=TRACE, how="left", nulls_equal=True)
        .join(scores, on=TRACE, how="left", nulls_equal=True)
    )


def sum_known(name: str, chosen: str) -> pl.Expr:
    """Sum of a figure over chosen rows, the same in whatever order they come; null where none tells it."""
    return in_order(pl.col(name).filter(pl.col(chosen)).drop_nulls())


def in_order(values: pl.Expr) -> pl.Expr:
    """Sum of values from the smallest on, bit for bit the same in whatever order they come; null of none.

    A sum forgets that its values were sorted, a running one does not.
    """
    return values.sort().cum_sum().last()


def _compute_outermost(name: str, chosen: pl.Expr | None = None) -> pl.Expr:
    """Return what the outermost step says that says it."""
    taken = pl.col(name).is_not_null() if chosen is None else chosen
    return pl.col(name).filter(taken).sort_by(*(pl.col(key).filter(taken) for key in _OUTERMOST)).first()


def _compute_plain_name() -> pl.Expr:
    """Name of an agent's step without what frameworks put around it."""
    plain = pl.col("name").str.replace(r"^(?:invoke_agent|create_agent|agent_run|agent run)\s+", "")
    bare = plain.str.replace(r"^\[(.*)\]$", "$1").str.head(200)
    return pl.when(bare.str.len_chars() > 0).then(bare)


def _compute_span_of_time() -> pl.Expr:
    return expressions.divide(pl.col("last_end") - pl.col("first_start"), 1e6)


def _select_main_models(steps: pl.LazyFrame) -> pl.LazyFrame:
    """Return the model of each trace that read and wrote most."""
    tokens = pl.col("input_tokens").fill_null(0) + pl.col("output_tokens").fill_null(0)
    return (
        steps.filter(pl.col("model").is_not_null(), pl.col("counts_tokens") | pl.col("counts_call"))
        .group_by(*TRACE, "model")
        .agg(tokens=tokens.sum())
        .group_by(TRACE)
        .agg(pl.col("model").sort_by(-pl.col("tokens"), "model").first())
    )
