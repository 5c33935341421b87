"""What the Kaizen report tells: rows of the gold tables, chosen and ordered, and the figures compared night by night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import polars as pl

from kaizenlake.events.values.platforms import holds_posts
from kaizenlake.jobs.alerts._content_findings import count_tiers, is_rated
from kaizenlake.parameters import EvidenceNeeds, Labels, Tiers
from kaizenlake.report.engine.rows import CHART_ROWS, Figures, Listing, Quality, RunFacts, TableRow, listing
from kaizenlake.report.kaizen.learning_data import Learning, learning
from kaizenlake.report.kaizen.recommendations import Recommendation, recommend
from kaizenlake.settings import Settings
from kaizenlake.tables import (
    AvoidedPhrases,
    Contents,
    CreativeLabels,
    EventCounts,
    Findings,
    IntakeSegments,
    KaizenUplift,
    Landings,
    LearnedValue,
    Patterns,
    Projects,
    Quarantine,
    Scan,
    SourceFreshness,
    TextEffects,
    WinRates,
)
from kaizenlake.tables.outcome import ALL, KINDS


@dataclass(frozen=True)
class ReportData:
    """Everything the report tells, in its order; equal tables make equal data.

    Args:
        as_of: Events before this instant count.
        window: First and last instant of the events; None without events.
        facts: What the run did.
        figures: Figures of this report.
        previous: Figures of the report before; None for the first.
        tiers: Contents by tier, by platform and content type.
        winners: Winners, best first.
        losers: Losers, worst first.
        avoided: Phrases that people asked to avoid.
        kinds: Outcomes by kind.
        win_rates: Win rates by kind, strongest evidence first.
        experiments: Patterns contrasted within experiments.
        observations: Patterns that were only observed.
        models: Text models, that of all projects first.
        wording: Rules of that model whose interval leaves out 0, the strongest first.
        clarity: Clarity of briefs by segment.
        sources: Sources, the longest silent first.
        quality: Conservation of lines.
        contradictions: Records that contradict earlier ones, the newest first.
        headlines: Findings that are told by their strength.
        learning: Losses of doers, canaries, policies and experiments.
        recommendations: What to do, to stop and to test next.
        uplift: What results with a context are against those without.
        tier_edges: Where tiers begin.
        impressions: Fewest impressions (or people reached) of a content whose tier counts.
        evidence: How much evidence a finding needs.
    """

    as_of: datetime
    window: tuple[datetime, datetime] | None
    facts: RunFacts
    figures: Figures
    previous: Figures | None
    tiers: Listing[TableRow]
    winners: Listing[TableRow]
    losers: Listing[TableRow]
    avoided: Listing[TableRow]
    kinds: tuple[TableRow, ...]
    win_rates: Mapping[str, Listing[TableRow]]
    experiments: Listing[TableRow]
    observations: Listing[TableRow]
    models: Listing[TableRow]
    wording: Listing[TableRow]
    clarity: Listing[TableRow]
    sources: Listing[TableRow]
    quality: Quality
    contradictions: Listing[TableRow]
    unusual: Listing[TableRow]
    missing: Listing[TableRow]
    headlines: tuple[TableRow, ...]
    learning: Learning
    recommendations: tuple[Recommendation, ...]
    uplift: tuple[TableRow, ...]
    tier_edges: Tiers
    impressions: int
    evidence: EvidenceNeeds


class Bearings(NamedTuple):
    """Settings by which the tables were computed.

    Args:
        tiers: Where tiers begin.
        labels: How many impressions a post needs for its tier to count.
        evidence: How much evidence a finding needs.
    """

    tiers: Tiers = Tiers()
    labels: Labels = Labels()
    evidence: EvidenceNeeds = EvidenceNeeds()

    @classmethod
    def of(cls, settings: Settings) -> Bearings:
        """Return those of a lake."""
        return cls(settings.tiers, settings.labels, settings.evidence)


DEFAULT_BEARINGS = Bearings()


def build(
    scan: Scan,
    *,
    as_of: datetime,
    facts: RunFacts | None = None,
    previous: Figures | None = None,
    bearings: Bearings = DEFAULT_BEARINGS,
) -> ReportData:
    """Read the report out of the tables.

    Args:
        scan: Gives a table; an unwritten one without rows.
        as_of: Aware instant; events before it count in the tables read.
        facts: What the run did.
        previous: Figures of the report before.
        bearings: Settings by which the tables were computed.

    Raises:
        ValueError: `as_of` has no zone.
    """
    if as_of.tzinfo is None:
        raise ValueError(f"as_of must carry a zone; found {as_of!r}.")
    activity = scan(EventCounts).select(
        pl.col("events").sum(), first=pl.col("first_at").min(), last=pl.col("last_at").max()
    )
    window = activity.collect().row(0, named=True)
    creative_labels = scan(CreativeLabels)
    enough = bearings.labels.impressions
    patterns = scan(Patterns)
    data = ReportData(
        as_of=as_of,
        window=(window["first"], window["last"]) if window["first"] is not None else None,
        facts=facts or RunFacts(),
        figures=Figures(as_of, {}, {}),
        previous=previous,
        tiers=_tiers(scan(Contents), enough, bearings.evidence.confidence),
        winners=_labels(creative_labels, "winner"),
        losers=_labels(creative_labels, "loser"),
        avoided=listing(scan(AvoidedPhrases), by={"marks": True, "phrase": False, "last_reason": False}),
        kinds=_list_kinds(scan(WinRates)),
        win_rates={kind: _win_rates(scan(WinRates), kind) for kind in KINDS},
        experiments=_patterns(patterns, "experiment"),
        observations=_patterns(patterns, "observation"),
        models=listing(scan(LearnedValue), by={"model": False}),
        wording=_list_rules(scan(TextEffects)),
        clarity=listing(scan(IntakeSegments), by={"briefs": True, "industry": False, "client_type": False}),
        sources=listing(scan(SourceFreshness), by={"stale": True, "silent_hours": True, "source": False}),
        quality=_make_quality(scan(Landings), scan(Quarantine)),
        contradictions=_list_findings(scan, "shrinking_counts"),
        unusual=_list_findings(scan, "unusual_source"),
        missing=_list_findings(scan, "missing_data"),
        headlines=_gather_strong(scan(Findings)),
        learning=learning(scan, as_of=as_of),
        recommendations=recommend(scan, bearings.evidence.confidence),
        uplift=listing(scan(KaizenUplift), by={"basis": False, "metric": False}).rows,
        tier_edges=bearings.tiers,
        impressions=enough,
        evidence=bearings.evidence,
    )
    return replace(data, figures=_make_figures(data, scan, window["events"] or 0))


def _list_rules(effects: pl.LazyFrame) -> Listing[TableRow]:
    """Return rules of the model of all projects whose interval leaves out 0, the strongest first."""
    is_told = (pl.col("ci_low") > 0.0) | (pl.col("ci_high") < 0.0)
    rules = effects.filter(pl.col("model") == "", pl.col("kind") == "rule", is_told)
    return listing(rules.with_columns(strength=pl.col("effect").abs()), by={"strength": True, "term": False})


def _list_findings(scan: Scan, kind: str) -> Listing[TableRow]:
    """Return findings of a kind, the latest first, then the strongest."""
    by = {"raised_on": True, "strength": True, "finding_id": False}
    return listing(scan(Findings).filter(pl.col("kind") == kind), by=by)


def _gather_strong(findings: pl.LazyFrame) -> tuple[TableRow, ...]:
    """Return findings that have a strength, of which there are few of each kind."""
    columns = ("kind", "sentence", "verdict", "strength", "topic")
    strong = findings.filter(pl.col("strength").is_not_null()).select(columns).sort(columns).collect()
    return tuple(TableRow(**row) for row in strong.iter_rows(named=True))


def _tiers(contents: pl.LazyFrame, enough: int, confidence: float) -> Listing[TableRow]:
    counted = count_tiers(contents, enough, confidence)
    return listing(counted, by={"contents": True, "platform": False, "content_type": False})


def _labels(labels: pl.LazyFrame, label: str) -> Listing[TableRow]:
    """Return a person's marks first, then the best (or the weakest) of each group, then their seconds, and so on."""
    place = pl.col("rank_in_group") if label == "winner" else pl.col("group_size") - pl.col("rank_in_group")
    frame = labels.filter(pl.col("label") == label).with_columns(place=place)
    by = {
        "source": True,
        "place": False,
        "shrunk_rate": label == "winner",
        "content_id": False,
        "platform": False,
        "project_id": False,
    }
    return listing(frame, by=by)


