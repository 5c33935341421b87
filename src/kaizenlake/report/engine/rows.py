"""The rows of which reports are made: each a row of a table of the lake, chosen and ordered, and how many there are in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Generic, TypeVar

import msgspec
import polars as pl

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

    @classmethod
    def whole(cls, rows: Iterable[Row]) -> Listing[Row]:
        """Rows that are all there are."""
        held = tuple(rows)
        return cls(held, len(held))


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
class FindingRow:
    """What the tables say of records that contradict themselves, as `gold.findings` has it."""

    subject: str
    figures: str
    sentence: str
    remedy: str | None
    raised_on: date


@dataclass(frozen=True)
class HeadlineRow:
    """A finding that a report may begin with, as `gold.findings` has it."""

    kind: str
    sentence: str
    verdict: str
    strength: float | None
    topic: str | None


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
    status: str
    age_days: int | None
    wins: int
    decided: int
    pending: int
    win_rate: float | None
    ci_low: float | None
    ci_high: float | None
    adjusted_rate: float | None
    shrunk_rate: float | None
    strata: int
    compared_rate: float | None
    others_rate: float | None
    lift: float | None
    p_value: float | None
    q_value: float | None


@dataclass(frozen=True)
class KindRow:
    """Outcomes of one kind, each subject once, as `gold.win_rates` has them."""

    kind: str
    age_days: int | None
    wins: int
    decided: int
    pending: int
    win_rate: float | None
    ci_low: float | None
    ci_high: float | None


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


def listing(
    row: type[Row], frame: pl.LazyFrame, *, by: Mapping[str, bool], rows: int = ROWS, total: int | None = None
) -> Listing[Row]:
    """First rows of a frame, and how many it has.

    Args:
        row: Dataclass of a row, whose fields are columns of the frame.
        frame: The rows.
        by: Columns to sort by, each with whether it descends; nulls come last.
        rows: Most rows.
        total: How many there are in all, where that is not the height of the frame.
    """
    names = [item.name for item in fields(row)]  # type: ignore[arg-type] # every row type is a dataclass
    chosen = frame.sort(list(by), descending=list(by.values()), nulls_last=True).head(rows).select(names)
    found, number = pl.collect_all([chosen, frame.select(pl.len())])
    return Listing(tuple(row(**item) for item in found.iter_rows(named=True)), total or int(number.item()))
