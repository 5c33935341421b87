"""What do text rules do over tenants? Means of shrunken lifts, where the settings let tenants share them."""

from __future__ import annotations

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.patterns.pattern_types import PRESENT
from kaizenlake.parameters import MIN_EXPERIMENTS, EvidenceNeeds, Tenants
from kaizenlake.stats import expressions, mean_interval
from kaizenlake.tables import Patterns, PooledPatterns
from kaizenlake.tables.content import TEXT_FEATURES
from kaizenlake.tables.outcome import MIN_TENANTS

MICRO = 1_000_000


@job(reads=(Patterns,), writes=PooledPatterns, timeless=True)
def pooled_patterns(
    patterns: pl.LazyFrame,
    *,
    tenants: Tenants = Tenants(),
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Pool the shrunken lift of each text rule over tenants; nothing unless the settings say `pooled`.

    Of each tenant one figure counts, that of its experiments where there are enough of them, else what was observed. Only
    rules that this program makes of texts are pooled, of at least five tenants; no name, text, count or figure of a single
    tenant is kept. The mean is that of the logarithms of the lifts plus 1, its interval is Student's over tenants, and a rule
    works, or is risky, where that interval leaves 0 out.

    Args:
        patterns: Patterns of every tenant.
        tenants: Whether effects are shared.
        evidence: `confidence` of the interval.
    """
    by_experiment = pl.col("evidence") == "experiment"
    proves = by_experiment & (pl.col("experiments") >= MIN_EXPERIMENTS)
    lift = pl.col("shrunk_lift")
    is_shared = pl.lit(tenants.sharing == "pooled")
    of_tenants = (
        patterns.filter(is_shared, pl.col("pattern_type").is_in(TEXT_FEATURES), pattern=PRESENT)
        .filter(lift.is_finite(), lift > -1, proves | ~by_experiment)
        .sort("tenant_id", "pattern_type", ~proves)
        .unique(["tenant_id", "pattern_type"], keep="first", maintain_order=True)
        # Whole millionths, so that no order of tenants changes a bit of the sums.
        .select("pattern_type", micros=(lift.log1p() * MICRO).round().cast(pl.Int64))
    )
    total, squares = pl.col("micros").sum(), pl.col("micros").pow(2).sum()
    summed = (
        of_tenants.group_by("pattern_type")
        .agg(
            pl.len().cast(pl.Int64).alias("tenants"),
            mean=expressions.mean_of_sums(pl.len(), total, MICRO),
            m2=expressions.deviations_of_sums(pl.len(), total, total, squares, MICRO),
        )
        .filter(pl.col("tenants") >= MIN_TENANTS)
        .sort("pattern_type")
    )
    schema = tables.schema(PooledPatterns)

    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        interval = mean_interval(
            rows["tenants"].to_numpy(), rows["mean"].to_numpy(), rows["m2"].to_numpy(), evidence.confidence
        )
        # Tenants that agree to the digit have no spread: their interval is the mean.
        ends = (np.where(np.isnan(end), rows["mean"].to_numpy(), end) for end in (interval.low, interval.high))
        low, high = (pl.Series(np.expm1(end), dtype=pl.Float64) for end in ends)
        return (
            rows.select(
                "pattern_type",
                "tenants",
                pl.col("mean").exp().sub(1).alias("shrunk_lift"),
                low.alias("ci_low"),
                high.alias("ci_high"),
            )
            .with_columns(
                verdict=pl.when(pl.col("ci_low") > 0)
                .then(pl.lit("works"))
                .when(pl.col("ci_high") < 0)
                .then(pl.lit("risky"))
                .otherwise(pl.lit("unclear"))
            )
            .select(schema.names())
        )

    return summed.map_batches(compute, schema=schema)
