"""What the Kaizen report tells of learning: losses of doers, canaries that run, policies in service, and experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from kaizenlake.jobs.canaries._canary_standing import standing
from kaizenlake.report.engine.rows import ROWS, Listing, listing
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


@dataclass(frozen=True)
class DoerRow:
    """The loss of a doer on its latest day, as `gold.crl_trends` has it."""

    doer: str
    n_30d: int
    ewma_loss: float
    change_7d: float | None
    change_7d_ci_low: float | None
    change_7d_ci_high: float | None
    change_30d: float | None
    change_30d_ci_low: float | None
    change_30d_ci_high: float | None
    direction: str
    alert: bool | None


@dataclass(frozen=True)
class AlertRow:
    """An alert, as `gold.alerts` has it."""

    severity: str
    raised_on: date
    words: str


@dataclass(frozen=True)
class VersionRow:
    """What a version did to the loss, as `gold.findings` has it."""

    subject: str
    verdict: str
    sentence: str
    raised_on: date


@dataclass(frozen=True)
class CanaryRow:
    """A candidate whose deployment runs, at its latest look."""

    deployment_id: str
    deployment_mode: str
    policy_id: str
    policy_version: str
    control_version: str
    look: int
    horizon_nights: int
    units: int
    effect: float | None
    sequential_ci_low: float | None
    sequential_ci_high: float | None
    verdict: str


@dataclass(frozen=True)
class ServingRow:
    """A version in service, as `gold.policies` has it, and how it does, as `gold.policy_performance` has it."""

    doer: str
    policy_id: str
    policy_version: str
    status: str
    status_since: datetime
    is_override: bool
    runs: int | None
    mean_loss: float | None
    effect: float | None
    ci_low: float | None
    ci_high: float | None
    evidence: str | None


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment, as `gold.experiments` has it."""

    experiment_id: str
    experiment_type: str
    doer: str
    status: str
    policy_version: str | None
    policy_status: str | None
    loss_delta: float | None
    cost_usd: float | None


@dataclass(frozen=True)
class SuccessRow:
    """Experiments of one type over all doers, as `gold.experiment_success` has it."""

    experiment_type: str
    experiments: int
    promoted: int
    decided: int
    success_rate: float | None
    ci_low: float | None
    ci_high: float | None
    cost_per_success_usd: float | None


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

    doers: Listing[DoerRow]
    directions: Mapping[str, int]
    courses: Mapping[str, Course]
    alarms: Mapping[str, frozenset[date]]
    alerts: Listing[AlertRow]
    versions: Listing[VersionRow]
    canaries: Listing[CanaryRow]
    serving: Listing[ServingRow]
    experiments: Listing[ExperimentRow]
    success: Listing[SuccessRow]

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
    doers = listing(DoerRow, latest, by={"n_30d": True, "doer": False})
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
        listing(AlertRow, scan(Alerts), by={"raised_on": True, "alert_id": False}),
        listing(
            VersionRow,
            scan(Findings).filter(pl.col("kind") == "version_change"),
            by={"raised_on": True, "finding_id": False},
        ),
        _canaries(scan),
        _serving(scan),
        listing(ExperimentRow, scan(Experiments), by={"started_at": True, "experiment_id": False}),
        listing(SuccessRow, scan(ExperimentSuccess).filter(pl.col("doer") == "*"), by={"experiment_type": False}),
    )


def _canaries(scan: Scan) -> Listing[CanaryRow]:
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
    return listing(CanaryRow, frame, by={"deployment_id": False, "policy_version": False}, rows=2 * ROWS)


def _serving(scan: Scan) -> Listing[ServingRow]:
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
    return listing(ServingRow, frame, by=by, rows=2 * ROWS)
