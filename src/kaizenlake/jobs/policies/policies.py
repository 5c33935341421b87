"""Where does each version of each policy stand? The one rule by which decisions make a status, also between nights."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import keep_earliest, keep_latest
from kaizenlake.tables import Policies, PolicyLog

VERSION = ("tenant_id", "policy_id", "policy_version")
"""Columns that name a version: two tenants may have policies of one name."""
_ORDER = ("occurred_at", "event_id")


@job(reads=(PolicyLog,), writes=Policies, timeless=True)
def policies(policy_log: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Fold the decisions on each version that was created into its present status.

    A version is a draft when it is created; a promotion gives it another status and archives the version that was active,
    a roll back archives it and makes the version before it active again. The last of these counts: by its time, of two at
    one instant the one with the greater event id. What was decided of a version that was never created does not count, nor
    does a second creation.
    The commands call this very function on the events there are, so that their gates see what the next night will.

    Args:
        policy_log: What was decided of policies.
        as_of: Decisions from this instant on do not count.
    """
    known = policy_log.filter(pl.col("occurred_at") < as_of)
    created = keep_earliest(known.filter(event_type="POLICY_CREATED"), VERSION)
    promoted = known.filter(event_type="POLICY_PROMOTED")
    approved = keep_latest(known.filter(event_type="POLICY_APPROVED"), (*VERSION, "content_sha256"))
    # Of a version that came back by a roll back, what it rested on when it was promoted.
    overridden = keep_latest(promoted, (*VERSION, "to_status")).select(*VERSION, "to_status", "is_override")
    return (
        created.select(
            *VERSION,
            "doer",
            "phase",
            "content_sha256",
            "parent_version",
            "parent_sha256",
            "root_sha256",
            "ancestors_count",
            "experiment_id",
            "document",
            "signature",
            "key_id",
            created_at="occurred_at",
            created_by="decided_by",
        )
        .join(_select_statuses(created, known), on=VERSION, nulls_equal=True)
        .join(
            approved.select(*VERSION, "content_sha256", approved_at="occurred_at", approved_by="decided_by"),
            on=(*VERSION, "content_sha256"),
            how="left",
            nulls_equal=True,
        )
        .join(
            overridden,
            left_on=(*VERSION, "status"),
            right_on=(*VERSION, "to_status"),
            how="left",
            nulls_equal=True,
        )
        .with_columns(pl.col("is_override").fill_null(False))
        .sort(VERSION)
    )


def _select_statuses(created: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Return the last status that each version was given, since when and by whom."""

    def read_events(event_type: str, version: str, status: pl.Expr, known: pl.LazyFrame = known) -> pl.LazyFrame:
        # A version that an event names twice has what the event says of it first.
        others = pl.col(version).is_not_null() & (
            (version == "policy_version") | (pl.col(version) != pl.col("policy_version"))
        )
        return known.filter(pl.col("event_type") == event_type, others).select(
            "tenant_id",
            "policy_id",
            "event_id",
            "occurred_at",
            "decided_by",
            policy_version=version,
            status=status,
        )

    moves = pl.concat(
        [
            read_events("POLICY_CREATED", "policy_version", pl.lit("draft"), created),
            read_events("POLICY_PROMOTED", "policy_version", pl.col("to_status")),
            read_events("POLICY_PROMOTED", "archived_version", pl.lit("archived")),
            read_events("POLICY_ROLLED_BACK", "policy_version", pl.lit("archived")),
            read_events("POLICY_ROLLED_BACK", "restored_version", pl.lit("active")),
        ]
    )
    last = moves.group_by(VERSION).agg(
        pl.struct("status", "occurred_at", "decided_by").sort_by(_ORDER).last().alias("last")
    )
    field = pl.col("last").struct.field
    return last.select(
        *VERSION,
        field("status"),
        field("occurred_at").alias("status_since"),
        field("decided_by"),
    )
