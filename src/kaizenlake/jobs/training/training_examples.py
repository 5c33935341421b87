"""What did agents do that can be learnt from? Each task and plan with what went in, what came out and what it is worth."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.parameters import Curation
from kaizenlake.tables import LearningLog, Runs, TrainingExamples, schema
from kaizenlake.training.examples import hash_example

TRACE = ("tenant_id", "trace_id")
_TASKS = ("AGENT_TASK_COMPLETED", "AGENT_PLAN_CREATED")


@job(reads=(LearningLog, Runs), writes=TrainingExamples, timeless=True)
def training_examples(
    learning_log: pl.LazyFrame, runs: pl.LazyFrame, *, as_of: datetime, curation: Curation = Curation()
) -> pl.LazyFrame:
    """Make an example of each task and plan of an agent; the latest mark of its trace counts, whenever it comes.

    A content that the setting `curation.capture` does not name is left empty. What was told twice is one example.

    Args:
        learning_log: Tasks, plans and evaluations.
        runs: Silver run events, for the scores of traces among them.
        as_of: Events from this instant on do not count.
        curation: Contents that are kept.
    """
    known = learning_log.filter(pl.col("occurred_at") < as_of)
    if known.filter(pl.col("event_type").is_in(_TASKS)).limit(1).collect().is_empty():
        # Without a task nothing is scored, and no run is read.
        return pl.LazyFrame(schema=schema(TrainingExamples))
    told = known.filter(pl.col("quality_score").is_not_null())
    scored = runs.filter(
        pl.col("event_type") == "RUN_SCORED",
        pl.col("occurred_at") < as_of,
        pl.col("quality_score").is_not_null(),
        pl.col("span_id").is_null(),
    )
    order = ("occurred_at", "event_id")
    names = (*TRACE, *order, "quality_score", "confidence")
    marks = (
        pl.concat([told.select(names), scored.rename({"run_id": "trace_id"}).select(names)])
        .group_by(TRACE)
        .agg(pl.col("quality_score", "confidence").sort_by(order).last())
    )
    labels = known.group_by(TRACE).agg(pl.col("labels").explode().drop_nulls().unique().sort())
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
        .join(marks, on=TRACE, how="left", nulls_equal=True)
        .join(labels, on=TRACE, how="left", nulls_equal=True)
        .with_columns(pl.col("labels").fill_null([]), example_id=pl.lit(""))
        .select(*schema(TrainingExamples).names(), "occurred_at")
        .map_batches(_name)
        .sort("tenant_id", "example_id", *order)
        .unique(("tenant_id", "example_id"), keep="first", maintain_order=True)
    )


def _name(examples: pl.DataFrame) -> pl.DataFrame:
    """Name each example by the hash of its content."""
    content = examples.select("source_type", "trace_id", "input_text", "output_text")
    return examples.with_columns(
        example_id=pl.Series([hash_example(*row) for row in content.iter_rows()], dtype=pl.String)
    )
