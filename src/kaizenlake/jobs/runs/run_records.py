"""What is known of each agent run? One record: of each field the latest word, of its own events and of its scores."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import Gathering, job
from kaizenlake.tables import RunRecords, Runs, Traces
from kaizenlake.vocabulary import FAILED_OUTCOMES

RUN = ("tenant_id", "run_id")
"""Columns that name one run; a null is a tenant of its own."""

BEGINS = ("RUN_COMPLETED", "SPAN_RECORDED")
"""Event types that make a run; of others, its first day is not known."""

JUDGED = (
    "contradictions",
    "grounding_rate",
    "security_criticals",
    "api_breakages",
    "db_migration_failed",
    "rag_coverage_rate",
)
"""Fields that tell of what a run made: one that crashed has none of them."""

_TOLD = ("failed_without_gates", "records", "first_told_date", "last_told_date")
_OWN = (*RUN, "event_id", "occurred_at", "event_date", *_TOLD)
_KEPT = tuple(name for name in tables.schema(RunRecords).names() if name not in _TOLD)


@job(reads=(Runs, Traces), writes=RunRecords, by_day=True, timeless=True, gathers=Gathering(RUN, BEGINS))
def run_records(runs: pl.LazyFrame, traces: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Bring together what is told of each run, on the day of its first RUN_COMPLETED or step, and once.

    Of each field the latest word counts, by the time of the event: a null says nothing, nor does an empty list. A trace is a
    run that ended when its first step began, so that whatever else is told of it is a later word. Scores of a run of which
    nothing else has come make no run; they wait in the silver events and count when it comes.

    Args:
        runs: Silver run events: RUN_COMPLETED and RUN_SCORED; those of traces are summed up in the next.
        traces: The runs that are traces.
        as_of: Events from this instant on do not count.
    """
    told = runs.filter(
        pl.col("occurred_at") < as_of, pl.col("event_type").is_in(["RUN_COMPLETED", "RUN_SCORED"])
    ).select(*_KEPT, "event_type")
    events = pl.concat([told, _of_traces(traces)], how="diagonal").with_columns(number=pl.len().over(RUN))
    completed = pl.col("event_type") == "RUN_COMPLETED"
    fields = [name for name in tables.schema(RunRecords).names() if name not in _OWN]
    # Most runs have one event, whose columns are not moved.
    alone = events.filter(completed, pl.col("number") == 1).select(
        *_KEPT,
        records=pl.col("records").fill_null(1),
        first_told_date=pl.coalesce("first_told_date", "event_date"),
        last_told_date=pl.coalesce("last_told_date", "event_date"),
    )
    together = (
        events.filter(pl.col("number") > 1)
        .group_by(RUN)
        .agg(
            *(_compute_latest(name, dtype) for name, dtype in tables.schema(RunRecords).items() if name in fields),
            pl.col("event_id").filter(completed).sort_by(*_order(completed)).first(),
            pl.col("occurred_at").filter(completed).min(),
            # A trace has counted every event of its run.
            records=pl.coalesce(pl.col("records").max(), pl.len().cast(pl.Int64)),
            first_told_date=pl.min_horizontal(pl.col("first_told_date").min(), pl.col("event_date").min()),
            last_told_date=pl.max_horizontal(pl.col("last_told_date").max(), pl.col("event_date").max()),
        )
        .filter(pl.col("occurred_at").is_not_null())
        .with_columns(event_date=pl.col("occurred_at").dt.date())
    )
    return pl.concat([alone, together], how="diagonal").with_columns(
        failed_without_gates=has_failed() & gates_not_passed().is_null() & (pl.col("gates_passed").fill_null(0) == 0)
    )


def _of_traces(traces: pl.LazyFrame) -> pl.LazyFrame:
    """Return each trace as the event that its run was completed."""
    # A kind of error is one word; a sentence is of one run alone.
    modes = pl.when(pl.col("error_type").str.contains(r"^[\w.:/-]{1,100}$")).then(pl.concat_list("error_type"))
    return traces.select(
        "tenant_id",
        "project_id",
        "event_id",
        "event_date",
        "doer",
        "model",
        "policy_id",
        "policy_version",
        "cost_usd",
        "latency_seconds",
        "input_tokens",
        "output_tokens",
        "outcome",
        "records",
        "first_told_date",
        "last_told_date",
        run_id="trace_id",
        occurred_at="started_at",
        failure_modes=modes.fill_null([]),
        event_type=pl.lit("RUN_COMPLETED"),
    )


def gates_not_passed() -> pl.Expr:
    """Return the share of the gates that a run did not pass; null without gates, or with more passed than there were."""
    known = (pl.col("gates_total") > 0, pl.col("gates_passed") <= pl.col("gates_total"))
    return pl.when(*known).then(1.0 - pl.col("gates_passed") / pl.col("gates_total"))


def has_failed() -> pl.Expr:
    """Return whether a run ended in error, timeout or crash.

    Its `outcome` says so. Where it tells none, a failure mode does, unless something was found out about what the run made.
    """
    words = [_plain(pl.lit(word)) for word in FAILED_OUTCOMES]
    outcome = pl.any_horizontal(_plain(pl.col("outcome")) == word for word in words)
    mode = pl.any_horizontal(_plain(pl.element()) == word for word in words)
    unseen = pl.all_horizontal(pl.col(JUDGED).is_null())
    modes = pl.col("failure_modes").list.eval(mode).list.any() & unseen
    return pl.when(pl.col("outcome").is_not_null()).then(outcome).otherwise(modes).fill_null(value=False)


def _plain(word: pl.Expr) -> pl.Expr:
    """Return a word without case, spaces, `_` and `-`."""
    return word.str.to_lowercase().str.replace_all(r"[\s_-]", "")


def _compute_latest(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return the latest word on a field."""
    value = pl.col(name)
    if isinstance(dtype, pl.List):
        value = pl.when(value.list.len() > 0).then(value)
    last = value.sort_by("occurred_at", "event_id").drop_nulls().last()
    return (last.fill_null([]) if isinstance(dtype, pl.List) else last).alias(name)


def _order(chosen: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return pl.col("occurred_at").filter(chosen), pl.col("event_id").filter(chosen)
