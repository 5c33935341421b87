"""Which kind of experiment leads to policies that go into service, for whom, and at what cost?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.policies.policies import VERSION
from kaizenlake.jobs.runs._loss_sums import MICRO, micros
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import expressions
from kaizenlake.tables import Experiments, ExperimentSuccess, PolicyPromotions

FLEET = "*"
"""The doer of the rows over all doers."""

KEYS = ("tenant_id", "doer", "experiment_type")


@job(reads=(Experiments, PolicyPromotions), writes=ExperimentSuccess, timeless=True)
def experiment_success(
    experiments: pl.LazyFrame,
    policy_promotions: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Count, by doer and type and by type over all doers of a tenant, the experiments whose policy became active.

    A doer of the name of all of them counts among them alone. Sums are of whole millionths, so that they are the same in every order.

    Args:
        experiments: What was tried.
        policy_promotions: What was decided of policies.
        as_of: Decisions from this instant on do not count.
        evidence: `confidence` of the intervals.
    """
    reached = (
        policy_promotions.filter(pl.col("occurred_at") < as_of, action="promoted", to_status="active")
        .select(VERSION)
        .unique()
        .with_columns(is_promoted=True)
    )
    told = experiments.join(reached, on=VERSION, how="left", nulls_equal=True).with_columns(
        pl.col("is_promoted").fill_null(False)
    )
    completed, failed = pl.col("status") == "completed", pl.col("status") == "failed"
    created = pl.col("policy_status").is_not_null()
    decided = failed | (completed & (~created | (pl.col("policy_status") == "archived"))) | pl.col("is_promoted")
    both = pl.concat([told.filter(pl.col("doer") != FLEET), told.with_columns(doer=pl.lit(FLEET))])
    interval = expressions.wilson("promoted", "decided", evidence.confidence).struct
    return (
        both.group_by(KEYS)
        .agg(
            pl.len().cast(pl.Int64).alias("experiments"),
            completed.sum().cast(pl.Int64).alias("completed"),
            failed.sum().cast(pl.Int64).alias("failed"),
            created.sum().cast(pl.Int64).alias("policies"),
            pl.col("is_promoted").sum().cast(pl.Int64).alias("promoted"),
            decided.sum().cast(pl.Int64).alias("decided"),
            _compute_mean("loss_delta").alias("mean_delta"),
            _compute_mean("stability_rate").alias("mean_stability"),
            _sum("cost_usd").alias("cost_usd"),
            _compute_mean("duration_seconds").alias("mean_duration_seconds"),
        )
        .with_columns(
            success_rate=pl.when(pl.col("decided") > 0).then(pl.col("promoted") / pl.col("decided")),
            ci_low=interval.field("low"),
            ci_high=interval.field("high"),
            cost_per_success_usd=pl.when(pl.col("promoted") > 0).then(pl.col("cost_usd") / pl.col("promoted")),
        )
        .sort(KEYS)
    )


def _sum(name: str) -> pl.Expr:
    """Sum of what is told; null where nothing is."""
    figure = pl.col(name)
    # Costs of 1e12 and durations of 1e9 are allowed: their millionths add up in 128 bits.
    return pl.when(figure.count() > 0).then(expressions.divide(micros(figure).cast(pl.Int128).sum(), MICRO))


def _compute_mean(name: str) -> pl.Expr:
    figure = pl.col(name)
    return pl.when(figure.count() > 0).then(_sum(name) / figure.count())