def _list_kinds(win_rates: pl.LazyFrame) -> tuple[TableRow, ...]:
    totals = win_rates.filter(pl.col("dimension") == ALL, pl.col("kind").is_in(KINDS))
    rows = listing(totals, by={"kind": False}, rows=len(KINDS)).rows
    return tuple(sorted(rows, key=lambda row: KINDS.index(row.kind)))


def _win_rates(win_rates: pl.LazyFrame, kind: str) -> Listing[TableRow]:
    by = {"q_value": False, "decided": True, "pending": True, "dimension": False, "value": False}
    of_kind = win_rates.filter(pl.col("kind") == kind, pl.col("dimension") != ALL)
    return listing(of_kind, by=by, rows=CHART_ROWS)


def _patterns(patterns: pl.LazyFrame, evidence: str) -> Listing[TableRow]:
    frame = patterns.filter(pl.col("evidence") == evidence).with_columns(
        judged=pl.col("verdict") != "unclear", measured=pl.col("lift").is_not_null()
    )
    by = {
        "judged": True,
        "measured": True,
        "q_value": False,
        "contents": True,
        "pattern_type": False,
        "pattern": False,
    }
    return listing(frame, by=by, rows=CHART_ROWS)


def _make_quality(landings: pl.LazyFrame, quarantine: pl.LazyFrame) -> Quality:
    columns = ("lines_in", "landed", "duplicate", "quarantined")
    waiting = quarantine.filter(pl.col("status") == "waiting")
    totals, number, rules = pl.collect_all(
        [
            landings.select(pl.len().alias("files"), *(pl.col(name).sum() for name in columns)),
            waiting.select(pl.len()),
            waiting.select(pl.col("rules").list.unique())
            .explode("rules", empty_as_null=False)
            .group_by("rules")
            .len()
            .sort("len", "rules", descending=[True, False]),
        ]
    )
    by_rule = tuple((str(rule), int(lines)) for rule, lines in rules.iter_rows())
    return Quality(**totals.row(0, named=True), waiting=int(number.item()), waiting_by_rule=by_rule)


