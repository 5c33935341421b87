"""What did each ad cost and bring in all?"""

from __future__ import annotations

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._records import figures_in_all
from kaizenlake.jobs.channels.ad_days import AD, COUNTS, LOST, rates
from kaizenlake.tables import AdDays, AdTotals


@job(reads=(AdDays,), writes=AdTotals, timeless=True)
def ad_totals(
    ad_days: pl.LazyFrame,
) -> pl.LazyFrame:
    """Take the latest figures of each ad, or add up its days where each tells its own, and add its rates and costs.

    Args:
        ad_days: Figures by ad, platform and day.
    """
    return figures_in_all(ad_days, AD, COUNTS, LOST).with_columns(**rates())
