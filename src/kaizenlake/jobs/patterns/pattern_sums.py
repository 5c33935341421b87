"""What do the rates of contents come to, by place and pattern?"""

from __future__ import annotations

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.patterns.observation import sum_contents
from kaizenlake.tables import Contents, PatternSums


@job(reads=(Contents,), writes=PatternSums, timeless=True)
def pattern_sums(
    contents: pl.LazyFrame,
) -> pl.LazyFrame:
    """Add up the rates of contents by project, segment, platform, content type and pattern: patterns are read off these sums.

    Args:
        contents: Contents with their rates, attributes and features.
    """
    return sum_contents(contents)
