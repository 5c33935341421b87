"""On each platform, which tones and which hours of posting do better than the others there?"""

from __future__ import annotations

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import SCOPE, by_scope
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import Moments, cautious_difference, expressions
from kaizenlake.tables import Contents, PlatformHabits

_PLACE = (*SCOPE, "platform", "habit")

PARTS = 1e4
"""Rates beside their mean are added up in whole parts of it, so that no order of rows changes a bit."""

MOST = 1e7
"""Most parts of one post: a thousand times the mean, whose square can still be added up."""


@job(reads=(Contents,), writes=PlatformHabits, timeless=True)
def platform_habits(contents: pl.LazyFrame, *, evidence: EvidenceNeeds = EvidenceNeeds()) -> pl.LazyFrame:
    """Compare posts of each tone, and of each hour, with the other posts on the same platform, within their project.

    The rate of a post counts beside the mean of its project and platform, so that a good project favours no hour. A post is
    compared where its engagement rate and the habit are known; the arms of one experiment count like any other post. A habit works,
    or is risky, where its q is at most `evidence.q_value`, its interval leaves out none, and at least `evidence.contents` posts
    have it and have it not. q-values take all habits of a scope together.

    Args:
        contents: Contents with their rates, tones and hours of posting.
        evidence: How much evidence a verdict needs, and the confidence of the intervals.
    """
    rated = contents.filter(pl.col("engagement_rate").is_not_null()).select(
        *("tenant_id", "project_id", "industry", "client_type", "platform", "engagement_rate"),
        tone="tone",
        hour=pl.col("posted_hour").cast(pl.String),
    )
    own = ("tenant_id", "project_id", "platform")
    nano = (pl.col("engagement_rate") * 1e9).round().cast(pl.Int64)
    mean = nano.sum().over(own).cast(pl.Float64) / pl.len().over(own)
    beside = pl.when(mean > 0).then((nano.cast(pl.Float64) / mean * PARTS).round().clip(0, MOST).cast(pl.Int64))
    measured = rated.with_columns(beside=beside).filter(pl.col("beside").is_not_null())
    everything = measured.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in ("project_id", "industry", "client_type")),
        scope=pl.lit("everything"),
    )
    columns = (*_PLACE[:-1], "tone", "hour", "beside")
    scoped = pl.concat([everything.select(columns), by_scope(measured).select(columns)])
    sums = (
        scoped.unpivot(["tone", "hour"], index=[*_PLACE[:-1], "beside"], variable_name="habit", value_name="value")
        .filter(pl.col("value").is_not_null())
        .group_by(*_PLACE, "value")
        .agg(
            contents=pl.len().cast(pl.Int64),
            total=pl.col("beside").sum(),
            squares=(pl.col("beside") * pl.col("beside")).sum(),
        )
    )
    return sums.map_batches(lambda frame: _judge(frame, evidence), schema=tables.schema(PlatformHabits))


def _judge(sums: pl.DataFrame, evidence: EvidenceNeeds) -> pl.DataFrame:
    names = ("contents", "total", "squares")
    sums = sums.sort(*_PLACE, "value").with_columns(
        (pl.col(name).sum().over(_PLACE) - pl.col(name)).alias(f"other_{name}") for name in names
    )
    mine, others = (_moments(sums, prefix) for prefix in ("", "other_"))
    found = cautious_difference(mine, others, evidence.confidence)
    mean_of_others = np.where(others.mean > 0.0, others.mean, np.nan)
    figures = {
        "lift": found.effect / mean_of_others,
        "lift_ci_low": found.ci_low / mean_of_others,
        "lift_ci_high": found.ci_high / mean_of_others,
        "p_value": found.p_value,
    }
    is_enough = pl.min_horizontal("contents", "other_contents") >= evidence.contents
    is_clear = (is_enough & (pl.col("q_value") <= evidence.q_value)).fill_null(value=False)
    return (
        sums.with_columns(pl.Series(name, values).fill_nan(None) for name, values in figures.items())
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", list(SCOPE)))
        .with_columns(
            verdict=pl.when(is_clear & (pl.col("lift_ci_low") > 0))
            .then(pl.lit("works"))
            .when(is_clear & (pl.col("lift_ci_high") < 0))
            .then(pl.lit("risky"))
            .otherwise(pl.lit("unclear"))
        )
        .select(tables.schema(PlatformHabits).names())
    )


def _moments(sums: pl.DataFrame, prefix: str) -> Moments:
    n, total, squares = (
        sums[f"{prefix}{name}"].cast(pl.Float64).to_numpy() for name in ("contents", "total", "squares")
    )
    held = n > 0.0
    mean = np.divide(total, n, out=np.full(n.shape, np.nan), where=held)
    spread = np.where(held, np.maximum(squares - n * mean**2, 0.0), 0.0)
    # What is left of equal values by rounding is no spread.
    spread = np.where(spread < 1e-9 * np.maximum(squares, 1.0), 0.0, spread)
    return Moments(n, mean, spread)
