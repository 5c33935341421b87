"""In which language is a text? Detected by py3langid, among languages in which posts are written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

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


def detect(text: str) -> str | None:
    """Return the language of a text, as a code of ISO 639-1; None where it cannot be told.

    Args:
        text: The text in small letters, of which the caller has taken what is to be looked at: words in capitals are read as
            others.
    """
    language, confidence = _identifier().classify(text)
    return str(language) if confidence >= MIN_CONFIDENCE else None


@cache
def _identifier() -> Any:
    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    candidates: Sequence[str] = CANDIDATES
    made.set_languages(list(candidates))
    return made
