"""Does a policy learn? The loss under each of its versions over time, against the version before."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._finding_words import round_figure
from kaizenlake.jobs.runs._day_clusters import ALL_SUMS, difference_interval, sums_of_day
from kaizenlake.jobs.runs._loss_sums import add_sums, is_known_before, mean
from kaizenlake.parameters import EvidenceNeeds, Trends
from kaizenlake.tables import CrlDaily, LearningProgress
from kaizenlake.tables.loss import HELPED, HURT, SAME, TOO_EARLY

POLICY = ("tenant_id", "doer", "policy_id")
VERSION = (*POLICY, "policy_version")


@job(reads=(CrlDaily,), writes=LearningProgress, timeless=True)
def learning_progress(
    crl_daily: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    trends: Trends = Trends(),
) -> pl.LazyFrame:
    """Follow the loss under each version of a policy, and set what it was so far against the version before it.

    Versions follow one another by their first day with the doer; of two that began on one day the lesser comes first, by
    their numbers (9.0.0 before 10.0.0). Runs that name a version and no policy are those of the doer's one policy without a
    name; runs without a version are left out. The error of a difference is clustered by day. This compares times, not arms: a canary is the judge.

    Args:
        crl_daily: Sums of losses by day.
        as_of: Days that begin from this instant on do not count.
        evidence: `confidence` of the interval.
        trends: `runs`: fewest on either side for a verdict; `small_difference`: what is not worth speaking of.
    """
    first_day = pl.col("event_date").min().over(VERSION)
    days = (
        crl_daily.filter(is_known_before(as_of), pl.col("policy_version").is_not_null())
        .group_by(*VERSION, "event_date")
        .agg(*add_sums())
        .with_columns(**sums_of_day())
        .with_columns(
            first_day=first_day,
            mean_loss=mean(),
            **{f"own_{name}": pl.col(name).cum_sum().over(VERSION, order_by="event_date") for name in ALL_SUMS},
        )
        .with_columns(
            version_number=pl.struct("first_day", _order(), "policy_version").rank("dense").over(POLICY).cast(pl.Int64),
            # A join by the nearest day takes no null for equal to another.
            policy_number=pl.struct(POLICY).rank("dense"),
        )
        .sort("event_date", *VERSION)
    )
    earlier = days.select(
        "policy_number",
        pl.col("version_number") + 1,
        "event_date",
        pl.col("policy_version").alias("previous_version"),
        *(pl.col(f"own_{name}").alias(f"previous_{name}") for name in ALL_SUMS),
    )
    interval = difference_interval("own_", "previous_", evidence.confidence)
    return (
        days.join_asof(earlier, on="event_date", by=["policy_number", "version_number"], check_sortedness=False)
        .with_columns(
            age_days=(pl.col("event_date") - pl.col("first_day")).dt.total_days(),
            n_so_far=pl.col("own_n"),
            mean_so_far=mean("own_"),
            previous_mean=mean("previous_"),
            change=mean("own_") - mean("previous_"),
            change_ci_low=interval.low,
            change_ci_high=interval.high,
        )
        .with_columns(verdict=version_verdict(trends))
        .sort(*VERSION, "event_date")
    )


def _order() -> pl.Expr:
    """Return the name of a version with each number in it written in 20 digits, so that names sort by their numbers."""
    long = pl.col("policy_version").str.replace_all(r"(\d+)", "0" * 20 + "${1}")
    return long.str.replace_all(r"\d*(\d{20})", "${1}").alias("order")


def version_verdict(trends: Trends) -> pl.Expr:
    """Return what the difference from the version before says, by its interval as it is shown; null for the first.

    Args:
        trends: `runs`: fewest on either side for a verdict; `small_difference`: what is not worth speaking of.
    """
    low, high = (round_figure(pl.col(name)) for name in ("change_ci_low", "change_ci_high"))
    enough = (pl.col("n_so_far") >= trends.runs) & (pl.col("previous_n") >= trends.runs) & low.is_not_null()
    small = (low >= -trends.small_difference) & (high <= trends.small_difference)
    return pl.when(pl.col("previous_version").is_not_null()).then(
        pl.when(~enough.fill_null(value=False))
        .then(pl.lit(TOO_EARLY))
        .when(high < 0.0)
        .then(pl.lit(HELPED))
        .when(low > 0.0)
        .then(pl.lit(HURT))
        .when(small)
        .then(pl.lit(SAME))
        .otherwise(pl.lit(TOO_EARLY))
    )
