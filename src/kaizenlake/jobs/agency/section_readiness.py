"""Is the text of a section fit to be sold? Each rule of its benchmark, with what was found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from kaizenlake.errors import UsageError
from kaizenlake.job import job
from kaizenlake.parameters import OwnBenchmarks
from kaizenlake.readiness.benchmarks import judging_by, spell
from kaizenlake.readiness.judge import JudgedRule, judge
from kaizenlake.tables import Packs, SectionReadiness

STUB_RULE = "STUB_CONTENT"
"""Rule that a stub breaks; no other is judged of it."""

_TEXT = pl.String()
_RULES = pl.List(
    pl.Struct(
        {
            "section_verdict": _TEXT,
            "rule": _TEXT,
            "about": _TEXT,
            "found": _TEXT,
            "wanted": _TEXT,
            "text_line": pl.Int64(),
            "verdict": _TEXT,
            "advice": _TEXT,
        }
    )
)


@job(reads=(Packs,), writes=SectionReadiness, by_day=True, timeless=True)
def section_readiness(
    packs: pl.LazyFrame, *, as_of: datetime, readiness: OwnBenchmarks = OwnBenchmarks()
) -> pl.LazyFrame:
    """Judge every text of a section by its benchmark; a text that comes again is not read again.

    Stubs are not judged: each has one row, which fails. Sections without a text, and those of which there is no benchmark,
    have no row; `pack_readiness` names them.

    Args:
        packs: Silver pack events.
        as_of: Events from this instant on do not count.
        readiness: The team's own benchmarks.
    """

    def judge_all(texts: pl.Series) -> pl.Series:
        # Where a frame is collected, blocks of the thread that made it do not hold.
        with judging_by(readiness):
            return pl.Series(texts.name, [_judge(**row) for row in texts], dtype=_RULES)

    sections = list_generated(packs, as_of=as_of)
    real = sections.filter(~pl.col("is_stub"), pl.col("text").is_not_null())
    judged = (
        real.with_columns(rules=pl.struct("text", "pack_key", "section_id").map_batches(judge_all, return_dtype=_RULES))
        .drop("text")
        .filter(pl.col("rules").list.len() > 0)
        .explode("rules")
        .unnest("rules")
    )
    stubs = sections.filter("is_stub").with_columns(
        section_verdict=pl.lit("FAIL"),
        rule=pl.lit(STUB_RULE),
        about=pl.lit(""),
        found=pl.lit("a stub"),
        wanted=pl.lit("real content"),
        text_line=pl.lit(None, pl.Int64),
        verdict=pl.lit("FAIL"),
        advice=pl.lit("Generate the section, and log it without `is_stub`."),
    )
    return pl.concat([judged, stubs.drop("text")], how="diagonal")


def list_generated(packs: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Return the sections that were generated, pack and section as benchmarks spell them; one is real unless it says otherwise.

    Args:
        packs: Silver pack events.
        as_of: Events from this instant on do not count.
    """
    return packs.filter(pl.col("event_type") == "SECTION_GENERATED", pl.col("occurred_at") < as_of).select(
        *("tenant_id", "project_id", "pack_run_id", "event_id", "occurred_at", "event_date", "text"),
        _spell_names("pack_key"),
        _spell_names("section_id"),
        pl.col("is_stub").fill_null(value=False),
    )


def _spell_names(name: str) -> pl.Expr:
    def spell_all(names: pl.Series) -> pl.Series:
        return pl.Series(names.name, [None if name is None else spell(name) for name in names], dtype=pl.String)

    return pl.col(name).map_batches(spell_all, return_dtype=pl.String)


def _judge(text: str, pack_key: str, section_id: str) -> list[dict[str, Any]]:
    """Return the rules of a text as rows; none without a benchmark."""
    try:
        judgement = judge(text, pack_key, section_id)
    except UsageError:
        return []
    return [_row(rule) | {"section_verdict": judgement.verdict} for rule in judgement]


def _row(rule: JudgedRule) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "about": rule.wanted if isinstance(rule.wanted, str) else "",
        "found": None if rule.found is None else _format_value(rule.found),
        "wanted": _format_value(rule.wanted),
        "text_line": rule.line,
        "verdict": rule.verdict,
        "advice": rule.advice,
    }


def _format_value(value: float | str) -> str:
    """Return a value as people read it.

    >>> _format_value(26.50001), _format_value(30.0), _format_value("Quick Wins")
    ('26.5', '30', 'Quick Wins')
    """
    return value if isinstance(value, str) else f"{value:.4f}".rstrip("0").rstrip(".")
