"""What did each e-mail campaign achieve on each day?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._records import figures_of_days, share
from kaizenlake.tables import Email, EmailDays

CAMPAIGN = ("tenant_id", "project_id", "content_id")
PEOPLE = ("opened", "clicked", "unsubscribed", "complaints")
COUNTS = ("sent", "delivered", "bounced", "opens", "clicks", *PEOPLE, "conversions", "revenue_usd")
"""Figures that parts and days add up to."""


@job(reads=(Email,), writes=EmailDays, by_day=True, timeless=True)
def email_days(email: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Keep the latest record of each e-mail campaign and day, its parts added up, and add its rates.

    Args:
        email: Silver e-mail events.
        as_of: Events from this instant on do not count.
    """
    arrived = pl.coalesce(
        "delivered", pl.when(pl.col("sent") >= pl.col("bounced")).then(pl.col("sent") - pl.col("bounced"))
    )
    told = figures_of_days(email.with_columns(delivered=arrived), CAMPAIGN, COUNTS, (), as_of=as_of)
    return told.with_columns(**rates())


def rates() -> dict[str, pl.Expr]:
    """Return the rates of an e-mail campaign by their names."""
    return {
        "open_rate": share(pl.col("opened"), pl.col("delivered")),
        "click_rate": share(pl.col("clicked"), pl.col("delivered")),
        "click_to_open_rate": share(pl.col("clicked"), pl.col("opened")),
        "unsubscribe_rate": share(pl.col("unsubscribed"), pl.col("delivered")),
        "bounce_rate": share(pl.col("bounced"), pl.col("sent")),
    }
