"""What is known of each content on each platform? Its latest figures, attributes, features and segment."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.content.daily_performance import share, tier, trials
from kaizenlake.parameters import Tiers
from kaizenlake.tables import ContentFeatures, ContentIncrements, Contents, DailyPerformance, ProjectSegments
from kaizenlake.tables.content import INCREMENTS, MILLIONTHS

KEYS = ("tenant_id", "project_id", "content_id", "platform")


@job(
    reads=(DailyPerformance, ContentFeatures, ProjectSegments, ContentIncrements),
    writes=Contents,
    by_day=True,
    last_of=KEYS,
    timeless=True,
)
def contents(
    daily_performance: pl.LazyFrame,
    content_features: pl.LazyFrame,
    project_segments: pl.LazyFrame,
    content_increments: pl.LazyFrame,
    *,
    as_of: datetime,  # noqa: ARG001 - the figures of a day leave out what is later
    tiers: Tiers = Tiers(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """Take the latest day of each content and platform, and join the features of that day's text.

    Industry and kind of client are the content's own, else its project's. Figures of a content whose records are of single
    days are those of all its days; people reached on several of them are not known.

    Args:
        daily_performance: Figures by content, platform and day: of each content and platform the latest day alone.
        content_features: Features by content, platform and day.
        project_segments: What is known of the segment of a project.
        content_increments: Figures of single days, added up by content and platform.
        as_of: Events before it count.
        tiers: Engagement rates from which a tier begins.
    """
    features = content_features.drop("event_date")
    project = list(tables.grain(ProjectSegments))
    segments = project_segments.filter(pl.col("project_id").is_not_null()).select(
        *project, known_industry="industry", known_client_type="client_type"
    )
    return (
        _of_all_days(daily_performance, content_increments, tiers)
        .drop("hook_type")
        .join(features, on=tables.grain(ContentFeatures), how="left", nulls_equal=True)
        .join(segments, on=project, how="left", nulls_equal=True)
        .with_columns(
            industry=pl.coalesce("industry", "known_industry"),
            client_type=pl.coalesce("client_type", "known_client_type"),
            trials=trials(),
        )
    )


def _of_all_days(latest: pl.LazyFrame, increments: pl.LazyFrame, tiers: Tiers) -> pl.LazyFrame:
    """Return the latest days, those of single days with the figures of all days in their place."""
    of_day = pl.col("figures") == "of the day"
    names = [name for name in tables.schema(ContentIncrements).names() if name not in KEYS]
    totals = increments.select(*KEYS, *(pl.col(name).alias(f"_{name}") for name in names))
    sums = {name: pl.when(pl.col(f"_{name}_days") > 0).then(_figure(name)) for name in INCREMENTS}
    # Of people who were reached on several days it is not known how many are the same.
    sums["reach"] = pl.when(pl.col("_days") == 1).then(pl.col("reach"))
    several = of_day & (pl.col("_days") > 1)
    return (
        latest.join(totals, on=list(KEYS), how="left", nulls_equal=True)
        .with_columns(pl.when(of_day).then(figure).otherwise(name).alias(name) for name, figure in sums.items())
        .with_columns(rate_of=pl.when(several).then(pl.lit("impressions")).otherwise("rate_of"))
        .with_columns(
            pl.when(several).then(rate).otherwise(name).alias(name)
            for name, rate in {
                "engagement_rate": share(pl.col("engagements"), pl.col("impressions")),
                "click_rate": share(pl.col("clicks"), pl.col("impressions")),
                "conversion_rate": share(pl.col("conversions"), pl.col("clicks")),
            }.items()
        )
        .with_columns(tier=pl.when(several).then(tier(pl.col("engagement_rate"), tiers)).otherwise("tier"))
    )


def _figure(name: str) -> pl.Expr:
    whole = pl.col(f"_{name}")
    return whole / 1_000_000 if name in MILLIONTHS else whole
