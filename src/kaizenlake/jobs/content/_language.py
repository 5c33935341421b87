"""In which languages are the texts of a column?"""

from __future__ import annotations

import polars as pl

from kaizenlake.text.language import READ_LENGTH, detect


def detect_language(plain: pl.Expr) -> pl.Expr:
    """Detect the language of texts that are different from one another; null where it cannot be told.

    Words in capitals are read as others. Each text takes some 60 microseconds, so each should come once.

    Args:
        plain: Texts as `as_plain` gives them; null for texts that are not to be looked at.
    """
    read = plain.str.slice(0, READ_LENGTH).str.to_lowercase()
    return read.map_batches(_detect, return_dtype=pl.String)


def _detect(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, [None if text is None else detect(text) for text in texts], dtype=pl.String)
