"""What the Kaizen report tells: rows of the gold tables, chosen and ordered, and the figures compared night by night."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

import msgspec
import polars as pl

from kaizenlake.parameters import Evidence, Tiers
from kaizenlake.stats.expressions import wilson
from kaizenlake.tables import (
    AvoidedPhrases,
    Contents,
    CreativeLabels,
    EventCounts,
    Landings,
    Outcomes,
    Patterns,
    Projects,
    Quarantine,
    SegmentClarity,
    SourceFreshness,
    Table,
    WinRates,
)
from kaizenlake.tables.content import TIERS
from kaizenlake.tables.outcome import KINDS

Scan: TypeAlias = Callable[[type[Table]], pl.LazyFrame]
"""Gives a table as a lazy frame: `Lake.scan`, or literal frames in a test."""

Row = TypeVar("Row")

ROWS = 10
"""Most rows of a list in the report; longer tables say how many more there are."""

CHART_ROWS = 14
"""Most rows of a chart."""


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """The first rows of a table in the order of the report, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


@dataclass(frozen=True)
class RunFacts:
    """What the night did before the report: the shell knows it, the tables do not.

    Args:
        lines_in: Lines this run read; equals landed + duplicate + quarantined.
        landed: Lines that became events.
        duplicate: Lines that were in the lake already.
        quarantined: Lines that went to quarantine.
        by_rule: Quarantined lines of this run by the rule they broke; a line may break several.
        versions: Version of each table at the run before and now, by full name; None where it was not written.
    """

    lines_in: int = 0
    landed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    by_rule: tuple[tuple[str, int], ...] = ()
    versions: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)


class Figures(msgspec.Struct, frozen=True):
    """The figures of one report that the next one compares itself with; kept beside the report as JSON.

    Attributes:
        as_of: The report's as_of.
        numbers: Figures by name; null where not defined.
        verdicts: Verdict of each judged pattern, by `evidence|pattern_type|pattern`.
    """

    as_of: datetime
    numbers: dict[str, float | None]
    verdicts: dict[str, str]


@dataclass(frozen=True)
class TierRow:
    """Contents of one platform and content type by tier, each at its latest day."""

    platform: str
    content_type: str | None
    contents: int
    rated: int
    excellent: int
    good: int
    average: int
    poor: int
    good_or_better_rate: float | None
    ci_low: float | None
    ci_high: float | None
    median_engagement_rate: float | None


@dataclass(frozen=True)
class LabelRow:
    """A winner or loser, as `gold.creative_labels` has it."""

    content_id: str
    platform: str | None
    project_id: str | None
    content_type: str | None
    label: str
    source: str
    reason: str
    engagement_rate: float | None
    shrunk_rate: float | None
    rank_in_group: int | None
    group_size: int | None
    text: str | None

    @property
    def name(self) -> str:
        """What people know the content by: its text, else the name the application gives it."""
        return self.text or self.content_id


@dataclass(frozen=True)
class WinRow:
    """A win rate, as `gold.win_rates` has it."""

    kind: str
    dimension: str
    value: str
    wins: int
    decided: int
    win_rate: float
    ci_low: float
    ci_high: float
    shrunk_rate: float
    lift: float | None
    p_value: float | None
    q_value: float | None


@dataclass(frozen=True)
class KindRow:
    """Decided outcomes of one kind, each subject once."""

    kind: str
    wins: int
    decided: int
    win_rate: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class PatternRow:
    """A pattern's effect, as `gold.patterns` has it."""

    evidence: str
    pattern_type: str
    pattern: str
    contents: int
    experiments: int
    effect: float | None
    lift: float | None
    lift_ci_low: float | None
    lift_ci_high: float | None
    q_value: float | None
    shrunk_lift: float | None
    verdict: str
    metric: str
    rate_with: float | None
    rate_without: float | None
    left_out: int


