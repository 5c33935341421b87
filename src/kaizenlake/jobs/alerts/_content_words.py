"""The sentences of findings on posts, outcomes, briefs and sources: each is made here, once, of the figures that it shows.

An expression of this module reads columns that were rounded by `round_shares` or `rounded`, so that sign, verdict and sentence
rest on what a reader sees. Texts of events stand last where they may be long, so that cutting a sentence cuts no figure.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs._finding_words import FINE_PLACES, PLACES, format_whole
from kaizenlake.stats import expressions
from kaizenlake.tables.content import TEXT_FEATURES
from kaizenlake.vocabulary import FEATURE_WORDS, OUTCOMES

DAY_HOURS = 72
"""Hours from which a silence is told in days."""


def round_shares(*names: str) -> tuple[pl.Expr, ...]:
    """Return shares as they are shown: to a tenth of a percent, or finer where that would make 0 or 1 of what is neither.

    Args:
        names: Columns.
    """
    return tuple(_round(pl.col(name)).alias(name) for name in names)


def _round(share: pl.Expr) -> pl.Expr:
    coarse = share.round(PLACES)
    return pl.when(coarse.abs().is_in([0.0, 1.0])).then(share.round(FINE_PLACES)).otherwise(coarse) + 0.0


def format_percent(share: pl.Expr) -> pl.Expr:
    """Return a rounded share in words, without its sign: `12.3%`, `0.0123%`, `5,029.9%`.

    Args:
        share: A share that was rounded.
    """
    figure = (share.abs() * 100).round(FINE_PLACES - 2)
    text = figure.cast(pl.Decimal(38, FINE_PLACES - 2)).cast(pl.String)
    part = text.str.extract(r"(\.\d\d*?)0*$")
    return fill_in("{}{}%", format_whole(figure.floor()), part)


def format_times(lift: pl.Expr) -> pl.Expr:
    """Return a rounded lift as a multiple: `6.0`, `1,201.5`.

    Args:
        lift: A lift that was rounded.
    """
    tenths = (lift * 10).round().cast(pl.Int64) + 10
    return fill_in("{}.{}", format_whole(tenths // 10), tenths % 10)


def is_multiple(lift: pl.Expr) -> pl.Expr:
    """Return whether a lift reads better as a multiple: one of 100% or more."""
    return lift >= 1.0


def format_interval(low: pl.Expr, high: pl.Expr, confidence: float) -> pl.Expr:
    """Return an interval of shares in words, by their size."""
    ends = fill_in("{} to {}", format_percent(low), format_percent(high))
    return fill_in(f"{confidence * 100:.10g}% interval {{}}", ends)


def format_chance() -> pl.Expr:
    """Return the corrected p in words, with a comma before it; nothing where it is null."""
    q_value = pl.col("q_value")
    shown = q_value.cast(pl.Decimal(38, PLACES)).cast(pl.String)
    told = pl.when(q_value < 0.001).then(pl.lit(", q < 0.001")).otherwise(fill_in(", q = {}", shown))
    return pl.when(q_value.is_null()).then(pl.lit("")).otherwise(told)


def plural(name: str, one: str, many: str) -> pl.Expr:
    """Return a count with its noun.

    Args:
        name: Column of the count.
        one: Noun of one.
        many: Noun of several.
    """
    return fill_in("{} {}", format_whole(name), pl.when(pl.col(name) == 1).then(pl.lit(one)).otherwise(pl.lit(many)))


def attribute(name: str) -> pl.Expr:
    """Return an attribute in words: `template_id` is the template, `is_paid` whether something is paid."""
    return pl.col(name).str.strip_prefix("is_").str.strip_suffix("_id").str.replace_all("_", " ", literal=True)


def pattern_words() -> pl.Expr:
    """Return a pattern as it stands after "posts with"."""
    kind, value = pl.col("pattern_type"), pl.col("pattern")
    phrases = {name: FEATURE_WORDS[name][1] for name in TEXT_FEATURES}
    return (
        pl.when(kind.is_in(TEXT_FEATURES) & (value == "yes"))
        .then(_call(kind, phrases))
        .when(kind == "length_band")
        .then(fill_in("{} words", value))
        .otherwise(fill_in("{} “{}”", attribute("pattern_type"), value))
    )


def _call(name: pl.Expr, words: Mapping[str, str]) -> pl.Expr:
    return name.replace_strict(list(words), list(words.values()), default=None, return_dtype=pl.String)


def describe_pattern(confidence: float) -> pl.Expr:
    """Say how the posts with a pattern fare against the others.

    Args:
        confidence: Of the interval.
    """
    rises = pl.col("lift") > 0
    low, high = pl.col("ci_low"), pl.col("ci_high")
    tested = fill_in("in {}", plural("experiments", "experiment", "experiments"))
    observed = fill_in("over {}, as observed and not tested", plural("contents", "post", "posts"))
    return fill_in(
        "{} {} {} in posts with {} than in other posts, {} ({}{}).",
        format_percent(pl.col("lift")),
        pl.when(rises).then(pl.lit("higher")).otherwise(pl.lit("lower")),
        attribute("metric"),
        pattern_words(),
        pl.when(pl.col("evidence") == "experiment").then(tested).otherwise(observed),
        format_interval(pl.when(rises).then(low).otherwise(high), pl.when(rises).then(high).otherwise(low), confidence),
        format_chance(),
    )


def describe_win_rate(confidence: float) -> pl.Expr:
    """Say how often the outcomes with a value are won, against the others.

    Args:
        confidence: Of the interval.
    """
    kind, alike = pl.col("outcome"), pl.col("strata")
    one, many, won = (
        _call(kind, {name: getattr(noun, part) for name, noun in OUTCOMES.items()}) for part in ("one", "many", "won")
    )
    noun = pl.when(pl.col("decided") == 1).then(one).otherwise(many)
    age = pl.col("age_days").fill_null(0)
    within = (
        pl.when(age == 0)
        .then(pl.lit(""))
        .otherwise(fill_in(" within {}", plural("age_days", "day", "days").fill_null("")))
    )
    is_unfailing = (kind == "run") & (pl.col("rate") == 1.0)
    doubt = pl.when(is_unfailing).then(pl.lit(" No failure of them was ever logged.")).otherwise(pl.lit(""))
    group = (
        pl.when(alike > 1)
        .then(fill_in(" in the same {} groups of cases", format_whole("strata")))
        .otherwise(pl.lit(""))
    )
    lift = pl.col("lift")
    often = (
        pl.when(is_multiple(lift))
        .then(fill_in("{} times as often as", format_times(lift)))
        .when(lift > 0)
        .then(fill_in("{} more often than", format_percent(lift)))
        .otherwise(fill_in("{} less often than", format_percent(lift)))
    )
    return fill_in(
        "{} of {} {} with {} “{}” {}{} ({}): {} the others{}{}.{}",
        format_percent(pl.col("rate")),
        format_whole("decided"),
        noun,
        attribute("dimension"),
        "value",
        won,
        within,
        format_interval(pl.col("ci_low"), pl.col("ci_high"), confidence),
        often,
        group,
        format_chance(),
        doubt,
    )


def describe_tiers(confidence: float) -> pl.Expr:
    """Say how many posts of a platform and type are good or better.

    Args:
        confidence: Of the interval.
    """
    of_type = (
        pl.when(pl.col("content_type").is_null())
        .then(pl.lit(""))
        .otherwise(fill_in(" of type “{}”", pl.col("content_type").fill_null("")))
    )
    return fill_in(
        "{} of {}{} on {} {} good or excellent ({}); half reach an engagement rate of {} or more.",
        format_percent(pl.col("rate")),
        plural("rated", "post", "posts"),
        of_type,
        "platform",
        pl.when(pl.col("rated") == 1).then(pl.lit("is")).otherwise(pl.lit("are")),
        format_interval(pl.col("ci_low"), pl.col("ci_high"), confidence),
        format_percent(pl.col("median_rate")),
    )


def describe_best_content() -> pl.Expr:
    """Say which post is the best of its group, by its rate once that is drawn toward the others'."""
    return fill_in(
        "{} engagement rate, {} after shrinkage: the best of {} in its group on {}, “{}”.",
        format_percent(pl.col("rate")),
        format_percent(pl.col("shrunk_rate")),
        plural("group_size", "post", "posts"),
        pl.col("platform").fill_null("any platform"),
        pl.coalesce("text", "content_id"),
    )


