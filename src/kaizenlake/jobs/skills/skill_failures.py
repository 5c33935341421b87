"""How does a doer fail, and is it getting rarer? Each failure mode by its share of the runs, against the days before."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.skills._card_rules import before_card, in_card, with_card_end
from kaizenlake.parameters import EvidenceNeeds, Skills
from kaizenlake.stats import expressions
from kaizenlake.tables import RunRecords, SkillFailures


@job(reads=(RunRecords,), writes=SkillFailures)
def skill_failures(
    run_records: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    skills: Skills = Skills(),
) -> pl.LazyFrame:
    """Count in how many runs of each doer each failure mode was told, in the days of its card and in as many before.

    A run that tells a mode twice counts once; one that tells none did not fail in a way that is known. The modes of a tenant
    are one family (Benjamini-Hochberg).

    Args:
        run_records: The record of each run.
        as_of: Runs that ended from this instant on do not count.
        evidence: `confidence` of the intervals.
        skills: Days of a card, and what a trend needs.
    """
    now, past = in_card(skills.days), before_card(skills.days)
    known = with_card_end(run_records.filter(pl.col("occurred_at") < as_of), as_of, skills.days)
    counted = known.filter(now | past).select("tenant_id", "doer", "failure_modes", is_now=now)
    is_now = pl.col("is_now")
    all_runs = counted.group_by("tenant_id", "doer").agg(runs=_number(is_now), runs_before=_number(~is_now))
    found = (
        counted.select("tenant_id", "doer", "is_now", failure_mode=pl.col("failure_modes").list.unique())
        .explode("failure_mode")
        .filter(pl.col("failure_mode").is_not_null())
        .group_by("tenant_id", "doer", "failure_mode")
        .agg(failed=_number(is_now), failed_before=_number(~is_now))
        .join(all_runs, on=["tenant_id", "doer"], nulls_equal=True)
    )
    confidence = evidence.confidence
    share = expressions.wilson("failed", "runs", confidence).struct
    moved = expressions.two_proportions("failed", "runs", "failed_before", "runs_before", confidence).struct
    return (
        found.with_columns(
            failed_rate=_compute_rate("failed", "runs"),
            ci_low=share.field("low"),
            ci_high=share.field("high"),
            failed_before_rate=_compute_rate("failed_before", "runs_before"),
            change=moved.field("effect"),
            change_ci_low=moved.field("ci_low"),
            change_ci_high=moved.field("ci_high"),
            p_value=moved.field("p_value"),
        )
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", ["tenant_id"]))
        .with_columns(trend=_compute_trend(skills))
        .sort("tenant_id", "doer", "failure_mode")
    )


def _compute_trend(skills: Skills) -> pl.Expr:
    enough = (pl.col("runs") >= skills.runs) & (pl.col("runs_before") >= skills.runs)
    moved = (enough & (pl.col("q_value") <= skills.q)).fill_null(value=False)
    return (
        pl.when(moved, pl.col("change_ci_low") > 0.0)
        .then(pl.lit("rising"))
        .when(moved, pl.col("change_ci_high") < 0.0)
        .then(pl.lit("falling"))
        .otherwise(pl.lit("unclear"))
    )


def _number(rows: pl.Expr) -> pl.Expr:
    return rows.sum().cast(pl.Int64)


def _compute_rate(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))
