"""Which shadows and canaries were started, by which rule, and what came of them?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest
from kaizenlake.jobs.outcomes._flat_lists import flat_list
from kaizenlake.tables import DeploymentLog, Deployments
from kaizenlake.tables.canary import METRICS

KEY = ("tenant_id", "deployment_id")
"""Columns that name a deployment: two tenants may have deployments of one name."""

_STARTED = (
    *KEY,
    "deployment_mode",
    "policy_id",
    "doer",
    "phase",
    "control_version",
    "unit_name",
    "salt",
    "horizon_nights",
    "minimum_units",
    "method",
    "auto_promote",
    "auto_rollback",
    "settings_guardrails",
)


@job(reads=(DeploymentLog,), writes=Deployments)
def deployments(deployment_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Tell of each shadow and canary what it compares, whether it runs, and how many nights have looked at it.

    A second start of a deployment that was started says nothing, and neither does an end before the start, nor a second
    end. A candidate named twice counts once, and one that is the control not at all.

    Args:
        deployment_log: Silver deployment events.
        as_of: Events from this instant on do not count, nor does a day that is not over by then.
    """
    log = deployment_log.filter(pl.col("occurred_at") < as_of)
    started = keep_earliest(log.filter(pl.col("event_type") == "DEPLOYMENT_STARTED"), KEY)
    starts = started.select(*KEY, began_at="occurred_at")
    ends = log.filter(pl.col("event_type") == "DEPLOYMENT_ENDED").join(starts, on=KEY, nulls_equal=True)
    ended = keep_earliest(ends.filter(pl.col("occurred_at") >= pl.col("began_at")), KEY).select(
        *KEY,
        "result",
        ended_at="occurred_at",
        ended_by="decided_by",
        end_reason="reason",
    )
    return (
        started.select(
            *_STARTED,
            alpha="alpha_rate",
            max_loss_increase="max_loss_increase_rate",
            started_at="occurred_at",
            started_by="decided_by",
            start_reason="reason",
        )
        .join(_select_candidates(started), on=KEY, how="left", nulls_equal=True)
        .join(_select_guardrails(started), on=KEY, how="left", nulls_equal=True)
        .join(ended, on=KEY, how="left", nulls_equal=True)
        .with_columns(
            pl.col(
                "candidate_versions",
                "candidate_shares",
                "guardrail_metrics",
                "guardrail_margins",
                "settings_guardrails",
            ).fill_null([]),
            pl.col("auto_promote").fill_null(value=False),
            pl.col("auto_rollback").fill_null(value=True),
            status=pl.when(pl.col("ended_at").is_null()).then(pl.lit("running")).otherwise(pl.lit("ended")),
            reason=pl.when(pl.col("ended_at").is_null()).then("start_reason").otherwise("end_reason"),
            looks_count=_compute_looks(as_of),
        )
        .sort(KEY)
    )


def _compute_looks(as_of: datetime) -> pl.Expr:
    """Return days that are over from the start to the end, at most the horizon: each has one look."""
    first, midnight = pl.col("started_at").dt.date(), pl.lit(as_of).dt.date()
    last_over = midnight - pl.duration(days=1)
    last = pl.min_horizontal(pl.col("ended_at").dt.date(), last_over)
    nights = (last - first).dt.total_days() + 1
    return pl.min_horizontal(nights, "horizon_nights").clip(lower_bound=0)


def _select_candidates(started: pl.LazyFrame) -> pl.LazyFrame:
    """Return candidates of each deployment with their shares, in the order they were given."""
    shares = (
        _decode_list(started, "arms", "policy_version", "share")
        .group_by(*KEY, "policy_version")
        .agg(pl.col("share").sort_by("place").first())
        .with_columns(share=pl.when(pl.col("share").is_between(0.0, 1.0)).then("share"))
    )
    return (
        started.select(*KEY, "control_version", policy_version="candidate_versions")
        .explode("policy_version")
        .with_columns(place=pl.int_range(pl.len()).over(KEY))
        .filter(pl.col("policy_version").is_not_null(), pl.col("policy_version") != pl.col("control_version"))
        .group_by(*KEY, "policy_version")
        .agg(pl.col("place").min())
        .join(shares, on=[*KEY, "policy_version"], how="left", nulls_equal=True)
        .group_by(KEY)
        .agg(
            candidate_versions=pl.col("policy_version").sort_by("place"),
            candidate_shares=pl.col("share").sort_by("place"),
        )
    )


def _select_guardrails(started: pl.LazyFrame) -> pl.LazyFrame:
    """Return guardrails of each deployment in the order they were given; the first of two for one metric."""
    return (
        _decode_list(started, "guardrails", "metric", "margin")
        .filter(pl.col("metric").is_in(METRICS), pl.col("margin").is_finite(), pl.col("margin") >= 0.0)
        .group_by(*KEY, "metric")
        .agg(pl.col("place").min(), pl.col("margin").sort_by("place").first())
        .group_by(KEY)
        .agg(
            guardrail_metrics=pl.col("metric").sort_by("place"),
            guardrail_margins=pl.col("margin").sort_by("place"),
        )
    )


def _decode_list(started: pl.LazyFrame, column: str, name: str, figure: str) -> pl.LazyFrame:
    """Return the list of a payload field, one row each with its place in it; a field that holds no such list has none."""
    return (
        started.select(*KEY, flat_list(column, column, (name, figure)).alias(column))
        .explode(column)
        .with_columns(place=pl.int_range(pl.len()).over(KEY))
        .unnest(column)
        .filter(pl.col(name).is_not_null())
        .with_columns(pl.col(figure).cast(pl.Float64, strict=False))
    )
