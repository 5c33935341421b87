"""What did the runs of a day lose? Sums that add up over days, doers, phases, policies, versions and models."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.runs._loss_sums import MICRO, micros, sums_of
from kaizenlake.stats import expressions
from kaizenlake.tables import Crl, CrlDaily

BUCKETS = 200
"""Parts into which [0, 1] is cut for quantiles: one is known to within 1/200."""

KEYS = ("tenant_id", "event_date", "doer", "phase", "policy_id", "policy_version", "model")


@job(reads=(Crl,), writes=CrlDaily, by_day=True, timeless=True)
def crl_daily(crl: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Add up the losses of each day, doer, phase, policy, version and model, by bucket of the loss.

    Args:
        crl: Losses of runs.
        as_of: Runs that ended from this instant on do not count.
    """
    return (
        crl.filter(pl.col("occurred_at") < as_of)
        .group_by(*KEYS, bucket=bucket(pl.col("loss")))
        .agg(
            runs=pl.len().cast(pl.Int64),
            **sums_of(pl.col("loss")),
            coverage_micros=micros(pl.col("coverage").filter(pl.col("loss").is_not_null())).sum(),
        )
    )


def bucket(loss: pl.Expr) -> pl.Expr:
    """Return the bucket in which a loss lies, from 0; a loss of 1 lies in the last one, and null in none."""
    return (loss * BUCKETS).floor().cast(pl.Int64).clip(upper_bound=BUCKETS - 1)


def quantile(share: float) -> pl.Expr:
    """Return the loss up to which a share of the runs lies: an aggregate over rows of one bucket each, by `bucket`.

    It is the mean loss of the bucket in which the share is reached: within a bucket of the true one, exact where the losses
    there are alike, and never beyond the largest.

    Args:
        share: Share of the runs, in (0, 1).
    """
    return expressions.divide(expressions.binned_quantile(share, "bucket", "n", "loss_micros"), MICRO)
