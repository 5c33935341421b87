"""Who decided what of which model, and on which figures? The audit trail."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import ModelLog, ModelPromotions

ACTION = {
    "MODEL_REGISTERED": "registered",
    "MODEL_VALIDATED": "validated",
    "MODEL_PROMOTED": "promoted",
    "MODEL_REFUSED": "refused",
    "MODEL_ROLLED_BACK": "rolled_back",
}
_STAGE_AFTER = {"registered": "staging", "rolled_back": "archived"}


@job(reads=(ModelLog,), writes=ModelPromotions, timeless=True)
def model_promotions(model_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the decisions on models in the order in which they were taken, refusals and skipped gates among them.

    Args:
        model_log: What was decided of models.
        as_of: Decisions from this instant on do not count.
    """
    action = pl.col("event_type").replace_strict(ACTION, default=None, return_dtype=pl.String)
    return (
        model_log.filter(pl.col("occurred_at") < as_of)
        .with_columns(action=action, name="model_id", version="model_version")
        .with_columns(
            to_stage=pl.col("action").replace_strict(
                _STAGE_AFTER, default=pl.col("stage_after"), return_dtype=pl.String
            ),
            from_stage="stage_before",
            baseline="baseline_model",
            is_override=pl.col("is_override").fill_null(False),
            gates=pl.coalesce("gates", "findings"),
        )
        .sort("occurred_at", "event_id")
    )