@dataclass(frozen=True)
class ClarityRow:
    """Clarity of a segment's briefs, as `gold.segment_clarity` has it."""

    industry: str | None
    client_type: str | None
    briefs: int
    mean_score: float
    clear_briefs: int
    clear_rate: float
    ci_low: float
    ci_high: float
    shrunk_rate: float


@dataclass(frozen=True)
class SourceRow:
    """Freshness of a source, as `gold.source_freshness` has it."""

    source: str
    events: int
    last_at: datetime
    silent_hours: float
    stale: bool


@dataclass(frozen=True)
class AvoidedRow:
    """A phrase to avoid, as `gold.avoided_phrases` has it."""

    phrase: str
    marks: int
    contents: int
    last_reason: str


@dataclass(frozen=True)
class Quality:
    """Where every line of every landing went, and what waits in quarantine."""

    files: int
    lines_in: int
    landed: int
    duplicate: int
    quarantined: int
    waiting: int
    waiting_by_rule: tuple[tuple[str, int], ...]


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
        kinds: Decided outcomes by kind.
        win_rates: Win rates by kind, strongest evidence first.
        experiments: Patterns contrasted within experiments.
        observations: Patterns that were only observed.
        clarity: Clarity of briefs by segment.
        sources: Sources, the longest silent first.
        quality: Conservation of lines.
        tier_edges: Where tiers begin.
        evidence: How much evidence a finding needs.
    """

    as_of: datetime
    window: tuple[datetime, datetime] | None
    facts: RunFacts
    figures: Figures
    previous: Figures | None
    tiers: Listing[TierRow]
    winners: Listing[LabelRow]
    losers: Listing[LabelRow]
    avoided: Listing[AvoidedRow]
    kinds: tuple[KindRow, ...]
    win_rates: Mapping[str, Listing[WinRow]]
    experiments: Listing[PatternRow]
    observations: Listing[PatternRow]
    clarity: Listing[ClarityRow]
    sources: Listing[SourceRow]
    quality: Quality
    tier_edges: Tiers
    evidence: Evidence


def build(
    scan: Scan,
    *,
    as_of: datetime,
    facts: RunFacts | None = None,
    previous: Figures | None = None,
    tiers: Tiers | None = None,
    evidence: Evidence | None = None,
) -> ReportData:
    """Read the report out of the tables.

    Args:
        scan: Gives a table; an unwritten one without rows.
        as_of: Aware instant; events before it count in the tables read.
        facts: What the run did.
        previous: Figures of the report before.
        tiers: Where tiers begin, as the tables were computed.
        evidence: How much evidence a finding needs, as the tables were computed.

    Raises:
        ValueError: `as_of` has no zone.
    """
    if as_of.tzinfo is None:
        raise ValueError(f"as_of must carry a zone; found {as_of!r}.")
    activity = scan(EventCounts).select(
        pl.col("events").sum(), first=pl.col("first_at").min(), last=pl.col("last_at").max()
    )
    window = activity.collect().row(0, named=True)
    labels = scan(CreativeLabels)
    patterns = scan(Patterns)
    bearings = evidence or Evidence()
    data = ReportData(
        as_of=as_of,
        window=(window["first"], window["last"]) if window["first"] is not None else None,
        facts=facts or RunFacts(),
        figures=Figures(as_of, {}, {}),
        previous=previous,
        tiers=_tiers(scan(Contents)),
        winners=_labels(labels, "winner"),
        losers=_labels(labels, "loser"),
        avoided=_listing(AvoidedRow, scan(AvoidedPhrases), by={"marks": True, "phrase": False, "last_reason": False}),
        kinds=_kinds(scan(Outcomes)),
        win_rates={kind: _win_rates(scan(WinRates), kind) for kind in KINDS},
        experiments=_patterns(patterns, "experiment"),
        observations=_patterns(patterns, "observation"),
        clarity=_listing(
            ClarityRow, scan(SegmentClarity), by={"briefs": True, "industry": False, "client_type": False}
        ),
        sources=_listing(SourceRow, scan(SourceFreshness), by={"stale": True, "silent_hours": True, "source": False}),
        quality=_quality(scan(Landings), scan(Quarantine)),
        tier_edges=tiers or Tiers(),
        evidence=bearings,
    )
    return replace(data, figures=_figures(data, scan, window["events"] or 0))


def _listing(
    row: type[Row], frame: pl.LazyFrame, *, by: Mapping[str, bool], rows: int = ROWS, total: int | None = None
) -> Listing[Row]:
    """First rows of a frame by `by`: column to whether it descends; nulls come last."""
    names = [item.name for item in fields(row)]  # type: ignore[arg-type] # every row type is a dataclass
    chosen = frame.sort(list(by), descending=list(by.values()), nulls_last=True).head(rows).select(names)
    found, number = pl.collect_all([chosen, frame.select(pl.len())])
    return Listing(tuple(row(**item) for item in found.iter_rows(named=True)), total or int(number.item()))


def _tiers(contents: pl.LazyFrame) -> Listing[TierRow]:
    rated = pl.col("tier").is_not_null()
    good = pl.col("excellent") + pl.col("good")
    frame = (
        contents.group_by("platform", "content_type")
        .agg(
            pl.len().cast(pl.Int64).alias("contents"),
            rated.sum().cast(pl.Int64).alias("rated"),
            *(pl.col("tier").eq_missing(tier).sum().cast(pl.Int64).alias(tier) for tier in TIERS),
            pl.col("engagement_rate").median().alias("median_engagement_rate"),
        )
        .with_columns(
            pl.when(pl.col("rated") > 0).then(good / pl.col("rated")).alias("good_or_better_rate"),
            wilson(good, pl.col("rated")).alias("interval"),
        )
        .with_columns(
            pl.col("interval").struct.field("low").alias("ci_low"),
            pl.col("interval").struct.field("high").alias("ci_high"),
        )
    )
    return _listing(TierRow, frame, by={"contents": True, "platform": False, "content_type": False})


def _labels(labels: pl.LazyFrame, label: str) -> Listing[LabelRow]:
    """A person's marks first, then the best (or the weakest) of each group, then their seconds, and so on."""
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
    return _listing(LabelRow, frame, by=by)


