"""What was decided of packs, deals, outreach and runs, and was it won?"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._said import said
from kaizenlake.jobs.pack_family import pack_family, pack_tier
from kaizenlake.jobs.run_records import gates_not_passed
from kaizenlake.parameters import Windows
from kaizenlake.tables import Acquisition, OutcomeSubjects, Packs, ProjectSegments, RunRecords

PROJECT = ("tenant_id", "project_id")
LEAD = (*PROJECT, "lead_id")

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
    windows: Windows = Windows(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """List every decided pack, deal, outreach and run once, with what is known of it.

    When each kind is decided, and when it counts as won, stands with the function of the kind. What is undecided has no
    row. Industry and kind of client are the subject's own, else its project's.

    Args:
        packs: Silver pack events.
        acquisition: Silver acquisition events.
        run_records: The record of each run.
        project_segments: What is known of the segment of a project.
        as_of: Events from this instant on do not count.
        windows: `reply_days`: how long an outreach may wait for its reply.
    """
    packs, acquisition, run_records = (
        frame.filter(pl.col("occurred_at") < as_of) for frame in (packs, acquisition, run_records)
    )
    subjects = {
        "pack": pack_outcomes(packs),
        "deal": deal_outcomes(acquisition),
        "outreach": outreach_outcomes(acquisition, as_of=as_of, reply_days=windows.reply_days),
        "run": run_outcomes(run_records),
    }
    segment = project_segments.select(*PROJECT, project_industry="industry", project_client_type="client_type")
    decided = ("subject_id", "decided_at", "won", *PROJECT, "industry", "client_type")
    parts = [
        frame.select(*decided, kind=pl.lit(kind), **{name: _known(kind, name) for name in _names()})
        for kind, frame in subjects.items()
    ]
    return (
        pl.concat(parts)
        .join(segment, on=PROJECT, how="left", nulls_equal=True)
        .with_columns(
            industry=pl.coalesce("industry", "project_industry"),
            client_type=pl.coalesce("client_type", "project_client_type"),
            event_date=pl.col("decided_at").dt.date(),
        )
        .select(tables.schema(OutcomeSubjects).names())
    )


def _names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for known in KNOWN.values() for name in known))


def _known(kind: str, name: str) -> pl.Expr:
    return KNOWN[kind].get(name, pl.lit(None, dtype=pl.String))


def pack_outcomes(packs: pl.LazyFrame) -> pl.LazyFrame:
    """Decide each production of a pack: won if it was completed and has not failed on quality.

    A production is named by its `pack_run_id`; where an event has none, the productions of a pack in a project are told
    apart by `PACK_STARTED`, each of which begins the next one (`pack_key#1`, ...; what came before the first is `#0`).
    The latest of PACK_COMPLETED and PACK_FAILED counts, and the latest verdict on quality: a pack that failed on
    quality and passed later has passed. A pack is decided when it ended or failed on quality.
    """
    ended = pl.col("event_type").is_in(["PACK_COMPLETED", "PACK_FAILED"])
    judged = pl.col("event_type").is_in(["PACK_QUALITY_PASSED", "PACK_QUALITY_FAILED"])
    started = pl.col("event_type") == "PACK_STARTED"
    # At one instant a start comes first, so that what it starts is not counted to the production before.
    order = ["occurred_at", ~started, "event_id"]
    number = (
        started.cast(pl.Int64).cum_sum().over(*PROJECT, "pack_key", pl.col("pack_run_id").is_null(), order_by=order)
    )
    return (
        packs.with_columns(project_id=_project_of("pack_run_id"))
        .with_columns(subject_id=pl.coalesce("pack_run_id", said("{}#{}", "pack_key", number)))
        .filter(pl.col("subject_id").is_not_null())
        .group_by(*PROJECT, "subject_id")
        .agg(
            _latest(pl.when(ended).then("event_type")).alias("end"),
            _latest(pl.when(judged).then("event_type")).alias("verdict"),
            pl.col("occurred_at").filter(ended).max().alias("ended_at"),
            pl.col("occurred_at").filter(judged).max().alias("judged_at"),
            *(_latest(pl.col(name)) for name in ("pack_key", "model", "industry", "client_type")),
        )
        .with_columns(failed_on_quality=(pl.col("verdict") == "PACK_QUALITY_FAILED").fill_null(False))
        .filter(pl.col("end").is_not_null() | pl.col("failed_on_quality"))
        .with_columns(
            decided_at=pl.max_horizontal("ended_at", "judged_at"),
            won=(pl.col("end") == "PACK_COMPLETED").fill_null(False) & ~pl.col("failed_on_quality"),
        )
    )


def deal_outcomes(acquisition: pl.LazyFrame) -> pl.LazyFrame:
    """Decide each lead: the latest of DEAL_WON and LEAD_LOST counts, so a lost lead that came back and bought is won.

    Channel and template are those of the last message sent before the decision.
    """
    events = acquisition.with_columns(project_id=_project_of("lead_id")).filter(pl.col("lead_id").is_not_null())
    decided = (
        events.filter(pl.col("event_type").is_in(["DEAL_WON", "LEAD_LOST"]))
        .group_by(LEAD)
        .agg(_latest(pl.col("event_type")).alias("end"), decided_at=pl.col("occurred_at").max())
        .with_columns(won=pl.col("end") == "DEAL_WON")
    )
    last_sent = (
        events.filter(pl.col("event_type") == "OUTREACH_SENT")
        .join(decided.select(*LEAD, "decided_at"), on=LEAD, nulls_equal=True)
        .filter(pl.col("occurred_at") <= pl.col("decided_at"))
        .group_by(LEAD)
        .agg(pl.col("channel", "template_id").sort_by("occurred_at", "event_id").last())
    )
    return _about_leads(decided.join(last_sent, on=LEAD, how="left", nulls_equal=True), events).with_columns(
        subject_id="lead_id"
    )


def outreach_outcomes(acquisition: pl.LazyFrame, *, as_of: datetime, reply_days: int) -> pl.LazyFrame:
    """Decide each message sent: won if the lead replies to it within `reply_days`, the last instant included.

    A reply that names a message which was sent to the lead answers that one. Else it answers the latest message before
    it on its channel; of two names that differ, neither answers the other, so a reply with a name can then only answer
    a message without one. A reply answers one message only; a message is decided at its first reply in time, else when
    the time is over. The subject is the event of the message, since applications use one message name twice.
    """
    wait = timedelta(days=reply_days)
    is_reply = pl.col("event_type") == "OUTREACH_REPLIED"
    sent_id = pl.when(~is_reply).then("event_id")
    named = pl.col("message_id").is_not_null()
    order = ["occurred_at", is_reply, "event_id"]

    def last_sent(which: pl.Expr, key: str) -> pl.Expr:
        return which.forward_fill().over(*LEAD, key, order_by=order)

    all_events = acquisition.with_columns(project_id=_project_of("lead_id")).filter(pl.col("lead_id").is_not_null())
    events = all_events.filter(pl.col("event_type").is_in(["OUTREACH_SENT", "OUTREACH_REPLIED"]))
    first_reply = (
        events.with_columns(
            answers=pl.when(named)
            .then(pl.coalesce(last_sent(sent_id, "message_id"), last_sent(pl.when(~named).then(sent_id), "channel")))
            .otherwise(last_sent(sent_id, "channel"))
        )
        .filter(is_reply, pl.col("answers").is_not_null())
        .group_by("answers")
        .agg(replied_at=pl.col("occurred_at").min())
    )
    over_at = pl.col("occurred_at") + wait
    sent = (
        events.filter(~is_reply)
        .join(first_reply, left_on="event_id", right_on="answers", how="left")
        .with_columns(won=(pl.col("replied_at") <= over_at).fill_null(False))
        # A reply at the very last instant still counts, so the time must be over before the night looks.
        .filter(pl.col("won") | (over_at < as_of))
        .with_columns(decided_at=pl.when("won").then("replied_at").otherwise(over_at), subject_id="event_id")
        .drop("source", "industry", "client_type")
    )
    return _about_leads(sent, all_events)


def run_outcomes(run_records: pl.LazyFrame) -> pl.LazyFrame:
    """Decide each run: won if it passed all its gates.

    One that ended in error, timeout or crash and tells no gates passed none. Any other run without gates, of unknown gates,
    or with more passed than there were is undecided.
    """
    missed = pl.when("failed_without_gates").then(1.0).otherwise(gates_not_passed())
    return (
        run_records.with_columns(missed=missed)
        .filter(pl.col("missed").is_not_null())
        .with_columns(
            subject_id="run_id",
            decided_at="occurred_at",
            won=pl.col("missed") == 0.0,
            industry=pl.lit(None, dtype=pl.String),
            client_type=pl.lit(None, dtype=pl.String),
        )
    )


def _about_leads(subjects: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """Bring what is known of its lead to each subject: the latest word on source, industry and kind of client."""
    leads = events.group_by(LEAD).agg(*(_latest(pl.col(name)) for name in ("source", "industry", "client_type")))
    return subjects.join(leads, on=LEAD, how="left", nulls_equal=True)


def _latest(value: pl.Expr) -> pl.Expr:
    """The latest known value of a group, by time and then by event."""
    return value.sort_by("occurred_at", "event_id").drop_nulls().last()


def _project_of(key: str) -> pl.Expr:
    """Project of an event; where it names none, the only one that the events of the same key and tenant name."""
    of_key = ("tenant_id", key)
    first, last = pl.col("project_id").min().over(of_key), pl.col("project_id").max().over(of_key)
    only = pl.when(pl.col(key).is_not_null(), first == last).then(first)
    return pl.coalesce("project_id", only)
