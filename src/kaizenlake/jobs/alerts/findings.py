"""What do the tables say? Findings: each with its figures, its verdict and its one sentence."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs import _finding_words as words
from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs.alerts._canary_findings import KEPT, of_canaries, of_rollbacks
from kaizenlake.jobs.alerts._content_findings import of_best, of_briefs, of_patterns, of_sources, of_tiers, of_win_rates
from kaizenlake.jobs.alerts._count_findings import of_counts
from kaizenlake.jobs.alerts._source_findings import of_checks, of_needs
from kaizenlake.jobs.runs._loss_sums import is_known_before
from kaizenlake.jobs.runs.crl_trends import is_recent
from kaizenlake.jobs.skills._card_rules import BETTER, WORSE, last_day
from kaizenlake.jobs.skills.skill_terms import KINDS
from kaizenlake.parameters import EvidenceNeeds, Labels, Promotion, Skills, Windows
from kaizenlake.tables import (
    CanaryLooks,
    Contents,
    CreativeLabels,
    CrlTrends,
    DailyPerformance,
    Deployments,
    EventCounts,
    FieldCounts,
    Findings,
    IntakeSegments,
    LearningProgress,
    Patterns,
    Policies,
    PolicyPromotions,
    SkillCards,
    SkillTerms,
    SourceChecks,
    SourceFreshness,
    WinRates,
)
from kaizenlake.tables.finding import MOST

DOER = ("tenant_id", "doer")
NIGHTLY_WIDTH = 1.5
"""By how much an interval is widened before it may raise an alert, as it is looked at every night."""

NAMES = (
    *("doer", "policy_id", "policy_version", "deployment_id", "severity", "remedy"),
    *("raised_on", "strength", "topic"),
)
"""Columns of the table that not every finding has."""


@job(
    reads=(
        CrlTrends,
        LearningProgress,
        SkillTerms,
        SkillCards,
        PolicyPromotions,
        CanaryLooks,
        Deployments,
        Policies,
        DailyPerformance,
        Patterns,
        WinRates,
        Contents,
        CreativeLabels,
        IntakeSegments,
        SourceFreshness,
        EventCounts,
        FieldCounts,
        SourceChecks,
    ),
    writes=Findings,
)
def findings(
    crl_trends: pl.LazyFrame,
    learning_progress: pl.LazyFrame,
    skill_terms: pl.LazyFrame,
    skill_cards: pl.LazyFrame,
    policy_promotions: pl.LazyFrame,
    canary_looks: pl.LazyFrame,
    deployments: pl.LazyFrame,
    policies: pl.LazyFrame,
    daily_performance: pl.LazyFrame,
    patterns: pl.LazyFrame,
    win_rates: pl.LazyFrame,
    contents: pl.LazyFrame,
    creative_labels: pl.LazyFrame,
    intake_segments: pl.LazyFrame,
    source_freshness: pl.LazyFrame,
    event_counts: pl.LazyFrame,
    field_counts: pl.LazyFrame,
    source_checks: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    labels: Labels = Labels(),
    promotion: Promotion = Promotion(),
    skills: Skills = Skills(),
    windows: Windows = Windows(),
) -> pl.LazyFrame:
    """List what the tables say, each under a name that stays the same while it holds.

    Reports, cards, alerts and contexts read a finding and say its sentence; none of them words it anew. Of the kinds that have a
    strength, the strongest `MOST` of each tenant and kind are kept, and all that are alerts.

    Args:
        crl_trends: Loss of each doer by day.
        learning_progress: Loss by version of a policy.
        skill_terms: Terms of the loss against other doers and the past.
        skill_cards: Which days the terms are of.
        policy_promotions: Decisions on policies.
        canary_looks: Looks at candidates.
        deployments: Shadows and canaries.
        policies: Versions as they stand.
        daily_performance: What each content achieved, to date.
        patterns: Patterns over everything.
        win_rates: Win rates over everything.
        contents: Contents with their latest figures.
        creative_labels: Winners and losers.
        intake_segments: Clarity of briefs by segment.
        source_freshness: How long each source has been silent.
        event_counts: Events by day, source, type and project.
        field_counts: Events that tell a field, by day, source and type.
        source_checks: What each source sends, against what it sent before.
        as_of: What happened from this instant on does not count.
        evidence: How much evidence a finding needs, and the confidence of the intervals.
        labels: `impressions` that a content needs for its tier to count.
        promotion: Whether a promotion needs an approval, and for how long one holds.
        skills: Days of a card.
        windows: When a source is silent.
    """
    happened = (
        _select_degrading(crl_trends, as_of),
        _select_versions(learning_progress, as_of),
        _select_terms(skill_terms, skill_cards, as_of, skills),
        *of_canaries(canary_looks, deployments, policies, as_of=as_of, promotion=promotion),
        of_rollbacks(policy_promotions, as_of),
        of_counts(daily_performance, as_of),
        of_sources(source_freshness, as_of, windows),
        of_checks(source_checks),
    )
    to_date = (
        of_patterns(patterns, evidence),
        of_win_rates(win_rates, evidence),
        of_tiers(contents, labels.impressions, evidence),
        of_best(creative_labels),
        of_briefs(intake_segments, evidence),
        of_needs(event_counts, field_counts),
    )
    known = [frame.filter(pl.col("raised_on").is_not_null()) for frame in happened]
    order = {"raised_on": True, "tenant_id": False, "finding_id": False}
    return (
        pl.concat([_select_columns(frame) for frame in (*known, *to_date)])
        .sort("strength", "finding_id", descending=[True, False], nulls_last=True)
        .filter(_is_kept())
        .sort(list(order), descending=list(order.values()), nulls_last=list(order.values()))
    )


def _is_kept() -> pl.Expr:
    """Return whether a finding is an alert, has no strength, or is among the strongest of its tenant and kind; the strongest come first."""
    place = pl.int_range(pl.len()).over("tenant_id", "kind")
    return pl.col("severity").is_not_null() | pl.col("strength").is_null() | (place < MOST)


def _select_columns(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the columns of the table; what a kind does not have is null."""
    schema, own = tables.schema(Findings), frame.collect_schema().names()
    missing = {name: pl.lit(None, schema[name]) for name in NAMES if name not in own}
    return frame.with_columns(words.shorten(pl.col("sentence")), **missing).select(schema.names())


