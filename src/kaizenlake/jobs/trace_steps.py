"""What did each agent run do, step by step? One row a span, in the tree of its trace."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import Gathering, job
from kaizenlake.jobs._span_tree import in_tree
from kaizenlake.jobs.run_records import BEGINS, RUN
from kaizenlake.tables import Runs, TraceSteps

TRACE = ("tenant_id", "trace_id")
SPAN = (*TRACE, "span_id")
_TREE = ("depth", "counts_call", "counts_tokens", "counts_cost", "lacks_cost")
_OF_TRACE = ("trace_name", "steps", "records", "first_told_date", "last_told_date")
_ORDER = ("started_at", "span_id")


@job(reads=(Runs,), writes=TraceSteps, by_day=True, timeless=True, gathers=Gathering(RUN, BEGINS, TRACE))
def trace_steps(runs: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Put the spans of each trace into their tree, on the day on which its run counts; each span once.

    Of a span that several events tell of, of each field the word of the one that ended last counts.

    Args:
        runs: Silver run events: spans, and what else tells of their runs.
        as_of: Events from this instant on do not count.
    """
    events = runs.filter(pl.col("occurred_at") < as_of).rename({"run_id": "trace_id", "occurred_at": "started_at"})
    told = events.group_by(TRACE).agg(
        trace_name=_described("name"),
        trace_session=_described("session_id"),
        trace_user=_described("user_id"),
        trace_prompt=_described("prompt_name"),
        trace_prompt_version=_described("prompt_version"),
        trace_version=_described("agent_version"),
        records=pl.len().cast(pl.Int64),
        first_told_date=pl.col("event_date").min(),
        last_told_date=pl.col("event_date").max(),
        home=pl.col("event_date").filter(pl.col("event_type").is_in(BEGINS)).min(),
    )
    spans = _once(events.filter(pl.col("event_type") == "SPAN_RECORDED"))
    is_same = pl.col("name").shift().eq_missing(pl.col("name")) & (pl.col("status").shift() == "error")
    siblings = (*TRACE, "parent_span_id")
    return (
        spans.map_batches(
            in_tree, schema=_with_tree(spans), predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False
        )
        .sort(*_ORDER)
        .with_columns(
            is_retry=is_same.fill_null(value=False).over(siblings, order_by=_ORDER),
            steps=pl.len().over(TRACE).cast(pl.Int64),
        )
        .drop("event_date")
        .join(told, on=TRACE, how="left", nulls_equal=True)
        .with_columns(
            event_date="home",
            session_id=pl.coalesce("session_id", "trace_session"),
            user_id=pl.coalesce("user_id", "trace_user"),
            prompt_name=pl.coalesce("prompt_name", "trace_prompt"),
            prompt_version=pl.coalesce("prompt_version", "trace_prompt_version"),
            agent_version=pl.coalesce("agent_version", "trace_version"),
        )
    )


def _once(spans: pl.LazyFrame) -> pl.LazyFrame:
    """One row a span."""
    schema = tables.schema(TraceSteps)
    fields = [name for name in schema.names() if name not in {*_TREE, *_OF_TRACE, "is_retry", *SPAN, "event_date"}]
    counted = spans.select(*SPAN, "event_date", *fields).with_columns(
        pl.col("kind").fill_null("other"), pl.col("status").fill_null("unset"), number=pl.len().over(SPAN)
    )
    ended = (pl.col("duration_seconds").is_not_null(), "duration_seconds", "event_id")
    several = (
        counted.filter(pl.col("number") > 1)
        .group_by(SPAN)
        .agg(
            pl.col("event_date").min(),
            *(
                (pl.col(name) if name != "status" else pl.col(name).replace("unset", None))
                .sort_by(*ended)
                .drop_nulls()
                .last()
                for name in fields
            ),
        )
        .with_columns(pl.col("status").fill_null("unset"))
    )
    alone = counted.filter(pl.col("number") == 1).drop("number")
    return pl.concat([alone, several.select(*SPAN, "event_date", *fields)])


def _with_tree(spans: pl.LazyFrame) -> pl.Schema:
    types = tables.schema(TraceSteps)
    return pl.Schema({**spans.collect_schema(), **{name: types[name] for name in _TREE}})


def _described(name: str) -> pl.Expr:
    """The latest word of what describes the trace as a whole."""
    is_described = pl.col("event_type") == "TRACE_DESCRIBED"
    chosen = pl.col(name).filter(is_described)
    order = (pl.col("started_at").filter(is_described), pl.col("event_id").filter(is_described))
    return chosen.sort_by(*order).drop_nulls().last()
