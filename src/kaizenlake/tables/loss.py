"""Gold tables of agent runs: the loss of each, by day, over time, and by version of the policy."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from kaizenlake.events.catalogue import EVENTS
from kaizenlake.parameters import WEIGHTS
from kaizenlake.tables.base import (
    FIGURES,
    INSTANT,
    WORDS,
    Instant,
    OfTenant,
    Table,
    build_class,
    column,
    count,
    rate,
    table,
    tenant,
)
from kaizenlake.tables.silver import DTYPES
from kaizenlake.vocabulary import Direction, VersionVerdict

CUTS = ("all", "phase", "policy", "model")
DIRECTIONS: tuple[str, ...] = get_args(Direction)
HELPED, HURT, SAME, TOO_EARLY = VERSION_VERDICTS = get_args(VersionVerdict)

TERMS = {
    "gates": "share of the gates not passed, all of them for a run that failed and tells none; null without gates",
    "contradictions": "contradictions, as n / (n + half)",
    "grounding": "share of the claims that the sources do not support",
    "cost": "cost over budget as a share of the budget, clipped; null without a budget above 0",
    "latency": "time over budget as a share of the budget, clipped; null without a budget above 0",
    "security": "critical security findings, as n / (n + half)",
    "api": "broken interfaces, as n / (n + half)",
    "migration": "1 where a database migration failed",
    "rag": "share of the needed sources that retrieval did not find",
}
"""What each of the nine terms is; its columns are `<name>_term`, `<name>_weight` and `<name>_contribution`."""

assert tuple(TERMS) == tuple(WEIGHTS)


def _run_records() -> type[Table]:
    columns: dict[str, tuple[Any, Any]] = {
        "tenant_id": (str, tenant()),
        "run_id": (str, column("Run, as the application names it.")),
        "project_id": (str, column("Project; null where none was given.", nullable=True)),
        "event_id": (str, column("Event that first told that it ended.")),
        "occurred_at": (INSTANT, column("When it first was told to have ended.")),
        "event_date": (pl.Date, column("UTC date of that, by which the table is partitioned.")),
    }
    for field in {field.name: field for event in _TOLD for field in event.fields}.values():
        if field.name not in (*columns, *_OF_SCORES):
            said = column(field.description, unit=field.unit, nullable=True, ge=field.minimum, le=field.maximum)
            columns[field.name] = (DTYPES[field.kind], said)
    columns["doer"] = (str, column("Agent that did the run."))
    columns |= {
        "failed_without_gates": (
            bool,
            column("It ended in error, timeout or crash and tells no gates: it counts as having passed none."),
        ),
        "records": (pl.Int64, column("Events that tell of it: its own and its scores.", ge=1)),
        "first_told_date": (pl.Date, column("UTC date of the first of them.")),
        "last_told_date": (pl.Date, column("UTC date of the last of them.")),
    }
    meaning = "One agent run on the day it ran: of each field the latest word, of its own events and of its scores."
    made = build_class("RunRecords", meaning, columns, module=__name__)
    return table(layer="gold", grain=("tenant_id", "run_id"), partition="event_date")(made)


_TOLD = tuple(event for event in EVENTS if event.name in {"RUN_COMPLETED", "RUN_SCORED"})
_OF_SCORES = ("score_name", "score_value", "score_label", "comment", "span_id")
"""Fields of a single score, of which the latest word says nothing of the run."""

RunRecords = _run_records()


@table(layer="gold", grain=("tenant_id", "scorer"))
class PendingScores(OfTenant):
    """The scores of one scorer whose run has not come: they wait, make no run, and count when it comes."""

    scorer: str = column("Who or what scored; null where a score names nobody.", nullable=True)
    scores: pl.Int64 = column("Scores that wait.", ge=1)
    runs: pl.Int64 = column("Runs that they name.", ge=1)
    first_at: Instant = column("Time of the first of them.")
    last_at: Instant = column("Time of the last of them.")


class _RunColumns(OfTenant):
    run_id: str = column("Run, as the application names it.")
    doer: str = column("Agent that did the run.")
    phase: str = column("Phase of the work; null where not given.", nullable=True)
    project_id: str = column("Project; null where none was given.", nullable=True)
    policy_id: str = column("Policy it ran under; null where not given.", nullable=True)
    policy_version: str = column("Version of that policy; null where not given.", nullable=True)
    model: str = column("Model it called; null where not given.", nullable=True)
    unit_id: str = column("What was randomised; null where nothing was.", nullable=True)
    occurred_at: Instant = column("When the run ended.")
    event_date: pl.Date = column("UTC date of that, by which the table is partitioned.")
    loss: float = rate("Loss of the run, lower is better; null where no term with a weight is known.", nullable=True)


def _crl() -> type[Table]:
    columns: dict[str, tuple[Any, Any]] = {}
    for name, told in TERMS.items():
        columns[f"{name}_term"] = (float, rate(f"Term in the loss: {told}; null where not observed.", nullable=True))
    for name in TERMS:
        said = f"Weight that the term {name} had among those observed; 0 where it was not."
        columns[f"{name}_weight"] = (float, rate(said))
    for name in TERMS:
        said = f"Part of the loss that the term {name} makes: weight times term; null where it was not observed."
        columns[f"{name}_contribution"] = (float, rate(said, nullable=True))
    columns |= {
        "own_names": (WORDS, column("Terms of the team's own, by name; the three lists that follow go with it.")),
        "own_terms": (FIGURES, column("Each own term in the loss, in [0, 1]; null where not observed.")),
        "own_weights": (FIGURES, column("Weight that each had among those observed; 0 where it was not.")),
        "own_contributions": (
            FIGURES,
            column("Part of the loss that each makes: weight times term; null where it was not observed."),
        ),
        "coverage": (float, rate("Weight of the terms that were observed over the weight of all.")),
    }
    made = build_class(
        "Crl", "The composite loss of one run, and what it is made of.", columns, module=__name__, base=_RunColumns
    )
    return table(layer="gold", grain=("tenant_id", "run_id"), partition="event_date")(made)


Crl = _crl()


@table(
    layer="gold",
    grain=("tenant_id", "event_date", "doer", "phase", "policy_id", "policy_version", "model", "bucket"),
    partition="event_date",
)
class CrlDaily(OfTenant):
    """The runs of one day, agent, phase, policy, version and model whose loss lies in one bucket; sums that add up."""

    event_date: pl.Date = column("UTC date of the runs, by which the table is partitioned.")
    doer: str = column("Agent that did the runs.")
    phase: str = column("Phase of the work; null where not given.", nullable=True)
    policy_id: str = column("Policy; null where not given.", nullable=True)
    policy_version: str = column("Version of the policy; null where not given.", nullable=True)
    model: str = column("Model; null where not given.", nullable=True)
    bucket: pl.Int64 = column(
        "Two-hundredth of [0, 1] in which the losses lie, from 0; null for runs without a loss.",
        nullable=True,
        ge=0,
        le=199,
    )
    runs: pl.Int64 = column("Runs.", ge=1)
    n: pl.Int64 = count("Runs with a loss.")
    loss_micros: pl.Int64 = count("Sum of the losses, in millionths.")
    square_high: pl.Int64 = count("Sum of the squared millionths: whole millions of each run's square.")
    square_low: pl.Int64 = count("Sum of the squared millionths: what each run's square has beyond whole millions.")
    coverage_micros: pl.Int64 = count("Sum of the coverage of the runs with a loss, in millionths.")


@table(layer="gold", grain=("tenant_id", "doer", "cut", "value", "event_date"))
class CrlTrends(OfTenant):
    """The loss of one agent on one day, over all its runs or those of one phase, policy or model, and how it moves."""

    doer: str = column("Agent that did the runs.", label="Agent")
    cut: str = column("By what its runs are taken apart.", isin=CUTS)
    value: str = column("The phase, policy or model; `all` for all of its runs.")
    event_date: pl.Date = column("UTC date of the runs; days without a run that has a loss have no row.")
    n: pl.Int64 = column("Runs of the day with a loss.", ge=1)
    mean_loss: float = rate("Mean loss of the day.", format="loss")
    sd_loss: float = column("Standard deviation of the day's losses; null for a single run.", nullable=True, ge=0)
    p50_loss: float = rate("Median of the day's losses, to within 0.005; never beyond the largest.")
    p95_loss: float = rate("95th percentile of the day's losses, likewise.")
    ewma_loss: float = rate(
        "Moving average of the loss, each day weighted by its runs and by age (half-life).",
        label="Loss now",
        format="loss",
    )
    mean_coverage: float = rate("Mean coverage: a loss of another coverage is made of other terms.")
    n_7d: pl.Int64 = column("Runs of the last 7 days, this one included.", ge=1)
    change_7d: float = column(
        "Mean loss of the last 7 days less that of the 7 before; null without runs then.",
        nullable=True,
        ge=-1,
        le=1,
        label="In 7 days",
        format="effect",
    )
    change_7d_ci_low: float = column(
        "Lower end of its interval (errors clustered by day, the larger of Welch's and the pooled); null below two days with "
        "runs on either side, or without spread.",
        nullable=True,
        format="effect",
    )
    change_7d_ci_high: float = column(
        "Upper end of its interval; null where the lower is.", nullable=True, format="effect"
    )
    n_30d: pl.Int64 = column("Runs of the last 30 days, this one included.", ge=1, label="Runs in 30 days")
    change_30d: float = column(
        "Mean loss of the last 30 days less that of the 30 before; null without runs then.",
        nullable=True,
        ge=-1,
        le=1,
        label="In 30 days",
        format="effect",
    )
    change_30d_ci_low: float = column(
        "Lower end of its interval; null as that of 7 days.", nullable=True, format="effect"
    )
    change_30d_ci_high: float = column(
        "Upper end of its interval; null where the lower is.", nullable=True, format="effect"
    )
    direction: str = column(
        "Where the loss goes: degrading while an alarm of the control chart is less than 7 days old; else by the change over 7 "
        "days, or where that is unclear over 30.",
        isin=DIRECTIONS,
        format="verdict",
    )
    level_loss: float = rate(
        "Control chart: mean of the last 7 days, each weighted by how well it is known; null while the baseline is gathered.",
        nullable=True,
    )
    baseline_loss: float = rate("Mean of the baseline, weighted the same; null as the level.", nullable=True)
    rise: float = column("Level less baseline; null as the level.", nullable=True, ge=-1, le=1)
    rise_ci_low: float = column(
        "Lower end of the interval that the limit draws: above 0 on days of an alarm alone; null as the level.",
        nullable=True,
    )
    rise_ci_high: float = column("Upper end of it; null as the level.", nullable=True)
    alert_statistic: float = column(
        "The rise in standard errors, made normal: they hold how runs and days vary, that days lean on each other, and that "
        "the baseline is an estimate; null as the level.",
        nullable=True,
    )
    alert_limit: float = column("Limit above which it raises an alert; null where it is.", nullable=True, ge=0)
    alert: bool = column(
        "The statistic lies above the limit; null where there is no chart.", nullable=True, label="Alarm"
    )
    last_alarm: pl.Date = column("Latest day with an alert up to this one; null without.", nullable=True)
    degrading_since: pl.Date = column(
        "First day of the episode that lasts: alerts not more than 7 days apart are one; null unless degrading.",
        nullable=True,
    )


@table(layer="gold", grain=("tenant_id", "doer", "policy_id", "policy_version", "event_date"))
class LearningProgress(OfTenant):
    """The loss under one version of a policy on one day, so far, and against the version before it."""

    doer: str = column("Agent that ran under it.")
    policy_id: str = column("Policy; null for runs that name a version alone.", nullable=True)
    policy_version: str = column("Version of the policy.")
    version_number: pl.Int64 = column("Place of the version by its first day with the agent, from 1.", ge=1)
    event_date: pl.Date = column("UTC date of the runs; days without a run that has a loss have no row.")
    age_days: pl.Int64 = count("Days since the first day of the version.")
    n: pl.Int64 = column("Runs of the day with a loss.", ge=1)
    mean_loss: float = rate("Mean loss of the day.")
    n_so_far: pl.Int64 = column("Runs under the version up to the day.", ge=1)
    mean_so_far: float = rate("Mean loss under the version up to the day.")
    previous_version: str = column("The version before it; null for the first.", nullable=True)
    previous_mean: float = rate(
        "Mean loss under the version before it, up to the day; null for the first.", nullable=True
    )
    previous_n: pl.Int64 = column(
        "Runs under the version before it, up to the day; null for the first.", nullable=True, ge=1
    )
    change: float = column("Mean so far less the previous mean; null for the first.", nullable=True, ge=-1, le=1)
    change_ci_low: float = column(
        "Lower end of its interval (errors clustered by day, the larger of Welch's and the pooled); null below two days with "
        "runs on either side, or without spread.",
        nullable=True,
    )
    change_ci_high: float = column("Upper end of its interval; null where the lower is.", nullable=True)
    verdict: str = column(
        "Against the version before it: helped or hurt where the interval leaves out 0, no_difference where it holds 0 and lies "
        "within the setting `trends.small_difference`, else or with few runs too_early; null for the first.",
        nullable=True,
        isin=VERSION_VERDICTS,
    )
