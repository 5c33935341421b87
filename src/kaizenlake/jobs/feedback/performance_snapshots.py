"""What did each brand achieve on each day?"""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._brand_owners import name_brands
from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs._records import share
from kaizenlake.stats import expressions
from kaizenlake.tables import Brands, DailyPerformance, EmailDays, Leads, PerformanceSnapshots, WebDays

BRAND_DAY = ("tenant_id", "brand_id", "day")
MICRO = 1_000_000
"""Parts are added as whole millionths, which gives the same bits in every order."""

PARTS = {
    "email_open": ("email_opens", "email", "opens"),
    "email_click": ("email_clicks", "email", "clicks"),
    "instagram_engagement": ("instagram_engagements", "instagram", "engagements"),
    "website_conversion": ("website_conversions", "website", "conversions"),
}
"""Each rate that is watched: the column of its part, its channel, and what of a record the part is."""

_FIGURES = ("impressions", "opens", "clicks", "engagements", "conversions")


@job(
    reads=(DailyPerformance, EmailDays, WebDays, Brands, Leads),
    writes=PerformanceSnapshots,
    timeless=True,
)
def performance_snapshots(
    daily_performance: pl.LazyFrame,
    email_days: pl.LazyFrame,
    web_days: pl.LazyFrame,
    brands: pl.LazyFrame,
    leads: pl.LazyFrame,
) -> pl.LazyFrame:
    """Add up what the channels of each brand brought on each day, and count how the leads of its projects moved.

    Channels are `email`, `instagram` and `website`, in records of performance or of a channel's own; a content that both tell
    of counts by the latter alone. A record of all since publication counts by what it tells beyond the day before. A record
    that does not tell a part of a rate, or its denominator, or tells more than it, is left out of that rate. Without a brand of its own, a record is of
    the one brand whose description names its project.

    Args:
        daily_performance: Records of performance by content, platform and day.
        email_days: Figures of e-mail campaigns by day.
        web_days: Figures of web pages by day.
        brands: Brands with their projects.
        leads: Leads with their stages.
    """
    told = _gather(daily_performance, email_days, web_days)
    of_brands = name_brands(told, brands).filter(pl.col("impressions") >= 0)
    sums: dict[str, pl.Expr] = {}
    for rate, (part, channel, figure) in PARTS.items():
        known = (pl.col("channel") == channel) & pl.col(figure).is_not_null() & pl.col("impressions").is_not_null()
        # A part that is more than its whole tells of no rate.
        is_more = known & (pl.col(figure) > pl.col("impressions"))
        sums[f"{rate}_astray"] = is_more.sum()
        known &= ~is_more
        counted = pl.col(figure).filter(known)
        micros = (counted * MICRO).round().cast(pl.Int64)
        sums[part] = pl.when(known.any()).then(micros.sum())
        sums[f"{rate}_of"] = pl.when(known.any()).then(pl.col("impressions").filter(known).sum().cast(pl.Int64))
    figures = of_brands.group_by(BRAND_DAY).agg(**sums)
    moved = [
        name_brands(leads.with_columns(brand_id=pl.lit(None, pl.String)), brands)
        .drop_nulls(at)
        .group_by("tenant_id", "brand_id", day=pl.col(at).dt.date())
        .agg(pl.len().cast(pl.Int64).alias(name))
        for name, at in (("leads", "created_at"), ("deals_won", "won_at"))
    ]
    for rows in moved:
        figures = figures.join(rows, on=BRAND_DAY, how="full", nulls_equal=True, coalesce=True)
    return (
        figures.with_columns(
            pl.col("leads", "deals_won").fill_null(0),
            *(expressions.divide(part, MICRO).alias(part) for part, *_ in PARTS.values()),
        )
        .with_columns(
            *(share(pl.col(part), pl.col(f"{rate}_of")).alias(f"{rate}_rate") for rate, (part, *_) in PARTS.items()),
            notes=_list_notes(),
        )
        .select(tables.schema(PerformanceSnapshots).names())
        .sort(BRAND_DAY)
    )


def _gather(daily_performance: pl.LazyFrame, email_days: pl.LazyFrame, web_days: pl.LazyFrame) -> pl.LazyFrame:
    """Return what each content brought on each day, by channel, in columns of one name."""
    email = _by_day(
        email_days,
        "email",
        impressions=pl.col("delivered"),
        opens=pl.coalesce("opened", "opens"),
        clicks=pl.coalesce("clicked", "clicks"),
    )
    website = _by_day(web_days, "website", impressions=pl.col("sessions"), conversions=pl.col("conversions"))
    channel = pl.col("platform").str.to_lowercase()
    generic = daily_performance.filter(channel.is_in(["email", "instagram", "website"]))
    plain = _by_day(generic, channel, **{name: pl.col(name) for name in _FIGURES})
    own = pl.concat([email, website])
    told_twice = own.select("tenant_id", "content_id", "channel").unique()
    rest = plain.join(told_twice, on=["tenant_id", "content_id", "channel"], how="anti", nulls_equal=True)
    return pl.concat([own, rest])


def _by_day(days: pl.LazyFrame, channel: str | pl.Expr, **figures: pl.Expr) -> pl.LazyFrame:
    content = ("tenant_id", "project_id", "content_id", "channel")
    named = days.select(
        "tenant_id",
        "project_id",
        "content_id",
        "brand_id",
        day=pl.col("performed_on"),
        is_of_day=pl.col("figures") == "of the day",
        channel=pl.lit(channel) if isinstance(channel, str) else channel,
        **{name: figures.get(name, pl.lit(None)).cast(pl.Float64) for name in _FIGURES},
    )

    def fresh(name: str) -> pl.Expr:
        before = pl.col(name).forward_fill().shift(1).over(content, order_by="day").fill_null(0.0)
        return pl.when("is_of_day").then(name).otherwise((pl.col(name) - before).clip(lower_bound=0.0)).alias(name)

    return named.with_columns(fresh(name) for name in _FIGURES).drop("is_of_day")


def _list_notes() -> pl.Expr:
    """Return what should be known of the figures of a day."""
    nothing = [
        pl.when(pl.col(f"{rate}_of") == 0).then(
            pl.lit(f"{rate.replace('_', ' ')}: nothing was delivered, shown or visited.")
        )
        for rate in PARTS
    ]
    astray = [
        pl.when(pl.col(f"{rate}_astray") > 0).then(
            fill_in(
                f"{rate.replace('_', ' ')}: records left out, as they tell more than was delivered, shown or visited: {{}}.",
                f"{rate}_astray",
            )
        )
        for rate in PARTS
    ]
    return pl.concat_list(nothing + astray).list.drop_nulls()