def _select_degrading(crl_trends: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return doers that are degrading on their latest day, where that is recent, with the figures of their latest alarm."""
    of_all = crl_trends.filter(pl.col("cut") == "all", is_known_before(as_of))
    standing = (
        of_all.filter(pl.col("event_date") == pl.col("event_date").max().over(DOER), is_recent(as_of))
        .filter(pl.col("degrading_since").is_not_null())
        .select(*DOER, "degrading_since", event_date="last_alarm")
    )
    shown = {"level": "level_loss", "baseline": "baseline_loss", "difference": "rise", "ci_low": "rise_ci_low"}
    at_alarm = of_all.select(*DOER, "event_date", ci_high="rise_ci_high", **shown)
    names = (*shown, "ci_high")
    return (
        standing.join(at_alarm, on=[*DOER, "event_date"], nulls_equal=True)
        .with_columns(*words.round_columns(*names), window=words.days_to(7, "event_date"))
        .with_columns(
            finding_id=words.name_of("degrading_doer", "doer", "degrading_since"),
            kind=pl.lit("degrading_doer"),
            subject="doer",
            figures=words.figures(*names),
            verdict=pl.lit("degrading"),
            severity=pl.lit("warning"),
            raised_on="degrading_since",
            remedy=fill_in("Look at what changed about {}: versions, models, inputs.", "degrading_since"),
            sentence=words.describe_degrading(),
        )
    )


def _select_versions(learning_progress: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return the latest version of each policy of each doer, against the version before it, up to its latest day.

    That it hurt or helped is an alert while its latest runs are of the last days, and where its interval leaves out 0 even when
    it is half as wide again: it is looked at every night, and what holds for one night does not for the worst of many.
    """
    policy = (*DOER, "policy_id")
    last = (
        learning_progress.filter(is_known_before(as_of))
        .filter(pl.col("version_number") == pl.col("version_number").max().over(policy))
        .filter(pl.col("event_date") == pl.col("event_date").max().over(policy))
        .filter(pl.col("previous_version").is_not_null())
    )
    names = ("level", "baseline", "difference", "ci_low", "ci_high")
    recent = pl.col("event_date") >= (as_of - KEPT).date()
    verdict = pl.col("verdict")
    half = (pl.col("ci_high") - pl.col("ci_low")) / 2.0
    raises = recent & (pl.col("difference").abs() > NIGHTLY_WIDTH * half)
    return (
        last.select(
            *policy,
            "policy_version",
            "event_date",
            level="mean_so_far",
            baseline="previous_mean",
            difference="change",
            ci_low="change_ci_low",
            ci_high="change_ci_high",
            n="n_so_far",
            n_before="previous_n",
            verdict="verdict",
            began=pl.col("event_date") - pl.duration(days="age_days"),
        )
        .with_columns(
            *words.round_columns(*names),
            subject="doer",
            window=fill_in("the runs from {} to {}", "began", "event_date"),
        )
        .with_columns(
            finding_id=words.name_of("version_change", "doer", "policy_id", "policy_version"),
            kind=pl.lit("version_change"),
            figures=words.figures(*names, "n", "n_before"),
            severity=pl.when(raises & (verdict == "hurt"))
            .then(pl.lit("warning"))
            .when(raises & (verdict == "helped"))
            .then(pl.lit("info")),
            raised_on="began",
            remedy=pl.when(verdict == "hurt").then(
                pl.lit("Roll it back, or compare both at once in a canary: times differ in more than the version.")
            ),
            sentence=words.describe_version(),
        )
    )


def _select_terms(
    skill_terms: pl.LazyFrame, skill_cards: pl.LazyFrame, as_of: datetime, skills: Skills
) -> pl.LazyFrame:
    """Return terms that are a strength or a weakness of a doer, by the comparison that says so, that with the fleet first."""
    verdict = pl.col("verdict")
    by_fleet = pl.col("fleet_verdict") == verdict
    figures = {"difference": "difference", "ci_low": "ci_low", "ci_high": "ci_high"}
    names = (*figures, "n", "n_before")
    of_kind = {
        name: pl.when(by_fleet).then(f"{KINDS[0]}_{column}").otherwise(f"{KINDS[1]}_{column}")
        for name, column in figures.items()
    }
    return (
        skill_terms.filter(verdict.is_in([BETTER, WORSE]))
        .join(skill_cards.select(*DOER, "last_day"), on=DOER, how="left", nulls_equal=True)
        .with_columns(
            **of_kind,
            last_day=pl.col("last_day").fill_null(last_day(as_of)),
            against=pl.when(by_fleet).then(pl.lit("fleet")).otherwise(pl.lit("past")),
            n_before=pl.when(by_fleet).then("n_fleet").otherwise("n_past"),
        )
        .with_columns(
            *words.round_columns(*figures), window=words.days_to(skills.days, pl.col("last_day").cast(pl.String))
        )
        .with_columns(
            finding_id=words.name_of("skill_term", "doer", "term"),
            kind=pl.lit("skill_term"),
            subject="doer",
            figures=words.figures(*names),
            raised_on="last_day",
            sentence=words.describe_term(),
        )
    )
