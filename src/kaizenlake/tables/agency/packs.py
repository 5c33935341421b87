"""Gold tables of packs: their productions, why these fail, and whether their sections are fit to be sold."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, table
from kaizenlake.vocabulary import PackRunStatus, RuleVerdict, SectionVerdict

RUN_STATUSES: tuple[str, ...] = get_args(PackRunStatus)
RULE_VERDICTS: tuple[str, ...] = get_args(RuleVerdict)
SECTION_VERDICTS: tuple[str, ...] = get_args(SectionVerdict)
FAILED_PARTS = ("pack", "section", "quality")


@table(layer="gold", grain=("tenant_id", "project_id", "pack_run_id"))
class PackRuns(OfTenant):
    """One production of a pack: how it ended, what it took, and what was said of its quality."""

    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    pack_run_id: str = column("The production: as the application names it, else the pack and a number.")
    pack_key: str = column("Pack that was asked for.")
    pack_family: str = column("Family of the pack.")
    pack_tier: str = column("Tier of the pack; null where its key names none.", nullable=True)
    model: str = column("Model that generated it; null where not said.", nullable=True)
    industry: str = column("Industry of the client; null where not said.", nullable=True)
    client_type: str = column("Kind of client; null where not said.", nullable=True)
    status: str = column("Where it stands: the latest word on its end counts.", isin=RUN_STATUSES)
    is_stub: bool = column("A section of it stands in for content that is still to come, so that it counts nowhere.")
    started_at: Instant = column("Time of its first event.")
    ended_at: Instant = column("When it was completed or failed; null while it is open.", nullable=True)
    duration_seconds: float = column(
        "Time it took, as its end tells it, else from its start to its end; null while it is open, or without a start.",
        unit="seconds",
        nullable=True,
        ge=0,
    )
    cost_usd: float = column("What it cost; null where not said.", unit="usd", nullable=True, ge=0)
    sections_planned: pl.Int64 = count("Sections it was to have; null where not said.", nullable=True)
    sections_generated: pl.Int64 = count(
        "Sections that were generated, as its end tells it, else those that were told."
    )
    sections_failed: pl.Int64 = count("Sections that failed and were not generated after that.")
    quality_score: float = column("Latest mark of it; null without one.", unit="score", nullable=True, ge=0, le=100)
    passed_quality: bool = column(
        "It passed its quality gates, by the latest verdict; null without one.", nullable=True
    )
    gates_passed: pl.Int64 = count("Gates passed, by the latest assessment that tells them.", nullable=True)
    gates_total: pl.Int64 = count("Gates there were; null where not said.", nullable=True)
    failure_reason: str = column("Why it failed, in words; null where it did not.", nullable=True)
    error_type: str = column("Class of the error; null where it did not fail, or it is not said.", nullable=True)


@table(layer="gold", grain=("tenant_id", "pack_key", "part", "section_id", "reason"))
class PackFailures(OfTenant):
    """One reason for which a pack, a section of it or its quality failed, and how often; stubs are left out."""

    pack_key: str = column("Pack that was asked for.")
    part: str = column("What failed.", isin=FAILED_PARTS)
    section_id: str = column("Section that failed; null for a pack and its quality.", nullable=True)
    reason: str = column("Why, in words; of quality, each thing that was found wanting.")
    failures: pl.Int64 = column("How often.", ge=1)
    first_at: Instant = column("When it was first told.")
    last_at: Instant = column("When it was last told.")


@table(layer="gold", grain=("event_id", "rule", "about"), partition="event_date")
class SectionReadiness(OfTenant):
    """One rule of the benchmark of a section, as one of its texts fares by it; of a stub the one row that says so."""

    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    pack_key: str = column("Pack, as its benchmark names it.")
    pack_run_id: str = column("Production of the pack; null where not said.", nullable=True)
    section_id: str = column("Section, as its benchmark names it.")
    section_verdict: str = column(
        "What the text is: FAIL where a rule fails, PASS_WITH_WARNINGS where style alone is broken.",
        isin=SECTION_VERDICTS,
    )
    is_stub: bool = column("The text stands in for content that is still to come; it is not judged and not ready.")
    rule: str = column("Code of the rule: what is said of a text that breaks it.")
    about: str = column("Heading, phrase or term that the rule is about; empty for others.")
    found: str = column("What was found; null where nothing was.", nullable=True)
    wanted: str = column("What is wanted: a limit, inclusive, or the heading, phrase or term.")
    text_line: pl.Int64 = column(
        "Line of the text where it shows; null where it is not to be seen.", nullable=True, ge=1
    )
    verdict: str = column("PASS, WARN where style alone is broken, or FAIL.", isin=RULE_VERDICTS)
    advice: str = column("What to change; empty where nothing is to be changed.")
    event_id: str = column("Event that brought the text.")
    occurred_at: Instant = column("When the text was generated.")
    event_date: pl.Date = column("UTC date of the event.")


@table(layer="gold", grain=("tenant_id", "pack_key"))
class PackReadiness(OfTenant):
    """One pack and whether it is fit to be sold: the latest real text of each of its sections counts."""

    pack_key: str = column("Pack, as its benchmark names it.")
    has_benchmark: bool = column("There are benchmarks of the pack.")
    is_ready: bool = column("Every core section has a real text, and no section fails.")
    verdict: str = column(
        "FAIL where a section fails, PASS_WITH_WARNINGS where style alone is broken; null where no real text was judged.",
        nullable=True,
        isin=SECTION_VERDICTS,
    )
    sections_passed: Words = column("Sections whose latest real text keeps every rule.")
    sections_with_warnings: Words = column("Sections whose latest real text breaks style alone.")
    sections_failed: Words = column("Sections whose latest real text fails.")
    sections_missing: Words = column("Core sections of which no real text was ever judged.")
    sections_only_stub: Words = column("Sections of which there was never anything but stubs.")
    sections_without_text: Words = column(
        "Sections with a benchmark that were really generated, and of which no event holds the text."
    )
    sections_without_benchmark: Words = column("Sections that were really generated, and of which no benchmark speaks.")
    last_at: Instant = column("When a section of it was last generated, a stub or not.")
