"""The sentences of a text, split by sentencex; what it gets wrong about lists and omissions is put right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from sentencex import segment

_BULLET = r"[\u2022\u2043\u2023\u25aa\u25e6]"

_MARKER = re.compile(rf"(?:^|(?<=\s))(?P<bullet>{_BULLET}\s*)?(?P<place>\d{{1,2}}|[a-z])(?P<stop>\.\)|[.)])(?=\s+\S)")
"""The mark of an item of a list that runs on in a line: `2.`, `2)`, `2.)`, `b.`, with a bullet before it or not."""

_BULLETED = re.compile(rf"(?<=\s)(?={_BULLET})")

_OMISSION = re.compile(r"(?<=\w\.)\s(?=\. \. \.\s+\w)")
"""Between a full stop and the three dots of an omission with which the next sentence begins."""

_DOTS = re.compile(r"(?:\. ?){3}")

_NEEDS_MORE = {
    "en": "approx incl excl Ms",
    "de": "inkl exkl zzgl Fa bspw Tel max mind Dipl Abb Tab Kap Abs Bd Hrsg gem entspr insb insbes allg",
    "fr": "M Mme Mlle Me Dr Pr St Ste réf c.-à-d",
    "es": "aprox nº D Dª Cía depto",
}
"""Abbreviations, by language, that the library takes for the end of a sentence and behind which it always goes on."""

_MAY_END = {
    "en": "hr hrs wk wks mo mos yr yrs qty misc intl govt pkg pct max mon tue tues wed thu thurs fri sat sun avg est vol eds figs secs "
    "resp tel temp assoc mgr apt ch",
    "fr": "art max min janv févr avr juil sept oct nov déc resp",
    "es": "ene feb ref ed m",
}
"""Those behind which it goes on where a small letter or a digit follows; written small, they may begin with a capital."""

_NAMES_GO_ON = re.compile(r"(?:^|[A-Z\u00c0-\u00dd][\w.]{0,20}\s)[A-Z\u00c0-\u00dd]\.\s+$")
_GOES_ON = {
    # the 3rd quarter: an ordinal behind an article
    "de": re.compile(
        r"(?:^|[\s(])(?:im|am|zum|zur|vom|beim|der|die|das|den|dem|des|jede[rsn]?)\s\d{1,2}\.\s+$", re.IGNORECASE
    ),
    "fr": _NAMES_GO_ON,
    "es": _NAMES_GO_ON,
}
"""What the library takes for an end, by language: a German ordinal, the initial of a name behind nothing or another name."""

_BEGINS_AFTER_ETC = re.compile(r"(?<=\betc\.)\s+(?=[A-Z\u00c0-\u00dd\u00a1\u00bf\u00ab])")
"""Between an `etc.` and a capital, in languages that write nouns small and of which the library cuts none."""

_LAST_WORD = re.compile(r"(?:^|[\s(\['\u2019\u00ab\u201c\u201e\"])([\w.\-\u00ba\u00aa]{1,12})\.\s+$")


def sentences(text: str, language: str = "en") -> list[str]:
    """Split a plain text into its sentences.

    Items of a list that runs on in one line (`1. … 2. …`, `a. … b. …`, `• … • …`) are sentences of their own.

    Args:
        text: Plain text, in which a line break is a space and an empty line ends a sentence.
        language: Language of the text, as a code of ISO 639-1; abbreviations are those of the language.

    >>> sentences("Dr. Meyer paid 3.50 at noon. He left.")
    ['Dr. Meyer paid 3.50 at noon.', 'He left.']
    >>> sentences("Was gilt ab dem 12. Juni? Alles, z. B. der Preis.", "de")
    ['Was gilt ab dem 12. Juni?', 'Alles, z. B. der Preis.']
    """
    whole = text.encode("utf-8", "replace").decode()  # halves of a surrogate pair would stop the library
    parts = (part for item in _items(whole) for half in _OMISSION.split(item) for part in _split(half, language))
    return [part for part in parts if part]


def _items(text: str) -> list[str]:
    """Cut a text before each item of a list that runs on, if it begins with one."""
    pieces = [piece for piece in _BULLETED.split(text) if piece.strip()]
    return [item for piece in pieces for item in _counted_items(piece)]


def _counted_items(text: str) -> list[str]:
    """Cut a text that begins with the first mark of a list before each mark that follows in order."""
    marks = list(_MARKER.finditer(text))
    if not marks or text[: marks[0].start()].strip():
        return [text]
    starts, last = [0], marks[0]
    for mark in marks[1:]:
        if mark["stop"] == last["stop"] and _follows(last["place"], mark["place"]):
            starts.append(mark.start())
            last = mark
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def _follows(before: str, after: str) -> bool:
    if before.isdigit() and after.isdigit():
        return int(after) == int(before) + 1
    return not before.isdigit() and not after.isdigit() and ord(after) == ord(before) + 1


def _split(item: str, language: str) -> Iterator[str]:
    """Split one item by the library, and put together what it cut though it belongs together."""
    item = item.lstrip()
    mark = _MARKER.match(item)
    head = mark[0] if mark else ""
    body = item[len(head) :]
    runs = _BEGINS_AFTER_ETC.split(body) if _base(language) in {"fr", "es"} else [body]
    found = [part.strip() for run in runs for part in _whole(segment(language, run), language)]
    yield from [f"{head} {found[0]}", *found[1:]] if head and found else [head, *found]


def _whole(parts: Iterable[str], language: str) -> Iterator[str]:
    """Join parts that the library cut within one sentence."""
    held = ""
    for part in parts:
        if held and not _goes_on(held, part, language):
            yield held
            held = ""
        held += part
    if held:
        yield held


def _goes_on(before: str, after: str, language: str) -> bool:
    """Return whether a sentence goes on over a cut: within a number, behind an abbreviation, dots or words that are quoted."""
    if before.endswith(("\u300d", "\u300f")) and after[:1] in "\u3068\u3063\u306a":
        return True  # 「…。」 and the particle that says whose words they are
    if before[-2:-1].isdigit() and before.endswith(".") and after[:1].isalpha():
        return True
    if (before.endswith(".") and after[:1] == "-") or _DOTS.fullmatch(before.strip()):
        return True
    last, next_one = before[-40:], after.lstrip()[:1]
    if (known := _GOES_ON.get(_base(language))) and known.search(last):
        return True
    word = _LAST_WORD.search(last)
    may_go_on = next_one.islower() or next_one.isdigit()
    return word is not None and (
        _is_among(word[1], _NEEDS_MORE, language) or (may_go_on and _is_among(word[1], _MAY_END, language))
    )


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _is_among(word: str, of: dict[str, str], language: str) -> bool:
    known = of.get(_base(language), "").split()
    return word in known or word[:1].lower() + word[1:] in known
