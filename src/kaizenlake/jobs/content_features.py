"""What is a content made of? Hook, length and features of its text, by declared rules."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._text_rules import HOOK_RULES, TEXT_RULES, plain, words
from kaizenlake.jobs.daily_performance import latest_records
from kaizenlake.tables import ContentFeatures, Performance
from kaizenlake.tables.content import LENGTH_BANDS


@job(reads=(Performance,), writes=ContentFeatures, by_day=True)
def content_features(performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Describe the text of each content, platform and day by declared rules.

    The text is the one of the latest record of the day, as in `daily_performance`. A hook that the event names stands;
    else the first rule that holds names it. A text of blanks alone is no text.

    Args:
        performance: Silver performance events.
        as_of: Events from this instant on do not count.
    """
    text, lower = pl.col("_plain"), pl.col("_lower")
    hook = pl.coalesce(pl.when(rule.of(text, lower)).then(pl.lit(rule.name)) for rule in HOOK_RULES)
    return (
        latest_records(performance, as_of=as_of)
        .with_columns(_plain=plain(pl.col("text")))
        .with_columns(_lower=text.str.to_lowercase(), length_words=words(text))
        .with_columns(
            *(rule.of(text, lower).alias(rule.name) for rule in TEXT_RULES),
            hook_source=pl.when(pl.col("hook_type").is_not_null())
            .then(pl.lit("event"))
            .when(hook.is_not_null())
            .then(pl.lit("text")),
            hook_type=pl.coalesce("hook_type", hook),
            length_band=length_band(pl.col("length_words")),
            performed_on=pl.col("event_date"),
        )
    )


def length_band(length_words: pl.Expr) -> pl.Expr:
    """Band of a length, out of `LENGTH_BANDS`; null for null."""
    band = pl.when(length_words.is_null()).then(None)
    for name in LENGTH_BANDS[:-1]:
        band = band.when(length_words <= int(name.split("-")[1])).then(pl.lit(name))
    return band.otherwise(pl.lit(LENGTH_BANDS[-1]))
