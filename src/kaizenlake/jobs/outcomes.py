"""What was decided, and was it won? Packs, deals, outreach, creatives and runs, with what goes with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.outcome_subjects import KNOWN
from kaizenlake.tables import Contents, Outcomes, OutcomeSubjects

ALL = "all"
"""The dimension that every outcome has, with this as its only value: its rows count each outcome once."""

SEGMENT = ("industry", "client_type")

CREATIVE = ("platform", "content_type", "hook_type", "tone", "pillar", "length_band", "is_paid")
"""What is known of a creative, beside its segment."""

DIMENSIONS: dict[str, tuple[str, ...]] = {
    **{kind: (*known, *SEGMENT) for kind, known in KNOWN.items()},
    "creative": (*CREATIVE, *SEGMENT),
}
"""Dimensions of each kind, beside `ALL`; one whose value is not known makes no row."""


@job(reads=(OutcomeSubjects, Contents), writes=Outcomes, by_day=True, timeless=True)
def outcomes(
    outcome_subjects: pl.LazyFrame,
    contents: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - its inputs leave out what is later
) -> pl.LazyFrame:
    """List every decided outcome once per dimension that is known of it, and once under the dimension `all`.

    Args:
        outcome_subjects: Decided packs, deals, outreach and runs.
        contents: Contents with their tier, attributes and features.
        as_of: Events before it count.
    """
    known = dict.fromkeys(name for kind in KNOWN for name in DIMENSIONS[kind])
    if "tenant_id" not in tables.schema(Contents):
        contents = contents.with_columns(tenant_id=pl.lit(None, pl.String))
    creatives = creative_outcomes(contents).with_columns(kind=pl.lit("creative"))
    return pl.concat([_by_dimension(outcome_subjects, known), _by_dimension(creatives, DIMENSIONS["creative"])])


def creative_outcomes(contents: pl.LazyFrame) -> pl.LazyFrame:
    """Decide each content on a platform: won if its tier is good or excellent; without a tier it is undecided."""
    # Only the first slash parts platform and content, so no two contents get one name.
    platform = pl.col("platform").str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)
    return contents.filter(pl.col("tier").is_not_null()).with_columns(
        subject_id=pl.concat_str(platform, "content_id", separator="/"),
        decided_at="occurred_at",
        won=pl.col("tier").is_in(["excellent", "good"]),
        is_paid=pl.when("is_paid").then(pl.lit("yes")).when(~pl.col("is_paid")).then(pl.lit("no")),
    )


def _by_dimension(subjects: pl.LazyFrame, dimensions: Iterable[str]) -> pl.LazyFrame:
    """One row per subject and known dimension, in the columns of `Outcomes`."""
    index = ("tenant_id", "kind", "subject_id", "decided_at", "won", "project_id", "event_date")
    segment = {f"of_{name}": name for name in SEGMENT}
    return (
        subjects.select(
            *index, *dimensions, pl.lit(ALL).alias(ALL), **{new: pl.col(old) for new, old in segment.items()}
        )
        .unpivot(on=[ALL, *dimensions], index=[*index, *segment], variable_name="dimension", value_name="value")
        .filter(pl.col("value").is_not_null())
        .rename(segment)
    )
