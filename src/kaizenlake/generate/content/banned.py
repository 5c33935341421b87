"""Phrases that may not stand in what is generated: found however they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

WORD_LETTERS = 4
"""Letters from which a phrase is found inside of longer words too; a shorter one only as words of its own."""

_NO_LETTER = re.compile(r"[\W_]+")


def find_banned(text: str, phrases: Iterable[str]) -> list[str]:
    """Return the phrases that stand in a text, whatever their case, width, accents that are composed, dashes and blanks.

    >>> find_banned("The LOWEST-price, guar\u00adanteed.", ["lowest price", "Guaranteed", "art"])
    ['lowest price', 'Guaranteed']
    >>> find_banned("We start now!!!", ["art", "!!!"])
    ['!!!']

    Args:
        text: A text that is to leave.
        phrases: Phrases that are banned; a blank one bans nothing.
    """
    whole = _fold(text)
    words = f" {_NO_LETTER.sub(' ', whole).strip()} "
    return [phrase for phrase in dict.fromkeys(phrases) if _stands(_fold(phrase), whole, words)]


def _stands(phrase: str, whole: str, words: str) -> bool:
    spelled = _NO_LETTER.sub(" ", phrase).strip()
    if not spelled:
        return bool(phrase.strip()) and phrase.strip() in whole
    is_short = sum(character.isalnum() for character in spelled) < WORD_LETTERS
    # Scripts without cases put no blanks between words.
    is_spaced = spelled.upper() != spelled.lower() or spelled.isdecimal()
    return (f" {spelled} " if is_short and is_spaced else spelled) in words


def _fold(text: str) -> str:
    """Return a text without case, width and characters that nobody sees."""
    plain = unicodedata.normalize("NFKC", text)
    seen = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", seen.casefold())
