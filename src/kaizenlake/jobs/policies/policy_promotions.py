"""Who decided what of which policy, and on which figures? The audit trail."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import PolicyLog, PolicyPromotions

NIGHT = "night"
"""Who decided what the night decides by itself; no person goes by that name."""

ACTION = {
    "POLICY_CREATED": "created",
    "POLICY_PROMOTED": "promoted",
    "POLICY_REFUSED": "refused",
    "POLICY_APPROVED": "approved",
    "POLICY_ROLLED_BACK": "rolled_back",
}
_STATUS_AFTER = {"created": "draft", "rolled_back": "archived"}


@job(reads=(PolicyLog,), writes=PolicyPromotions, timeless=True)
def policy_promotions(policy_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the decisions on policies in the order in which they were taken, refusals and skipped gates among them.

    Args:
        policy_log: What was decided of policies.
        as_of: Decisions from this instant on do not count.
    """
    action = pl.col("event_type").replace_strict(ACTION, default=None, return_dtype=pl.String)
    return (
        policy_log.filter(pl.col("occurred_at") < as_of)
        .with_columns(action=action)
        .with_columns(
            to_status=pl.col("action").replace_strict(
                _STATUS_AFTER, default=pl.col("to_status"), return_dtype=pl.String
            ),
            is_automatic=pl.col("decided_by") == NIGHT,
            is_override=pl.col("is_override").fill_null(False),
        )
        .sort("occurred_at", "event_id")
    )
