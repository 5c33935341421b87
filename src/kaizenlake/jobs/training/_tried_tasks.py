"""What the jobs of behaviour share: which runs passed, which type of task they did, and which days count."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.jobs.runs.run_records import gates_not_passed, has_failed
from kaizenlake.parameters import Curation
from kaizenlake.vocabulary import PASSED_OUTCOMES

RUN = ("tenant_id", "run_id")
TYPE = ("tenant_id", "doer", "task_type")
"""Columns within which runs are set against one another: of one agent, in one type of task."""


def tried_runs(
    run_records: pl.LazyFrame, training_examples: pl.LazyFrame, as_of: datetime, curation: Curation
) -> pl.LazyFrame:
    """Return the records of runs with `task_type`, and with `passed`: null where nobody can say.

    A run that ended in error failed; else its gates say whether it passed, all of them; else the latest mark of its quality,
    from `curation.quality_score` on; else its outcome in words. Its type of task is that of the first example that it left,
    else its phase.

    Args:
        run_records: The record of each run.
        training_examples: Examples, by the trace that they are of.
        as_of: Runs that ended from this instant on do not count.
        curation: From which mark on a run passed.
    """
    told = (
        training_examples.filter(pl.col("created_at") < as_of)
        .group_by("tenant_id", run_id="trace_id")
        .agg(
            pl.col("task_type").sort_by("created_at", "example_id").first(),
            mark=pl.col("quality_score").drop_nulls().max(),
        )
    )
    return (
        run_records.filter(pl.col("occurred_at") < as_of)
        .join(told, on=list(RUN), how="left", nulls_equal=True)
        .with_columns(task_type=pl.coalesce("task_type", "phase"), passed=_has_passed(curation.quality_score))
    )


def _has_passed(least: float) -> pl.Expr:
    word = pl.col("outcome").str.to_lowercase().str.replace_all(r"[\s_-]", "")
    return (
        pl.when(has_failed())
        .then(pl.lit(value=False))
        .when(gates_not_passed().is_not_null())
        .then(gates_not_passed() == 0.0)
        .otherwise(
            pl.coalesce(
                pl.coalesce("mark", "quality_score") >= least,
                pl.when(word.is_in(PASSED_OUTCOMES)).then(pl.lit(value=True)),
            )
        )
    )
