"""What should somebody know tonight? The findings that matter to somebody: each an alert, in the words of the finding."""

from __future__ import annotations

import polars as pl

from kaizenlake.job import job
from kaizenlake.tables import Alerts, Findings


@job(reads=(Findings,), writes=Alerts)
def alerts(findings: pl.LazyFrame) -> pl.LazyFrame:
    """List what somebody should know, each under a name that stays the same while it holds.

    Args:
        findings: What the tables say.
    """
    return (
        findings.filter(pl.col("severity").is_not_null())
        .with_columns(alert_id="finding_id", words="sentence")
        .sort("raised_on", "tenant_id", "alert_id", descending=[True, False, False])
    )
