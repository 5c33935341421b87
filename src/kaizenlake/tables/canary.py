"""Gold tables of shadows and canaries: what was started, what its units lost, and what each night made of it."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from kaizenlake.parameters import Guardrail
from kaizenlake.tables.base import Figures, Instant, OfTenant, Table, Words, build_class, column, count, rate, table
from kaizenlake.vocabulary import Method, Mode, Result

MODES: tuple[str, ...] = get_args(Mode)
RESULTS: tuple[str, ...] = get_args(Result)
METHODS: tuple[str, ...] = get_args(Method)
VERDICTS = ("promote", "rollback", "continue", "insufficient", "invalid")
SEGMENT_VERDICTS = ("better", "worse", "unclear")
DIMENSIONS = ("phase", "segment")

METRICS: tuple[str, ...] = get_args(Guardrail.model_fields["metric"].annotation)
"""Figures of a run that a guardrail can watch."""


@table(layer="gold", grain=("tenant_id", "deployment_id"))
class Deployments(OfTenant):
    """A shadow or a canary: what it compares, by which rule, and what came of it."""

    deployment_id: str = column("Deployment; of two starts of one name the earlier counts.")
    policy_id: str = column("Policy whose versions are compared.")
    doer: str = column("Agent that runs under it.")
    phase: str = column("Phase of the work it is for; null for every phase.", nullable=True)
    deployment_mode: str = column("Shadow serves nobody; canary serves a share of the units.", isin=MODES)
    status: str = column("Whether it still runs.", isin=("running", "ended"))
    control_version: str = column("Version the candidates are compared with.")
    candidate_versions: Words = column("Versions that are tried, in the order they were given, each once.")
    candidate_shares: Figures = column(
        "Share of the units of each candidate, in their order; null where it was not told as a share in [0, 1]."
    )
    unit_name: str = column("What is randomised, such as user or project.")
    salt: str = column("Text that is hashed with the unit.")
    horizon_nights: pl.Int64 = column("Nights after which it is decided at the latest.", ge=1)
    minimum_units: pl.Int64 = count("Units that the smaller arm must have before a verdict.")
    alpha: float = rate("Chance of a false promotion over all nightly checks and candidates.")
    method: str = column("How that chance is spent over the nightly checks.", isin=METHODS)
    max_loss_increase: float = rate("Increase of the mean loss that is tolerated.")
    guardrail_metrics: Words = column("Metrics that a candidate may not make worse; those not known are left out.")
    guardrail_margins: Figures = column("Increase of each that is tolerated, in their order.")
    settings_guardrails: Words = column(
        "Those of them that only the settings name: they count where the control told the metric in the last 30 days."
    )
    auto_promote: bool = column("The night promotes by itself on a verdict to promote.")
    auto_rollback: bool = column("The night rolls back by itself on a verdict to roll back.")
    started_at: Instant = column("When it was started.")
    started_by: str = column("Who started it.")
    ended_at: Instant = column("When it ended; null while it runs.", nullable=True)
    result: str = column("What came of it; null while it runs.", nullable=True, isin=RESULTS)
    ended_by: str = column("Who ended it: a person, or the night; null while it runs.", nullable=True)
    reason: str = column("Why it ended, or while it runs why it was started; null where not told.", nullable=True)
    looks_count: pl.Int64 = count(
        "Looks so far: days that are over, from that of the start to that of the end, at most the horizon."
    )


@table(
    layer="gold",
    grain=("tenant_id", "deployment_id", "policy_version", "unit_id", "event_date"),
    partition="event_date",
)
class DeploymentRoutings(OfTenant):
    """One unit that was routed to a version of a shadow or canary on one day, as the application logged it."""

    deployment_id: str = column("Deployment it was routed in.")
    policy_version: str = column("Version it was routed to.")
    unit_id: str = column("What was routed.")
    event_date: pl.Date = column("UTC date of the routings, by which the table is partitioned.")
    first_at: Instant = column("When it was routed there first on that day.")
    routings: pl.Int64 = column("Times that it was.", ge=1)


class _UnitDay(OfTenant):
    deployment_id: str = column("Deployment the runs belong to.")
    policy_version: str = column("Version they ran under: the control or a candidate.")
    unit_id: str = column("What was randomised; null for runs that name none, which no check counts.", nullable=True)
    phase: str = column("Phase of the runs; null where not given.", nullable=True)
    segment: str = column("Segment of the runs; null where not given.", nullable=True)
    event_date: pl.Date = column("UTC date of the runs.")
    runs: pl.Int64 = count("Runs; 0 where the unit was only routed.")
    n: pl.Int64 = count("Runs with a loss.")
    failed: pl.Int64 = count("Runs that ended in error, timeout or crash and told no gates.")
    routings: pl.Int64 = count("Times that the unit was routed there on the day before, where the application logs it.")
    loss_micros: pl.Int64 = count("Sum of the losses, in millionths.")


def _canary_units() -> type[Table]:
    columns: dict[str, tuple[Any, Any]] = {}
    for metric in METRICS:
        columns[f"{metric}_n"] = (pl.Int64, count(f"Runs that tell {metric}."))
        columns[f"{metric}_micros"] = (
            pl.Int64,
            count(f"Sum of {metric}, each run's up to a million, in millionths."),
        )
    columns |= {
        "history_n": (
            pl.Int64,
            count("Runs of the unit with a loss before the start, in the days of the settings; same in all its rows."),
        ),
        "history_micros": (pl.Int64, count("Sum of their losses, in millionths.")),
    }
    grain = ("tenant_id", "deployment_id", "policy_version", "unit_id", "phase", "segment", "event_date")
    meaning = "The runs of one unit under one version of a deployment on one day; sums that add up."
    return table(layer="gold", grain=grain)(
        build_class("CanaryUnits", meaning, columns, module=__name__, base=_UnitDay)
    )


CanaryUnits = _canary_units()


class _Candidate(OfTenant):
    """Columns that say which candidate of a deployment it is."""

    deployment_id: str = column("Deployment.")
    policy_version: str = column("Candidate.", label="Candidate")


@table(layer="gold", grain=("tenant_id", "deployment_id", "policy_version", "look"))
class CanaryLooks(_Candidate):
    """One candidate of a deployment as one night saw it: figures, test, verdict and its reason."""

    look: pl.Int64 = column("Number of the nightly check, from 1: nights since the start.", ge=1)
    looked_on: pl.Date = column("UTC date up to whose end runs count.")
    deployment_mode: str = column("Shadow or canary.", isin=MODES)
    policy_id: str = column("Policy whose versions are compared.")
    doer: str = column("Agent that runs under it.")
    control_version: str = column("Version the candidate is compared with.")
    runs: pl.Int64 = count("Runs of the candidate so far.")
    runs_control: pl.Int64 = count("Runs of the control so far.", label="Of the control")
    runs_without_unit: pl.Int64 = count(
        "Runs of both so far that name no unit: they were not randomised, and are left out."
    )
    runs_failed: pl.Int64 = count(
        "Runs of the candidate so far that ended in error, timeout or crash and told no gates: their gates term is 1.",
        label="Failed",
    )
    runs_failed_control: pl.Int64 = count("The same of the control.", label="Of the control")
    runs_without_loss: pl.Int64 = count("Runs of the candidate so far that have no loss.", label="Without a loss")
    runs_without_loss_control: pl.Int64 = count("The same of the control.", label="Of the control")
    units_without_loss: pl.Int64 = count(
        "Units of the candidate so far that ran, or were routed to it until the day before, and have no loss."
    )
    units_without_loss_control: pl.Int64 = count("The same of the control.")
    units_not_run: pl.Int64 = count("Units of the candidate that were routed to it until the day before and never ran.")
    units_not_run_control: pl.Int64 = count("The same of the control.")
    missing_share: pl.Float64 = rate(
        "Mean over units of the candidate of the share of their runs, or of their routings where these are more, without a loss.",
        nullable=True,
    )
    missing_share_control: pl.Float64 = rate("The same of the control.", nullable=True)
    units: pl.Int64 = count("Units of the candidate with a loss so far; in a shadow with pairs, units under both.")
    units_control: pl.Int64 = count(
        "Units of the control with a loss so far; in a shadow with pairs as `units`.", label="Of the control"
    )
    units_mixed: pl.Int64 = count(
        "Units of a canary seen under more than one of its versions, which are left out; 0 for a shadow.",
        label="Units in several arms",
    )
    units_misrouted: pl.Int64 = count(
        "Units of a canary seen under another version than the one their hash says. They count. 0 for a shadow, and where "
        "the shares are not known.",
        label="Units in another arm",
    )
    mean_loss: float = column(
        "Mean loss of the candidate's units, less what their own past explains; null without a unit.",
        nullable=True,
        format="loss",
    )
    mean_loss_control: float = column(
        "The same of the control's units; null without a unit.", nullable=True, label="Of the control", format="loss"
    )
    effect: float = column(
        "Mean loss less that of the control: below 0 is better; null while an arm is empty.",
        nullable=True,
        format="effect",
    )
    ci_low: float = column(
        "Lower end of its interval by Welch, true for one check alone; null where there is no spread.",
        nullable=True,
        label="That night alone, lower end",
        format="effect",
    )
    ci_high: float = column(
        "Upper end of it; null where the lower is.", nullable=True, label="That night alone, upper end", format="effect"
    )
    sequential_ci_low: float = column(
        "Lower end of its interval that is true on all nights together; null below the minimum of units.",
        nullable=True,
        label="On all nights, lower end",
        format="effect",
    )
    sequential_ci_high: float = column(
        "Upper end of it; null where the lower is.", nullable=True, label="On all nights, upper end", format="effect"
    )
    lift: float = column(
        "Effect over the mean loss of the control; null where that is 0 or less.", nullable=True, format="lift"
    )
    lift_ci_low: float = column(
        "Lower end of its interval (delta method), true for one check alone; null in a shadow with pairs.",
        nullable=True,
    )
    lift_ci_high: float = column("Upper end of it; null where the lower is.", nullable=True)
    p_value: float = rate(
        "Two-sided p by Welch, true for one check alone; null where there is no spread.",
        nullable=True,
        label="t-test",
        format="p",
    )
    p_always_valid: float = rate(
        "Smallest p so far that holds although it is looked at every night; null below the minimum of units.",
        nullable=True,
    )
    alpha_spent: float = rate(
        "Chance of a false promotion used up by this check; null by the method always_valid, which spends none by night.",
        nullable=True,
    )
    boundary_p: float = rate(
        "Level that p is held against on this night: the candidate's part of alpha. Candidates that have not crossed share it "
        "(Holm). 0 where nothing is spent; null below the minimum of units.",
        nullable=True,
        label="Boundary",
        format="p",
    )
    p_boundary: float = rate(
        "The p that is held against it: two-sided, of the effect by the larger standard error. In a shadow, of the effect "
        "less the tolerated increase. By the method always_valid, an always-valid p. Null below the minimum of units.",
        nullable=True,
        label="p held",
        format="p",
    )
    crossed_on_look: pl.Int64 = column(
        "First check so far at which that p was at most the level and the effect on the good side; null before.",
        nullable=True,
        ge=1,
    )
    shrunk_effect: float = column(
        "Effect drawn toward 0 as if effects were about as large as the tolerated increase: read early, the raw one is "
        "too large. Null where none is tolerated, or without a standard error.",
        nullable=True,
    )
    cuped_explained: float = rate("Share of the variance that the units' own past took off; 0 where it is not used.")
    sample_ratio_p: float = rate(
        "p of the sizes of all arms against the allocation. Null for a shadow, and where the shares are not known.",
        nullable=True,
        label="Sample-ratio p",
        format="q",
    )
    runs_ratio_p: float = rate(
        "p of the runs a unit (by their logarithm) against those of the control's units. Null for a shadow, and below 10 "
        "units.",
        nullable=True,
        label="Runs-a-unit p",
        format="q",
    )
    missing_p: float = rate(
        "p of the share of runs without a loss, a mean over units, against that of the control. Null below 10 units.",
        nullable=True,
        label="Missing p",
        format="q",
    )
    guardrails: str = column(
        "JSON list of the guardrails: metric, margin, units, units_control, effect, lower and upper, verdict, and since which "
        "night it is broken. Lower and upper are one-sided ends that hold on all nights together. The verdict is held, "
        "broken, unclear or left_out."
    )
    guardrails_broken: Words = column("Metrics whose guardrail is broken, on this night or one before it.")
    guardrails_left_out: Words = column(
        "Metrics that only the settings name and no run of the control told in the last 30 days: they do not count."
    )
    power_so_far: float = rate(
        "Chance that an effect as large as the tolerated increase, for the better, would have crossed by now; null where "
        "none is tolerated, or below the minimum of units.",
        nullable=True,
    )
    nights_needed: float = column(
        "Nights still needed to see such an effect with power 0.8, if they go on as those so far; null where the power is.",
        unit="nights",
        nullable=True,
        ge=0,
    )
    verdict: str = column("What this night says.", isin=VERDICTS, format="verdict")
    reason: str = column("Why, in a sentence with its numbers.")


@table(layer="gold", grain=("tenant_id", "deployment_id", "policy_version", "dimension", "value"))
class CanarySegments(_Candidate):
    """One candidate of a canary in one part of its units, at the latest check."""

    dimension: str = column("By what the units are taken apart.", isin=DIMENSIONS)
    value: str = column("Phase or segment.")
    look: pl.Int64 = column("Latest check.", ge=1)
    units: pl.Int64 = count("Units of the candidate with a loss in this part.")
    units_control: pl.Int64 = count("Units of the control with a loss in this part.", label="Of the control")
    effect: float = column(
        "Mean loss less that of the control; null while an arm is empty.", nullable=True, format="effect"
    )
    shrunk_effect: float = column(
        "Effect drawn toward the mean of the parts of its dimension, by how far they spread beyond chance. Null without a "
        "standard error.",
        nullable=True,
        label="Shrunk effect",
        format="effect",
    )
    p_always_valid: float = rate(
        "Smallest p so far that holds although somebody looks every night. Null below the minimum of units.",
        nullable=True,
        label="p, always valid",
        format="q",
    )
    q_value: float = rate(
        "The same, corrected for the number of parts of all dimensions (Benjamini-Hochberg); null where it is.",
        nullable=True,
        label="q-value",
        format="q",
    )
    verdict: str = column("What is known of the part.", isin=SEGMENT_VERDICTS, format="verdict")
