"""What is a content made of? Hook, length and features of its text, by declared rules."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs._text_rules import HOOK_RULES, TEXT_RULES, as_plain, words
from kaizenlake.jobs.daily_performance import latest_records
from kaizenlake.tables import ContentFeatures, Performance
from kaizenlake.tables.content import LENGTH_BANDS

TEXT_LENGTH = 280
"""Characters of a text that are kept beside its features, so that people and generators see what won."""


@job(reads=(Performance,), writes=ContentFeatures, by_day=True, timeless=True)
def content_features(performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Describe the text of each content, platform and day by declared rules.

    The text is the one of the latest record of the day, as in `daily_performance`. A hook that the event names stands;
    else the first rule that holds names it. A text of blanks alone is no text.

    Args:
        performance: Silver performance events.
        as_of: Events from this instant on do not count.
    """
    records = latest_records(performance, as_of=as_of)
    hook_source = (
        pl.when(pl.col("hook_type").is_not_null())
        .then(pl.lit("event"))
        .when(pl.col("text_hook").is_not_null())
        .then(pl.lit("text"))
    )
    return records.join(read_texts(records.select("text")), on="text", how="left").with_columns(
        performed_on=pl.col("event_date"),
        hook_source=hook_source,
        hook_type=pl.coalesce("hook_type", "text_hook"),
        text=pl.col("text").str.slice(0, TEXT_LENGTH),
    )


def read_texts(texts: pl.LazyFrame) -> pl.LazyFrame:
    """Apply the rules to every distinct text once, since a content brings its text along every day.

    Args:
        texts: Column `text`.

    Returns:
        One row a text that is not null: `text`, `text_hook`, `length_words`, `length_band` and `TEXT_FEATURES`.
    """
    plain, lower = pl.col("plain"), pl.col("lower")
    hook = pl.coalesce(pl.when(rule.of(plain, lower)).then(pl.lit(rule.name)) for rule in HOOK_RULES)
    return (
        texts.filter(pl.col("text").is_not_null())
        .unique()
        .with_columns(plain=as_plain(pl.col("text")))
        .with_columns(lower=plain.str.to_lowercase(), length_words=words(plain))
        .select(
            "text",
            "length_words",
            hook.alias("text_hook"),
            length_band(pl.col("length_words")).alias("length_band"),
            *(rule.of(plain, lower).alias(rule.name) for rule in TEXT_RULES),
        )
    )


def length_band(length_words: pl.Expr) -> pl.Expr:
    """Band of a length, out of `LENGTH_BANDS`; null for null."""
    upper_ends = ((name, int(name.split("-")[1])) for name in LENGTH_BANDS[:-1])
    band = pl.coalesce(
        *(pl.when(length_words <= end).then(pl.lit(name)) for name, end in upper_ends), pl.lit(LENGTH_BANDS[-1])
    )
    return pl.when(length_words.is_not_null()).then(band)
