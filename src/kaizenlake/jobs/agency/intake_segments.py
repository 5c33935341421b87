"""How clear do the briefs of each segment arrive, and what do unclear ones cost later?"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from kaizenlake import stats, tables
from kaizenlake.job import job
from kaizenlake.parameters import Clarity, EvidenceNeeds
from kaizenlake.stats import expressions
from kaizenlake.tables import Intakes, IntakeSegments, OutcomeSubjects

_MICRO = 1_000_000
"""Scores are added as whole millionths, which gives the same bits in every order."""

PROJECT = ("tenant_id", "project_id")
SEGMENT = ("tenant_id", "industry", "client_type")


@job(reads=(Intakes, OutcomeSubjects), writes=IntakeSegments, timeless=True)
def intake_segments(
    intakes: pl.LazyFrame,
    outcome_subjects: pl.LazyFrame,
    *,
    clarity: Clarity = Clarity(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Say of each segment how clear its briefs arrive, which fields they lack, and how packs of unclear briefs fare.

    The first score of a project counts, since later ones tell of the questions that were asked; a brief without one is left
    out. Segments without a known industry or kind of client are segments of their own. The shrunk rate is drawn toward all
    segments of the tenant. Of packs the oldest age that they reached counts, and one of which nothing can be said does not.

    Args:
        intakes: Briefs of projects.
        outcome_subjects: Packs, and other subjects, at each age.
        clarity: `high_score`: score from which a brief is clear.
        evidence: `confidence` of the intervals.
    """
    briefs = intakes.filter(pl.col("first_score").is_not_null()).with_columns(
        is_clear=pl.col("first_score") >= clarity.high_score
    )
    interval = expressions.wilson("clear_briefs", "briefs", evidence.confidence).struct
    score_micros = (pl.col("first_score") * _MICRO).round().cast(pl.Int64)
    return (
        briefs.group_by(SEGMENT)
        .agg(
            briefs=pl.len().cast(pl.Int64),
            mean_score=score_micros.sum() / (pl.len() * _MICRO),
            clear_briefs=pl.col("is_clear").sum().cast(pl.Int64),
            mean_rounds=pl.col("rounds").sum() / pl.len(),
        )
        .with_columns(_tenant=pl.col("tenant_id").rank("dense").fill_null(0).cast(pl.Int64))
        .with_columns(
            clear_rate=pl.col("clear_briefs") / pl.col("briefs"),
            ci_low=interval.field("low"),
            ci_high=interval.field("high"),
            shrunk_rate=pl.map_batches(["_tenant", "clear_briefs", "briefs"], _shrunk, return_dtype=pl.Float64),
        )
        .join(_lack(briefs), on=SEGMENT, how="left", nulls_equal=True)
        .join(_judge_packs(briefs, outcome_subjects), on=SEGMENT, how="left", nulls_equal=True)
        .with_columns(pl.col("missing_fields").fill_null([]), pl.col(_COUNTS).fill_null(0))
        .with_columns(
            most_missing_rate=pl.col("_most") / pl.col("briefs"),
            **{f"{side}_packs_won_rate": _ratio(f"{side}_packs_won", f"{side}_packs") for side in ("clear", "unclear")},
            **_compare(evidence.confidence),
        )
        .select(tables.schema(IntakeSegments).names())
        .sort(SEGMENT)
    )


_COUNTS = ("clear_packs", "clear_packs_won", "unclear_packs", "unclear_packs_won")


def _ratio(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _compare(confidence: float) -> dict[str, pl.Expr]:
    """Return what packs of unclear briefs lose against those of clear ones."""
    found = expressions.two_proportions(
        "clear_packs_won", "clear_packs", "unclear_packs_won", "unclear_packs", confidence
    ).struct
    return {
        "unclear_cost": found.field("effect"),
        "unclear_cost_low": found.field("ci_low").clip(-1.0, 1.0),
        "unclear_cost_high": found.field("ci_high").clip(-1.0, 1.0),
        "unclear_cost_p": found.field("p_value"),
    }


def _lack(briefs: pl.LazyFrame) -> pl.LazyFrame:
    """List the fields that the briefs of each segment lacked, the commonest first, and in how many that was missing."""
    lacked = (
        briefs.select(*SEGMENT, "missing_fields")
        .explode("missing_fields")
        .drop_nulls("missing_fields")
        .group_by(*SEGMENT, "missing_fields")
        .agg(_most=pl.len())
        .sort(*SEGMENT, "_most", "missing_fields", descending=[*[False] * len(SEGMENT), True, False])
    )
    return lacked.group_by(SEGMENT, maintain_order=True).agg("missing_fields", pl.col("_most").max())


def _judge_packs(briefs: pl.LazyFrame, outcome_subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Count the packs of projects whose brief arrived clear, and of the others, and those that were won."""
    won, is_clear = pl.col("won"), pl.col("is_clear")
    packs = outcome_subjects.filter(pl.col("kind") == "pack", pl.col("is_latest"), won.is_not_null())
    sides = {"clear": is_clear, "unclear": ~is_clear}
    return (
        packs.select(*PROJECT, "won")
        .join(briefs.select(*PROJECT, *SEGMENT[1:], "is_clear"), on=PROJECT, nulls_equal=True)
        .group_by(SEGMENT)
        .agg(
            **{f"{side}_packs": chosen.sum().cast(pl.Int64) for side, chosen in sides.items()},
            **{f"{side}_packs_won": (won & chosen).sum().cast(pl.Int64) for side, chosen in sides.items()},
        )
    )


def _shrunk(columns: Sequence[pl.Series]) -> pl.Series:
    """Return the shrunk rate of each segment; the prior is fitted to all segments of its tenant at once."""
    tenant, clear_briefs, briefs = columns
    codes = tenant.to_numpy()
    return pl.Series(stats.shrink(clear_briefs, briefs, stats.fit_by(codes, clear_briefs, briefs).of(codes)))
