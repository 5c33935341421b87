"""What the Kaizen report tells of learning: losses of doers, canaries that run, policies in service, and experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from kaizenlake.jobs.canaries._canary_standing import standing
from kaizenlake.report.engine.rows import ROWS, Listing, TableRow, listing
from kaizenlake.tables import (
    Alerts,
    CanaryLooks,
    CrlTrends,
    Deployments,
    Experiments,
    ExperimentSuccess,
    Findings,
    Policies,
    PolicyPerformance,
    Scan,
)

DAYS = 60
"""Days of a loss that are drawn."""

RECENT_DAYS = 7
"""Days without a run after which a doer counts as degrading no more."""

DRAWN = 6
"""Most doers whose loss is drawn."""


Course = tuple[tuple[date, float, float], ...]
"""Date, mean and moving average of a loss."""


@dataclass(frozen=True)
class Learning:
    """Everything the report tells of learning.

    Args:
        doers: Doers at their latest day, those with the most runs first.
        directions: How many of all doers go in each direction.
        courses: Loss of the doers that are drawn, by day.
        alarms: Days on which the control chart of a drawn doer raised an alert.
        alerts: Alerts that stand, the latest first.
        versions: What the latest version of each policy did to the loss, the newest first.
        canaries: Candidates of the deployments that run.
        serving: Versions that are active, in the canary or in the shadow.
        experiments: Experiments, the latest first.
        success: Success of experiments by type.
    """

    doers: Listing[TableRow]
    directions: Mapping[str, int]
    courses: Mapping[str, Course]
    alarms: Mapping[str, frozenset[date]]
    alerts: Listing[TableRow]
    versions: Listing[TableRow]
    canaries: Listing[TableRow]
    serving: Listing[TableRow]
    experiments: Listing[TableRow]
    success: Listing[TableRow]

    @property
    def is_empty(self) -> bool:
        """There is nothing to tell."""
        held = (self.doers, self.alerts, self.canaries, self.serving, self.experiments)
        return not any(rows.total for rows in held)


def learning(scan: Scan, *, as_of: datetime) -> Learning:
    """Read what there is to tell of learning.

    Args:
        scan: Gives a table.
        as_of: Aware instant; the tables hold what happened before it.
    """
    trends = scan(CrlTrends).filter(pl.col("cut") == "all")
    latest = trends.filter(pl.col("event_date") == pl.col("event_date").max().over("tenant_id", "doer"))
    # A doer that did not run lately is not degrading: its alert is told no more either.
    stale = pl.col("event_date") < (as_of - timedelta(days=RECENT_DAYS)).date()
    was_degrading = stale & (pl.col("direction") == "degrading")
    latest = latest.with_columns(direction=pl.when(was_degrading).then(pl.lit("unclear")).otherwise("direction"))
    doers = listing(latest, by={"n_30d": True, "doer": False})
    drawn = [row.doer for row in doers.rows[:DRAWN]]
    since = (as_of - timedelta(days=DAYS)).date()
    days = (
        trends.filter(pl.col("doer").is_in(drawn), pl.col("event_date") >= since)
        .select("doer", "event_date", "mean_loss", "ewma_loss", pl.col("alert").fill_null(value=False))
        .sort("doer", "event_date")
        .collect()
    )
    courses: dict[str, list[tuple[date, float, float]]] = {}
    alarms: dict[str, set[date]] = {}
    for doer, day, mean, moving, alarm in days.iter_rows():
        courses.setdefault(doer, []).append((day, mean, moving))
        if alarm:
            alarms.setdefault(doer, set()).add(day)
    directions = latest.group_by("direction").len().collect()
    return Learning(
        doers,
        dict(directions.iter_rows()),
        {doer: tuple(courses[doer]) for doer in drawn if doer in courses},
        {doer: frozenset(found) for doer, found in alarms.items()},
        listing(scan(Alerts), by={"raised_on": True, "alert_id": False}),
        listing(
            scan(Findings).filter(pl.col("kind") == "version_change"),
            by={"raised_on": True, "finding_id": False},
        ),
        _canaries(scan),
        _serving(scan),
        listing(scan(Experiments), by={"started_at": True, "experiment_id": False}),
        listing(scan(ExperimentSuccess).filter(pl.col("doer") == "*"), by={"experiment_type": False}),
    )


def _canaries(scan: Scan) -> Listing[TableRow]:
    key = ("deployment_id", "policy_version")
    running = scan(Deployments).filter(pl.col("status") == "running").select("deployment_id", "horizon_nights")
    looks = scan(CanaryLooks)
    # A pause takes back nothing: of such a night the verdict is that of the look before it.
    stands = standing(looks).select(*key, standing_verdict="verdict")
    frame = (
        looks.filter(pl.col("look") == pl.col("look").max().over(key))
        .join(stands, on=key)
        .with_columns(verdict="standing_verdict")
        .join(running, on="deployment_id")
    )
    return listing(frame, by={"deployment_id": False, "policy_version": False}, rows=2 * ROWS)


def _serving(scan: Scan) -> Listing[TableRow]:
    key = ["policy_id", "policy_version"]
    shown = ("runs", "mean_loss", "effect", "ci_low", "ci_high", "evidence")
    order = {"active": 0, "canary": 1, "shadow": 2}
    frame = (
        scan(Policies)
        .filter(pl.col("status").is_in(list(order)))
        .join(scan(PolicyPerformance).select(*key, *shown), on=key, how="left")
        .with_columns(place=pl.col("status").replace_strict(order, return_dtype=pl.Int64))
    )
    by = {"place": False, "doer": False, "policy_id": False, "policy_version": True}
    return listing(frame, by=by, rows=2 * ROWS)
