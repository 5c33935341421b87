"""Gold tables of skill cards: what each agent is good and bad at, with which models, how it fails, and what to try next."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import OfTenant, Words, column, count, rate, table
from kaizenlake.tables.loss import DIRECTIONS
from kaizenlake.vocabulary import ExperimentCause, ExperimentType, PolicyOrigin, TermVerdict, Trend

VERDICTS: tuple[str, ...] = get_args(TermVerdict)
TRENDS: tuple[str, ...] = get_args(Trend)
EXPERIMENT_TYPES: tuple[str, ...] = get_args(ExperimentType)
ORIGINS: tuple[str, ...] = get_args(PolicyOrigin)
CAUSES: tuple[str, ...] = get_args(ExperimentCause)


@table(layer="gold", grain=("tenant_id", "event_date", "doer", "phase", "model", "term"), partition="event_date")
class CrlTermsDaily(OfTenant):
    """One term of the loss on one day, for one agent, phase and model; sums that add up. Unobserved terms have a row too."""

    event_date: pl.Date = column("UTC date of the runs, by which the table is partitioned.")
    doer: str = column("Agent that did the runs.")
    phase: str = column("Phase of the work; null where not given.", nullable=True)
    model: str = column("Model; null where not given.", nullable=True)
    term: str = column("Term of the loss: one of the nine, or one of the team's own.")
    runs: pl.Int64 = column("Runs, whether the term was observed or not.", ge=1)
    n: pl.Int64 = count("Runs in which the term was observed.")
    term_micros: pl.Int64 = count("Sum of the term, in millionths.")
    square_high: pl.Int64 = count("Sum of the squared millionths: whole millions of each run's square.")
    square_low: pl.Int64 = count("Sum of the squared millionths: what each run's square has beyond whole millions.")
    weight_micros: pl.Int64 = count("Sum of the weights that the term has among all terms, in millionths.")
    contribution_micros: pl.Int64 = count("Sum of what it contributed to the losses, in millionths.")


class _OfADoer(OfTenant):
    """Columns that say whose runs they are."""

    doer: str = column("Agent that did the runs.")


@table(layer="gold", grain=("tenant_id", "doer", "term"))
class SkillTerms(_OfADoer):
    """One term of the loss of one agent in the days of its card, against the other agents of its tenant and against the days before.

    A difference is that of the term's means times the weight that the term has for the agent among all terms: what it is
    worth in loss when everything is observed, whatever others weigh and whatever they observe. Each run counts as one
    independent observation.
    """

    term: str = column("Term of the loss: one of the nine, or one of the team's own.")
    runs: pl.Int64 = count("Runs of the agent in the days of its card (setting `skills.days`).")
    n: pl.Int64 = count("Those in which the term was observed.", label="Runs")
    observed_rate: float = rate("n over runs; null without runs.", nullable=True)
    weight: float = rate("Mean weight of the term among all terms; null where it was not observed.", nullable=True)
    mean_term: float = rate(
        "Mean of the term, 0 best and 1 worst; null where it was not observed.",
        nullable=True,
        label="Mean",
        format="loss",
    )
    mean_contribution: float = rate(
        "Mean part of the loss that it made in those n runs, with the weights used; null without.", nullable=True
    )
    loss_share_rate: float = rate(
        "Part of all loss of the agent in the days of its card that the term made; null where not observed, or without any loss.",
        nullable=True,
        label="Part of loss",
    )
    n_fleet: pl.Int64 = count("Runs of other agents of the tenant in the same days in which the term was observed.")
    fleet_mean_term: float = rate("Mean of the term over those; null without.", nullable=True)
    fleet_difference: float = column(
        "Mean of the agent less that of the others, times the weight; below 0 is better; null where a side has none.",
        nullable=True,
        ge=-1,
        le=1,
    )
    fleet_ci_low: float = column(
        "Lower end of its interval (the larger of Welch's and the pooled standard error); null below two runs on a side "
        "or without spread.",
        nullable=True,
    )
    fleet_ci_high: float = column("Upper end of its interval; null where the lower is.", nullable=True)
    fleet_p_value: float = rate("Two-sided p of no difference; null where the interval is.", nullable=True)
    fleet_q_value: float = rate(
        "p corrected for all comparisons of its tenant (Benjamini-Hochberg); null where p is.", nullable=True
    )
    fleet_verdict: str = column(
        "Against the others: strength or weakness where q, interval and size say so, with enough runs on both sides; even "
        "where the interval lies within what matters; else unclear.",
        isin=VERDICTS,
    )
    n_past: pl.Int64 = count("Runs of the agent in as many days before in which the term was observed.")
    past_mean_term: float = rate("Mean of the term over those; null without.", nullable=True)
    past_difference: float = column(
        "Mean of the days of the card less that of the days before, times the weight; null where a side has none.",
        nullable=True,
        ge=-1,
        le=1,
    )
    past_ci_low: float = column("Lower end of its interval; null as that against the others.", nullable=True)
    past_ci_high: float = column("Upper end of its interval; null where the lower is.", nullable=True)
    past_p_value: float = rate("Two-sided p of no difference; null where the interval is.", nullable=True)
    past_q_value: float = rate("p corrected as that against the others; null where p is.", nullable=True)
    past_verdict: str = column("Against its own past, by the same rule.", isin=VERDICTS)
    verdict: str = column(
        "Both together: a strength or a weakness where one says so and the other does not say the opposite; even where the "
        "others (without others the past) are; else unclear.",
        isin=VERDICTS,
        format="verdict",
    )


@table(layer="gold", grain=("tenant_id", "doer", "model"))
class SkillModels(_OfADoer):
    """One model that an agent called in the days of its card: its loss, and its loss at equal cost against the other models.

    Equal cost: the runs are put into bands of cost, each up to twice as dear as it begins, and the model is set against the
    doer's other models band by band, by least squares on a constant per band; bands with one side alone say nothing. A cost
    of 0 or none is unknown. Models were chosen, not drawn: what is compared was observed, and something else may explain it.
    """

    model: str = column("Model that it called.")
    runs: pl.Int64 = column("Runs with the model in the days of its card (setting `skills.days`).", ge=1)
    n: pl.Int64 = count("Those that have a loss.")
    units_without_loss: pl.Int64 = count("Units none of whose runs with the model has a loss.")
    mean_loss: float = rate("Mean loss; null without a run that has one.", nullable=True, format="loss")
    ci_low: float = rate("Lower end of its interval (t); null below two runs or without spread.", nullable=True)
    ci_high: float = rate("Upper end of its interval; null where the lower is.", nullable=True)
    costed: pl.Int64 = count("Runs with a loss and a known cost, above 0.")
    mean_cost_usd: float = column(
        "Mean known cost; null without one.", unit="usd", nullable=True, ge=0, label="Cost, USD"
    )
    compared: pl.Int64 = count("Runs in bands of cost in which other models ran too.")
    compared_others: pl.Int64 = count("Runs of the other models in those bands.")
    equal_cost_loss: float = rate("Mean loss over those bands; null where none is shared.", nullable=True)
    equal_cost_others: float = rate(
        "Mean loss of the other models over them; null where none is shared.", nullable=True
    )
    equal_cost_difference: float = column(
        "The one less the other, below 0 is better; null where no band is shared.",
        nullable=True,
        ge=-1,
        le=1,
        label="At equal cost",
        format="effect",
    )
    equal_cost_ci_low: float = column(
        "Lower end of its interval (t); null without a degree of freedom or spread within bands.",
        nullable=True,
        label="At equal cost, lower end",
        format="effect",
    )
    equal_cost_ci_high: float = column(
        "Upper end of its interval; null where the lower is.",
        nullable=True,
        label="At equal cost, upper end",
        format="effect",
    )
    equal_cost_p_value: float = rate("Two-sided p of no difference; null where the interval is.", nullable=True)
    equal_cost_q_value: float = rate(
        "p corrected for the models of its tenant (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )
    place: pl.Int64 = column(
        "Place among the agent's models by the difference at equal cost, from 1; null where that is, or with few runs.",
        nullable=True,
        ge=1,
    )
    verdict: str = column(
        "Against the agent's other models at equal cost, as of terms.", isin=VERDICTS, format="verdict"
    )


@table(layer="gold", grain=("tenant_id", "doer", "failure_mode"))
class SkillFailures(_OfADoer):
    """One way in which the runs of an agent failed in the days of its card or in as many days before, with its share and trend."""

    failure_mode: str = column("Way in which they failed, as the application names it.", label="Failure")
    runs: pl.Int64 = count("Runs of the agent in the days of its card (setting `skills.days`).")
    failed: pl.Int64 = count("Those that failed in this way.", label="Runs")
    failed_rate: float = rate("failed over runs; null without runs.", nullable=True, label="Share")
    ci_low: float = rate(
        "Lower end of its interval (Wilson); null without runs.", nullable=True, label="Interval, lower end"
    )
    ci_high: float = rate("Upper end of its interval; null without runs.", nullable=True, label="Interval, upper end")
    runs_before: pl.Int64 = count("Runs in as many days before.")
    failed_before: pl.Int64 = count("Those that failed in this way.")
    failed_before_rate: float = rate(
        "failed_before over runs_before; null without runs.", nullable=True, label="Before"
    )
    change: float = column(
        "Rate of the days of the card less that before; null without one.", nullable=True, ge=-1, le=1, format="points"
    )
    change_ci_low: float = column(
        "Lower end of its interval (Newcombe); null where the change is.",
        nullable=True,
        label="Change, lower end",
        format="points",
    )
    change_ci_high: float = column(
        "Upper end of its interval; null where the change is.",
        nullable=True,
        label="Change, upper end",
        format="points",
    )
    p_value: float = rate(
        "Two-sided p of no change (score test, Fisher's where counts are few); null as it.", nullable=True
    )
    q_value: float = rate(
        "p corrected for all rows of its tenant (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )
    trend: str = column(
        "Rising or falling where q and interval say so with enough runs in both; else unclear.",
        isin=TRENDS,
        format="verdict",
    )


@table(layer="gold", grain=("tenant_id", "doer"))
class SkillCards(OfTenant):
    """One agent: how much is known of it, what it is good and bad at, where its loss goes, and what to try next."""

    doer: str = column("Agent.")
    first_day: pl.Date = column("First of the days that the card covers (setting `skills.days`).")
    last_day: pl.Date = column(
        "Last of them: the last day that counts, or of an agent that did not run in the days up to it, the day of its latest run."
    )
    runs: pl.Int64 = count("Runs in these days.")
    n: pl.Int64 = count("Those that have a loss: the sample size.", label="Runs")
    units_without_loss: pl.Int64 = count("Units none of whose runs in these days has a loss.")
    runs_before: pl.Int64 = count("Runs in as many days before.")
    last_run_date: pl.Date = column("Day of its latest run.")
    mean_loss: float = rate("Mean loss; null without a run that has one.", nullable=True, format="loss")
    mean_coverage: float = rate(
        "Mean weight of what was observed; null where the loss is.", nullable=True, label="Observed"
    )
    change_7d: float = column(
        "Change of the mean loss over 7 days, at the latest day with runs; null as in crl_trends, and without runs.",
        nullable=True,
        label="7 days",
        format="effect",
    )
    change_7d_ci_low: float = column("Lower end of its interval; null as in crl_trends.", nullable=True)
    change_7d_ci_high: float = column("Upper end of its interval; null where the lower is.", nullable=True)
    change_30d: float = column(
        "Change of the mean loss over 30 days, as that over 7.", nullable=True, label="30 days", format="effect"
    )
    change_30d_ci_low: float = column("Lower end of its interval; null as in crl_trends.", nullable=True)
    change_30d_ci_high: float = column("Upper end of its interval; null where the lower is.", nullable=True)
    direction: str = column(
        "Where its loss goes at the latest of these days with runs; unclear without one.",
        isin=DIRECTIONS,
        format="verdict",
    )
    alert: bool = column(
        "The control chart of its loss raised an alert on its latest day; null where there is no chart.", nullable=True
    )
    strengths: Words = column("Terms that are a strength, the largest first.")
    weaknesses: Words = column("Terms that are a weakness, the largest first.")
    not_observed: Words = column("Terms that no run of these days told: of them nothing is known.")
    best_model: str = column(
        "Model that loses least at equal cost, and less than the others do for certain; null where none does.",
        nullable=True,
    )
    main_failure: str = column("Most frequent way of failing in these days; null where none was told.", nullable=True)
    policy_id: str = column(
        "Policy that is active for it, else that of its latest runs; null where neither is known.", nullable=True
    )
    policy_version: str = column("Version of that policy; null where the policy is.", nullable=True)
    policy_from: str = column(
        "Where that is known from: the table of policies, or its runs alone; null where the policy is.",
        isin=ORIGINS,
        nullable=True,
    )
    policy_since: pl.Date = column(
        "Day since which it is active, or first day of its runs; null where the policy is.", nullable=True
    )
    policy_age_days: pl.Int64 = count(
        "Days from then to the last day, 0 where no run came since; null where the policy is.", nullable=True
    )
    active_policies: pl.Int64 = count("Policies that are active for it: of several, one per phase, the card names one.")
    experiments: Words = column("Its latest experiments (setting `skills.experiments`), the newest first.")
    next_experiment: str = column(
        "Type of experiment to try next; null where the agent neither degrades nor has a weakness.",
        isin=EXPERIMENT_TYPES,
        nullable=True,
    )
    next_term: str = column(
        "Term that it should lower: the largest weakness, else what grew most; null without one.", nullable=True
    )
    next_because: str = column(
        "Why: the loss is degrading, or a weakness stands; null without an experiment.",
        isin=CAUSES,
        nullable=True,
    )
