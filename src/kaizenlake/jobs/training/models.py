"""Where does each version of each model stand? The one rule by which decisions make a stage, also between nights."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest, keep_latest
from kaizenlake.tables import ModelLog, Models

VERSION = ("tenant_id", "model_id", "model_version")
"""Columns that name a version: two tenants may have models of one name."""


@job(reads=(ModelLog,), writes=Models, timeless=True)
def models(model_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Fold the decisions on each version that was registered into its present stage.

    A version is in staging when it is registered; a promotion gives it another stage and archives the version that was in
    production, a roll back archives it and brings the version before it back. The last of these counts: by its time, of
    two at one instant the one with the greater event id. What was decided of a version that was never registered does not
    count, nor does a second registration.

    Args:
        model_log: What was decided of models.
        as_of: Decisions from this instant on do not count.
    """
    known = model_log.filter(pl.col("occurred_at") < as_of)
    registered = keep_earliest(known.filter(event_type="MODEL_REGISTERED"), VERSION)
    overridden = keep_latest(known.filter(event_type="MODEL_PROMOTED"), (*VERSION, "stage_after")).select(
        *VERSION, stage="stage_after", is_override="is_override"
    )
    return (
        registered.select(
            *VERSION,
            "model_type",
            "manifest_sha256",
            "job_id",
            "metrics",
            "signature",
            "key_id",
            files_count=pl.col("files_count").fill_null(0),
            dataset="trained_dataset",
            path="model_path",
            manifest="model_manifest",
            files=pl.col("model_manifest").str.json_path_match("$.files").fill_null("{}"),
            parents=pl.col("parent_models").list.drop_nulls().list.unique().list.sort().fill_null([]),
            registered_at="occurred_at",
            registered_by="decided_by",
        )
        .join(_select_stages(registered, known), on=VERSION, nulls_equal=True)
        .join(overridden, on=(*VERSION, "stage"), how="left", nulls_equal=True)
        .with_columns(pl.col("is_override").fill_null(False))
        .rename({"model_id": "name", "model_version": "version"})
        .sort("tenant_id", "name", "version")
    )


def _select_stages(registered: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Return the last stage that each version was given, since when and by whom."""

    def read_events(event_type: str, version: str, stage: pl.Expr, known: pl.LazyFrame = known) -> pl.LazyFrame:
        # A version that an event names twice has what the event says of it first.
        others = pl.col(version).is_not_null() & (
            (version == "model_version") | (pl.col(version) != pl.col("model_version"))
        )
        return known.filter(pl.col("event_type") == event_type, others).select(
            "tenant_id", "model_id", "event_id", "occurred_at", "decided_by", model_version=version, stage=stage
        )

    moves = pl.concat(
        [
            read_events("MODEL_REGISTERED", "model_version", pl.lit("staging"), registered),
            read_events("MODEL_PROMOTED", "model_version", pl.col("stage_after")),
            read_events("MODEL_PROMOTED", "archived_version", pl.lit("archived")),
            read_events("MODEL_ROLLED_BACK", "model_version", pl.lit("archived")),
            read_events("MODEL_ROLLED_BACK", "restored_version", pl.lit("production")),
        ]
    )
    last = moves.group_by(VERSION).agg(
        pl.struct("stage", "occurred_at", "decided_by").sort_by("occurred_at", "event_id").last().alias("last")
    )
    field = pl.col("last").struct.field
    return last.select(*VERSION, field("stage"), field("occurred_at").alias("stage_since"), field("decided_by"))
