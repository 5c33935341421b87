"""How did each production of a pack go?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.outcomes.outcome_subjects import PACK, number_productions
from kaizenlake.jobs.outcomes.pack_family import pack_family, pack_tier
from kaizenlake.stats import expressions
from kaizenlake.tables import PackRuns, Packs

_ENDS = ("PACK_COMPLETED", "PACK_FAILED")
_VERDICTS = ("PACK_QUALITY_PASSED", "PACK_QUALITY_FAILED")


@job(reads=(Packs,), writes=PackRuns, timeless=True)
def pack_runs(packs: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Bring together what is told of each production of a pack; of each field the latest word counts.

    Args:
        packs: Silver pack events.
        as_of: Events from this instant on do not count.
    """
    kind = pl.col("event_type")
    end = kind.is_in(_ENDS)
    productions = number_productions(packs.filter(pl.col("occurred_at") < as_of))
    runs = productions.group_by(PACK).agg(
        started_at=pl.col("occurred_at").min(),
        begun_at=pl.col("occurred_at").filter(kind == "PACK_STARTED").min(),
        end=_latest(pl.when(end).then("event_type")),
        ended_at=pl.col("occurred_at").filter(end).max(),
        told_seconds=pl.col("duration_seconds").filter(end).sort_by(*_order(end)).last(),
        cost_usd=pl.col("cost_usd").filter(end).sort_by(*_order(end)).last(),
        failure_reason=pl.col("reason").filter(end).sort_by(*_order(end)).last(),
        error_type=pl.col("error_type").filter(end).sort_by(*_order(end)).last(),
        told_sections=pl.col("sections_generated").filter(end).sort_by(*_order(end)).last(),
        sections=pl.col("section_id").filter(kind == "SECTION_GENERATED").n_unique().cast(pl.Int64),
        is_stub=pl.col("is_stub").fill_null(value=False).any(),
        quality=_latest(pl.when(kind.is_in(_VERDICTS)).then("event_type")),
        gates_passed=_latest(pl.when(pl.col("gates_total").is_not_null()).then("gates_passed")),
        **{
            name: _latest(pl.col(name))
            for name in (
                *("pack_key", "model", "industry", "client_type"),
                *("sections_planned", "quality_score", "gates_total"),
            )
        },
    )
    taken = expressions.divide((pl.col("ended_at") - pl.col("begun_at")).dt.total_microseconds(), 1e6)
    return (
        runs.join(_failed_sections(productions), on=PACK, how="left", nulls_equal=True)
        .rename({"subject_id": "pack_run_id"})
        .with_columns(
            pack_family=pack_family(pl.col("pack_key")),
            pack_tier=pack_tier(pl.col("pack_key")),
            status=pl.when(pl.col("end") == "PACK_COMPLETED")
            .then(pl.lit("completed"))
            .when(pl.col("end") == "PACK_FAILED")
            .then(pl.lit("failed"))
            .otherwise(pl.lit("started")),
            duration_seconds=pl.coalesce("told_seconds", pl.when(taken >= 0).then(taken)),
            sections_generated=pl.coalesce("told_sections", "sections"),
            sections_failed=pl.col("sections_failed").fill_null(0),
            passed_quality=pl.col("quality") == "PACK_QUALITY_PASSED",
        )
    )


def _failed_sections(productions: pl.LazyFrame) -> pl.LazyFrame:
    """Count the sections of each production of which the latest word is that they failed."""
    last = (
        productions.filter(pl.col("event_type").is_in(["SECTION_GENERATED", "SECTION_FAILED"]))
        .group_by(*PACK, "section_id")
        .agg(last=pl.col("event_type").sort_by("occurred_at", "event_id").last())
    )
    return last.group_by(PACK).agg(sections_failed=(pl.col("last") == "SECTION_FAILED").sum().cast(pl.Int64))


def _latest(value: pl.Expr) -> pl.Expr:
    return value.sort_by("occurred_at", "event_id").drop_nulls().last()


def _order(chosen: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return pl.col("occurred_at").filter(chosen), pl.col("event_id").filter(chosen)
