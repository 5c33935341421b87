"""What did agents do that can be learnt from? Each task, plan, trace and feedback: what went in, what came out, what it is worth."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl

from kaizenlake.events.values.fields import TEXT_LENGTH
from kaizenlake.job import job
from kaizenlake.parameters import Curation
from kaizenlake.tables import LearningLog, Runs, TrainingExamples, schema
from kaizenlake.training.examples import hash_example

TRACE = ("tenant_id", "trace_id")
_TASKS = ("AGENT_TASK_COMPLETED", "AGENT_PLAN_CREATED")
_ORDER = ("occurred_at", "event_id")
_WORD_LENGTH: Final = 200


@job(reads=(LearningLog, Runs), writes=TrainingExamples, timeless=True)
def training_examples(
    learning_log: pl.LazyFrame, runs: pl.LazyFrame, *, as_of: datetime, curation: Curation = Curation()
) -> pl.LazyFrame:
    """Make an example of each task and plan of an agent; the latest mark of its trace counts, whenever it comes.

    Where `curation.capture` names their contents, a trace of which no task tells is one too, by its outermost step, and so is
    what a scorer says of an output: that and what went in is its input, his words are its output. A content that the setting
    does not name is left empty, as is one that was cut when it landed. What was told twice is one example.

    Args:
        learning_log: Tasks, plans and evaluations.
        runs: Silver run events: spans, and the scores of traces among them.
        as_of: Events from this instant on do not count.
        curation: Contents that are kept.
    """
    known = learning_log.filter(pl.col("occurred_at") < as_of)
    has_tasks = not known.filter(pl.col("event_type").is_in(_TASKS)).limit(1).collect().is_empty()
    takes_spans = bool({"span_input", "span_output"} & set(curation.capture))
    if not has_tasks and not takes_spans:
        # Without a task nothing is scored, and no run is read.
        return pl.LazyFrame(schema=schema(TrainingExamples))
    told_runs = runs.filter(pl.col("occurred_at") < as_of)
    told = known.filter(pl.col("quality_score").is_not_null())
    scored = told_runs.filter(
        pl.col("event_type") == "RUN_SCORED", pl.col("quality_score").is_not_null(), pl.col("span_id").is_null()
    )
    names = (*TRACE, *_ORDER, "quality_score", "confidence")
    marks = (
        pl.concat([told.select(names), scored.rename({"run_id": "trace_id"}).select(names)])
        .group_by(TRACE)
        .agg(pl.col("quality_score", "confidence").sort_by(_ORDER).last())
    )
    labels = known.group_by(TRACE).agg(pl.col("labels").explode().drop_nulls().unique().sort())
    done = _select_tasks(known, curation)
    if takes_spans:
        spans = _select_traces(told_runs, curation).join(
            done.select(TRACE).unique(), on=list(TRACE), how="anti", nulls_equal=True
        )
        done = pl.concat([done, spans], how="diagonal")
    marked = done.join(marks, on=list(TRACE), how="left", nulls_equal=True).join(
        labels, on=list(TRACE), how="left", nulls_equal=True
    )
    parts = [marked]
    if "comment" in curation.capture:
        parts.append(_select_feedback(told_runs, done))
    return (
        pl.concat(parts, how="diagonal")
        .with_columns(pl.col("labels").fill_null([]), example_id=pl.lit(""))
        .select(*schema(TrainingExamples).names(), "occurred_at")
        .map_batches(_name)
        .sort("tenant_id", "example_id", *_ORDER)
        .unique(("tenant_id", "example_id"), keep="first", maintain_order=True)
    )


def _select_tasks(known: pl.LazyFrame, curation: Curation) -> pl.LazyFrame:
    """Return tasks and plans as examples without their mark."""
    is_plan = pl.col("event_type") == "AGENT_PLAN_CREATED"
    kept = {name: pl.col(name) if name in curation.capture else pl.lit("") for name in ("input", "output", "plan")}
    return (
        known.filter(pl.col("event_type").is_in(_TASKS))
        .drop("quality_score", "confidence", "labels")
        .with_columns(
            input_text=kept["input"].fill_null(""),
            output_text=pl.when(is_plan).then(kept["plan"]).otherwise(kept["output"]).fill_null(""),
            source_type=pl.when(is_plan).then(pl.lit("PLANNING_TRACE")).otherwise(pl.lit("EXECUTION_TRACE")),
            created_at="occurred_at",
        )
    )


def _select_traces(runs: pl.LazyFrame, curation: Curation) -> pl.LazyFrame:
    """Return traces as examples without their mark: what the trace says of itself, else its first step that has no parent."""
    kept = {
        name: _whole(f"{name}_text") if f"span_{name}" in curation.capture else pl.lit("")
        for name in ("input", "output")
    }
    is_trace = pl.col("event_type") == "TRACE_DESCRIBED"
    is_root = (pl.col("event_type") == "SPAN_RECORDED") & pl.col("parent_span_id").is_null()
    steps = runs.filter(is_trace | (pl.col("event_type") == "SPAN_RECORDED")).sort(
        ~is_trace, ~is_root, *_ORDER, "span_id", nulls_last=True
    )
    outer = is_trace | is_root
    # A call of a tool that is the first thing of a run names neither its agent nor its task.
    named = pl.when(is_trace | pl.col("kind").ne_missing(pl.lit("tool"))).then("name")

    def first(value: pl.Expr, rows: pl.Expr = outer) -> pl.Expr:
        return value.filter(rows & value.is_not_null()).first()

    return (
        steps.group_by("tenant_id", trace_id="run_id", maintain_order=True)
        .agg(
            pl.col("project_id").drop_nulls().first(),
            pl.col("event_id").first(),
            occurred_at=pl.col("occurred_at").min(),
            input_text=first(kept["input"]).fill_null(""),
            output_text=first(kept["output"]).fill_null(""),
            agent_id=pl.coalesce(first(pl.col("agent"), pl.lit(value=True)), first(named), first(pl.col("service"))),
            task_type=pl.coalesce(first(pl.col("workflow")), first(named)),
            model=pl.col("model").drop_nulls().last(),
            policy_id=first(pl.col("prompt_name")),
            policy_version=pl.col("prompt_version").filter(pl.col("prompt_name").is_not_null() & outer).first(),
        )
        .with_columns(
            pl.col("agent_id", "task_type").fill_null("unnamed").str.head(_WORD_LENGTH),
            source_type=pl.lit("EXECUTION_TRACE"),
            created_at="occurred_at",
        )
    )


def _whole(name: str) -> pl.Expr:
    """Return a text of a span; empty where landing cut it, since half an answer is none to learn from."""
    return pl.when(pl.col(name).str.len_chars() >= TEXT_LENGTH).then(pl.lit("")).otherwise(pl.col(name))


def _select_feedback(runs: pl.LazyFrame, done: pl.LazyFrame) -> pl.LazyFrame:
    """Return what scorers say of outputs as examples; how sure they are of it is their worth."""
    first = (
        done.sort(*_ORDER)
        .group_by(TRACE, maintain_order=True)
        .agg(pl.col("input_text", "output_text", "task_type").first())
    )
    said = pl.col("comment").str.strip_chars().str.len_chars() > 0
    return (
        runs.filter(pl.col("event_type") == "RUN_SCORED", pl.col("span_id").is_null(), said)
        .select(
            *("tenant_id", "project_id", "event_id", "occurred_at", "confidence"),
            trace_id="run_id",
            comment=_whole("comment"),
            agent_id="scorer",
        )
        .join(first, on=list(TRACE), nulls_equal=True)
        .with_columns(
            input_text=pl.concat_str("input_text", "output_text", separator="\n"),
            output_text="comment",
            quality_score=pl.col("confidence") * 100.0,
            source_type=pl.lit("QUALITY_FEEDBACK"),
            created_at="occurred_at",
        )
    )


def _name(examples: pl.DataFrame) -> pl.DataFrame:
    """Name each example by the hash of its content."""
    content = examples.select("source_type", "trace_id", "input_text", "output_text")
    return examples.with_columns(
        example_id=pl.Series([hash_example(*row) for row in content.iter_rows()], dtype=pl.String)
    )
