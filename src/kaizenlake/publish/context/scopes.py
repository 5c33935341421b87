"""Which scopes there are, how much is known of each, and how far that carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from kaizenlake.jobs.activity.scopes import by_segment
from kaizenlake.parameters import Confidence
from kaizenlake.publish.context.model import EVERYTHING, Scope, project, segment
from kaizenlake.tables import Contents, EventCounts, Outcomes, Projects, Scan, ScopedPatterns, ScopedWinRates

SEGMENT = ("industry", "client_type")


@dataclass(frozen=True)
class Size:
    """Events of a scope and the times between which they happened; None without events."""

    events: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


def confidence(events: int, rule: Confidence) -> float:
    """Return how much the events of a scope can carry: 0 at none, 50 at `half`, 100 from `full`, linear between.

    >>> [confidence(events, Confidence()) for events in (0, 5, 10, 30, 50, 900)]
    [0.0, 25.0, 50.0, 75.0, 100.0, 100.0]
    """
    if events >= rule.full:
        return 100.0
    if events >= rule.half:
        return round(50 + 50 * (events - rule.half) / (rule.full - rule.half), 2)
    return round(50 * events / rule.half, 2)


def sizes(scan: Scan, only: Scope | None = None) -> dict[Scope, Size]:
    """Return every scope with its size: everything, then projects, then segments, each by name.

    A segment has the events of its projects; where contents or outcomes name a segment that their project does not,
    it has at least as many events as they are.

    Args:
        scan: Gives the rows of a table.
        only: Look at this scope alone; it comes with no events where nothing is known of it.
    """
    kinds = {only.kind} if only is not None else {"everything", "project", "segment"}
    found: dict[Scope, Size] = {} if only is None else {only: Size()}
    if "everything" in kinds:
        whole = scan(EventCounts).select(_EVENTS, _FIRST, _LAST).collect().row(0)
        found[EVERYTHING] = Size(whole[0] or 0, whole[1], whole[2])
    if "project" in kinds:
        mine = pl.col("project_id").is_not_null() if only is None else pl.col("project_id") == only.project_id
        known = scan(Projects).filter(mine).select("project_id", "events", "first_at", "last_at").sort("project_id")
        for project_id, *size in known.collect().iter_rows():
            found[project(project_id)] = Size(*size)
    if "segment" in kinds:
        for industry, client_type, *size in _select_segments(scan, only).collect().iter_rows():
            found[segment(industry, client_type)] = Size(*size)
    return found


def _in_segment(rows: pl.LazyFrame, only: Scope | None) -> pl.LazyFrame:
    """Return rows by each of their segments, of the one segment or of all."""
    return _of_segment(by_segment(rows), only)


def _of_segment(rows: pl.LazyFrame, only: Scope | None) -> pl.LazyFrame:
    """Return rows named by a segment, of the one segment or of all."""
    if only is None:
        return rows
    return rows.filter(pl.all_horizontal(pl.col(name).eq_missing(pl.lit(getattr(only, name))) for name in SEGMENT))


_EVENTS = pl.col("events").sum()
_FIRST = pl.col("first_at").min()
_LAST = pl.col("last_at").max()


def _select_segments(scan: Scan, only: Scope | None) -> pl.LazyFrame:
    outcome = ("tenant_id", "kind", "project_id", "subject_id")
    of_projects = _in_segment(scan(Projects), only).group_by(SEGMENT).agg(_EVENTS, _FIRST, _LAST)
    of_contents = (
        _in_segment(scan(Contents), only)
        .group_by(SEGMENT)
        .agg(
            events=pl.len().cast(pl.Int64),
            first_at=pl.col("occurred_at").min(),
            last_at=pl.col("occurred_at").max(),
        )
    )
    of_outcomes = (
        _in_segment(scan(Outcomes), only)
        .group_by(SEGMENT)
        .agg(
            events=pl.struct(outcome).n_unique().cast(pl.Int64),
            first_at=pl.col("started_at").min(),
            last_at=pl.col("started_at").max(),
        )
    )
    scoped = [
        _of_segment(scan(table).filter(scope="segment"), only)
        .select(SEGMENT)
        .unique()
        .with_columns(
            events=pl.lit(0, pl.Int64),
            first_at=pl.lit(None, pl.Datetime("us", "UTC")),
            last_at=pl.lit(None, pl.Datetime("us", "UTC")),
        )
        for table in (ScopedWinRates, ScopedPatterns)
    ]
    return (
        pl.concat([of_projects, of_contents, of_outcomes, *scoped])
        .group_by(SEGMENT)
        .agg(pl.col("events").max(), _FIRST, _LAST)
        .sort(SEGMENT, nulls_last=True)
    )
