"""What did each agent run do, step by step? One row a span, in the tree of its trace."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import Gathering, job
from kaizenlake.jobs.runs.run_records import BEGINS, RUN
from kaizenlake.jobs.traces._span_tree import in_tree
from kaizenlake.parameters import Costs
from kaizenlake.stats import expressions
from kaizenlake.tables import Runs, TraceSteps
from kaizenlake.tables.trace import PRICES, TOLD

TRACE = ("tenant_id", "trace_id")
SPAN = (*TRACE, "span_id")
_TREE = ("depth", "counts_call", "counts_tokens", "counts_cost", "lacks_cost")
_OF_TRACE = ("trace_name", "steps", "records", "first_told_date", "last_told_date")
_PRICES = ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd")
_ORDER = ("started_at", "span_id")


@job(reads=(Runs,), writes=TraceSteps, by_day=True, timeless=True, gathers=Gathering(RUN, BEGINS, TRACE))
def trace_steps(
    runs: pl.LazyFrame,
    *,
    as_of: datetime,
    costs: Costs = Costs(),
) -> pl.LazyFrame:
    """Put the spans of each trace into their tree, on the day on which its run counts; each span once.

    Of a span that several events tell of, of each field the word of the one that ended last counts.

    Args:
        runs: Silver run events: spans, and what else tells of their runs.
        as_of: Events from this instant on do not count.
        costs: Prices for calls that tell tokens and no cost.
    """
    events = runs.filter(pl.col("occurred_at") < as_of).rename({"run_id": "trace_id", "occurred_at": "started_at"})
    told = events.group_by(TRACE).agg(
        trace_name=_compute_latest_word("name"),
        trace_session=_compute_latest_word("session_id"),
        trace_user=_compute_latest_word("user_id"),
        trace_prompt=_compute_latest_word("prompt_name"),
        trace_prompt_version=_compute_latest_word("prompt_version"),
        trace_version=_compute_latest_word("agent_version"),
        records=pl.len().cast(pl.Int64),
        first_told_date=pl.col("event_date").min(),
        last_told_date=pl.col("event_date").max(),
        home=pl.col("event_date").filter(pl.col("event_type").is_in(BEGINS)).min(),
    )
    spans = _once(events.filter(pl.col("event_type") == "SPAN_RECORDED"))
    is_same = pl.col("name").shift().eq_missing(pl.col("name")) & (pl.col("status").shift() == "error")
    siblings = (*TRACE, "parent_span_id")
    whole = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}
    return (
        _select_price_steps(spans.map_batches(in_tree, schema=_add_tree(spans), **whole), costs)
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


def _select_price_steps(steps: pl.LazyFrame, costs: Costs) -> pl.LazyFrame:
    """Return steps with the cost of calls of which nobody told it, by the price of their model on their day."""
    told = steps.with_columns(cost_from=pl.when(pl.col("cost_usd").is_not_null()).then(pl.lit(TOLD)))
    if not costs.prices:
        return told
    rows = [price.model_dump() | {"model": price.model.lower()} for price in costs.prices]
    types = {"model": pl.String, "from_date": pl.Date, **dict.fromkeys(_PRICES, pl.Float64)}
    prices = pl.LazyFrame(rows, schema=types).rename({"model": "_model"}).sort("from_date")
    read, written = (pl.col(name).fill_null(0) for name in ("cache_read_tokens", "cache_write_tokens"))
    plain = (pl.col("input_tokens").fill_null(0) - read - written).clip(lower_bound=0)
    price = expressions.divide(
        plain * pl.col("input_usd")
        + read * pl.coalesce("cache_read_usd", "input_usd")
        + written * pl.coalesce("cache_write_usd", "input_usd")
        + pl.col("output_tokens").fill_null(0) * pl.col("output_usd"),
        1e6,
    )
    is_priced = pl.col("lacks_cost") & price.is_not_null()
    return (
        told.with_columns(_model=pl.col("model").str.to_lowercase(), _day=pl.col("started_at").dt.date())
        .sort("_day")
        .join_asof(prices, left_on="_day", right_on="from_date", by="_model", check_sortedness=False)
        .with_columns(
            cost_usd=pl.when(is_priced).then(price).otherwise("cost_usd"),
            cost_from=pl.when(is_priced).then(pl.lit(PRICES)).otherwise("cost_from"),
            counts_cost=pl.col("counts_cost") | is_priced,
            lacks_cost=pl.col("lacks_cost") & ~is_priced,
        )
        .drop("_model", "_day", "from_date", *_PRICES)
    )


def _once(spans: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row a span."""
    schema = tables.schema(TraceSteps)
    fields = [
        name
        for name in schema.names()
        if name not in {*_TREE, *_OF_TRACE, "is_retry", "cost_from", *SPAN, "event_date"}
    ]
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


def _add_tree(spans: pl.LazyFrame) -> pl.Schema:
    types = tables.schema(TraceSteps)
    return pl.Schema({**spans.collect_schema(), **{name: types[name] for name in _TREE}})


def _compute_latest_word(name: str) -> pl.Expr:
    """Return the latest word of what describes the trace as a whole."""
    is_described = pl.col("event_type") == "TRACE_DESCRIBED"
    chosen = pl.col(name).filter(is_described)
    order = (pl.col("started_at").filter(is_described), pl.col("event_id").filter(is_described))
    return chosen.sort_by(*order).drop_nulls().last()
