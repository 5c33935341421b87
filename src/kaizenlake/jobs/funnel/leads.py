"""Where did each lead come from, how far did it come, and what became of it?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.outcomes.outcome_subjects import LEAD, of_known_leads, with_segment
from kaizenlake.stats import expressions
from kaizenlake.tables import Acquisition, Leads, ProjectSegments

STAGES = {
    "created_at": "LEAD_CREATED",
    "contacted_at": "OUTREACH_SENT",
    "replied_at": "OUTREACH_REPLIED",
    "qualified_at": "LEAD_QUALIFIED",
    "appointment_at": "APPOINTMENT_SCHEDULED",
}
"""Event whose first instant tells when a lead reached a stage."""

_WON, _LOST = "DEAL_WON", "LEAD_LOST"
_ORDER = ("occurred_at", "event_id")
MICROSECONDS_PER_DAY = 86_400_000_000


@job(reads=(Acquisition, ProjectSegments), writes=Leads)
def leads(acquisition: pl.LazyFrame, project_segments: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Fold the events of each lead into one row: its stages, its touches, and the later of won and lost.

    A lead that was lost, came back and bought is won since its first DEAL_WON after the loss. Deal size and pack are the
    latest words on them. Industry and kind of client are the lead's own, else its project's.

    Args:
        acquisition: Silver acquisition events.
        project_segments: What is known of the segment of a project.
        as_of: Events from this instant on do not count.
    """
    events = of_known_leads(acquisition.filter(pl.col("occurred_at") < as_of))
    is_end = pl.col("event_type").is_in([_WON, _LOST])
    ends = _by_lead(events.filter(is_end), end=_latest("event_type"))
    ended = events.filter(is_end).join(ends, on=LEAD, nulls_equal=True)
    before = pl.col("event_type") != pl.col("end")
    # The end that counts is the first of its kind after the last of the other kind.
    turned = pl.col("occurred_at").filter(before).max().over(LEAD)
    since = (
        ended.with_columns(turned_at=turned)
        .filter(~before, pl.col("turned_at").is_null() | (pl.col("occurred_at") >= pl.col("turned_at")))
        .group_by(LEAD)
        .agg(
            ended_at=pl.col("occurred_at").min(),
            **{name: _latest(name) for name in ("deal_size", "pack_sold", "reason")},
            told_days=_latest("days_to_close"),
        )
    )
    is_sent = pl.col("event_type") == STAGES["contacted_at"]
    touches = (
        events.filter(is_sent)
        .join(since, on=LEAD, how="left", nulls_equal=True)
        .filter((pl.col("occurred_at") <= pl.col("ended_at")).fill_null(value=True))
        .group_by(LEAD)
        .agg(last_touch=pl.col("channel").sort_by(_ORDER).last(), last_touch_at=pl.col("occurred_at").max())
    )
    about = _by_lead(
        events,
        **{name: pl.col("occurred_at").filter(pl.col("event_type") == event).min() for name, event in STAGES.items()},
        **{name: _latest(name) for name in ("source", "industry", "client_type", "icp_match_score")},
        first_touch=pl.col("channel")
        .filter(is_sent)
        .sort_by(*(pl.col(name).filter(is_sent) for name in _ORDER))
        .first(),
    )
    is_won, is_lost = pl.col("end").eq_missing(_WON), pl.col("end").eq_missing(_LOST)
    passed = expressions.divide(
        (pl.col("ended_at") - pl.col("created_at")).dt.total_microseconds(), MICROSECONDS_PER_DAY
    )
    return (
        with_segment(about, project_segments)
        .join(ends, on=LEAD, how="left", nulls_equal=True)
        .join(since, on=LEAD, how="left", nulls_equal=True)
        .join(touches, on=LEAD, how="left", nulls_equal=True)
        .with_columns(
            outcome=pl.when(is_won).then(pl.lit("won")).when(is_lost).then(pl.lit("lost")).otherwise(pl.lit("open")),
            won_at=pl.when(is_won).then("ended_at"),
            lost_at=pl.when(is_lost).then("ended_at"),
            deal_size=pl.when(is_won).then("deal_size"),
            pack_sold=pl.when(is_won).then("pack_sold"),
            lost_reason=pl.when(is_lost).then("reason"),
            days_to_close=pl.when(is_won).then(pl.when(passed >= 0).then(passed).otherwise("told_days")),
        )
        .select(tables.schema(Leads).names())
        .sort(LEAD)
    )


def tells_more() -> pl.Expr:
    """Return whether the tenant of a lead records more than won leads; of those alone, the share that is won says nothing."""
    return (pl.col("outcome") != "won").any().over("tenant_id")


def _by_lead(events: pl.LazyFrame, **figures: pl.Expr) -> pl.LazyFrame:
    return events.group_by(LEAD).agg(**figures)


def _latest(name: str) -> pl.Expr:
    """Return the latest known value of a lead."""
    return pl.col(name).sort_by(_ORDER).drop_nulls().last()
