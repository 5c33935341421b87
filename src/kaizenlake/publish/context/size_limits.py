"""How much room the texts of a context have, so that its document stays a short read."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kaizenlake.publish.context.model import ENTRIES, LIMIT, WINNERS, KaizenContext

_LAYOUT = 200
"""Most bytes that the template's line ends and spaces take."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Most entries and bytes that parts of one context may have.

    Args:
        entries: Entries of a list.
        winners: Past winners.
        graded: Values of one grade and field.
        value: Bytes of one value.
        text: Bytes of the text of a past winner.
    """

    entries: int
    winners: int
    graded: int
    value: int
    text: int


ROOMS = (
    Room(entries=ENTRIES, winners=WINNERS, graded=ENTRIES, value=120, text=300),
    Room(entries=ENTRIES, winners=WINNERS, graded=3, value=100, text=200),
    Room(entries=ENTRIES, winners=WINNERS, graded=2, value=60, text=120),
    Room(entries=ENTRIES, winners=WINNERS, graded=0, value=48, text=60),
    Room(entries=4, winners=2, graded=0, value=32, text=40),
    Room(entries=3, winners=1, graded=0, value=24, text=24),
    Room(entries=1, winners=1, graded=0, value=16, text=16),
)
"""From the widest to one in which any context fits."""


def fits(context: KaizenContext) -> bool:
    """Return whether the document of a context is short enough."""
    plain = msgspec.json.encode(context)
    escaped = sum(plain.count(character) for character in (b"<", b">", b"&", b"'"))
    return len(plain) + 5 * escaped + _LAYOUT <= LIMIT
