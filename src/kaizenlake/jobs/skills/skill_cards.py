"""What is known of a doer? One row each: how much it ran, what it is good and bad at, and what to try next."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.runs._loss_sums import MICRO, mean
from kaizenlake.jobs.runs.crl_trends import is_recent
from kaizenlake.jobs.skills._card_rules import BETTER, WORSE, before_card, in_card, units_without_loss, with_card_end
from kaizenlake.jobs.skills.skill_terms import KINDS
from kaizenlake.parameters import WEIGHTS, Skills
from kaizenlake.tables import (
    Crl,
    CrlDaily,
    CrlTrends,
    Experiments,
    LearningProgress,
    Policies,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
)

DOER = ["tenant_id", "doer"]

EXPERIMENT_FOR = {
    "gates": "prompt_synthesis",
    "contradictions": "prompt_synthesis",
    "grounding": "rag_optimization",
    "cost": "tool_tuning",
    "latency": "tool_tuning",
    "security": "adapter_training",
    "api": "tool_tuning",
    "migration": "tool_tuning",
    "rag": "rag_optimization",
}
"""Experiment that can lower each of the nine terms: what the model is told, what it finds, what it calls, what it has learned."""

OTHERWISE = "prompt_synthesis"
"""Experiment for a term of a team's own, and where no term is to blame."""

assert tuple(EXPERIMENT_FOR) == tuple(WEIGHTS)


@job(
    reads=(
        Crl,
        CrlDaily,
        CrlTrends,
        SkillTerms,
        SkillModels,
        SkillFailures,
        LearningProgress,
        Policies,
        Experiments,
    ),
    writes=SkillCards,
)
def skill_cards(
    crl: pl.LazyFrame,
    crl_daily: pl.LazyFrame,
    crl_trends: pl.LazyFrame,
    skill_terms: pl.LazyFrame,
    skill_models: pl.LazyFrame,
    skill_failures: pl.LazyFrame,
    learning_progress: pl.LazyFrame,
    policies: pl.LazyFrame,
    experiments: pl.LazyFrame,
    *,
    as_of: datetime,
    skills: Skills = Skills(),
) -> pl.LazyFrame:
    """Put together what is known of each doer that ever ran, and propose an experiment where it degrades or has a weakness.

    The type of the experiment follows from the term that it should lower, by `EXPERIMENT_FOR`.

    Args:
        crl: Losses of runs, for the units without one.
        crl_daily: Sums of losses by day.
        crl_trends: Losses over time.
        skill_terms: Terms against the other doers and the past.
        skill_models: Models at equal cost.
        skill_failures: Failure modes.
        learning_progress: Versions of policies by day, of which the latest is taken where no policy is active.
        policies: Versions of policies; the active one is the current one.
        as_of: Days that begin from this instant on do not count.
        skills: Days of a card, and how many experiments it lists.
    """
    known = pl.col("event_date").cast(pl.Datetime("us", "UTC")) < as_of
    trend = {"direction": pl.col("direction").fill_null("unclear"), "alert": pl.col("alert")}
    degrading = pl.col("direction") == "degrading"
    weak = pl.col("weaknesses").list.len() > 0
    first_weakness = pl.col("weaknesses").list.first()
    return (
        _select_amounts(crl_daily.filter(known), as_of, skills.days)
        .join(_select_trends(crl_trends.filter(known), as_of, skills.days), on=DOER, how="left", nulls_equal=True)
        .join(_select_missing(crl, as_of, skills.days), on=DOER, how="left", nulls_equal=True)
        .join(_select_terms(skill_terms), on=DOER, how="left", nulls_equal=True)
        .join(_select_models(skill_models), on=DOER, how="left", nulls_equal=True)
        .join(_select_failures(skill_failures), on=DOER, how="left", nulls_equal=True)
        .join(
            _select_policies(learning_progress.filter(known), policies),
            on=DOER,
            how="left",
            nulls_equal=True,
        )
        .join(
            _select_experiments(experiments, skills.experiments),
            on=DOER,
            how="left",
            nulls_equal=True,
        )
        .with_columns(
            pl.col("strengths", "weaknesses", "not_observed", "experiments").fill_null([]),
            pl.col("active_policies", "units_without_loss").fill_null(0),
            policy_age_days=(pl.col("last_day") - pl.col("policy_since")).dt.total_days().clip(lower_bound=0),
            **trend,
        )
        .with_columns(
            next_because=pl.when(weak & degrading)
            .then(pl.lit("both"))
            .when(weak)
            .then(pl.lit("weakness"))
            .when(degrading)
            .then(pl.lit("degrading"))
        )
        .with_columns(next_term=pl.when(weak | degrading).then(pl.coalesce(first_weakness, "grown")))
        .with_columns(
            next_experiment=pl.when(weak | degrading).then(
                pl.col("next_term").replace_strict(EXPERIMENT_FOR, default=OTHERWISE, return_dtype=pl.String)
            )
        )
        .sort(DOER)
    )


def _select_amounts(crl_daily: pl.LazyFrame, as_of: datetime, days: int) -> pl.LazyFrame:
    """Return how much each doer ran, in the days of its card and in those before."""
    now, past = in_card(days), before_card(days)
    summed = (
        with_card_end(crl_daily, as_of, days)
        .group_by(DOER)
        .agg(
            pl.col("card_end").first().alias("last_day"),
            pl.col("runs", "n", "loss_micros", "coverage_micros").filter(now).sum(),
            runs_before=pl.col("runs").filter(past).sum(),
            last_run_date=pl.col("event_date").max(),
        )
    )
    covered = pl.when(pl.col("n") > 0).then(pl.col("coverage_micros") / (pl.col("n") * MICRO))
    return summed.with_columns(
        first_day=pl.col("last_day") - timedelta(days=days - 1),
        mean_loss=mean(),
        mean_coverage=covered.clip(0.0, 1.0),
    )