def describe_brief_clarity(confidence: float) -> pl.Expr:
    """Say how clear the briefs of a segment arrive.

    Args:
        confidence: Of the interval.
    """
    return fill_in(
        "{} of {} from {} {} clear ({}); their mean first score is {} of 100.",
        format_percent(pl.col("rate")),
        plural("briefs", "brief", "briefs"),
        "subject",
        pl.when(pl.col("briefs") == 1).then(pl.lit("arrives")).otherwise(pl.lit("arrive")),
        format_interval(pl.col("ci_low"), pl.col("ci_high"), confidence),
        pl.col("mean_score").cast(pl.Decimal(38, 1)),
    )


def describe_silent_source() -> pl.Expr:
    """Say for how long a source has been silent, and how many others are."""
    hours, others = pl.col("hours"), pl.col("others")
    length = (
        pl.when(hours < DAY_HOURS)
        .then(fill_in("{} hours", hours.cast(pl.Decimal(38, 1))))
        .otherwise(fill_in("{} days", format_whole(expressions.divide(hours, 24).round(1))))
    )
    too = (
        pl.when(others == 0)
        .then(pl.lit(": what depends on it may be out of date"))
        .when(others == 1)
        .then(pl.lit(", and another source is silent too: what depends on them may be out of date"))
        .otherwise(
            fill_in(
                ", and {} other sources are silent too: what depends on them may be out of date", format_whole("others")
            )
        )
    )
    return fill_in("{} without an event from source “{}” ({}){}.", length, "source", "window", too)
