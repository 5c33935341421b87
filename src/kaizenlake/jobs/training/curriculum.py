"""How hard is each task, and in which order are tasks best learnt? By who passed it, drawn to the mean where few tried."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.training._tried_tasks import RUN, tried_runs
from kaizenlake.parameters import Curation
from kaizenlake.stats.regression.rasch import fit_rasch
from kaizenlake.tables import Curriculum as CurriculumTable
from kaizenlake.tables import RunRecords, TrainingExamples

STAGES_FROM = (("warm_up", 0.8), ("core", 0.5), ("stretch", 0.2))
"""Stages and the chance of the mean agent from which a task is in them; below the last it is out of reach."""

_ITEM = ["tenant_id", "item_id"]


@job(reads=(RunRecords, TrainingExamples), writes=CurriculumTable)
def curriculum(
    run_records: pl.LazyFrame, training_examples: pl.LazyFrame, *, as_of: datetime, curation: Curation = Curation()
) -> pl.LazyFrame:
    """Order the tasks of each tenant from the easiest to the hardest, by the passes and failures of all of its agents.

    A task is what runs name by their `task_id`, else what went into the example that a run left. An agent counts with its
    model as one taker. Difficulties are those of the Rasch model; see `kaizenlake.stats.regression.rasch`.

    Args:
        run_records: The record of each run.
        training_examples: Examples; those of traces that are no run count by their own mark.
        as_of: What was done from this instant on does not count.
        curation: From which mark on a run passed.
    """
    examples = training_examples.filter(pl.col("created_at") < as_of).with_columns(
        pl.concat_str(pl.lit("input-"), _hash("input_text")).alias("input_id")
    )
    of_run = (
        examples.sort("created_at", "example_id")
        .group_by("tenant_id", run_id="trace_id")
        .agg(pl.col("input_id").first(), pl.col("example_id").alias("example_ids"))
    )
    runs = (
        tried_runs(run_records, training_examples, as_of, curation)
        .join(of_run, on=list(RUN), how="left", nulls_equal=True)
        .select(
            "tenant_id",
            "doer",
            "model",
            "task_type",
            "passed",
            "example_ids",
            item_id=pl.coalesce("task_id", "input_id"),
            tried_at="occurred_at",
        )
    )
    unrun = examples.join(
        run_records.filter(pl.col("occurred_at") < as_of).select("tenant_id", trace_id="run_id"),
        on=["tenant_id", "trace_id"],
        how="anti",
        nulls_equal=True,
    ).select(
        "tenant_id",
        "model",
        "task_type",
        doer="agent_id",
        passed=pl.col("quality_score") >= curation.quality_score,
        example_ids=pl.concat_list("example_id"),
        item_id="input_id",
        tried_at="created_at",
    )
    tried = pl.concat([runs, unrun], how="diagonal").filter(
        pl.col("passed").is_not_null(), pl.col("item_id").is_not_null()
    )
    return tried.map_batches(
        _place,
        schema=tables.schema(CurriculumTable),
        predicate_pushdown=False,
        projection_pushdown=False,
        slice_pushdown=False,
    )


def _hash(name: str) -> pl.Expr:
    """Return a hash of a text that is the same on every machine."""
    return pl.col(name).map_batches(_digest, return_dtype=pl.String)


def _digest(texts: pl.Series) -> pl.Series:
    from hashlib import sha256

    return pl.Series(
        [None if text is None else sha256(text.encode()).hexdigest()[:16] for text in texts], dtype=pl.String
    )


def _place(tried: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the table out of single attempts."""
    parts = [
        _place_tenant(part)
        for (_, part) in sorted(
            tried.partition_by("tenant_id", as_dict=True).items(), key=lambda item: (item[0][0] is not None, item[0])
        )
    ]
    return pl.concat([pl.DataFrame(schema=tables.schema(CurriculumTable)), *parts])


def _place_tenant(tried: pl.DataFrame) -> pl.DataFrame:
    counted = (
        tried.group_by("item_id", "doer", "model")
        .agg(passed=pl.col("passed").sum().cast(pl.Int64), attempts=pl.len().cast(pl.Int64))
        .with_columns(
            item=pl.col("item_id").rank("dense").cast(pl.Int64) - 1,
            taker=pl.struct("doer", "model").rank("dense").cast(pl.Int64) - 1,
        )
        .sort("item", "taker")
    )
    found = fit_rasch(*(counted[name].to_numpy() for name in ("item", "taker", "passed", "attempts")))
    weight = np.bincount(counted["taker"].to_numpy(), weights=counted["attempts"].to_numpy())
    mean_ability = float((found.ability * weight).sum() / weight.sum())
    chance = 1.0 / (1.0 + np.exp(found.difficulty - mean_ability))
    told = tried.group_by("tenant_id", "item_id").agg(
        pl.col("task_type").drop_nulls().min(),
        pl.col("example_ids").list.explode().drop_nulls().unique().sort(),
        agents=pl.struct("doer", "model").n_unique().cast(pl.Int64),
        attempts=pl.len().cast(pl.Int64),
        passed=pl.col("passed").sum().cast(pl.Int64),
        last_tried_at=pl.col("tried_at").max(),
    )
    stage = pl.lit("out_of_reach")
    for name, least in reversed(STAGES_FROM):
        stage = pl.when(pl.col("expected_pass_rate") >= least).then(pl.lit(name)).otherwise(stage)
    return (
        told.sort("item_id")
        .with_columns(
            pass_rate=pl.col("passed") / pl.col("attempts"),
            difficulty=pl.Series(found.difficulty).round(9),
            difficulty_se=pl.Series(found.difficulty_se).round(9),
            expected_pass_rate=pl.Series(chance).round(9),
        )
        .with_columns(stage=stage)
        .sort("difficulty", "item_id")
        .with_columns(place=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
        .sort("item_id")
        .select(tables.schema(CurriculumTable).names())
    )
