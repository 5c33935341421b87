"""What is a content made of? Hook, length and features of its text, by declared rules."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.content._hook_rules import HOOK_RULES
from kaizenlake.jobs.content._language import detect_language
from kaizenlake.jobs.content._language_codes import is_told, one_code
from kaizenlake.jobs.content._text_rule import LANGUAGES, as_plain, split_words
from kaizenlake.jobs.content._text_rules import TEXT_RULES
from kaizenlake.jobs.content.daily_performance import latest_records
from kaizenlake.tables import ContentFeatures, Performance
from kaizenlake.tables.content import LENGTH_BANDS

TEXT_LENGTH = 280
"""Characters of a text that are kept beside its features, so that people and generators see what won."""


@job(reads=(Performance,), writes=ContentFeatures, by_day=True, timeless=True)
def content_features(performance: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Describe the text of each content, platform and day by declared rules.

    The text is the one of the latest record of the day, as in `daily_performance`. A hook that the event names stands;
    else the first rule that holds names it. A text of blanks alone is no text; without one the length is the one given.

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
    given = one_code(pl.col("language")).alias("given")
    texts = read_texts(records.select("text", given)).rename({"length_words": "text_words"}).drop("length_band")
    return (
        records.with_columns(given, is_unknown=is_told(pl.col("language")) & given.is_null())
        .drop("language")
        .join(texts, on=["text", "given"], how="left", nulls_equal=True)
        .with_columns(
            performed_on=pl.col("event_date"),
            hook_source=hook_source,
            language_source=_compute_language_source(),
            hook_type=pl.coalesce("hook_type", "text_hook"),
            length_words=pl.coalesce("text_words", "length_words"),
            text=pl.col("text").str.slice(0, TEXT_LENGTH),
        )
        .with_columns(length_band=length_band(pl.col("length_words")))
    )


def read_texts(texts: pl.LazyFrame) -> pl.LazyFrame:
    """Apply the rules to every distinct text once, since a content brings its text along every day.

    Its language is the one given, where that is known, else it is detected. Each text meets the rules that read its language; where the language
    is not known, hooks are still named by words that show them, and features that are not of every language are null.

    Args:
        texts: Columns `text` and, where events may name it, `given`: the language of the text, null where it is not named.

    Returns:
        One row a text and given language where the text is not null: these two, `language`, `text_hook`, `length_words`,
        `length_band` and `TEXT_FEATURES`.
    """
    plain = pl.col("plain")
    if "given" not in texts.collect_schema():
        texts = texts.with_columns(given=pl.lit(None, dtype=pl.String))
    read = (
        texts.filter(pl.col("text").is_not_null())
        .unique()
        .with_columns(plain=as_plain(pl.col("text")))
        .with_columns(lower=plain.str.to_lowercase(), length_words=split_words(plain))
        .with_columns(language=pl.when(plain.is_not_null()).then(_compute_language()))
        .cache()
    )
    language = pl.col("language")
    parts = [_by_rules(read.filter(language == code), code) for code in LANGUAGES]
    others = _by_rules(read.filter(language.is_not_null(), ~language.is_in(LANGUAGES)), None)
    unknown = _by_rules(read.filter(language.is_null()), None, may_guess=True)
    return pl.concat([*parts, others, unknown])


def _compute_language() -> pl.Expr:
    """Return the language of a text: the one given, else the one detected where it has at least two words."""
    to_detect = pl.when(pl.col("given").is_null(), pl.col("length_words") > 1).then("plain")
    return pl.coalesce("given", detect_language(to_detect))


def _compute_language_source() -> pl.Expr:
    """Return where the language comes from; null where there is neither a name nor a language."""
    is_detected = pl.col("language").is_not_null()
    return (
        pl.when(pl.col("given").is_not_null())
        .then(pl.lit("event"))
        .when(pl.col("is_unknown"))
        .then(pl.when(is_detected).then(pl.lit("text_instead")).otherwise(pl.lit("not_known")))
        .when(is_detected)
        .then(pl.lit("text"))
    )


def _by_rules(texts: pl.LazyFrame, language: str | None, *, may_guess: bool = False) -> pl.LazyFrame:
    """Apply the rules that read one language; None for one that no rule reads."""
    plain, lower = pl.col("plain"), pl.col("lower")
    shown = [rule.seems(plain, lower) if may_guess else rule.of(plain, lower, language) for rule in HOOK_RULES]
    hook = pl.coalesce(pl.when(shows).then(pl.lit(rule.name)) for rule, shows in zip(HOOK_RULES, shown, strict=True))
    return texts.select(
        "text",
        "given",
        "language",
        "length_words",
        hook.alias("text_hook"),
        length_band(pl.col("length_words")).alias("length_band"),
        *(rule.of(plain, lower, language).alias(rule.name) for rule in TEXT_RULES),
    )


def length_band(length_words: pl.Expr) -> pl.Expr:
    """Return the band of a length, out of `LENGTH_BANDS`; null for null."""
    upper_ends = ((name, int(name.split("-")[1])) for name in LENGTH_BANDS[:-1])
    band = pl.coalesce(
        *(pl.when(length_words <= end).then(pl.lit(name)) for name, end in upper_ends), pl.lit(LENGTH_BANDS[-1])
    )
    return pl.when(length_words.is_not_null()).then(band)
