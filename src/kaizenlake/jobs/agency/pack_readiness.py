"""Is a pack fit to be sold? What the latest real text of each of its sections makes of its benchmark."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.agency.section_readiness import list_generated
from kaizenlake.parameters import OwnBenchmarks
from kaizenlake.readiness.benchmarks import judging_by, read_pack
from kaizenlake.readiness.benchmarks import packs as benchmark_packs
from kaizenlake.tables import PackReadiness, Packs, SectionReadiness
from kaizenlake.tables.base import WORDS

PACK = ("tenant_id", "pack_key")
SECTION = (*PACK, "section_id")


@job(reads=(Packs, SectionReadiness), writes=PackReadiness, timeless=True)
def pack_readiness(
    packs: pl.LazyFrame,
    section_readiness: pl.LazyFrame,
    *,
    as_of: datetime,
    readiness: OwnBenchmarks = OwnBenchmarks(),
) -> pl.LazyFrame:
    """Say of each pack of which a section was generated whether it is fit to be sold, and what is missing.

    Args:
        packs: Silver pack events.
        section_readiness: Rules of the texts of sections.
        as_of: Events from this instant on do not count.
        readiness: The team's own benchmarks.
    """
    with judging_by(readiness):
        core_sections, known_sections = _core_sections(), _known_sections()
    real = ~pl.col("is_stub")
    told = (
        list_generated(packs, as_of=as_of)
        .group_by(SECTION)
        .agg(
            last_at=pl.col("occurred_at").max(),
            is_real=real.any(),
        )
    )
    judged = (
        section_readiness.filter(real)
        .group_by(SECTION)
        .agg(pl.col("section_verdict").sort_by("occurred_at", "event_id").last())
    )
    verdict = pl.col("section_verdict")
    unjudged = verdict.is_null()
    states = {
        "sections_passed": verdict == "PASS",
        "sections_with_warnings": verdict == "PASS_WITH_WARNINGS",
        "sections_failed": verdict == "FAIL",
        "sections_only_stub": ~pl.col("is_real"),
        "sections_without_text": unjudged & pl.col("is_real") & pl.col("is_known"),
        "sections_without_benchmark": pl.col("is_real") & pl.col("is_known").is_null(),
    }
    judged_sections = pl.col("section_id").filter(verdict.is_not_null()).sort()
    some = {
        name: pl.col(name).list.len() > 0 for name in ("sections_failed", "sections_with_warnings", "sections_passed")
    }
    return (
        told.join(judged, on=SECTION, how="left", nulls_equal=True)
        .join(known_sections, on=["pack_key", "section_id"], how="left")
        .group_by(PACK)
        .agg(
            pl.col("last_at").max(),
            *(
                pl.col("section_id").filter(holds.fill_null(value=False)).sort().alias(name)
                for name, holds in states.items()
            ),
            judged=judged_sections,
        )
        .join(core_sections, on="pack_key", how="left")
        .with_columns(
            has_benchmark=pl.col("core").is_not_null(),
            sections_missing=pl.col("core").fill_null([]).list.set_difference("judged").list.sort(),
            verdict=pl.when(some["sections_failed"])
            .then(pl.lit("FAIL"))
            .when(some["sections_with_warnings"])
            .then(pl.lit("PASS_WITH_WARNINGS"))
            .when(some["sections_passed"])
            .then(pl.lit("PASS")),
        )
        .with_columns(
            is_ready=pl.col("verdict").is_in(["PASS", "PASS_WITH_WARNINGS"]).fill_null(value=False)
            & (pl.col("sections_missing").list.len() == 0)
        )
    )


def _core_sections() -> pl.LazyFrame:
    names = benchmark_packs()
    core = [list(read_pack(name).core_sections) for name in names]
    return pl.LazyFrame({"pack_key": names, "core": core}, schema={"pack_key": pl.String, "core": WORDS})


def _known_sections() -> pl.LazyFrame:
    known = [(name, section, True) for name in benchmark_packs() for section in read_pack(name).sections]
    return pl.LazyFrame(
        known, schema={"pack_key": pl.String, "section_id": pl.String, "is_known": pl.Boolean}, orient="row"
    )
