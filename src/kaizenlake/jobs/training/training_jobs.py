"""How does each training job stand, and what did it take? The one rule by which events make a status, also between nights."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest, keep_latest
from kaizenlake.tables import JobLog, TrainingJobs

_JOB = ("tenant_id", "job_id")
_STOPPED = ("FAILED", "CANCELLED")


@job(reads=(JobLog,), writes=TrainingJobs, timeless=True)
def training_jobs(job_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Fold the events of each training job that was asked for into how it stands.

    The last change of status counts: by its time, of two at one instant the one with the greater event id; without any the
    job is pending. Seconds and cost are those of all attempts, memory that of the hungriest. What is told of a job that
    nobody asked for does not count, nor does a second request. Of a step that is told twice the later word counts.

    Args:
        job_log: What was asked of training jobs and became of them.
        as_of: Events from this instant on do not count.
    """
    known = job_log.filter(pl.col("occurred_at") < as_of)
    requested = keep_earliest(known.filter(event_type="TRAINING_REQUESTED"), _JOB)
    changes = known.filter(event_type="TRAINING_STATUS_CHANGED").sort("occurred_at", "event_id")
    ended = pl.col("training_status") == "COMPLETED"
    changed = changes.group_by(_JOB).agg(
        pl.col("training_status").last(),
        pl.col("occurred_at").last().alias("changed_at"),
        pl.col("reason").last().alias("why"),
        attempts=(pl.col("training_status") == "RUNNING").sum().cast(pl.Int64),
        seconds=_total("duration_seconds"),
        peak_memory_mb=pl.col("peak_memory_mb").max(),
        cost_usd=_total("cost_usd"),
        output_sha256=pl.col("output_sha256").filter(ended).last(),
        metrics=pl.col("metrics").filter(ended).last(),
    )
    taken = keep_latest(known.filter(event_type="TRAINING_STEP_LOGGED"), (*_JOB, "taken_steps_count"))
    steps = taken.group_by(_JOB).agg(
        steps=pl.len().cast(pl.Int64),
        first_loss=pl.col("training_loss").sort_by("taken_steps_count").first(),
        last_loss=pl.col("training_loss").sort_by("taken_steps_count").last(),
    )
    status = pl.col("training_status").fill_null("PENDING")
    return (
        requested.select(
            *_JOB,
            "rows_file",
            "reward_function",
            "rows_sha256",
            "config",
            "decided_by",
            kind="training_kind",
            name="model_id",
            version="model_version",
            base="base_model",
            teacher="teacher_model",
            dataset="trained_dataset",
            rows_count=pl.col("rows_count").fill_null(0),
            requested_at="occurred_at",
        )
        .join(changed, on=_JOB, how="left", nulls_equal=True)
        .join(steps, on=_JOB, how="left", nulls_equal=True)
        .with_columns(
            pl.col("attempts", "steps").fill_null(0),
            pl.coalesce("changed_at", "requested_at").alias("changed_at"),
            status=status,
            reason=pl.when(status.is_in(_STOPPED)).then(pl.col("why")),
        )
        .sort("tenant_id", "job_id")
    )


def _total(name: str) -> pl.Expr:
    """Return the sum of what is known, in an order that is always the same; null where nothing is."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())
