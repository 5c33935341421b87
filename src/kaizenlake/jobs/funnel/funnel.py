"""How far do the leads of each month come, by source and segment?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.funnel.leads import tells_more
from kaizenlake.parameters import EvidenceNeeds, FunnelWindow
from kaizenlake.stats import expressions
from kaizenlake.tables import Funnel, Leads

COHORT = ("tenant_id", "source", "industry", "client_type", "month")
_CENTS = 100
"""Amounts are added as whole cents, which gives the same bits in every order."""

_STAGES = ("contacted", "replied", "qualified", "appointment")


@job(reads=(Leads,), writes=Funnel)
def funnel(
    leads: pl.LazyFrame,
    *,
    as_of: datetime,
    funnel: FunnelWindow = FunnelWindow(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Count the leads of each month of creation by the stages that they reached, with rates once the month's window is over.

    A rate is over all leads of the month, those still open among them. Leads whose creation nobody told have no month and no
    rate, and neither has a tenant's share of won leads where it records won leads alone.

    Args:
        leads: Leads with their stages.
        as_of: Instant at which the night looks.
        funnel: `window_days`: days after the end of a month from which on its rates are shown.
        evidence: `confidence` of the intervals.
    """
    window_ends = pl.col("month").cast(pl.Datetime("us", "UTC")).dt.offset_by("1mo") + pl.duration(
        days=funnel.window_days
    )
    has_value = (pl.col("outcome") == "won") & pl.col("deal_size").is_not_null()
    counted = (
        leads.with_columns(
            month=pl.col("created_at").dt.truncate("1mo").dt.date(),
            _tells_more=tells_more(),
        )
        .group_by(COHORT)
        .agg(
            pl.col("_tells_more").first(),
            leads=pl.len().cast(pl.Int64),
            **{stage: pl.col(f"{stage}_at").is_not_null().sum().cast(pl.Int64) for stage in _STAGES},
            **{outcome: (pl.col("outcome") == outcome).sum().cast(pl.Int64) for outcome in ("won", "lost", "open")},
            _cents=(pl.col("deal_size").filter(has_value) * _CENTS).round().cast(pl.Int64).sum(),
            deals_with_value=has_value.sum().cast(pl.Int64),
        )
        .with_columns(
            is_over=(window_ends <= as_of).fill_null(value=False), won_value=expressions.divide("_cents", _CENTS)
        )
    )
    rates: list[pl.Expr] = []
    for stage in (*_STAGES, "won"):
        is_shown = pl.col("is_over") & (pl.col("_tells_more") if stage == "won" else pl.lit(value=True))
        ends = expressions.wilson(stage, "leads", evidence.confidence).struct
        rates += [
            pl.when(is_shown).then(value).alias(f"{stage}_rate{end}")
            for end, value in (
                ("", pl.col(stage) / pl.col("leads")),
                ("_low", ends.field("low")),
                ("_high", ends.field("high")),
            )
        ]
    return counted.with_columns(rates).select(tables.schema(Funnel).names()).sort(COHORT)
