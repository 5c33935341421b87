"""What texts have in common: their words, and hashes of three words in a row that stay the same whatever library counts them.

A word's hash is a sum over its bytes in UTF-8, and that of three words a mix of theirs, all in whole numbers of 64 bits:
nothing in it depends on a version of numpy, polars or Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
Places: TypeAlias = NDArray[np.int64]

SHINGLE = 3
"""Words of a shingle."""

_WORD = re.compile(r"\w+")
_PLAIN: set[str] = set()
"""Characters that were seen and are no format characters."""


def words(text: str) -> list[str]:
    r"""Return the words of a text: after NFKC, without format characters (Cf), casefolded, runs of `\w`.

    >>> words("\uff28ello, big\u00adger STRASSE-straße 2")
    ['hello', 'bigger', 'strasse', 'strasse', '2']
    """
    if text.isascii():
        return _WORD.findall(text.lower())
    shown = unicodedata.normalize("NFKC", text)
    if unknown := set(shown) - _PLAIN:
        hidden = {char for char in unknown if unicodedata.category(char) == "Cf"}
        _PLAIN.update(unknown - hidden)
        if hidden:
            shown = shown.translate(dict.fromkeys(map(ord, hidden)))
    return _WORD.findall(shown.casefold())


@dataclass(frozen=True)
class Shingled:
    """Hashes of the shingles of texts, one text after the other; one that a text repeats is there as often.

    Args:
        hashes: Hashes of the shingles; a text of fewer words than a shingle has one, of all it says.
        ends: Place after the last hash of each text.
        words: Words of each text.
    """

    hashes: Hashes
    ends: Places
    words: Places


def shingle(texts: Sequence[str], length: int = SHINGLE) -> Shingled:
    """Hash the shingles of texts.

    Args:
        texts: Any texts; what they are in does not matter.
        length: Words of a shingle.
    """
    hashes, counts, word_counts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for part in _parts(texts):
        found, ends = _hash_words(part)
        of_shingles, shingle_counts = _hash_runs(found, ends, length)
        hashes.append(of_shingles)
        counts.append(shingle_counts)
        word_counts.append(np.diff(ends, prepend=0))
    return Shingled(np.concatenate(hashes), np.cumsum(np.concatenate(counts)), np.concatenate(word_counts))


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts in parts whose figures fit into the processor's cache."""
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= _PART:
            yield part
            part, size = [], 0
    if part:
        yield part


_PART = 1 << 18
"""Characters of a part."""

_LOWER: Final[NDArray[np.uint8]] = np.zeros(256, np.uint8)
"""What each byte is in a word: letters of ASCII as small ones, all that is not of a word 0."""
for _byte in range(256):
    if _byte >= 0x80 or chr(_byte) == "_" or chr(_byte).isalnum():
        _LOWER[_byte] = ord(chr(_byte).lower()) if _byte < 0x80 else _byte

_BASE = np.uint64(0x9E3779B97F4A7C15)
_LENGTH = np.uint64(0xD6E8FEB86659FD93)


def _mix(values: Hashes) -> Hashes:
    """Mix the bits of whole numbers, by the finish of splitmix64."""
    mixed = values ^ (values >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


_BYTES: Final[Hashes] = _mix((np.arange(256, dtype=np.uint64) + np.uint64(1)) * _BASE)
"""A drawn number for each byte."""


def _hash_words(texts: Sequence[str]) -> tuple[Hashes, Places]:
    """Hash every word of texts, and say after which the words of each text end."""
    # Texts of ASCII are cut into words as bytes; the others by Python, which knows what a letter is.
    plain = [text if text.isascii() else " ".join(words(text)) for text in texts]
    raw = [text.encode() for text in plain]
    ends = np.cumsum([len(text) + 1 for text in raw])
    letters = _LOWER[np.frombuffer(b"\n".join([*raw, b""]), np.uint8)]
    is_word = letters != 0
    before = np.empty_like(is_word)
    before[:1], before[1:] = False, is_word[:-1]
    firsts = np.flatnonzero(is_word & ~before)
    if not firsts.size:
        return np.zeros(0, np.uint64), np.zeros(len(texts), np.int64)
    letters = letters[is_word]
    starts = np.cumsum(is_word)[firsts] - 1
    lengths = np.diff(starts, append=letters.size)
    powers = np.cumprod(np.full(int(lengths.max()), _BASE), dtype=np.uint64)
    places = np.arange(letters.size) - np.repeat(starts, lengths)
    values = _BYTES[letters] * powers[places]
    hashes = np.add.reduceat(values, starts) + lengths.astype(np.uint64) * _LENGTH
    return _mix(hashes), np.searchsorted(firsts, ends)


def _hash_runs(found: Hashes, ends: Places, length: int) -> tuple[Hashes, Places]:
    """Hash runs of so many words within each text; a shorter text is one run of all its words."""
    starts = np.concatenate(([0], ends[:-1])).astype(np.int64)
    counts = ends - starts
    made = np.zeros(max(found.size - length + 1, 0), np.uint64)
    for place in range(length):
        made = made * _BASE + found[place : place + made.size]
    runs = np.maximum(counts - length + 1, 0)
    is_run = np.repeat(runs > 0, runs)
    at = np.arange(is_run.size) - np.repeat(np.cumsum(runs) - runs, runs) + np.repeat(starts, runs)
    hashes = _mix(made[at]) if at.size else np.zeros(0, np.uint64)
    short = np.flatnonzero(counts < length)
    if not short.size:
        return hashes, runs
    whole = np.zeros(short.size, np.uint64)
    for place in range(length - 1):
        has = counts[short] > place
        whole[has] = whole[has] * _BASE + found[starts[short][has] + place] + np.uint64(place + 1)
    whole = _mix(whole ^ _LENGTH)
    return np.insert(hashes, (np.cumsum(runs) - runs)[short], whole), np.where(counts < length, 1, runs)
