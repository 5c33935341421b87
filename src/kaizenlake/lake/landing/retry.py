"""A second try for quarantined lines, after a rule, a setting or a mapping was mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from kaizenlake.errors import LakeError, MappingError
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.envelope import LineLimits
from kaizenlake.lake.formats import IdSalt
from kaizenlake.lake.landing import quarantine
from kaizenlake.lake.landing.batch import DEFAULT_SOURCE, append_events, find_salt, judge
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.lake.mapping.times import RowOrigin
from kaizenlake.lake.readers.json_rows import rows_of
from kaizenlake.lake.store import Lake, Snapshot

RAW_BYTES = 1 << 30
"""Longest row taken: they were measured when they came."""


@dataclass(frozen=True)
class Retried:
    """What a retry of the quarantine did.

    Args:
        tried: Lines that waited.
        landed: Lines whose event is in the lake now.
        by_rule: Lines that still wait, by the rule that they broke this time.
        held_back: Lines that were not tried, as they are held back for their number alone.
    """

    tried: int
    landed: int
    by_rule: dict[str, int] = field(default_factory=dict)
    held_back: int = 0

    @property
    def waiting(self) -> int:
        """Lines that still wait."""
        return self.tried - self.landed


def retry(lake: Lake, *, held_back: bool = False, now: datetime | None = None) -> Retried:
    """Land again every line that waits in quarantine, and mark those whose event is in the lake now.

    A line of our own form is checked as it was kept. The row of a foreign table goes through its mapping as it is now; a
    row that could not be told apart into cells was kept as text, and waits on until its file is landed again.

    Args:
        held_back: Also lines that were held back for their number alone, whatever cap there is: somebody has looked at them.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        LakeError: The lake cannot be written.
    """
    now = now or datetime.now(UTC)
    salt = find_salt(lake)
    tried = landed = 0
    rules: Counter[str] = Counter()
    for chunk in quarantine.waiting(lake, held_back=held_back):
        tried += chunk.height
        broken = _land(lake, chunk, now, salt)
        done = [key for key in chunk["quarantine_id"] if key not in broken]
        for found in broken.values():
            rules.update(found)
        quarantine.mark_landed(lake, done)
        landed += len(done)
    return Retried(tried, landed, dict(rules.most_common()), 0 if held_back else quarantine.count_held_back(lake))


def mappings_folder(lake: Lake) -> Path | None:
    """Return the folder of the lake's own mappings; None for a lake in an object store without a local home."""
    try:
        return lake.path("mappings")
    except LakeError:
        return None


def _land(lake: Lake, held: pl.DataFrame, now: datetime, salt: IdSalt) -> dict[str, set[str]]:
    """Land quarantined lines; those that still break rules come back by their ids, with the rules."""
    lines: list[bytes] = []
    owners: list[int] = []
    for line, place in _yield_event_lines(lake, held, salt):
        lines.append(line)
        owners.append(place)
    limits = lake.settings.landing
    checked = check_lines(
        lines,
        range(len(lines)),
        now=now,
        limits=LineLimits(limits.future_hours, limits.line_bytes, DEFAULT_SOURCE),
        catalogue=lake.declared.catalogue,
    )
    ids = held["quarantine_id"]
    # A row that gives no line at all still breaks what it broke.
    broken = {ids[place]: set(held["rules"][place]) for place in set(range(held.height)) - set(owners)}
    for item in checked.rejected:
        broken.setdefault(ids[owners[item.line]], set()).update(item.rules)
    if checked.frame.height:
        owner = pl.Series("_owner", owners, dtype=pl.Int64).gather(checked.frame["line"])
        given = checked.frame.with_columns(
            held["file"].gather(owner).alias("file"), held["line"].gather(owner).alias("line"), owner.alias("_owner")
        )
        judged = append_events(lake, given, now=now, salt=salt, is_mapped=True, decide=_judge)
        for place in judged.filter(pl.col("_fate") == "conflict")["_owner"]:
            broken.setdefault(ids[place], set()).add("conflict")
    return broken


def _judge(given: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    return judge(given, snapshot, pl.DataFrame.clear)


def _yield_event_lines(lake: Lake, held: pl.DataFrame, salt: IdSalt) -> Iterator[tuple[bytes, int]]:
    """Yield the event lines of quarantined lines, each with the place of the line it comes from."""
    places = held.with_row_index("_place")
    for (name, content), rows in places.group_by("mapping", "file_hash", maintain_order=True):
        if name is None:
            yield from zip((raw.encode() for raw in rows["raw"]), rows["_place"], strict=True)
        else:
            yield from _map_lines(lake, str(name), RowOrigin(str(content), salt=salt.text), rows)


def _map_lines(lake: Lake, name: str, origin: RowOrigin, rows: pl.DataFrame) -> Iterator[tuple[bytes, int]]:
    try:
        mapping = mappings.load(name, mappings_folder(lake), lake.declared.catalogue)
    except MappingError:
        return
    if not mapping.has_breakdown:
        # One that would silently take the place of another still would.
        rows = rows.filter(~pl.col("rules").list.contains("same_grain"))
    if rows.is_empty():
        return
    file = str(rows["file"][0])
    found = rows_of([raw.encode() for raw in rows["raw"]], range(rows.height), RAW_BYTES)
    if not found.numbers:
        return
    places, lines = rows["_place"], rows["line"]
    owners = [places[at] for at in found.numbers]
    found.numbers = [lines[at] for at in found.numbers]
    if file.endswith(".parquet"):
        # Rows that an earlier version kept do not tell which of their cells were numbers.
        found.typed |= {name: pl.repeat(value=True, n=len(owners), eager=True) for name in found.frame.columns}
    try:
        mapping.fits(found.frame.columns, where=file)
    except MappingError:
        return
    mapped = mapping.apply(found, replace(origin, name=file, exchange=Exchange.of(lake.settings.money)))
    yield from ((line, owners[row]) for line, row in zip(mapped.lines, mapped.places, strict=True))
