"""What did each web page achieve on each day?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._records import figures_of_days, share
from kaizenlake.tables import Web, WebDays

PAGE = ("tenant_id", "project_id", "content_id")
COUNTS = ("sessions", "engaged_sessions", "views", "engaged_seconds", "conversions", "revenue_usd")
"""Figures that parts and days add up to."""

LOST = ("visitors",)
"""What is not known of several parts or days together."""


@job(reads=(Web,), writes=WebDays, by_day=True, timeless=True)
def web_days(web: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Keep the latest record of each web page and day, its parts added up, and add its rates.

    Args:
        web: Silver web events.
        as_of: Events from this instant on do not count.
    """
    return figures_of_days(web, PAGE, COUNTS, LOST, as_of=as_of).with_columns(**rates())


def rates() -> dict[str, pl.Expr]:
    """Return the rates of a web page by their names."""
    return {
        "conversion_rate": share(pl.col("conversions"), pl.col("sessions")),
        "engagement_rate": share(pl.col("engaged_sessions"), pl.col("sessions")),
    }
