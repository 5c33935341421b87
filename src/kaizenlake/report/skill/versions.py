"""What each version of a policy did to the loss: its latest day, against the version before it."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import polars as pl

from kaizenlake.jobs._finding_words import round_columns
from kaizenlake.tables import Findings, LearningProgress, Scan


class VersionRow(NamedTuple):
    """A version on its latest day, its figures rounded as findings show them, and its finding's sentence; None without one."""

    doer: str
    policy_id: str | None
    version: str
    first_day: date
    last_day: date
    runs: int
    mean_loss: float
    after: float | None
    change: float | None
    ci_low: float | None
    ci_high: float | None
    verdict: str | None
    sentence: str | None


def versions(scan: Scan, doer: str | None = None) -> tuple[VersionRow, ...]:
    """Read the versions of each doer's policies, in the order in which they came.

    Args:
        scan: Gives a table.
        doer: Only this doer; None for all.
    """
    chosen = pl.lit(value=True) if doer is None else pl.col("doer") == doer
    version = ["tenant_id", "doer", "policy_id", "policy_version"]
    said = scan(Findings).filter(chosen, pl.col("kind") == "version_change").select(*version, "sentence")
    rows = (
        scan(LearningProgress)
        .filter(chosen)
        .filter(pl.col("event_date") == pl.col("event_date").max().over(version))
        .join(said, on=version, how="left", nulls_equal=True)
        .sort("doer", "policy_id", "version_number")
        .select(
            "doer",
            "policy_id",
            "policy_version",
            pl.col("event_date") - pl.duration(days="age_days"),
            pl.col("event_date").alias("last_day"),
            "n_so_far",
            *round_columns("mean_so_far", "previous_mean", "change", "change_ci_low", "change_ci_high"),
            "verdict",
            "sentence",
        )
        .collect()
    )
    return tuple(VersionRow(*row) for row in rows.iter_rows())
