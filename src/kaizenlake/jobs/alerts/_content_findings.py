"""What there is to tell of posts, outcomes, briefs and sources: patterns, win rates, tiers, the best of each group, silences."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs._finding_words import figures, name_of
from kaizenlake.jobs.alerts import _content_words as words
from kaizenlake.parameters import EvidenceNeeds, Windows
from kaizenlake.stats.expressions import wilson
from kaizenlake.tables.content import TIERS
from kaizenlake.tables.outcome import ALL, SUBJECT_KINDS

TO_DATE = "to date"
"""Window of what is counted from the first event on; a sentence that names no days is to date."""

SILENT = "Look whether it still sends: its export, its connection and its log."

_PLACE = ("platform", "content_type")


def of_patterns(patterns: pl.LazyFrame, evidence: EvidenceNeeds) -> pl.LazyFrame:
    """Find the patterns that work or are risky, by experiment and by observation.

    A verdict that the figures as shown do not carry, such as that of an interval which ends at 0.0%, is no finding.

    Args:
        patterns: Patterns over everything.
        evidence: `confidence` of the intervals.
    """
    low, high = pl.col("ci_low"), pl.col("ci_high")
    names = ("lift", "ci_low", "ci_high", "q_value")
    return (
        patterns.filter(pl.col("lift_ci_high") > pl.col("lift_ci_low"))
        .with_columns(
            ci_low="lift_ci_low",
            ci_high="lift_ci_high",
            strength=pl.col("lift").abs() / (pl.col("lift_ci_high") - pl.col("lift_ci_low")),
            kind=pl.when(pl.col("evidence") == "experiment")
            .then(pl.lit("tested_pattern"))
            .otherwise(pl.lit("observed_pattern")),
            # The hook “question” and the text feature of that name are two measures of one thing.
            topic=pl.when(pl.col("pattern") == "yes").then("pattern_type").otherwise("pattern"),
        )
        .with_columns(*words.round_shares(*names))
        .filter(
            ((pl.col("verdict") == "works") & (low > 0.0)) | ((pl.col("verdict") == "risky") & (high < 0.0)),
            pl.col("lift").is_between(low, high),
        )
        .with_columns(
            finding_id=pattern_id(),
            subject=words.pattern_words(),
            window=pl.lit(TO_DATE),
            figures=figures(*names, "contents", "experiments"),
            sentence=words.describe_pattern(evidence.confidence),
        )
    )


def pattern_id() -> pl.Expr:
    """Name of the finding on a row of `patterns`."""
    tested, observed = (name_of(kind, "pattern_type", "pattern") for kind in ("tested_pattern", "observed_pattern"))
    return pl.when(pl.col("evidence") == "experiment").then(tested).otherwise(observed)


def of_win_rates(win_rates: pl.LazyFrame, evidence: EvidenceNeeds) -> pl.LazyFrame:
    """Find the values whose outcomes are won more or less often than the others.

    Rates of posts differ by platform for reasons that are nobody's merit: patterns compare them within one, so they are left out.

    Args:
        win_rates: Win rates over everything.
        evidence: How much evidence a finding needs, and the confidence of the intervals.
    """
    shares = ("rate", "ci_low", "ci_high", "lift", "q_value")
    return (
        win_rates.filter(
            pl.col("kind").is_in(SUBJECT_KINDS),
            pl.col("dimension") != ALL,
            pl.col("q_value") <= evidence.q_value,
            pl.col("decided") >= evidence.decided,
            pl.col("ci_high") > pl.col("ci_low"),
        )
        .with_columns(
            outcome="kind",
            rate="win_rate",
            strength=(pl.col("others_rate") * pl.col("lift")).abs() / (pl.col("ci_high") - pl.col("ci_low")),
        )
        .with_columns(*words.round_shares(*shares))
        .filter(pl.col("lift") != 0.0, pl.col("strength").is_not_null())
        .with_columns(
            finding_id=win_rate_id(),
            kind=fill_in("{}_win_rate", "outcome"),
            subject=fill_in("{} “{}”", words.attribute("dimension"), "value"),
            window=pl.lit(TO_DATE),
            figures=figures(*shares, "decided", "age_days", "strata"),
            verdict=pl.when(pl.col("lift") > 0).then(pl.lit("better")).otherwise(pl.lit("worse")),
            sentence=words.describe_win_rate(evidence.confidence),
        )
    )


def win_rate_id() -> pl.Expr:
    """Name of the finding on a row of `win_rates`."""
    return name_of("win_rate", "kind", "dimension", "value")


def count_tiers(contents: pl.LazyFrame, impressions: int, confidence: float) -> pl.LazyFrame:
    """Count the contents of each platform and type by tier; those of few impressions are not rated.

    Args:
        contents: Contents with their latest figures.
        impressions: Fewest impressions (or people reached) of a content whose tier counts.
        confidence: Of the interval.
    """
    rated, good = is_rated(impressions), pl.col("excellent") + pl.col("good")
    interval = wilson(good, pl.col("rated"), confidence).struct
    return (
        contents.group_by("tenant_id", *_PLACE)
        .agg(
            pl.len().cast(pl.Int64).alias("contents"),
            rated.sum().cast(pl.Int64).alias("rated"),
            *((rated & pl.col("tier").eq_missing(tier)).sum().cast(pl.Int64).alias(tier) for tier in TIERS),
            pl.col("engagement_rate").filter(rated).median().alias("median_engagement_rate"),
        )
        .with_columns(
            good_or_better_rate=pl.when(pl.col("rated") > 0).then(good / pl.col("rated")),
            ci_low=interval.field("low"),
            ci_high=interval.field("high"),
        )
    )


def is_rated(impressions: int) -> pl.Expr:
    """Return whether the tier of a content counts, as for win rates: of few impressions, many reach a high one by chance."""
    return (pl.col("tier").is_not_null() & (pl.col("trials") >= impressions)).fill_null(value=False)


def of_tiers(contents: pl.LazyFrame, impressions: int, evidence: EvidenceNeeds) -> pl.LazyFrame:
    """Find how many posts of each platform and type are good or better.

    Args:
        contents: Contents with their latest figures.
        impressions: Fewest impressions (or people reached) of a content whose tier counts.
        evidence: How many posts are enough, and the confidence of the interval.
    """
    shares = ("rate", "ci_low", "ci_high", "median_rate")
    counted = count_tiers(contents, impressions, evidence.confidence).filter(pl.col("rated") >= evidence.contents)
    return (
        counted.with_columns(rate="good_or_better_rate", median_rate="median_engagement_rate")
        .with_columns(*words.round_shares(*shares))
        .filter(pl.col("rate").is_not_null())
        .with_columns(
            finding_id=name_of("tiers", *_PLACE),
            kind=pl.lit("tiers"),
            subject=pl.concat_str(_PLACE, separator=", ", ignore_nulls=True),
            window=pl.lit(TO_DATE),
            figures=figures(*shares, "rated"),
            verdict=pl.lit("counted"),
            strength=pl.col("rated").cast(pl.Float64),
            sentence=words.describe_tiers(evidence.confidence),
        )
    )


def of_best(creative_labels: pl.LazyFrame) -> pl.LazyFrame:
    """Find the best post of each group.

    Args:
        creative_labels: Winners and losers.
    """
    shares = ("rate", "shrunk_rate")
    return (
        creative_labels.filter(
            pl.col("label") == "winner", pl.col("rank_in_group") == 1, pl.col("group_size").is_not_null()
        )
        .with_columns(rate="engagement_rate", strength="shrunk_rate")
        .with_columns(*words.round_shares(*shares))
        .filter(pl.all_horizontal(pl.col(shares).is_not_null()))
        .with_columns(
            finding_id=best_content_id(),
            kind=pl.lit("best_content"),
            subject="content_id",
            window=pl.lit(TO_DATE),
            figures=figures(*shares, "group_size"),
            verdict=pl.lit("best"),
            sentence=words.describe_best_content(),
        )
    )


def best_content_id() -> pl.Expr:
    """Name of the finding on a row of `creative_labels`."""
    return name_of("best_content", "project_id", "content_id", "platform")


def of_briefs(intake_segments: pl.LazyFrame, evidence: EvidenceNeeds) -> pl.LazyFrame:
    """Find how clear the briefs of each segment arrive.

    Args:
        intake_segments: Clarity of briefs by segment.
        evidence: How many briefs are enough, and the confidence of the interval.
    """
    shares = ("rate", "ci_low", "ci_high")
    known = pl.concat_str("industry", "client_type", separator=" \u00d7 ", ignore_nulls=True)
    return (
        intake_segments.filter(pl.col("briefs") >= evidence.decided)
        .with_columns(
            *(pl.col(name).round(1) for name in ("mean_score",)),
            rate="clear_rate",
            subject=pl.when(known == "").then(pl.lit("clients of unknown kind")).otherwise(known),
        )
        .with_columns(*words.round_shares(*shares))
        .with_columns(
            finding_id=brief_clarity_id(),
            kind=pl.lit("brief_clarity"),
            window=pl.lit(TO_DATE),
            figures=figures(*shares, "briefs", "mean_score"),
            verdict=pl.lit("counted"),
            strength=pl.col("briefs").cast(pl.Float64),
            sentence=words.describe_brief_clarity(evidence.confidence),
        )
    )


def brief_clarity_id() -> pl.Expr:
    """Name of the finding on a row of `intake_segments`."""
    return name_of("brief_clarity", "industry", "client_type")


def of_sources(source_freshness: pl.LazyFrame, as_of: datetime, windows: Windows) -> pl.LazyFrame:
    """Find the sources that have fallen silent.

    Args:
        source_freshness: How long each source has been silent.
        as_of: Until when events count.
        windows: `freshness_hours`, after which a source is silent.
    """
    began = pl.col("last_at") + pl.duration(hours=windows.freshness_hours)
    return (
        source_freshness.filter(pl.col("stale"), pl.col("last_at") < as_of)
        .with_columns(
            hours=pl.col("silent_hours").round(1),
            others=(pl.len() - 1).over("tenant_id").cast(pl.Int64),
            window=fill_in("since {}", pl.col("last_at").dt.date()),
        )
        .with_columns(
            finding_id=name_of("silent_source", "source"),
            kind=pl.lit("silent_source"),
            subject="source",
            figures=figures("hours", "others"),
            verdict=pl.lit("silent"),
            strength="silent_hours",
            raised_on=began.dt.date(),
            remedy=pl.lit(SILENT),
            sentence=words.describe_silent_source(),
        )
    )
