"""Which units were routed to which version of a shadow or canary, and when?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import DeploymentRoutings, Routings

KEYS = ("tenant_id", "deployment_id", "policy_version", "unit_id", "event_date")


@job(reads=(Routings,), writes=DeploymentRoutings, by_day=True, timeless=True)
def deployment_routings(routings: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Count on each day how often each unit was routed to each version of a deployment.

    A routing that names no deployment or no version is of none.

    Args:
        routings: Silver routing events.
        as_of: Events from this instant on do not count.
    """
    named = pl.col("deployment_id").is_not_null() & pl.col("policy_version").is_not_null()
    return (
        routings.filter(pl.col("occurred_at") < as_of, named)
        .group_by(KEYS)
        .agg(first_at=pl.col("occurred_at").min(), routings=pl.len().cast(pl.Int64))
        .sort(KEYS)
    )
