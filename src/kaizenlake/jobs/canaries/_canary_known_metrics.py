"""Which guarded metrics did runs of the control tell in the last days, those before the start among them?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.jobs.canaries._canary_arms import DEPLOYMENT, count_rows
from kaizenlake.jobs.runs.run_records import gates_not_passed
from kaizenlake.tables.canary import METRICS

TOLD_DAYS = 30
"""Days within which a run of the control must tell the metric of a guardrail that only the settings name."""


def tells_metric(metric: str) -> pl.Expr:
    """Return whether the record of a run tells a metric.

    Args:
        metric: One of `METRICS`.
    """
    if metric == "failed_gates_rate":
        return gates_not_passed().is_not_null() | pl.col("failed_without_gates")
    return pl.col(metric).is_not_null()


def count_before_start(deployments: pl.LazyFrame, run_records: pl.LazyFrame) -> pl.LazyFrame:
    """Count the runs of each control that told each metric in the last days before the start.

    Args:
        deployments: Shadows and canaries.
        run_records: The record of each run.

    Returns:
        One row a deployment and day: `look`, 1 for the day of the start and 0 for the day before it, and a count a metric.
    """
    started = pl.col("started_at")
    controls = deployments.select(*DEPLOYMENT, "policy_id", "doer", "started_at", policy_version="control_version")
    return (
        run_records.select(
            "tenant_id",
            "policy_id",
            "doer",
            "policy_version",
            "occurred_at",
            **{name: tells_metric(name) for name in METRICS},
        )
        .join(controls, on=["tenant_id", "policy_id", "doer", "policy_version"], nulls_equal=True)
        .filter(pl.col("occurred_at") < started, pl.col("occurred_at") >= started - pl.duration(days=TOLD_DAYS))
        .with_columns(look=(pl.col("occurred_at").dt.date() - started.dt.date()).dt.total_days() + 1)
        .group_by(*DEPLOYMENT, "look")
        .agg(pl.col(METRICS).sum().cast(pl.Int64))
    )


def find_silent_looks(
    of_arms: pl.DataFrame, before: pl.DataFrame, metrics: Sequence[str], shape: tuple[int, int]
) -> dict[str, NDArray[Any]]:
    """Return of each metric the looks in whose last days no run of the arm told it (axes: arms, looks).

    Args:
        of_arms: Rows of `canary_units` with `arm` and `look`.
        before: Rows of `count_before_start` with the `arm` of the control.
        metrics: What is guarded.
        shape: Number of arms and of looks.
    """
    arms, looks = shape
    earlier = before.filter(pl.col("look") > -TOLD_DAYS).with_columns(pl.col("look") + TOLD_DAYS)
    found = {}
    for metric in metrics:
        days = count_rows(earlier, pl.col(metric).sum(), arms, TOLD_DAYS + looks)
        days[:, TOLD_DAYS:] += count_rows(of_arms, pl.col(f"{metric}_n").sum(), arms, looks)
        so_far = np.cumsum(days, axis=1)
        found[metric] = so_far[:, TOLD_DAYS:] == so_far[:, :looks]
    return found
