"""Gold tables of channels: what e-mail campaigns, ads and web pages achieved, by day and in all."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Table, column, count, rate, table
from kaizenlake.vocabulary import Figures


def _figure(description: str) -> pl.Int64:
    """Declare a count that a record may leave out."""
    found: pl.Int64 = count(f"{description}; null where not recorded.", nullable=True)
    return found


def _share(part: str, whole: str) -> float:
    """Declare a rate of two figures."""
    found: float = rate(
        f"{part} over {whole}, at most 1; null where either is unknown or nothing is {whole}.", nullable=True
    )
    return found


def _usd(description: str) -> float:
    found: float = column(description, unit="usd", nullable=True, ge=0)
    return found


class _Told(OfTenant):
    """Columns that every table of a channel begins with."""

    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    content_id: str = column("What the figures are of, as the application or the platform names it.")


class _Day(Table):
    performed_on: pl.Date = column("UTC date of the figures.")
    figures: str = column(
        "What the counts are of: all since it was published, or the day alone.", isin=get_args(Figures)
    )
    event_id: str = column("Event the figures come from: the latest of the day.")
    occurred_at: Instant = column("When the figures were measured.")
    event_date: pl.Date = column("The day, by which the table is partitioned; equals performed_on.")


class _Total(Table):
    first_day: pl.Date = column("First UTC date of which figures are known.")
    last_day: pl.Date = column("Last UTC date of which figures are known.")
    days: pl.Int64 = column("Days of which figures are known.", ge=1)
    figures: str = column(
        "What the records count: all since it was published, of which the last day's stand here, or single days, added up.",
        isin=get_args(Figures),
    )


class _Results(Table):
    conversions: float = column(
        "Conversions that followed, parts of one among them; null where not recorded.", nullable=True, ge=0
    )
    revenue_usd: float = _usd("Revenue that followed; null where not recorded.")
    brand_id: str = column("Brand it speaks for; null where not given.", nullable=True)


class _Email(_Results, _Told):
    campaign: str = column("Name of the campaign; null where not given.", nullable=True)
    subject_line: str = column("Subject line; null where not given.", nullable=True)
    sent: pl.Int64 = _figure("Messages that were sent")
    delivered: pl.Int64 = _figure("Messages that arrived, or those sent less those bounced")
    opened: pl.Int64 = _figure("People who opened it")
    clicked: pl.Int64 = _figure("People who clicked in it")
    opens: pl.Int64 = _figure("Times it was opened")
    clicks: pl.Int64 = _figure("Clicks in it")
    unsubscribed: pl.Int64 = _figure("People who unsubscribed")
    bounced: pl.Int64 = _figure("Messages that did not arrive")
    complaints: pl.Int64 = _figure("People who called it spam")
    open_rate: float = _share("Opened", "delivered")
    click_rate: float = _share("Clicked", "delivered")
    click_to_open_rate: float = _share("Clicked", "opened")
    unsubscribe_rate: float = _share("Unsubscribed", "delivered")
    bounce_rate: float = _share("Bounced", "sent")


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "performed_on"), partition="event_date")
class EmailDays(_Day, _Email):
    """The latest record of one e-mail campaign and day, with its rates."""


@table(layer="gold", grain=("tenant_id", "project_id", "content_id"))
class EmailCampaigns(_Total, _Email):
    """One e-mail campaign: its latest figures, or those of all days where each tells its own, with its rates."""


class _Ad(_Results, _Told):
    platform: str = column("Platform it was shown on.")
    campaign: str = column("Name of the campaign; null where not given.", nullable=True)
    ad_set: str = column("Ad set or ad group; null where not given.", nullable=True)
    ad: str = column("Name of the ad; null where not given.", nullable=True)
    spend_usd: float = _usd("Money spent on showing it; null where not recorded.")
    impressions: pl.Int64 = _figure("Times it was shown")
    reach: pl.Int64 = count(
        "People it was shown to; null where not recorded, and of several days or parts, whose people may be the same.",
        nullable=True,
    )
    clicks: pl.Int64 = _figure("Clicks on it")
    click_rate: float = _share("Clicks", "impressions")
    conversion_rate: float = _share("Conversions", "clicks")
    cost_per_click_usd: float = _usd("Spend over clicks; null where either is unknown, or without a click.")
    cost_per_conversion_usd: float = _usd("Spend over conversions; null where either is unknown, or without one.")
    roas: float = column(
        "Revenue over spend, or as the platform reports it where revenue is unknown; null without spend.", nullable=True
    )


@table(
    layer="gold", grain=("tenant_id", "project_id", "content_id", "platform", "performed_on"), partition="event_date"
)
class AdDays(_Day, _Ad):
    """The latest record of one ad, ad set or campaign on one platform and day, with its rates and costs."""


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "platform"))
class AdTotals(_Total, _Ad):
    """One ad, ad set or campaign on one platform: its latest figures, or those of all days where each tells its own."""


class _Page(_Results, _Told):
    title: str = column("Title of the page; null where not given.", nullable=True)
    sessions: pl.Int64 = _figure("Visits that began on it or came by it")
    engaged_sessions: pl.Int64 = _figure("Visits in which people did something")
    visitors: pl.Int64 = count(
        "People who came; null where not recorded, and of several days or parts, whose people may be the same.",
        nullable=True,
    )
    views: pl.Int64 = _figure("Times it was seen")
    engaged_seconds: float = column(
        "Time in which people had it before them, all visits together; null where not recorded.",
        unit="seconds",
        nullable=True,
        ge=0,
    )
    conversion_rate: float = _share("Conversions", "sessions")
    engagement_rate: float = _share("Engaged sessions", "sessions")


@table(layer="gold", grain=("tenant_id", "project_id", "content_id", "performed_on"), partition="event_date")
class WebDays(_Day, _Page):
    """The latest record of one web page and day, with its rates."""


@table(layer="gold", grain=("tenant_id", "project_id", "content_id"))
class WebPages(_Total, _Page):
    """One web page: its latest figures, or those of all days where each tells its own, with its rates."""