def _make_figures(data: ReportData, scan: Scan, events: int) -> Figures:
    contents = scan(Contents).select(
        contents=holds_posts(pl.col("platform")).sum(),
        rated=is_rated(data.impressions).sum(),
        good=(is_rated(data.impressions) & pl.col("tier").is_in(["excellent", "good"])).sum(),
    )
    judged = (
        scan(Patterns).filter(pl.col("verdict") != "unclear").select("evidence", "pattern_type", "pattern", "verdict")
    )
    sources = scan(SourceFreshness).select(sources=pl.len(), stale=pl.col("stale").sum())
    found, projects, verdicts, fresh = pl.collect_all(
        [contents, scan(Projects).select(pl.len()), judged.sort("evidence", "pattern_type", "pattern"), sources]
    )
    seen, silent = found.row(0, named=True), fresh.row(0, named=True)
    numbers: dict[str, float | None] = {
        "events": events,
        "projects": int(projects.item()),
        "contents": seen["contents"],
        "good_or_better_rate": seen["good"] / seen["rated"] if seen["rated"] else None,
        "winners": data.winners.total,
        "losers": data.losers.total,
        "patterns_that_work": int((verdicts["verdict"] == "works").sum()),
        "patterns_at_risk": int((verdicts["verdict"] == "risky").sum()),
        **{f"{row.kind}_win_rate": row.win_rate for row in data.kinds},
        "sources": silent["sources"],
        "stale_sources": silent["stale"],
        "waiting_in_quarantine": data.quality.waiting,
    }
    named = {"|".join(row[:3]): row[3] for row in verdicts.iter_rows()}
    return Figures(data.as_of, numbers, named)