def _kinds(outcomes: pl.LazyFrame) -> tuple[KindRow, ...]:
    frame = (
        outcomes.select("kind", "project_id", "subject_id", "won")
        .unique()
        .group_by("kind")
        .agg(pl.col("won").sum().cast(pl.Int64).alias("wins"), pl.len().cast(pl.Int64).alias("decided"))
        .with_columns(
            (pl.col("wins") / pl.col("decided")).alias("win_rate"), wilson("wins", "decided").alias("interval")
        )
        .unnest("interval")
        .rename({"low": "ci_low", "high": "ci_high"})
    )
    rows = _listing(KindRow, frame, by={"kind": False}, rows=len(KINDS)).rows
    return tuple(sorted(rows, key=lambda row: KINDS.index(row.kind)))


def _win_rates(win_rates: pl.LazyFrame, kind: str) -> Listing[WinRow]:
    by = {"q_value": False, "decided": True, "dimension": False, "value": False}
    return _listing(WinRow, win_rates.filter(pl.col("kind") == kind), by=by, rows=CHART_ROWS)


def _patterns(patterns: pl.LazyFrame, evidence: str) -> Listing[PatternRow]:
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
    return _listing(PatternRow, frame, by=by, rows=CHART_ROWS)


def _quality(landings: pl.LazyFrame, quarantine: pl.LazyFrame) -> Quality:
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


def _figures(data: ReportData, scan: Scan, events: int) -> Figures:
    contents = scan(Contents).select(
        contents=pl.len(),
        rated=pl.col("tier").is_not_null().sum(),
        good=pl.col("tier").is_in(["excellent", "good"]).sum(),
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
