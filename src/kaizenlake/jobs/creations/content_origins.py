"""What was each content made from, by every name that its figures may call it?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._latest_record import LANDED, keep_latest
from kaizenlake.jobs.content.content_features import TEXT_LENGTH, read_texts
from kaizenlake.tables import ContentOrigins, Core

CREATION = ("tenant_id", "project_id", "content_id", "platform")


@job(reads=(Core,), writes=ContentOrigins, timeless=True)
def content_origins(core: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Name each content that was made by its content id and by its external id, and describe its text by declared rules.

    Of several records of a content, project and platform the latest counts, such as one of its final text.

    Args:
        core: Silver core events, of which those of creations count.
        as_of: Events from this instant on do not count.
    """
    made = latest_creations(core, as_of=as_of)
    names = pl.concat(
        [
            made.with_columns(name=pl.col("content_id"), is_external=pl.lit(value=False)),
            made.filter(pl.col("external_id") != pl.col("content_id")).with_columns(
                name=pl.col("external_id"), is_external=pl.lit(value=True)
            ),
        ]
    )
    texts = read_texts(made.select("text"))
    hook = pl.coalesce("hook_type", "text_hook")
    return names.join(texts.drop("given"), on="text", how="left").with_columns(
        **creation_columns(),
        content_id=pl.col("name"),
        created_at=pl.col("occurred_at"),
        hook_source=pl.when(pl.col("hook_type").is_not_null())
        .then(pl.lit("event"))
        .when(hook.is_not_null())
        .then(pl.lit("text")),
        hook_type=hook,
        language_source=pl.when(pl.col("language").is_not_null()).then(pl.lit("text")),
        text=pl.col("text").str.slice(0, TEXT_LENGTH),
    )


def latest_creations(core: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Return the latest record of each content that was made, by project and platform, before an instant."""
    made = core.filter(pl.col("event_type") == "CONTENT_CREATED", pl.col("occurred_at") < as_of)
    return keep_latest(made, CREATION, LANDED)


def creation_columns() -> dict[str, pl.Expr]:
    """Return what names a creation, by columns that no table of figures has."""
    return {
        "created_as": pl.col("content_id"),
        "created_project": pl.col("project_id"),
        "created_for": pl.col("platform"),
        "creation_id": pl.col("event_id"),
    }
