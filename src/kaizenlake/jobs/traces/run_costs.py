"""What did the runs of each doer cost with each model, day by day, and what did one that passed cost?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.traces.trace_steps import TRACE
from kaizenlake.jobs.traces.traces import in_order, sum_known
from kaizenlake.tables import RunCosts, RunRecords, Traces, TraceSteps

_RUN = ("tenant_id", "run_id")
_GRAIN = ("tenant_id", "event_date", "doer", "model")


@job(reads=(TraceSteps, Traces, RunRecords), writes=RunCosts, by_day=True, timeless=True)
def run_costs(
    trace_steps: pl.LazyFrame, traces: pl.LazyFrame, run_records: pl.LazyFrame, *, as_of: datetime
) -> pl.LazyFrame:
    """Sum tokens and cost by doer, model and day, over the calls of traces and over the runs that have no trace.

    Args:
        trace_steps: Steps of traces.
        traces: Traces, for their doers.
        run_records: The record of each run, for whether it passed, and for runs without a trace.
        as_of: Events from this instant on do not count.
    """
    records = run_records.filter(pl.col("occurred_at") < as_of)
    passed = pl.when(pl.col("gates_total") > 0).then(pl.col("gates_passed") == pl.col("gates_total"))
    marks = records.select("tenant_id", trace_id="run_id", passed=passed.fill_null(value=False))
    is_call = pl.col("counts_call") | pl.col("counts_tokens") | pl.col("counts_cost")
    is_timed = pl.col("counts_call") & ~pl.col("is_cached").fill_null(value=False)
    calls = (
        trace_steps.filter(is_call)
        .select(
            *TRACE,
            "event_date",
            "model",
            "lacks_cost",
            "counts_call",
            run_id="trace_id",
            **{
                name: pl.when("counts_tokens").then(name)
                for name in ("input_tokens", "output_tokens", "cache_read_tokens")
            },
            cost_usd=pl.when("counts_cost").then("cost_usd"),
            seconds=pl.when(is_timed).then("duration_seconds"),
        )
        .join(traces.select(*TRACE, "doer"), on=TRACE, nulls_equal=True)
        .join(marks, on=TRACE, how="left", nulls_equal=True)
        .drop("trace_id")
    )
    others = records.join(traces.select("tenant_id", run_id="trace_id"), on=_RUN, how="anti", nulls_equal=True)
    tells = (pl.col("input_tokens").fill_null(0) + pl.col("output_tokens").fill_null(0)) > 0
    told = others.filter(pl.col("cost_usd").is_not_null() | tells).select(
        "tenant_id",
        "event_date",
        "doer",
        "model",
        "run_id",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        lacks_cost=tells & pl.col("cost_usd").is_null(),
        counts_call=pl.lit(value=False),
        passed=passed.fill_null(value=False),
    )
    everything = pl.concat([calls, told], how="diagonal").with_columns(always=pl.lit(value=True))
    figures = ("input_tokens", "output_tokens", "cache_read_tokens", "cost_usd")
    return (
        everything.group_by(_GRAIN)
        .agg(
            runs=pl.col("run_id").n_unique().cast(pl.Int64),
            passed=pl.col("run_id").filter(pl.col("passed").fill_null(value=False)).n_unique().cast(pl.Int64),
            calls=pl.col("counts_call").sum().cast(pl.Int64),
            calls_without_cost=pl.col("lacks_cost").sum().cast(pl.Int64),
            **{name: sum_known(name, "always") for name in figures},
            timed_calls=pl.col("seconds").count().cast(pl.Int64),
            seconds=in_order(pl.col("seconds").drop_nulls()),
        )
        .with_columns(cost_usd=pl.when(pl.col("calls_without_cost") == 0).then("cost_usd"))
        .with_columns(
            cached_rate=pl.when(pl.col("input_tokens") > 0).then(
                (pl.col("cache_read_tokens") / pl.col("input_tokens")).clip(0.0, 1.0)
            ),
            cost_per_passed_usd=pl.when(pl.col("passed") > 0).then(pl.col("cost_usd") / pl.col("passed")),
            latency_seconds=pl.when(pl.col("timed_calls") > 0).then(pl.col("seconds") / pl.col("timed_calls")),
        )
    )
