"""Where does each task stand? The one rule by which decisions make its state, also between nights."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest, keep_latest
from kaizenlake.tables import TaskLog, Tasks

KEY = ("tenant_id", "task_id")


@job(reads=(TaskLog,), writes=Tasks, timeless=True)
def tasks(task_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Fold the steps of each task that was proposed into its present state.

    The last step counts: by its time, of two at one instant the one with the greater event id. Steps of a task that was never
    proposed do not count, nor does a second proposal. The commands call this very function on the events there are.

    Args:
        task_log: Steps of tasks.
        as_of: Steps from this instant on do not count.
    """
    known = task_log.filter(pl.col("occurred_at") < as_of)
    proposed = keep_earliest(known.filter(event_type="TASK_PROPOSED"), KEY)
    moved = known.filter(event_type="TASK_MOVED")

    def last(rows: pl.LazyFrame, *columns: str, **named: str) -> pl.LazyFrame:
        return keep_latest(rows, KEY).select(*KEY, *columns, **{name: pl.col(of) for name, of in named.items()})

    parts = (
        last(moved, status="to_status", status_since="occurred_at", moved_by="decided_by", reason="reason"),
        last(
            moved.filter(to_status="approved", from_status="pending_review"),
            "approver_key_id",
            approved_at="occurred_at",
            approved_by="decided_by",
            is_auto_approved="is_automatic",
        ),
        last(moved.filter(to_status="scheduled"), run_at="due_at"),
        last(moved.filter(to_status="in_progress"), "claim_id", "lease_ends_at"),
        last(moved.filter(pl.col("execution_id").is_not_null()), "execution_id"),
        last(moved.filter(pl.col("output").is_not_null()), "output"),
        moved.group_by(KEY).agg(
            pl.len().cast(pl.Int64).alias("steps"),
            (pl.col("to_status") == "in_progress").sum().cast(pl.Int64).alias("runs_count"),
        ),
    )
    found = proposed.select(
        *KEY,
        "brand_id",
        "task_type",
        "priority",
        "confidence_rate",
        "risk",
        "inputs",
        pl.col("depends_on").fill_null([]),
        "deadline_at",
        "window_ends_at",
        "resource",
        "cause",
        proposed_at="occurred_at",
        proposed_by="decided_by",
        proposal_reason="reason",
    )
    for part in parts:
        found = found.join(part, on=KEY, how="left", nulls_equal=True)
    never = pl.col("status").is_null()
    return found.with_columns(
        pl.col("status").fill_null("pending_review"),
        pl.col("status_since").fill_null(pl.col("proposed_at")),
        pl.when(never).then("proposal_reason").otherwise("reason").alias("reason"),
        pl.col("moved_by").fill_null(pl.col("proposed_by")).alias("decided_by"),
        pl.col("steps", "runs_count").fill_null(0),
    ).sort(KEY)
