"""What the lake knows of a brand: statements in words, each with the row of the table that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from kaizenlake.decide.agency.brands import find_brand, find_brands
from kaizenlake.jobs._brand_owners import own_projects
from kaizenlake.lake.store import Lake
from kaizenlake.publish import formats as say
from kaizenlake.publish.context.judgement import best_evidence
from kaizenlake.tables import AvoidedPhrases, Contents, KpiTargets, Patterns, ScopedPatterns, Table, WinRates, full_name
from kaizenlake.tables.agency.targets import POST_METRICS
from kaizenlake.vocabulary import plural

MOST = 5
"""Most statements of a part."""

FEWEST = 3
"""Fewest posts of a platform or an hour that is spoken of."""

OF_CHANNELS = frozenset({"content_type", "platform"})
"""Types of patterns that say what a post is made of and not how it is worded: nothing that a text could open with."""

OWN_PARTS = frozenset({"platforms", "hours", "best", "targets", "email_targets", "website_targets"})
"""Parts that are of the brand alone; the others may be of the whole workspace."""

NOT_OF_SUBSTANCE = frozenset({"zone", "logo"})
"""Facts of a brand that say nothing of it."""

QUESTIONS = {
    "offer": "What does the brand sell?",
    "audience": "Whom does it speak to?",
    "voice": "How does it speak?",
    "competitors": "Whom is it compared with?",
    "claims": "Which claims may be made of it?",
    "logo": "Where does its logo lie?",
    "zone": "In which time zone does it work?",
    "budget": "What may be spent, and on what?",
}

LACKING = {
    "works": "no pattern of the posts works for certain; more posts, or experiments, would tell",
    "wording": "no pattern of wording works for certain; more posts with a text, or experiments, would tell",
    "avoid": "nobody marked a phrase to be avoided, and no pattern is risky for certain",
    "platforms": "no platform has three posts of the brand with an engagement rate",
    "hours": "no hour has three posts of the brand that tell when they were published",
    "best": "no post of the brand has a text, 100 impressions and an engagement rate",
    "targets": "fewer than five posts of the brand have a rate",
    "email_targets": "fewer than five days of the brand's newsletter have a rate",
    "website_targets": "fewer than five days of the brand's website have a rate",
    "strengths": "no comparison of outcomes comes out in favour for certain",
    "weaknesses": "no comparison of outcomes, and no pattern, comes out against for certain",
}
"""What has to be said of a part for which there are no figures."""


@dataclass(frozen=True)
class Statement:
    """Something that is known, in words.

    Args:
        text: The words; a text of others is in it as it stands, and escaped when it is printed.
        evidence: Place of its evidence in the list; None for what a person told.
        short: Of what it is, in a word or two; empty where that is the text.
    """

    text: str
    evidence: int | None = None
    short: str = ""


@dataclass
class KnownFacts:
    """What is known of a brand.

    Args:
        brand_id: The brand.
        brand: Its description; None where it was never described.
        parts: Statements by part.
        evidence: Rows of tables that they come from.
    """

    brand_id: str
    brand: Mapping[str, Any] | None
    parts: dict[str, list[Statement]] = field(default_factory=dict)
    evidence: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the brand, or its id where it was not described."""
        return str(self.brand["name"]) if self.brand else self.brand_id

    def add(self, part: str, table: type[Table], row: Mapping[str, Any], text: str, short: str = "") -> None:
        """Add a statement with the row that it comes from."""
        figures = {
            name: value for name, value in row.items() if value is not None and name not in {"tenant_id", "text"}
        }
        self.evidence.append({"table": full_name(table), **figures})
        self.parts.setdefault(part, []).append(Statement(text, len(self.evidence), short))


