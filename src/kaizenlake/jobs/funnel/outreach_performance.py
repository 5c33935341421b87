"""Which message is answered, on which channel and by whom?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.outcomes.outcome_subjects import match_replies, of_known_leads, with_lead, with_segment
from kaizenlake.parameters import EvidenceNeeds, Windows
from kaizenlake.stats import expressions
from kaizenlake.stats.pooling import betabinomial
from kaizenlake.tables import Acquisition, OutreachPerformance, ProjectSegments

CHANNEL = ["tenant_id", "channel"]
SEGMENT = [*CHANNEL, "industry", "client_type"]
MESSAGE = [*SEGMENT, "template_id"]


@job(reads=(Acquisition, ProjectSegments), writes=OutreachPerformance)
def outreach_performance(
    acquisition: pl.LazyFrame,
    project_segments: pl.LazyFrame,
    *,
    as_of: datetime,
    windows: Windows = Windows(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Count messages and answers by template, channel and segment, and compare each template with the others.

    A message is decided once it is older than `reply_days`: answered within them, or not. The reply rate is over decided
    messages, so that young messages, of which only the answers are known, do not raise it. The tone is that of the first reply.

    Args:
        acquisition: Silver acquisition events.
        project_segments: What is known of the segment of a project.
        as_of: Events from this instant on do not count.
        windows: `reply_days`: days within which a message is answered.
        evidence: `confidence` of the intervals.
    """
    past = acquisition.filter(pl.col("occurred_at") < as_of)
    until = pl.col("started_at") + pl.duration(days=windows.reply_days)
    is_decided = until < as_of
    sent = with_lead(match_replies(past).drop("source", "industry", "client_type"), of_known_leads(past))
    messages = with_segment(sent, project_segments)
    has_tone = pl.col("replied_at").is_not_null() & pl.col("reply_sentiment").is_not_null()
    counted = messages.group_by(MESSAGE).agg(
        sent=pl.len().cast(pl.Int64),
        replied=pl.col("replied_at").count().cast(pl.Int64),
        decided=is_decided.sum().cast(pl.Int64),
        replied_in_time=(is_decided & (pl.col("replied_at") <= until)).sum().cast(pl.Int64),
        judged=has_tone.sum().cast(pl.Int64),
        positive=(has_tone & (pl.col("reply_sentiment").str.to_lowercase() == "positive")).sum().cast(pl.Int64),
    )
    ends = expressions.wilson("replied_in_time", "decided", evidence.confidence).struct
    others = {f"_{name}": pl.col(name).sum().over(SEGMENT) - pl.col(name) for name in ("replied_in_time", "decided")}
    compared = expressions.two_proportions("replied_in_time", "decided", "_replied_in_time", "_decided").struct
    return (
        counted.sort(MESSAGE)
        .with_columns(**others)
        .with_columns(
            reply_rate=_share("replied_in_time", "decided"),
            reply_rate_low=ends.field("low"),
            reply_rate_high=ends.field("high"),
            positive_share=_share("positive", "judged"),
            others_rate=_share("_replied_in_time", "_decided"),
            p_value=compared.field("p_value"),
        )
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", CHANNEL))
        .map_batches(_shrink, schema=tables.schema(OutreachPerformance))
    )


def _share(part: str, whole: str) -> pl.Expr:
    """Return a share; null of nothing."""
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _shrink(rates: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with their reply rates drawn toward those of their channel."""
    codes, _ = group_codes(rates, CHANNEL)
    replied, decided = rates["replied_in_time"].to_numpy(), rates["decided"].to_numpy()
    shrunk = pl.Series(
        "shrunk_reply_rate",
        betabinomial.shrink(replied, decided, betabinomial.fit_by(codes, replied, decided).of(codes)),
    )
    return rates.with_columns(pl.when(pl.col("decided") > 0).then(shrunk).alias(shrunk.name)).select(
        tables.schema(OutreachPerformance).names()
    )
