"""How clear did the brief of each project arrive, and what did it take to make it clear?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.stats import expressions
from kaizenlake.tables import Intake, Intakes, ProjectSegments

PROJECT = ("tenant_id", "project_id")
LEVELS = {"excellent": 80.0, "good": 60.0, "needs_clarification": 40.0}
"""Levels of clarity, and the score from which each begins; below them a brief is poor."""

EFFICIENCIES = {"perfect": 0, "good": 1, "acceptable": 3}
"""Words for rounds of questions, and the most rounds of each; beyond them a brief is problematic."""

_SCORED, _ASKED = "INTAKE_CLARITY_SCORED", "INTAKE_CLARIFICATION_REQUESTED"
_ANSWERED, _APPROVED = "INTAKE_CLARIFICATION_RECEIVED", "INTAKE_APPROVED"
_ORDER = ("occurred_at", "event_id")
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
"""Microseconds; times are added as whole ones, which gives the same bits in every order."""


@job(reads=(Intake, ProjectSegments), writes=Intakes, timeless=True)
def intakes(intake: pl.LazyFrame, project_segments: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Fold the events of the brief of each project into one row; what names no project is left out.

    Args:
        intake: Silver intake events.
        project_segments: What is known of the segment of a project.
        as_of: Events from this instant on do not count.
    """
    kind = pl.col("event_type")
    told = intake.filter(pl.col("occurred_at") < as_of, pl.col("project_id").is_not_null())
    asked_at = pl.when(kind == _ASKED).then("occurred_at").forward_fill().over(PROJECT, order_by=_ORDER)
    waited = (pl.col("occurred_at") - asked_at).dt.total_microseconds()
    answered = kind == _ANSWERED
    folded = (
        told.with_columns(
            _score=pl.when(kind == _SCORED).then("clarity_score"),
            _word=pl.coalesce("clarity_score", "final_clarity_score"),
            _waited=pl.when(answered).then(
                pl.coalesce((pl.col("response_time_hours") * _HOUR).round().cast(pl.Int64), waited)
            ),
        )
        .group_by(PROJECT)
        .agg(
            first_score=_in_order("_score").first(),
            final_score=_in_order("_word").last(),
            _told_rounds=_in_order("total_clarification_rounds").last(),
            _asked=(kind == _ASKED).sum().cast(pl.Int64),
            _waited=pl.col("_waited").sum(),
            _answers=pl.col("_waited").count(),
            missing_fields=_spell_fields().unique().sort(),
            blocked=(kind == "INTAKE_BLOCKED").any(),
            started_at=pl.col("occurred_at").min(),
            approved_at=pl.col("occurred_at").filter(kind == _APPROVED).max(),
            _told_days=_in_order("days_to_approval").last(),
        )
    )
    score, rounds = pl.col("final_score"), pl.col("rounds")
    passed = (pl.col("approved_at") - pl.col("started_at")).dt.total_microseconds()
    return (
        folded.join(
            project_segments.select(*PROJECT, "industry", "client_type"), on=PROJECT, how="left", nulls_equal=True
        )
        .with_columns(
            rounds=pl.coalesce("_told_rounds", "_asked"),
            hours_to_answer=expressions.mean_of_sums("_answers", "_waited", _HOUR),
            days_to_approval=pl.coalesce("_told_days", expressions.divide(passed, _DAY)),
        )
        .with_columns(
            clarity_level=pl.when(score.is_not_null()).then(
                pl.coalesce(
                    *(pl.when(score >= least).then(pl.lit(name)) for name, least in LEVELS.items()), pl.lit("poor")
                )
            ),
            efficiency=pl.coalesce(
                *(pl.when(rounds <= most).then(pl.lit(name)) for name, most in EFFICIENCIES.items()),
                pl.lit("problematic"),
            ),
        )
        .select(tables.schema(Intakes).names())
        .sort(PROJECT)
    )


def _spell_fields() -> pl.Expr:
    """Return names of fields in one spelling, whatever case and blanks they were told in."""
    name = pl.col("missing_fields").explode().str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return name.filter(name != "")


def _in_order(name: str) -> pl.Expr:
    """Return the known values of a project in the order of their events."""
    return pl.col(name).sort_by(_ORDER).drop_nulls()
