"""What would candidates have lost on logged runs? Every replay by every estimator."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_latest
from kaizenlake.jobs.outcomes._flat_lists import flat_list
from kaizenlake.tables import OfflineReplays, ReplayLog
from kaizenlake.tables.replay import NO_ESTIMATOR

FIGURES = {
    "loss": "estimated_loss",
    "ci_low": "loss_ci_low",
    "ci_high": "loss_ci_high",
    "effect": "effect",
    "effect_ci_low": "effect_ci_low",
    "effect_ci_high": "effect_ci_high",
    "seeds_sd": "seeds_sd",
    "stability": "stability",
}
"""Figures of one entry of the list `estimates` of a replay, and the columns they go to."""


@job(reads=(ReplayLog,), writes=OfflineReplays, timeless=True)
def offline_replays(replay_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List every replay of a policy by every estimator, and which of them its verdict rests on.

    A refused replay has one row, whose estimator is `none` and whose figures are null: no number stands where there is no
    answer. So has one that carries no estimates, or no list that can be read.

    Args:
        replay_log: Silver replay events.
        as_of: Replays from this instant on do not count.
    """
    replays = replay_log.filter(pl.col("event_type") == "OFFLINE_REPLAYED", pl.col("occurred_at") < as_of)
    decoded = flat_list("estimates", "estimates", ("estimator", *FIGURES))
    entry = pl.col("entry").struct
    is_answered = pl.col("verdict") != "refused"
    told = {to: entry.field(name).cast(pl.Float64, strict=False) for name, to in FIGURES.items()}
    figures = {to: pl.when(is_answered, figure.is_finite()).then(figure) for to, figure in told.items()}
    return (
        keep_latest(replays, ("tenant_id", "replay_id"))
        .with_columns(
            estimator_of_verdict=pl.col("estimator"),
            entry=pl.when(is_answered).then(decoded),
            replayed_at="occurred_at",
        )
        # Of an entry that comes twice the first counts; an empty list leaves one row.
        .explode("entry")
        .with_columns(
            estimator=entry.field("estimator").fill_null(NO_ESTIMATOR),
            shortfalls=pl.col("shortfalls").fill_null([]),
            logged_loss=pl.when(is_answered).then("logged_loss"),
            **figures,
        )
        .with_columns(is_verdict=(pl.col("estimator") == pl.col("estimator_of_verdict")).fill_null(False))
        .sort("tenant_id", "replay_id", "estimator", *FIGURES.values(), nulls_last=True)
        .unique(["tenant_id", "replay_id", "estimator"], keep="first", maintain_order=True)
    )
