"""What is a pattern? The attributes and text features of a content that are compared with one another."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.content import TEXT_FEATURES

ATTRIBUTES = ("hook_type", "tone", "content_type", "platform", "length_band", "pillar")
"""Columns of `Contents` whose values are patterns, each against the other values of its column."""

PATTERN_TYPES = (*ATTRIBUTES, *TEXT_FEATURES)
"""Every pattern type; a text feature has one pattern, `PRESENT`, against the texts that lack it."""

CONTRASTED = tuple(name for name in PATTERN_TYPES if name != "platform")
"""Pattern types that arms can differ in: an experiment runs on one platform."""

PRESENT = "yes"

TEXT_FAMILY = "text"
"""The text features are judged together: corrected for being many, and drawn toward one another."""


def pattern_of(pattern_type: str) -> pl.Expr:
    """Return the pattern of each content by one type; null, where it is not known, takes no part in the comparison."""
    if pattern_type in TEXT_FEATURES:
        return pl.when(pl.col(pattern_type)).then(pl.lit(PRESENT)).when(~pl.col(pattern_type)).then(pl.lit("no"))
    return pl.col(pattern_type)


def is_pattern() -> pl.Expr:
    """Return whether a row is about a pattern, rather than about the lack of a text feature."""
    return ~(pl.col("pattern_type").is_in(TEXT_FEATURES) & (pl.col("pattern") == "no"))


def name_places(rows: pl.LazyFrame) -> pl.LazyFrame:
    """List the platforms and the kinds of content on which each pattern of a tenant stands, by name; null for none.

    Args:
        rows: `tenant_id`, `pattern_type`, `pattern`, `platform` and `content_type`.
    """
    lists = {"platforms": "platform", "content_types": "content_type"}
    names = {key: pl.col(name).drop_nulls().unique().sort() for key, name in lists.items()}
    return (
        rows.group_by("tenant_id", "pattern_type", "pattern")
        .agg(**names)
        .with_columns(pl.when(pl.col(key).list.len() > 0).then(key).alias(key) for key in lists)
    )


def family() -> pl.Expr:
    """Return patterns that are corrected and shrunk together: those of one type, and all text features."""
    return pl.when(pl.col("pattern_type").is_in(TEXT_FEATURES)).then(pl.lit(TEXT_FAMILY)).otherwise("pattern_type")
