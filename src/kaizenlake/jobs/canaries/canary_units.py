"""What did each randomised unit lose under each version of a deployment, day by day, and what before it began?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.runs._loss_sums import micros
from kaizenlake.jobs.runs.run_records import RUN
from kaizenlake.parameters import Canaries
from kaizenlake.tables import CanaryUnits, Crl, DeploymentRoutings, Deployments, RunRecords
from kaizenlake.tables.canary import METRICS

MOST = 1e6
"""Figure of one run beyond which a guardrail sees no difference: sums of squares then stay within 128 bits."""

KEYS = ("tenant_id", "deployment_id", "policy_version", "unit_id", "phase", "segment", "event_date")


@job(reads=(Deployments, RunRecords, Crl, DeploymentRoutings), writes=CanaryUnits, timeless=True)
def canary_units(
    deployments: pl.LazyFrame,
    run_records: pl.LazyFrame,
    crl: pl.LazyFrame,
    deployment_routings: pl.LazyFrame,
    *,
    as_of: datetime,
    canaries: Canaries = Canaries(),
) -> pl.LazyFrame:
    """Add up the losses and guarded figures of each unit, version and day of each deployment.

    A run is of a deployment of its tenant if it ran under its policy and one of its versions between start and end, and either names the
    deployment or names none and is of its doer (and phase, where the deployment has one).

    Args:
        deployments: Shadows and canaries.
        run_records: The record of each run: its version and unit, segment, and the figures that guardrails watch.
        crl: Losses of runs.
        deployment_routings: Units that were routed to a version of a deployment; they have until the end of the next day to
            run, so they count on that.
        as_of: Runs that ended from this instant on do not count.
        canaries: `history_days`: days before the start that are a unit's past.
    """
    losses = crl.filter(pl.col("occurred_at") < as_of).select(*RUN, "loss", failed_gates_rate="gates_term")
    told = run_records.filter(pl.col("occurred_at") < as_of).select(
        *RUN,
        "event_date",
        "occurred_at",
        "policy_id",
        "policy_version",
        "unit_id",
        "segment",
        "failed_without_gates",
        *(metric for metric in METRICS if metric != "failed_gates_rate"),
        run_doer="doer",
        run_phase="phase",
        run_deployment="deployment_id",
    )
    whole = told.join(
        _select_arms(deployments), on=["tenant_id", "policy_id", "policy_version"], nulls_equal=True
    ).join(losses, on=RUN, nulls_equal=True)
    named, unnamed = pl.col("run_deployment") == pl.col("deployment_id"), pl.col("run_deployment").is_null()
    fits = (pl.col("run_doer") == pl.col("doer")) & (
        pl.col("phase").is_null() | (pl.col("run_phase") == pl.col("phase")).fill_null(value=False)
    )
    ran = (
        whole.filter(during(), named.fill_null(value=False) | (unnamed & fits))
        .drop("phase")
        .rename({"run_phase": "phase"})
        .group_by(KEYS)
        .agg(
            runs=pl.len().cast(pl.Int64),
            n=pl.col("loss").count().cast(pl.Int64),
            failed=pl.col("failed_without_gates").sum().cast(pl.Int64),
            loss_micros=micros(pl.col("loss")).sum(),
            **{f"{metric}_n": pl.col(metric).count().cast(pl.Int64) for metric in METRICS},
            **{
                f"{metric}_micros": micros(pl.col(metric).cast(pl.Float64).clip(upper_bound=MOST)).sum()
                for metric in METRICS
            },
        )
    )
    sums = [name for name in tables.schema(CanaryUnits).names() if name not in (*KEYS, "history_n", "history_micros")]
    return (
        pl.concat([ran, _select_routings(deployments, deployment_routings)], how="diagonal")
        .group_by(KEYS)
        .agg(pl.col(sums).sum())
        .join(
            _select_history(deployments, crl.filter(pl.col("occurred_at") < as_of), canaries.history_days),
            on=["tenant_id", "deployment_id", "unit_id"],
            how="left",
            nulls_equal=True,
        )
        .with_columns(pl.col("history_n", "history_micros").fill_null(0))
        .sort(KEYS)
    )


def during() -> pl.Expr:
    """Return runs from the start of their deployment until before its end."""
    return (pl.col("occurred_at") >= pl.col("started_at")) & (
        pl.col("ended_at").is_null() | (pl.col("occurred_at") < pl.col("ended_at"))
    )


def _select_routings(deployments: pl.LazyFrame, routings: pl.LazyFrame) -> pl.LazyFrame:
    """Return routings from the start of their deployment until before its end, on the day after."""
    return (
        routings.rename({"first_at": "occurred_at"})
        .join(_select_arms(deployments), on=["tenant_id", "deployment_id", "policy_version"], nulls_equal=True)
        .filter(during())
        .select(
            *KEYS[:4],
            pl.lit(None, pl.String).alias("phase"),
            pl.lit(None, pl.String).alias("segment"),
            pl.col("event_date") + pl.duration(days=1),
            "routings",
        )
    )


def _select_arms(deployments: pl.LazyFrame) -> pl.LazyFrame:
    """Return versions of each deployment, its control among them."""
    versions = pl.concat_list("control_version", "candidate_versions")
    return deployments.select(
        "tenant_id", "deployment_id", "policy_id", "doer", "phase", "started_at", "ended_at", policy_version=versions
    ).explode("policy_version")


def _select_history(deployments: pl.LazyFrame, losses: pl.LazyFrame, days: int) -> pl.LazyFrame:
    """Return runs of the doer with a loss by unit, under whatever policy, in the days before each start."""
    wanted = deployments.select("tenant_id", "deployment_id", "doer", "started_at", deployment_phase="phase")
    before = losses.filter(pl.col("unit_id").is_not_null(), pl.col("loss").is_not_null()).select(
        "tenant_id", "doer", "phase", "unit_id", "occurred_at", "loss"
    )
    of_phase = pl.col("deployment_phase").is_null() | (pl.col("phase") == pl.col("deployment_phase")).fill_null(
        value=False
    )
    started = pl.col("started_at")
    return (
        before.join(wanted, on=["tenant_id", "doer"], nulls_equal=True)
        .filter(
            pl.col("occurred_at") < started,
            pl.col("occurred_at") >= started - pl.duration(days=days),
            of_phase,
        )
        .group_by("tenant_id", "deployment_id", "unit_id")
        .agg(history_n=pl.len().cast(pl.Int64), history_micros=micros(pl.col("loss")).sum())
    )