def _select_missing(crl: pl.LazyFrame, as_of: datetime, days: int) -> pl.LazyFrame:
    """Count the units of each doer none of whose runs in the days of its card has a loss."""
    known = with_card_end(crl.filter(pl.col("occurred_at") < as_of), as_of, days)
    return units_without_loss(known.filter(in_card(days)), DOER)


def _select_trends(crl_trends: pl.LazyFrame, as_of: datetime, days: int) -> pl.LazyFrame:
    """Return where the loss of each doer goes, on its latest day; what lies before the days of the card is no news.

    A doer that did not run lately is not degrading: its alert is told no more either.
    """
    stale = (pl.col("direction") == "degrading") & ~is_recent(as_of)
    changes = (f"change_{window}d{end}" for window in (7, 30) for end in ("", "_ci_low", "_ci_high"))
    return (
        with_card_end(crl_trends.filter(pl.col("cut") == "all"), as_of, days)
        .filter(in_card(days))
        .filter(pl.col("event_date") == pl.col("event_date").max().over(DOER))
        .with_columns(direction=pl.when(stale).then(pl.lit("unclear")).otherwise("direction"))
        .select(*DOER, *changes, "direction", "alert")
    )


def _select_terms(skill_terms: pl.LazyFrame) -> pl.LazyFrame:
    """Return strengths, weaknesses and unobserved terms of each doer, and the term that grew most."""
    return (
        skill_terms.with_columns(
            strong=pl.when(pl.col("verdict") == BETTER).then(_size(BETTER)),
            weak=pl.when(pl.col("verdict") == WORSE).then(_size(WORSE)),
            grew=pl.when(pl.col("past_difference") > 0.0).then("past_difference"),
        )
        .group_by(DOER)
        .agg(
            strengths=_compute_largest("strong"),
            weaknesses=_compute_largest("weak"),
            not_observed=pl.col("term").filter(pl.col("n") == 0).sort(),
            grown=_compute_largest("grew").first(),
        )
    )


def _size(verdict: str) -> pl.Expr:
    """Return the larger of the differences that say a verdict."""
    said = (pl.when(pl.col(f"{kind}_verdict") == verdict).then(f"{kind}_difference") for kind in KINDS)
    return pl.max_horizontal(difference.abs() for difference in said)


def _compute_largest(size: str) -> pl.Expr:
    """Return terms of which a size is known, the largest first."""
    known = pl.col(size).is_not_null()
    names, sizes = (pl.col(name).filter(known) for name in ("term", size))
    return names.sort_by(sizes, names, descending=[True, False])


def _select_models(skill_models: pl.LazyFrame) -> pl.LazyFrame:
    """Return the best model of each doer, where one is better for certain."""
    better = skill_models.filter(pl.col("verdict") == BETTER)
    return better.group_by(DOER).agg(best_model=pl.col("model").sort_by("place", "model").first())


def _select_failures(skill_failures: pl.LazyFrame) -> pl.LazyFrame:
    """Return the most frequent way of failing of each doer."""
    order = pl.col("failure_mode").sort_by("failed", "failure_mode", descending=[True, False])
    return skill_failures.filter(pl.col("failed") > 0).group_by(DOER).agg(main_failure=order.first())


def _select_policies(learning_progress: pl.LazyFrame, policies: pl.LazyFrame) -> pl.LazyFrame:
    """Return the policy that each doer runs under: an active one, else that of its latest runs.

    Of several active ones that of every phase comes first, then the one that is so for longest.
    """
    named = ("policy_id", "policy_version")
    active = (
        policies.filter(pl.col("status") == "active")
        .select(*DOER, *named, policy_since=pl.col("status_since").dt.date(), of_a_phase=pl.col("phase").is_not_null())
        .group_by(DOER)
        .agg(
            pl.col(*named, "policy_since").sort_by("of_a_phase", "policy_since", *named).first(),
            active_policies=pl.len().cast(pl.Int64),
        )
        .with_columns(policy_from=pl.lit("policies"))
    )
    order = ("event_date", "version_number", *named)
    ran = (
        learning_progress.with_columns(policy_since=pl.col("event_date") - pl.duration(days="age_days"))
        .group_by(DOER)
        .agg(pl.col(*named, "policy_since").sort_by(order).last())
        .with_columns(policy_from=pl.lit("runs"), active_policies=pl.lit(0, dtype=pl.Int64))
    )
    columns = (*DOER, *named, "policy_since", "policy_from", "active_policies")
    unnamed = ran.join(active, on=DOER, how="anti", nulls_equal=True)
    return pl.concat([active.select(columns), unnamed.select(columns)])


def _select_experiments(experiments: pl.LazyFrame, most: int) -> pl.LazyFrame:
    """Return the latest experiments of each doer, the newest first."""
    at = pl.coalesce("started_at", "ended_at")
    order = pl.col("experiment_id").sort_by(at, "experiment_id", descending=True)
    return experiments.group_by(DOER).agg(experiments=order.head(most))
