"""Does the model of won deals keep what it promises?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.funnel._won_model import judged_leads, predict_unseen
from kaizenlake.parameters import EvidenceNeeds, FunnelWindow
from kaizenlake.stats import expressions
from kaizenlake.tables import IcpCalibration, Leads

FIFTHS = 5


@job(reads=(Leads,), writes=IcpCalibration)
def icp_calibration(
    leads: pl.LazyFrame,
    *,
    as_of: datetime,
    funnel: FunnelWindow = FunnelWindow(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Hold the chances that the model of `icp_patterns` gave to leads it had not seen against what became of them.

    Each lead is predicted by a model of four fifths of the leads, without itself. Without a model there is no row.

    Args:
        leads: Leads with their stages.
        as_of: Instant at which the night looks.
        funnel: `window_days`: days within which a lead is won, and after which it is old enough to be judged.
        evidence: `confidence` of the intervals.
    """
    judged = judged_leads(leads, as_of=as_of, window_days=funnel.window_days)
    place = pl.col("predicted").rank("ordinal").over("tenant_id") - 1
    ends = expressions.wilson("won", "leads", evidence.confidence).struct
    return (
        predict_unseen(judged, evidence.confidence)
        .with_columns(predicted_fifth=(place * FIFTHS // pl.len().over("tenant_id") + 1).cast(pl.Int64))
        .group_by("tenant_id", "predicted_fifth")
        .agg(
            leads=pl.len().cast(pl.Int64),
            predicted_rate=pl.col("predicted").sort().mean(),
            won=pl.col("won").sum().cast(pl.Int64),
        )
        .with_columns(
            won_rate=pl.col("won") / pl.col("leads"), won_rate_low=ends.field("low"), won_rate_high=ends.field("high")
        )
        .select(tables.schema(IcpCalibration).names())
        .sort("tenant_id", "predicted_fifth")
    )
