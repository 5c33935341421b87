"""What did each e-mail campaign achieve in all?"""

from __future__ import annotations

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._records import figures_in_all
from kaizenlake.jobs.channels.email_days import CAMPAIGN, COUNTS, rates
from kaizenlake.tables import EmailCampaigns, EmailDays


@job(reads=(EmailDays,), writes=EmailCampaigns, timeless=True)
def email_campaigns(
    email_days: pl.LazyFrame,
) -> pl.LazyFrame:
    """Take the latest figures of each e-mail campaign, or add up its days where each tells its own, and add its rates.

    Args:
        email_days: Figures by campaign and day.
    """
    return figures_in_all(email_days, CAMPAIGN, COUNTS, ()).with_columns(**rates())
