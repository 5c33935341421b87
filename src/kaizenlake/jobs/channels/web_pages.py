"""What did each web page achieve in all?"""

from __future__ import annotations

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._records import figures_in_all
from kaizenlake.jobs.channels.web_days import COUNTS, LOST, PAGE, rates
from kaizenlake.tables import WebDays, WebPages


@job(reads=(WebDays,), writes=WebPages, timeless=True)
def web_pages(
    web_days: pl.LazyFrame,
) -> pl.LazyFrame:
    """Take the latest figures of each web page, or add up its days where each tells its own, and add its rates.

    Args:
        web_days: Figures by page and day.
    """
    return figures_in_all(web_days, PAGE, COUNTS, LOST).with_columns(**rates())