def gather(lake: Lake, brand_id: str) -> KnownFacts:
    """Gather what the tables of the latest night know of a brand, and what was told of it until now.

    Posts are those that name the brand, or are of a project that no other brand names. Patterns are those of its projects, then of the whole
    workspace; outcomes are those of the whole workspace.

    Args:
        lake: The lake, as a tenant has it where there are several.
        brand_id: The brand of which it is.
    """
    facts = KnownFacts(brand_id, find_brand(lake, brand_id))
    owned = own_projects(find_brands(lake).lazy()).filter(pl.col("owner") == brand_id)
    projects = owned.select(pl.col("project_id").sort()).collect()["project_id"].to_list()
    is_ours = (pl.col("brand_id") == brand_id) | (pl.col("brand_id").is_null() & pl.col("project_id").is_in(projects))
    posts = lake.scan(Contents).filter(is_ours.fill_null(False)).collect()
    _add_told(facts)
    _add_patterns(facts, lake, projects)
    _add_outcomes(facts, lake)
    _add_posts(facts, posts)
    for row in _rows(lake.scan(KpiTargets).filter(brand_id=brand_id).sort("metric")):
        is_of_posts = row["metric"] in POST_METRICS
        counted = plural(row["contents"], "post" if is_of_posts else "day")
        text = (
            f"{say.name_words(row['metric'])}: {say.small_percent(row['median_rate'])} is the median of {counted}; "
            f"aim at {say.small_percent(row['target_rate'])}, which at least a quarter of them reached"
        )
        short = f"{say.small_percent(row['target_rate'])} {say.name_words(row['metric'])}"
        part = "targets" if is_of_posts else f"{row['metric'].partition('_')[0]}_targets"
        facts.add(part, KpiTargets, row, text, short)
    avoided = lake.scan(AvoidedPhrases).filter(pl.col("project_id").is_null() | pl.col("project_id").is_in(projects))
    for row in _rows(avoided.sort("marks", "phrase", descending=[True, False]).head(MOST)):
        marks = plural(row["marks"], "mark")
        quoted = f"“{say.clean(row['phrase'])}”"
        facts.add("avoid", AvoidedPhrases, row, f"{quoted}, by {marks} of people", quoted)
    return facts


