"""What is known of each content on each platform? Its latest figures, attributes, features and segment."""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._records import share
from kaizenlake.jobs.content.daily_performance import tier, trials
from kaizenlake.parameters import Tiers
from kaizenlake.stats import expressions
from kaizenlake.tables import (
    ContentFeatures,
    ContentIncrements,
    ContentOrigins,
    Contents,
    DailyPerformance,
    ExternalOrigins,
    ProjectSegments,
)
from kaizenlake.tables.content import INCREMENTS, MILLIONTHS, TEXT_FEATURES

KEYS = ("tenant_id", "project_id", "content_id", "platform")


@job(
    reads=(DailyPerformance, ContentFeatures, ProjectSegments, ContentIncrements, ContentOrigins, ExternalOrigins),
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
    content_origins: pl.LazyFrame,
    external_origins: pl.LazyFrame,
    *,
    tiers: Tiers = Tiers(),
) -> pl.LazyFrame:
    """Take the latest day of each content and platform, and join the features of that day's text.

    Industry and kind of client are the content's own, else its project's. Figures of a content whose records are of single
    days are those of all its days; people reached on several of them are not known. What the record of a content does not say
    of its tone, hook, pillar, brand and text is what was told when it was made.

    Args:
        daily_performance: Figures by content, platform and day: of each content and platform the latest day alone.
        content_features: Features by content, platform and day.
        project_segments: What is known of the segment of a project.
        content_increments: Figures of single days, added up by content and platform.
        content_origins: What contents were made from, by the names that figures may call them.
        external_origins: The same contents by the names that their platforms have for them.
        tiers: Engagement rates from which a tier begins.
    """
    features = content_features.drop("event_date")
    project = list(tables.grain(ProjectSegments))
    segments = project_segments.filter(pl.col("project_id").is_not_null()).select(
        *project, known_industry="industry", known_client_type="client_type"
    )
    described = (
        _of_all_days(daily_performance, content_increments, tiers)
        .drop("hook_type")
        .join(features, on=tables.grain(ContentFeatures), how="left", nulls_equal=True)
    )
    return (
        _with_origins(described, content_origins, external_origins)
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
    sums = {name: pl.when(pl.col(f"_{name}_days") > 0).then(_compute_figure(name)) for name in INCREMENTS}
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


def _with_origins(contents: pl.LazyFrame, origins: pl.LazyFrame, externals: pl.LazyFrame) -> pl.LazyFrame:
    """Add to each content how it was made, and what its own record does not say of it."""
    told = ("tone", "pillar", "brand_id", "hook_type", "hook_source", "text", *OF_TEXT)
    made = origins.filter(~pl.col("is_external")).select(
        "creation_id", *MADE_WITH, *(pl.col(name).alias(f"_{name}") for name in told)
    )
    has_text = pl.col("text").is_not_null()
    # A hook that somebody named goes before one that a rule found.
    own_hook = (pl.col("hook_source") == "event") | (pl.col("_hook_source") != "event").fill_null(value=True)
    own_hook &= pl.col("hook_type").is_not_null()
    return (
        contents.join(_matches(contents, origins, externals), on=list(KEYS), how="left", nulls_equal=True)
        .join(made, on="creation_id", how="left")
        .with_columns(
            *(pl.coalesce(name, f"_{name}").alias(name) for name in ("tone", "pillar", "brand_id", "text")),
            *(pl.when(own_hook).then(name).otherwise(f"_{name}").alias(name) for name in ("hook_type", "hook_source")),
            *(pl.when(has_text).then(name).otherwise(pl.coalesce(f"_{name}", name)).alias(name) for name in OF_TEXT),
        )
    )


OF_TEXT = ("language", "language_source", "length_words", "length_band", *TEXT_FEATURES)
"""What is read from a text."""

MADE_WITH = ("generation_id", "context_sha256", "held_out", "unit_id")


def _matches(contents: pl.LazyFrame, origins: pl.LazyFrame, externals: pl.LazyFrame) -> pl.LazyFrame:
    """Name for each content the creation that its figures are about, and by which name it is known.

    Its own name counts within a project; that of its platform counts anywhere, since no two contents of a platform share one.
    Of several, that of its own project and of its own platform goes first, and then the one that was made last.
    """
    made = ("created_project", "created_for", "creation_id", "created_at")
    keys = contents.select(*KEYS, "external_id")
    at = origins.filter(~pl.col("is_external")).select("creation_id", "created_at")
    by_name = keys.join(
        origins.select("tenant_id", "content_id", "is_external", *made),
        on=["tenant_id", "content_id"],
        nulls_equal=True,
    )
    by_external = keys.join(
        externals.join(at, on="creation_id").select("tenant_id", "external_id", *made, is_external=pl.lit(value=True)),
        on=["tenant_id", "external_id"],
        nulls_equal=True,
    )
    columns = (*KEYS, "is_external", *made)
    of_project = pl.col("created_project").eq_missing(pl.col("project_id"))
    may_be = pl.col("created_project").is_null() | pl.col("project_id").is_null()
    of_platform = pl.col("created_for") == pl.col("platform")
    return (
        pl.concat([by_name.select(columns), by_external.filter(pl.col("external_id").is_not_null()).select(columns)])
        .filter(of_platform.fill_null(value=True), of_project | may_be | pl.col("is_external"))
        .sort(
            ~pl.col("is_external"),
            of_project,
            of_platform.fill_null(value=False),
            "created_at",
            "creation_id",
        )
        .unique(KEYS, keep="last", maintain_order=True)
        .select(
            *KEYS,
            "creation_id",
            matched_by=pl.when("is_external").then(pl.lit("external_id")).otherwise(pl.lit("content_id")),
        )
    )


def _compute_figure(name: str) -> pl.Expr:
    whole = pl.col(f"_{name}")
    return expressions.divide(whole, 1_000_000) if name in MILLIONTHS else whole
