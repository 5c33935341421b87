"""In which language is a text? Detected by py3langid, among languages in which posts are written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import polars as pl
from py3langid.langid import MODEL_FILE, LanguageIdentifier

CANDIDATES = (
    *("ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id"),
    *("it", "ja", "ko", "nl", "no", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "zh"),
)
"""Languages among which a text is told apart; of 142 that the model knows, rare ones take short texts from frequent ones."""

MIN_CONFIDENCE = 0.6
"""Least probability of a language; below, a text is too short or too mixed to tell."""

READ_LENGTH = 200
"""Characters of a text that are looked at."""


def detect_language(plain: pl.Expr) -> pl.Expr:
    """Detect the language of texts that are different from one another; null where it cannot be told.

    Words in capitals are read as others. Each text takes some 60 microseconds, so each should come once.

    Args:
        plain: Texts as `as_plain` gives them; null for texts that are not to be looked at.
    """
    read = plain.str.slice(0, READ_LENGTH).str.to_lowercase()
    return read.map_batches(_detect, return_dtype=pl.String)


def _detect(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, [None if text is None else _language(text) for text in texts], dtype=pl.String)


def _language(text: str) -> str | None:
    language, confidence = _identifier().classify(text)
    return str(language) if confidence >= MIN_CONFIDENCE else None


@cache
def _identifier() -> Any:
    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    candidates: Sequence[str] = CANDIDATES
    made.set_languages(list(candidates))
    return made