def _rows(frame: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    return frame.collect().iter_rows(named=True)


def _add_told(facts: KnownFacts) -> None:
    brand = facts.brand or {}
    for name in ("offer", "audience"):
        if brand.get(name):
            facts.parts[name] = [Statement(brand[name])]
    for name in ("claims", "competitors", "holidays"):
        if brand.get(name):
            facts.parts[name] = [Statement(item, short=f"“{item}”" if name == "claims" else "") for item in brand[name]]


def _add_patterns(facts: KnownFacts, lake: Lake, projects: list[str]) -> None:
    """Add what works and what is risky: by the posts of the brand's own projects first, then by those of the whole workspace."""
    own = lake.scan(ScopedPatterns).filter(scope="project").filter(pl.col("project_id").is_in(projects))
    strength = pl.col("shrunk_lift").fill_null(0).abs()
    seen: set[tuple[str, str]] = set()
    for table, found, whose in (
        (ScopedPatterns, best_evidence(own, ("tenant_id", "project_id")), ""),
        (Patterns, best_evidence(lake.scan(Patterns)), " in the whole workspace"),
    ):
        for row in _rows(found.sort(strength, "pattern_type", "pattern", descending=[True, False, False])):
            name = row["pattern_type"], row["pattern"]
            part = "works" if row["verdict"] == "works" else "avoid"
            if name in seen or len(facts.parts.get(part, ())) >= MOST:
                continue
            if row["verdict"] == "unclear":
                # What its own experiments leave open is not taken from others.
                seen |= {name} if row["evidence"] == "experiment" else set()
                continue
            seen.add(name)
            how = "in experiments" if row["evidence"] == "experiment" else "as observed"
            text = (
                f"{say.name_words(row['pattern_type'])} {say.name_words(row['pattern'])}: {say.lift(row['lift'])} "
                f"({say.lift(row['lift_ci_low'])} to {say.lift(row['lift_ci_high'])}) {how}, "
                f"{plural(row['contents'], 'post')}{whose}"
            )
            facts.add(part, table, row, text, _name_pattern(row))
            statement = facts.parts[part][-1]
            facts.parts.setdefault("strengths" if part == "works" else "weaknesses", []).append(statement)
            if part == "works" and row["pattern_type"] not in OF_CHANNELS:
                facts.parts.setdefault("wording", []).append(statement)


def _name_pattern(row: Mapping[str, Any]) -> str:
    """Return a pattern in a word or two: of one that is there or not, its type."""
    kind, value = say.name_words(row["pattern_type"]), say.name_words(row["pattern"])
    return {"yes": kind, "no": f"no {kind}"}.get(value, f"{kind} {value}")


def _add_outcomes(facts: KnownFacts, lake: Lake) -> None:
    found = lake.scan(WinRates).filter(pl.col("q_value") < 0.05, pl.col("lift").is_not_null())
    for row in _rows(found.sort("q_value", "kind", "dimension", "value")):
        part = "strengths" if row["lift"] > 0 else "weaknesses"
        if len(facts.parts.get(part, ())) >= 2 * MOST:
            continue
        text = (
            f"{say.name_words(row['kind'])} by {say.name_words(row['dimension'])} {row['value']}: {say.percent(row['win_rate'])} won "
            f"({say.percent(row['ci_low'])} to {say.percent(row['ci_high'])}), {say.lift(row['lift'])} against the others"
        )
        facts.add(part, WinRates, row, text, f"{say.name_words(row['dimension'])} {row['value']}")


def _add_posts(facts: KnownFacts, posts: pl.DataFrame) -> None:
    rated = posts.drop_nulls("engagement_rate")
    for part, keys, words in (
        ("platforms", ["platform"], lambda row: str(row["platform"])),
        (
            "hours",
            ["posted_weekday", "posted_hour"],
            lambda row: f"{str(row['posted_weekday']).title()} {row['posted_hour']:02}:00",
        ),
    ):
        _add_groups(facts, part, rated.drop_nulls(keys).group_by(keys), words)
    best = rated.filter(pl.col("text").is_not_null(), pl.col("impressions") >= 100)
    order = ["engagement_rate", "content_id", "platform"]
    shown = best.sort(order, descending=[True, False, False]).head(MOST)
    names = ("content_id", "platform", "impressions", "engagement_rate", "text")
    for row in shown.select(names).iter_rows(named=True):
        text = (
            f"“{say.clean(row['text'])}”: {say.small_percent(row['engagement_rate'])} engagement of "
            f"{say.count(row['impressions'])} impressions on {row['platform']}"
        )
        facts.add("best", Contents, row, text, f"“{say.clean(row['text'], 120)}”")


def _add_groups(facts: KnownFacts, part: str, groups: Any, words: Callable[[Mapping[str, Any]], str]) -> None:
    rate = pl.col("engagement_rate")
    found = (
        groups.agg(
            pl.len().alias("contents"),
            rate.quantile(0.5, "nearest").alias("median_rate"),
            rate.quantile(0.25, "nearest").alias("low_rate"),
            rate.quantile(0.75, "nearest").alias("high_rate"),
        )
        .filter(pl.col("contents") >= FEWEST)
        .sort("median_rate", "contents", pl.first(), descending=[True, True, False])
        .head(MOST)
    )
    for row in found.iter_rows(named=True):
        text = (
            f"{words(row)}: {say.small_percent(row['median_rate'])} engagement is the median of "
            f"{plural(row['contents'], 'post')}, half of them between {say.small_percent(row['low_rate'])} and "
            f"{say.small_percent(row['high_rate'])}"
        )
        facts.add(part, Contents, row, text, words(row))


def name_unknown(facts: KnownFacts, needs: Iterable[str], parts: Iterable[str]) -> list[str]:
    """Return what is not known and would be needed, each by its name.

    Args:
        facts: What is known.
        needs: Facts of the brand.
        parts: Parts of the document.
    """
    brand = facts.brand or {}
    asked = [f"{name}: {QUESTIONS[name]}" for name in needs if not brand.get(name)]
    return asked + [
        f"{part}: {LACKING[part]}" for part in dict.fromkeys(parts) if part in LACKING and part not in facts.parts
    ]
