"""Replaces what identifies a person, and secrets, in free texts: by a placeholder of their kind, or by a pseudonym.

A vectorised filter picks the texts that can hold anything. In these, candidates are found by patterns and then checked:
cards by the check digit of Luhn (ISO/IEC 7812) and the ranges of issuers, bank accounts by ISO 13616, phone numbers by the
numbering plans that the library `phonenumbers` knows. What it cannot find: names, addresses, and whatever is spelt out.

>>> redact(["Write to ann@example.com, or call +49 30 901820."]).texts
['Write to [email], or call [phone].']
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

import polars as pl

from kaizenlake.redaction.kinds import MAYBE, FoundPlace, Kind, places

Mode: TypeAlias = Literal["placeholder", "pseudonym"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""Kinds of what is replaced."""

REMEMBERED = 50_000
"""Texts that a redactor remembers, so that one which stands in many documents is looked at once."""

_FEW = 64
"""Texts from which on the vectorised filter is worth its start."""


@dataclass(frozen=True)
class Redacted:
    """Texts without what identifies a person.

    Args:
        texts: The texts, in their order; None stays None.
        report: How often each kind was replaced; kinds that were not found are missing.
    """

    texts: list[str | None]
    report: dict[Kind, int]


def redact(
    texts: Iterable[str | None] | pl.Series,
    mode: Mode = "placeholder",
    salt: bytes = b"",
    *,
    kinds: Collection[Kind] = KINDS,
) -> Redacted:
    """Replace e-mail addresses, phone numbers, card and account numbers, other numbers of persons, and secrets.

    Args:
        mode: `placeholder` writes `[email]`; `pseudonym` writes `[email:` and a hash of the value, which keeps equal persons
            equal: whatever the case of an address or the writing of an international number.
        salt: Key of the pseudonyms; who has it can check a guess.
        kinds: Kinds to replace.

    Raises:
        TypeError: One text was given in place of several.
        ValueError: There is no such mode or kind, or pseudonyms were asked for without a salt.
    """
    if isinstance(texts, (str, bytes)):
        raise TypeError("redact takes a list of texts; put the one text into a list")
    redactor = Redactor(mode, salt, kinds=kinds)
    given = list(texts)
    if len(given) >= _FEW:
        series = pl.Series(given, dtype=pl.String)
        suspect = (series.str.contains(MAYBE) | ~series.str.contains(r"\A[\x00-\x7f]*\z")).fill_null(value=False)
        made = [
            redactor.text(text) if is_suspect and text is not None else text
            for text, is_suspect in zip(given, suspect, strict=True)
        ]
    else:
        made = [None if text is None else redactor.text(text) for text in given]
    return Redacted(made, dict(redactor.counts))


@dataclass
class Redactor:
    """Replaces what identifies a person in one text after another, and counts it.

    Args:
        mode: As for `redact`.
        salt: As for `redact`.
        kinds: As for `redact`; none at all leaves every text as it is.
        counts: How often each kind was replaced; a text that comes again is not counted again while it is remembered.
    """

    mode: Mode = "placeholder"
    salt: bytes = field(default=b"", repr=False)
    kinds: Collection[Kind] = KINDS
    counts: Counter[Kind] = field(default_factory=Counter)
    _known: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise ValueError(f"there is no mode {self.mode!r}; there are {', '.join(get_args(Mode))}")
        if self.mode == "pseudonym" and not self.salt:
            raise ValueError("pseudonyms need a salt: without it anybody can check a guess")
        if unknown := sorted(set(self.kinds) - set(KINDS)):
            raise ValueError(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")

    def text(self, text: str) -> str:
        """Replace what identifies a person in a text."""
        if (known := self._known.get(text)) is not None:
            return known
        changed = self._replace(text) if self.kinds else text
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[text] = changed
        return changed

    def _replace(self, text: str) -> str:
        parts, end = list[str](), 0
        for place in places(text, self.kinds):
            self.counts[place.kind] += 1
            parts += (text[end : place.start], self._name(place))
            end = place.end
        return "".join((*parts, text[end:])) if parts else text

    def _name(self, place: FoundPlace) -> str:
        if self.mode == "placeholder":
            return f"[{place.kind}]"
        digest = hmac.new(self.salt, f"{place.kind}:{place.value}".encode("utf-8", "surrogatepass"), "sha256")
        return f"[{place.kind}:{digest.hexdigest()[:12]}]"
