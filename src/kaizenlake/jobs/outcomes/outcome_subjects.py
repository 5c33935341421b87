"""What became of packs, leads, outreach and runs, at each age that they have reached?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs.outcomes._ages import START, ages_of, at_ages
from kaizenlake.jobs.outcomes.pack_family import pack_family, pack_tier
from kaizenlake.jobs.runs.run_records import gates_not_passed
from kaizenlake.parameters import Windows
from kaizenlake.tables import Acquisition, OutcomeSubjects, Packs, ProjectSegments, RunRecords

PROJECT = ("tenant_id", "project_id")
LEAD = (*PROJECT, "lead_id")
PACK = (*PROJECT, "subject_id")

KNOWN: dict[str, dict[str, pl.Expr]] = {
    "pack": {
        "pack_key": pl.col("pack_key"),
        "pack_family": pack_family(pl.col("pack_key")),
        "pack_tier": pack_tier(pl.col("pack_key")),
        "model": pl.col("model"),
    },
    # Not the pack sold: only a deal that was won names one.
    "deal": {"source": pl.col("source"), "channel": pl.col("channel"), "template_id": pl.col("template_id")},
    "outreach": {"channel": pl.col("channel"), "template_id": pl.col("template_id")},
    "run": {
        "doer": pl.col("doer"),
        "model": pl.col("model"),
        "phase": pl.col("phase"),
        "policy_id": pl.col("policy_id"),
    },
}
"""What is known of each kind, beside its segment; each of them becomes a dimension of the outcome."""


@job(reads=(Packs, Acquisition, RunRecords, ProjectSegments), writes=OutcomeSubjects)
def outcome_subjects(
    packs: pl.LazyFrame,
    acquisition: pl.LazyFrame,
    run_records: pl.LazyFrame,
    project_segments: pl.LazyFrame,
    *,
    as_of: datetime,
    windows: Windows = Windows(),
) -> pl.LazyFrame:
    """List every pack, lead, outreach message and run at each age that it has reached, with what is known of it.

    A subject counts at an age once it is so many days old: won if it won within them, else not won. So it makes no
    difference that a success is told at once and a failure only when the time is over. When each kind begins and when it
    counts as won stands with the function of the kind. Industry and kind of client are the subject's own, else its
    project's.

    Args:
        packs: Silver pack events.
        acquisition: Silver acquisition events.
        run_records: The record of each run.
        project_segments: What is known of the segment of a project.
        as_of: Events from this instant on do not count.
        windows: Days after which an open subject of each kind is lost for good; the largest age at which it is looked at.
    """
    packs, acquisition, run_records = (
        frame.filter(pl.col("occurred_at") < as_of) for frame in (packs, acquisition, run_records)
    )
    subjects = {
        "pack": pack_outcomes(packs, as_of=as_of, ages=ages_of("pack", windows)),
        "deal": deal_outcomes(acquisition, as_of=as_of, ages=ages_of("deal", windows)),
        "outreach": outreach_outcomes(acquisition, as_of=as_of, ages=ages_of("outreach", windows)),
        "run": run_outcomes(run_records),
    }
    same = ("subject_id", "age_days", "started_at", "won", "is_latest", "event_date")
    parts = [
        frame.select(
            *PROJECT,
            *same,
            "industry",
            "client_type",
            kind=pl.lit(kind),
            **{name: _is_known(kind, name) for name in _names()},
        )
        for kind, frame in subjects.items()
    ]
    return with_segment(pl.concat(parts), project_segments).select(tables.schema(OutcomeSubjects).names())


def _names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for known in KNOWN.values() for name in known))


def _is_known(kind: str, name: str) -> pl.Expr:
    return KNOWN[kind].get(name, pl.lit(None, dtype=pl.String))


def pack_outcomes(packs: pl.LazyFrame, *, as_of: datetime, ages: tuple[int, ...]) -> pl.LazyFrame:
    """Look at each production of a pack: won if it was completed and has not failed on quality.

    A production is named by its `pack_run_id`; where an event has none, the productions of a pack in a project are told
    apart by `PACK_STARTED`, each of which begins the next one (`pack_key#1`, ...; what came before the first is `#0`).
    It begins with its first event. The latest of PACK_COMPLETED and PACK_FAILED within the age counts, and the latest
    verdict on quality: a pack that failed on quality and passed later has passed. Most packs end on the day they begin,
    so they count from their start; one that is still open then is not won, and may be at a later age. Of a production that is
    known by its end and its verdict alone nobody knows how many others there were: such productions count only where some of
    them failed; else they stay undecided. A production that holds a stub is no subject.
    """
    ended = pl.col("event_type").is_in(["PACK_COMPLETED", "PACK_FAILED"])
    judged = pl.col("event_type").is_in(["PACK_QUALITY_PASSED", "PACK_QUALITY_FAILED"])
    numbered = number_productions(packs)
    stubs = numbered.filter(pl.col("is_stub")).select(PACK)
    productions = numbered.join(stubs, on=PACK, how="anti", nulls_equal=True)
    about = productions.group_by(PACK).agg(
        pl.col("occurred_at").min().alias("started_at"),
        *(_latest(pl.col(name)) for name in ("pack_key", "model", "industry", "client_type")),
        by_end_alone=_by_end_alone(ended | judged),
        was_lost=pl.col("event_type").is_in(["PACK_FAILED", "PACK_QUALITY_FAILED"]).any(),
    )
    counted = about.with_columns(counts=~pl.col("by_end_alone") | _any_lost_alone()).drop("by_end_alone", "was_lost")
    due = (
        at_ages(counted, ages, as_of=as_of)
        .filter(pl.col("counts") | (pl.col("age_days") == START))
        .with_columns(is_latest=pl.col("is_latest") | ~pl.col("counts"))
    )
    words = productions.filter(ended | judged).select(*PACK, "occurred_at", "event_id", "event_type")
    state = (
        due.select(*PACK, "age_days", "until")
        .join(words, on=PACK, nulls_equal=True)
        .filter(pl.col("occurred_at") <= pl.col("until"))
        .group_by(*PACK, "age_days")
        .agg(
            _latest(pl.when(ended).then("event_type")).alias("end"),
            _latest(pl.when(judged).then("event_type")).alias("verdict"),
        )
    )
    won = (pl.col("end") == "PACK_COMPLETED") & (pl.col("verdict") != "PACK_QUALITY_FAILED").fill_null(value=True)
    return due.join(state, on=[*PACK, "age_days"], how="left", nulls_equal=True).with_columns(
        won=pl.when("counts").then(won.fill_null(value=False))
    )


def number_productions(packs: pl.LazyFrame) -> pl.LazyFrame:
    """Name the production of every pack event as `subject_id`: its `pack_run_id`, else its pack and the number of the start before it.

    Texts that were only tried are left out: they begin no production.

    Args:
        packs: Silver pack events.
    """
    started = pl.col("event_type") == "PACK_STARTED"
    # At one instant a start comes first, so that what it starts is not counted to the production before.
    order = ["occurred_at", ~started, "event_id"]
    number = (
        started.cast(pl.Int64).cum_sum().over(*PROJECT, "pack_key", pl.col("pack_run_id").is_null(), order_by=order)
    )
    return (
        packs.filter(pl.col("event_type") != "SECTION_TRIED")
        .with_columns(project_id=find_project("pack_run_id"))
        .with_columns(subject_id=pl.coalesce("pack_run_id", fill_in("{}#{}", "pack_key", number)))
        .filter(pl.col("subject_id").is_not_null())
    )


def deal_outcomes(acquisition: pl.LazyFrame, *, as_of: datetime, ages: tuple[int, ...]) -> pl.LazyFrame:
    """Look at each lead: the latest of DEAL_WON and LEAD_LOST within the age counts; an open lead is not won.

    So a lost lead that came back and bought in time is won, and a funnel that nobody tells of losses has its losses all the
    same. A lead begins with its first event. Of one that is known by its end alone nobody knows how many others there
    were: such leads count, from their end on, only where some of them were lost; else they stay undecided, as all leads do
    where no end is told of any. Channel and template are those of the last message sent before its end, or within the age
    where it is open.
    """
    events = of_known_leads(acquisition)
    ends = pl.col("event_type").is_in(["DEAL_WON", "LEAD_LOST"])
    is_lost = pl.col("event_type") == "LEAD_LOST"
    leads = (
        events.group_by(LEAD)
        .agg(
            started_at=pl.col("occurred_at").min(),
            by_end_alone=_by_end_alone(ends),
            was_lost=is_lost.any(),
            has_end=ends.any(),
        )
        .with_columns(counts=pl.col("has_end").any().over("tenant_id") & (~pl.col("by_end_alone") | _any_lost_alone()))
        .drop("by_end_alone", "was_lost", "has_end")
    )
    at_start = pl.col("age_days") == START
    due = (
        at_ages(leads, ages, as_of=as_of)
        # Its start says nothing of a lead that has reached an age, and only its start is told of one that does not count.
        .filter(pl.when("counts").then(~at_start | pl.col("is_latest")).otherwise(at_start))
        .with_columns(
            is_latest=pl.col("is_latest") | ~pl.col("counts"),
            until=pl.when(at_start).then(pl.lit(as_of)).otherwise("until"),
        )
    )
    at_age = [*LEAD, "age_days"]
    looks = due.select(*at_age, "until")
    end = (
        looks.join(
            events.filter(ends).select(*LEAD, "occurred_at", "event_id", "event_type"), on=LEAD, nulls_equal=True
        )
        .filter(pl.col("occurred_at") <= pl.col("until"))
        .group_by(at_age)
        .agg(_latest(pl.col("event_type")).alias("end"), ended_at=pl.col("occurred_at").max())
    )
    sent = events.filter(pl.col("event_type") == "OUTREACH_SENT")
    last_sent = (
        looks.join(end, on=at_age, how="left", nulls_equal=True)
        .join(sent.select(*LEAD, "occurred_at", "event_id", "channel", "template_id"), on=LEAD, nulls_equal=True)
        .filter(pl.col("occurred_at") <= pl.coalesce("ended_at", "until"))
        .group_by(at_age)
        .agg(pl.col("channel", "template_id").sort_by("occurred_at", "event_id").last())
    )
    looked_at = (
        due.join(end, on=at_age, how="left", nulls_equal=True)
        .join(last_sent, on=at_age, how="left", nulls_equal=True)
        .with_columns(won=pl.when(pl.col("counts") & ~at_start).then(pl.col("end").eq_missing("DEAL_WON")))
    )
    return with_lead(looked_at, events).with_columns(subject_id="lead_id")


def _by_end_alone(ends: pl.Expr) -> pl.Expr:
    """Return whether nothing is told of a subject before one of the events that end it."""
    other, first_end = pl.col("occurred_at").filter(~ends).min(), pl.col("occurred_at").filter(ends).min()
    return first_end.is_not_null() & (other.is_null() | (other > first_end))


def _any_lost_alone() -> pl.Expr:
    """Return whether some subject of the tenant that is known by its end alone was lost."""
    return (pl.col("by_end_alone") & pl.col("was_lost")).any().over("tenant_id")


def outreach_outcomes(acquisition: pl.LazyFrame, *, as_of: datetime, ages: tuple[int, ...]) -> pl.LazyFrame:
    """Look at each message sent: won if the lead replies to it within the age, the last instant included.

    Which reply answers which message is said by `match_replies`.
    """
    at_start = pl.col("age_days") == START
    sent = match_replies(acquisition).drop("source", "industry", "client_type", "event_date")
    due = (
        at_ages(sent, ages, as_of=as_of)
        .filter(~at_start | pl.col("is_latest"))
        .with_columns(won=pl.when(~at_start).then((pl.col("replied_at") <= pl.col("until")).fill_null(value=False)))
    )
    return with_lead(due, of_known_leads(acquisition))


def match_replies(acquisition: pl.LazyFrame) -> pl.LazyFrame:
    """Return each message sent with the first reply that answers it.

    A reply that names a message which was sent to the lead answers that one. Else it answers the latest message before
    it on its channel; of two names that differ, neither answers the other, so a reply with a name can then only answer
    a message without one. A reply answers one message only, and the first in time counts. The subject is the event of the
    message, since applications use one message name twice.

    Returns:
        The events of messages with `subject_id`, `started_at`, and `replied_at`, `reply_sentiment` of the first reply,
        null without one.
    """
    is_reply = pl.col("event_type") == "OUTREACH_REPLIED"
    sent_id = pl.when(~is_reply).then("event_id")
    named = pl.col("message_id").is_not_null()
    order = ["occurred_at", is_reply, "event_id"]

    def last_sent(which: pl.Expr, key: str) -> pl.Expr:
        return which.forward_fill().over(*LEAD, key, order_by=order)

    events = of_known_leads(acquisition).filter(pl.col("event_type").is_in(["OUTREACH_SENT", "OUTREACH_REPLIED"]))
    first_reply = (
        events.with_columns(
            answers=pl.when(named)
            .then(pl.coalesce(last_sent(sent_id, "message_id"), last_sent(pl.when(~named).then(sent_id), "channel")))
            .otherwise(last_sent(sent_id, "channel"))
        )
        .filter(is_reply, pl.col("answers").is_not_null())
        .group_by("answers")
        .agg(
            replied_at=pl.col("occurred_at").min(),
            reply_sentiment=pl.col("sentiment").sort_by("occurred_at", "event_id").first(),
        )
    )
    return (
        events.filter(~is_reply)
        .join(first_reply, left_on="event_id", right_on="answers", how="left")
        .with_columns(started_at="occurred_at", subject_id="event_id")
    )


def of_known_leads(acquisition: pl.LazyFrame) -> pl.LazyFrame:
    """Return events that name a lead, each with the project of the lead."""
    return acquisition.with_columns(project_id=find_project("lead_id")).filter(pl.col("lead_id").is_not_null())


def run_outcomes(run_records: pl.LazyFrame) -> pl.LazyFrame:
    """Decide each run: won if it passed all its gates.

    One that ended in error, timeout or crash and tells no gates passed none. Any other run without gates, of unknown gates,
    or with more passed than there were is undecided. A run is decided when it ends, so it counts from then on.
    """
    missed = pl.when("failed_without_gates").then(1.0).otherwise(gates_not_passed())
    return (
        run_records.with_columns(missed=missed)
        .filter(pl.col("missed").is_not_null())
        .with_columns(
            subject_id="run_id",
            age_days=pl.lit(START, pl.Int64),
            started_at="occurred_at",
            is_latest=pl.lit(value=True),
            won=pl.col("missed") == 0.0,
            industry=pl.lit(None, dtype=pl.String),
            client_type=pl.lit(None, dtype=pl.String),
        )
    )


def with_lead(subjects: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """Bring what is known of its lead to each subject: the latest word on source, industry and kind of client."""
    leads = events.group_by(LEAD).agg(*(_latest(pl.col(name)) for name in ("source", "industry", "client_type")))
    return subjects.join(leads, on=LEAD, how="left", nulls_equal=True)


def with_segment(subjects: pl.LazyFrame, project_segments: pl.LazyFrame) -> pl.LazyFrame:
    """Bring the industry and the kind of client of its project to each subject that has none of its own."""
    segment = project_segments.select(*PROJECT, project_industry="industry", project_client_type="client_type")
    return subjects.join(segment, on=PROJECT, how="left", nulls_equal=True).with_columns(
        industry=pl.coalesce("industry", "project_industry"),
        client_type=pl.coalesce("client_type", "project_client_type"),
    )


def _latest(value: pl.Expr) -> pl.Expr:
    """Return the latest known value of a group, by time and then by event."""
    return value.sort_by("occurred_at", "event_id").drop_nulls().last()


def find_project(key: str) -> pl.Expr:
    """Return the project of an event; where it names none, the only one that the events of the same key and tenant name."""
    of_key = ("tenant_id", key)
    first, last = pl.col("project_id").min().over(of_key), pl.col("project_id").max().over(of_key)
    only = pl.when(pl.col(key).is_not_null(), first == last).then(first)
    return pl.coalesce("project_id", only)
