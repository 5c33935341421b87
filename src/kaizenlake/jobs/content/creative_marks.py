"""Which contents did people mark as winners and losers, and why?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import CreativeMarks, Performance

_PREFIX = "CREATIVE_MARKED_"


@job(reads=(Performance,), writes=CreativeMarks, by_day=True, timeless=True)
def creative_marks(performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """List the marks that people set on contents.

    Args:
        performance: Silver performance events.
        as_of: Marks from this instant on do not count.
    """
    is_mark = pl.col("event_type").is_in([f"{_PREFIX}WINNER", f"{_PREFIX}LOSER"])
    label = pl.col("event_type").str.strip_prefix(_PREFIX).str.to_lowercase()
    return performance.filter(is_mark, pl.col("occurred_at") < as_of).with_columns(label=label)
