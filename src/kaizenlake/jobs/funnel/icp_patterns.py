"""What do won deals share?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.funnel._won_model import ATTRIBUTES, SCORE, TENTH, fit_won_models, judged_leads
from kaizenlake.parameters import EvidenceNeeds, FunnelWindow
from kaizenlake.stats import expressions
from kaizenlake.tables import IcpPatterns, Leads

FAMILY = ["tenant_id", "dimension"]


@job(reads=(Leads,), writes=IcpPatterns)
def icp_patterns(
    leads: pl.LazyFrame,
    *,
    as_of: datetime,
    funnel: FunnelWindow = FunnelWindow(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Compare the won rate of each value of each attribute with that of the other leads, alone and beside the other attributes.

    A lead is won if it was within `window_days` of its creation. Younger leads are not judged; those whose creation nobody
    told are left out, and so is a tenant that records won leads alone. The logistic model holds every attribute at once; its
    row `icp_match_score` is of one tenth more. It is refused where the rarer outcome has fewer than ten leads a variable.

    Args:
        leads: Leads with their stages.
        as_of: Instant at which the night looks.
        funnel: `window_days`: days within which a lead is won, and after which it is old enough to be judged.
        evidence: `confidence` of the intervals.
    """
    judged = judged_leads(leads, as_of=as_of, window_days=funnel.window_days)
    values = (
        judged.with_columns(won="is_won", **{SCORE: pl.lit(TENTH)})
        .unpivot(
            on=[*ATTRIBUTES, SCORE], index=["tenant_id", "won", "_score"], variable_name="dimension", value_name="value"
        )
        .filter(pl.col("value").is_not_null(), (pl.col("dimension") != SCORE) | pl.col("_score").is_not_null())
        .group_by(*FAMILY, "value")
        .agg(leads=pl.len().cast(pl.Int64), won=pl.col("won").sum().cast(pl.Int64))
    )
    whole = judged.group_by("tenant_id").agg(_leads=pl.len().cast(pl.Int64), _won=pl.col("is_won").sum().cast(pl.Int64))
    rest = {
        name: pl.when(pl.col("dimension") != SCORE).then(pl.col(f"_{name}") - pl.col(name)) for name in ("leads", "won")
    }
    compared = expressions.two_proportions("won", "leads", "_other_won", "_other_leads", evidence.confidence).struct
    interval = expressions.lift_interval("won", "leads", "_other_won", "_other_leads", evidence.confidence).struct
    has_lift = (pl.col("_other_won") > 0) & (pl.col("won") > 0)
    alone = (
        values.join(whole, on="tenant_id", nulls_equal=True)
        .with_columns(_other_leads=rest["leads"], _other_won=rest["won"])
        .with_columns(
            won_rate=pl.col("won") / pl.col("leads"),
            others_rate=pl.when(pl.col("_other_leads") > 0).then(pl.col("_other_won") / pl.col("_other_leads")),
        )
        .with_columns(
            lift=pl.when(pl.col("_other_won") > 0).then(pl.col("won_rate") / pl.col("others_rate") - 1.0),
            lift_low=pl.when(has_lift).then(interval.field("low")),
            lift_high=pl.when(has_lift).then(interval.field("high")),
            p_value=compared.field("p_value"),
        )
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", FAMILY))
    )
    model = fit_won_models(judged, evidence.confidence)
    return (
        alone.join(model, on=[*FAMILY, "value"], how="left", nulls_equal=True)
        .select(tables.schema(IcpPatterns).names())
        .sort(*FAMILY, "value")
    )
