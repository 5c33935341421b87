"""How does each version of a policy do against the one it was compared with?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.policies import VERSION
from kaizenlake.tables import LearningProgress, Policies, PolicyPerformance


@job(reads=(Policies, LearningProgress), writes=PolicyPerformance)
def policy_performance(
    policies: pl.LazyFrame,
    learning_progress: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - what it reads ends there
) -> pl.LazyFrame:
    """Set the loss under each version against that of its control, by the best evidence there is.

    Runs count that name the version and are of the policy's doer. A version without any has no row.

    Args:
        policies: Policies as they stand.
        learning_progress: The loss by version over time.
        as_of: Until when events count.
    """
    keys = ("doer", *VERSION)
    observed = _observed(learning_progress)
    return (
        policies.select(*keys, "status")
        .join(observed, on=keys)
        .with_columns(
            effect=pl.col("mean_loss") - pl.col("control_mean_loss"),
        )
        .with_columns(
            lift=pl.when(pl.col("control_mean_loss") > 0).then(pl.col("effect") / pl.col("control_mean_loss"))
        )
        .sort(VERSION)
    )


def _observed(learning_progress: pl.LazyFrame) -> pl.LazyFrame:
    """Each version with a doer on its last day, against the version before."""
    last = pl.struct(pl.all()).sort_by("event_date").last()
    keys = ("doer", *VERSION)
    found = learning_progress.group_by(keys).agg(
        last.struct.field("n_so_far").alias("runs"),
        last.struct.field("mean_so_far").alias("mean_loss"),
        last.struct.field("previous_version").alias("compared_with"),
        last.struct.field("previous_mean").alias("control_mean_loss"),
        last.struct.field("change_ci_low").alias("ci_low"),
        last.struct.field("change_ci_high").alias("ci_high"),
    )
    types = tables.schema(PolicyPerformance)
    return found.with_columns(
        pl.lit("observation").alias("evidence"),
        *(pl.lit(None, types[name]).alias(name) for name in ("units", "p_value", "verdict")),
    )
