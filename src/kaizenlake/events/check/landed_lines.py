"""Checking landed lines: good ones become columns of `bronze.events`, the others are named with every rule they break.

A good line is decoded and checked in C against the whole catalogue. A line that this refuses is looked at again,
slowly: either it is good after all (a CloudEvent, a BOM, a count written as 5000.0), or its problems are found and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec
import polars as pl

from kaizenlake.events import envelope, rules
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.events.check.event_columns import REFUSALS, EventColumns, RefusedError
from kaizenlake.events.check.slow_check import Rejected, event_of, look_again
from kaizenlake.events.envelope import DEFAULT_LIMITS, Envelope, LineLimits


@dataclass(frozen=True, slots=True)
class Checked:
    """Good lines as rows of `COLUMNS`, in their order, and the lines that were rejected."""

    frame: pl.DataFrame
    rejected: list[Rejected]


def check_lines(
    lines: Sequence[bytes],
    numbers: Sequence[int],
    *,
    now: datetime,
    limits: LineLimits = DEFAULT_LIMITS,
    decisions: bool = False,
    catalogue: Catalogue = OURS,
) -> Checked:
    """Check lines against the catalogue; every line comes back, as a row or rejected.

    Ids are not compared here: the same event twice is two rows. Of a key that an object holds twice, the last counts.

    Args:
        lines: Lines without their line feed, in any mix of our envelope and CloudEvents; a BOM and CR are ignored.
        numbers: Number of each line in its file, from 1.
        now: Aware instant of the clock.
        limits: What a line may be, and the source of events that name none.
        decisions: Take decisions too: the lines are those of a command that has checked its gates.
        catalogue: Event types that there are: `lake.declared.catalogue` for those of a lake, its plug-ins' included.
    """
    rows = EventColumns(envelope.latest(now, limits.future_hours), decisions=decisions, catalogue=catalogue)
    rejected: list[Rejected] = []

    def again(place: int) -> None:
        found = look_again(lines[place], numbers[place], rows, now=now, limits=limits)
        if found is not None:
            rejected.append(found)

    def take(events: list[Envelope], first: int) -> None:
        try:
            rows.extend(events, numbers[first : first + len(events)])
        except REFUSALS:
            if len(events) == 1:
                again(first)
                return
            # One of them is refused, and with it all: halves lead to it.
            middle = len(events) // 2
            take(events[:middle], first)
            take(events[middle:], first + middle)

    place = 0
    while place < len(lines):
        run = lines[place : place + RUN_LINES]
        events = _decode_fast(run, limits.line_bytes, catalogue)
        if events:
            take(events, place)
        place += len(events)
        if len(events) < len(run):
            again(place)
            place += 1
    return Checked(rows.frame(limits.source), rejected)


RUN_LINES = 1024
"""Lines that are decoded and checked at a time: few enough to stay in the processor's cache."""


def _decode_fast(run: Sequence[bytes], line_bytes: int, catalogue: Catalogue) -> list[Envelope]:
    """Return the events of the lines before the first that has to be looked at again."""
    decode = envelope.decoder(catalogue).decode

    def careful(line: bytes) -> Envelope:
        if len(line) > line_bytes or _NUL in line:
            raise RefusedError
        return _cloud_event(line, catalogue) if _CLOUD in line else decode(line)

    together = b"".join(run)
    is_long = len(together) > line_bytes and max(map(len, run)) > line_bytes
    is_plain = not is_long and _CLOUD not in run[0] and not (b"\\" in together and _NUL in together)
    events: list[Envelope] = []
    with suppress(*REFUSALS):
        # What was decoded before one is refused stays in the list.
        events.extend(map(decode if is_plain else careful, run))
    return events


_CLOUD = b'"specversion"'
_NUL = b"\\u0000"


def _cloud_event(line: bytes, catalogue: Catalogue) -> Envelope:
    """Return the event of a line that speaks of `specversion`, at the speed of good ones.

    Raises:
        Exception: Any of `REFUSALS`; the line is looked at again.
    """
    document = msgspec.json.decode(line)
    if isinstance(document, dict) and envelope.is_cloud_event(document):
        if any(rules.cloud_problems(document)):
            raise RefusedError
        document = envelope.from_cloud_event(document)
    return event_of(document, catalogue)
