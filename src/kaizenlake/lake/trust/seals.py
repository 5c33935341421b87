"""Seals: what a lake signs of a decision or of a batch of events, each chained to the one before it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kaizenlake import signing
from kaizenlake.lake.trust.keys import Trust
from kaizenlake.vocabulary import plural

Kind: TypeAlias = Literal["decision", "batch"]

UNSEALED = ("batch", "seal")
"""Columns of `bronze.events` that a decision's seal does not cover: they are the seal."""


@dataclass(frozen=True)
class Link:
    """A seal as it was read.

    Args:
        sequence: Its number, from 1.
        previous: Hash of the one before; empty for the first.
        key_id: Key that is said to have signed it.
        signature: Its signature.
        signed: Bytes that are signed.
        about: What carries it: the place of a row, or what is told of a batch.
    """

    sequence: int
    previous: str
    key_id: str
    signature: bytes
    signed: bytes
    about: Any

    @property
    def hash(self) -> str:
        """What the next one names as its previous."""
        return hashlib.sha256(self.signed + self.signature).hexdigest()


def spell(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of bronze in one spelling, which a later column that is null in it does not change."""
    return {name: _plain(value) for name, value in row.items() if value is not None and name not in UNSEALED}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def seal(
    kind: Kind, lake_id: str, sequence: int, previous: str, content: Any, key: Ed25519PrivateKey
) -> tuple[str, str]:
    """Sign something as the next of its chain.

    Args:
        kind: What it is.
        lake_id: The lake, so that what one key signed for another lake does not count here.
        sequence: Its number, from 1.
        previous: Hash of the one before; empty for the first.
        content: What is signed.
        key: The lake's key.

    Returns:
        The seal as JSON text, without the content; and its hash, which the next one names.
    """
    name = signing.key_id(key.public_key())
    signed = _bytes_to_sign(kind, lake_id, sequence, previous, name, content)
    signature = key.sign(signed)
    text = json.dumps(
        {
            "sequence": sequence,
            "previous": previous,
            "key_id": name,
            "signature": base64.b64encode(signature).decode("ascii"),
        }
    )
    return text, hashlib.sha256(signed + signature).hexdigest()


def read(kind: Kind, lake_id: str, text: str, content: Any, about: Any) -> Link | None:
    """Read a seal; None where it is none.

    Args:
        kind: What it should be of.
        text: The seal.
        content: What it should sign.
        about: What carries it.
    """
    try:
        found = json.loads(text)
        sequence, previous, name = found["sequence"], found["previous"], found["key_id"]
        signature = base64.b64decode(found["signature"], validate=True)
        if type(sequence) is not int or sequence < 1 or not isinstance(previous, str) or not isinstance(name, str):
            return None
        return Link(
            sequence, previous, name, signature, _bytes_to_sign(kind, lake_id, sequence, previous, name, content), about
        )
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        return None


def _bytes_to_sign(kind: Kind, lake_id: str, sequence: int, previous: str, key_id: str, content: Any) -> bytes:
    return signing.canonical(
        {
            "kind": kind,
            "lake": lake_id,
            "sequence": sequence,
            "previous": previous,
            "key_id": key_id,
            "content": content,
        }
    )


@dataclass(frozen=True)
class Chain:
    """The links of a chain that verify, in their order, and what is wrong with it.

    Args:
        links: Links that verify, by their numbers.
        refused: Links that do not, each with the reason.
        missing: Numbers that should be there and are not.
    """

    links: Mapping[int, Link] = field(default_factory=dict)
    refused: tuple[tuple[Link, str], ...] = ()
    missing: tuple[int, ...] = ()

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last link; 0 and empty where there is none."""
        if not self.links:
            return 0, ""
        last = max(self.links)
        return last, self.links[last].hash


def verify(
    links: Iterable[Link], trust: Trust, *, attested: Iterable[str] = (), seen: tuple[int, str] = (0, ""), last: int = 0
) -> Chain:
    """Find the links of a chain that verify.

    The newest signature by the lake's key vouches for everything before it, since each link names the hash of the one
    before: so one signature is checked, and the others only behind a gap. A former key counts only for links from before
    the lake had its present one.

    Args:
        links: Links as they were read, in any order.
        trust: Public keys of the lake.
        attested: Hashes of links that something else vouches for.
        seen: Number and hash of the latest link that this place remembers; of two branches, the one with it counts.
        last: Number of the latest link that was ever written, if it is known.
    """
    by_hash = {link.hash: link for link in links}
    ordered = sorted(by_hash.items(), key=lambda item: -item[1].sequence)
    authentic: dict[str, Link] = {name: by_hash[name] for name in attested if name in by_hash}
    for name in list(authentic):
        _vouch(name, by_hash, authentic)

    def check(is_asked: Callable[[Link], bool]) -> None:
        for name, link in ordered:
            if name not in authentic and is_asked(link) and _is_signed(link, trust):
                authentic[name] = link
                _vouch(name, by_hash, authentic)

    check(lambda link: link.key_id == trust.own)
    floor = min((link.sequence for link in authentic.values() if link.key_id == trust.own), default=None)
    check(lambda link: link.key_id != trust.own and (floor is None or link.sequence < floor))
    chosen = _one_branch(authentic, seen[1])
    newest = max([last, seen[0], *chosen])
    refused = [
        (link, "another decision or batch has its number" if name in authentic else _why(link, trust))
        for name, link in by_hash.items()
        if chosen.get(link.sequence) is not link
    ]
    missing = _missing(chosen, newest)
    return Chain(dict(sorted(chosen.items())), tuple(refused), missing)


MOST_MISSING = 1000
"""Most missing numbers that are told."""


def _missing(chosen: Mapping[int, Link], newest: int) -> tuple[int, ...]:
    found: list[int] = []
    for number in range(1, newest + 1):
        if number not in chosen:
            found.append(number)
            if len(found) == MOST_MISSING:
                break
    return tuple(found)


def _vouch(name: str, by_hash: Mapping[str, Link], authentic: dict[str, Link]) -> None:
    """Take what a link that verifies names as the one before it, and so on."""
    link = by_hash[name]
    while (before := by_hash.get(link.previous)) is not None and link.previous not in authentic:
        if before.sequence != link.sequence - 1:
            return
        authentic[link.previous] = before
        link = before


def _one_branch(authentic: Mapping[str, Link], seen: str) -> dict[int, Link]:
    """Return one link a number: those that lead to the one that is remembered, then those that lead to the newest."""
    chosen: dict[int, Link] = {}
    heads = sorted(authentic, key=lambda name: (name != seen, -authentic[name].sequence, name))
    for head in heads:
        link: Link | None = authentic[head]
        walked: list[Link] = []
        while link is not None and link.sequence not in chosen:
            walked.append(link)
            link = authentic.get(link.previous)
        if link is None or chosen[link.sequence] is link:
            chosen |= {item.sequence: item for item in walked}
    return chosen


def _is_signed(link: Link, trust: Trust) -> bool:
    key = trust.keys.get(link.key_id)
    if key is None:
        return False
    try:
        key.verify(link.signature, link.signed)
    except InvalidSignature:
        return False
    return True


def _why(link: Link, trust: Trust) -> str:
    if link.key_id not in trust.keys:
        return f"it names the key {link.key_id}, which is none of this lake"
    if link.key_id != trust.own:
        return f"its signature is not that of the key {link.key_id}, or that key signed no more"
    return f"it is not what the key {link.key_id} signed"


def some(numbers: Iterable[int]) -> str:
    """Return numbers in words, runs of them as ranges.

    >>> some([1, 2, 3, 7, 9, 10])
    '1 to 3, 7, 9 to 10'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:10]]
    return ", ".join(parts) + (f" and {plural(len(runs) - 10, 'other run')}" if len(runs) > 10 else "")
