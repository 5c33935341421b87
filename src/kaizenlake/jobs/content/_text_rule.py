"""How a property of a text is told: by a regular expression in each language, from the text as rules read it.

Rules see a text with typographic quotes straightened, character references of markup read as the characters they stand for, web
addresses and invisible characters taken out, and blanks collapsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

ENGLISH = "en"

LANGUAGES = (ENGLISH, "de", "fr", "es")
"""Languages that rules read."""


@dataclass(frozen=True)
class Variant:
    """A rule in another language than English.

    Args:
        pattern: The text has the property where this matches; applied to the plain text in lower case.
        holds: Texts that have it.
        fails: Texts that do not.
        is_cased: The case of the letters matters.
    """

    pattern: str
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    is_cased: bool = False


@dataclass(frozen=True)
class TextRule:
    """A property that a text has or has not.

    Args:
        name: Name of the feature, or of the hook.
        meaning: What it says of a text, in one sentence.
        pattern: The text has the property where this matches; applied to the plain text in lower case.
        holds: Texts that have it.
        fails: Texts that do not, the near misses first of all.
        ignoring: Phrases that are cut out beforehand, since they only look like it.
        is_cased: The case of the letters matters, so the pattern is applied to the text as it was written.
        is_universal: The pattern reads every language, English not more than others.
        anywhere: A pattern that shows the property in any language; that it does not match says nothing.
        others: The rule in other languages, by their code.
        needs_language: The pattern may match texts of other languages by chance, so it reads none of unknown language.
    """

    name: str
    meaning: str
    pattern: str
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    ignoring: str | None = None
    is_cased: bool = False
    is_universal: bool = False
    anywhere: str | None = None
    others: Mapping[str, Variant] = field(default_factory=dict)
    needs_language: bool = False

    def of(self, plain: pl.Expr, lower: pl.Expr, language: str | None = ENGLISH) -> pl.Expr:
        """Return whether the property holds; null without a text, and in a language that the rule does not read.

        Args:
            plain: The text as `as_plain` gives it.
            lower: The same in lower case.
            language: Its language; None for one that is not known, or that no rule reads.
        """
        if self.is_universal or language == ENGLISH:
            return self._in_english(plain, lower)
        variant = None if language is None else self.others.get(language)
        if variant is not None:
            return (plain if variant.is_cased else lower).str.contains(variant.pattern)
        if self.anywhere is not None:
            return pl.when(lower.str.contains(self.anywhere)).then(True)
        return pl.lit(None, dtype=pl.Boolean)

    def seems(self, plain: pl.Expr, lower: pl.Expr) -> pl.Expr:
        """Return whether the property shows in a text of unknown language, by words of English; never false for the lack of them."""
        if self.needs_language:
            return pl.lit(None, dtype=pl.Boolean)
        return self._in_english(plain, lower)

    def _in_english(self, plain: pl.Expr, lower: pl.Expr) -> pl.Expr:
        text = plain if self.is_cased else lower
        if self.ignoring is not None:
            text = text.str.replace_all(self.ignoring, " ")
        return text.str.contains(self.pattern)


_STRAIGHT = {
    **dict.fromkeys("‘’‛′`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys(("&#39;", "&#x27;", "&#8217;", "&#8216;", "&apos;", "&rsquo;", "&lsquo;"), "'"),
    **dict.fromkeys(("&quot;", "&#34;", "&ldquo;", "&rdquo;", "&#8220;", "&#8221;"), '"'),
    **dict.fromkeys(("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f"), ""),
    "&nbsp;": " ",
    "&#160;": " ",
    "&amp;": "&",
    "&hellip;": "...",
    "…": "...",
    "？": "?",
    "؟": "?",
    "！": "!",
}
_ADDRESS = r"(?i)\b(?:https?://|www\.)\S+"


def as_plain(text: pl.Expr) -> pl.Expr:
    """Return a text as the rules read it; null where nothing is left of it but blanks."""
    straight = text.str.replace_many(list(_STRAIGHT), list(_STRAIGHT.values())).str.replace_all(_ADDRESS, " ")
    collapsed = straight.str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(collapsed != "").then(collapsed)


WORD = r"\S*[\p{L}\p{N}]\S*"
"""A word is what stands between blanks and holds a letter or a digit."""


def split_words(plain: pl.Expr) -> pl.Expr:
    """Return the number of words of a plain text; a text of symbols alone counts as one."""
    return plain.str.count_matches(WORD).cast(pl.Int64).clip(lower_bound=1)
