"""Which events that applications logged count: as many of each batch as this lake signed when it landed them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

import polars as pl
from deltalake import DeltaTable

from kaizenlake import tables
from kaizenlake.errors import VerificationError
from kaizenlake.events.catalogue import EVENTS
from kaizenlake.lake import delta
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust import digests, keys, seals
from kaizenlake.lake.trust.digests import BatchDay
from kaizenlake.tables import Events
from kaizenlake.vocabulary import plural

TYPES: tuple[str, ...] = tuple(event.name for event in EVENTS if event.family.is_decision)
"""Event types that are decisions."""

IS_LOGGED = ~pl.col("event_type").is_in(TYPES)
"""Whether an event was logged by an application, and is no decision."""

Number: TypeAlias = int | None
"""Number of a batch; None is that of the events that are of none."""

_DIGITS, _PIECE = 64, 13
"""Hexadecimal digits of a hash, and of a piece of it in one application transaction."""

_STARTS = range(0, _DIGITS, _PIECE)

MOST_WINDOWS = 50
"""Most sets of files that are tried to find what was landed among what was put beside it."""


@dataclass(frozen=True)
class Vouched:
    """What decisions vouch for, besides the chain of the batches.

    Args:
        hashes: Hashes of batches.
        adopted: The events of no batch that a person adopted; None where nobody did.
        amended: What is left of batches from which something was forgotten, by their numbers.
    """

    hashes: tuple[str, ...] = ()
    adopted: BatchDay | None = None
    amended: Mapping[int, BatchDay] = field(default_factory=dict)

    def parts_of(self, chain: seals.Chain) -> dict[int, BatchDay]:
        """Return what each batch of a chain should hold: what was signed, or what is left of it."""
        signed = {number: BatchDay(link.about["rows"], link.about["digest"]) for number, link in chain.links.items()}
        return signed | {number: part for number, part in self.amended.items() if number in signed}


@dataclass(frozen=True)
class Attested:
    """The logged events of a lake at one moment, as far as they count.

    Args:
        first: When the first event of each tenant was landed, of those that count.
        refused: Batches of which no event counts.
        parted: Batches in which events were put that were not landed with them; only those that were count.
        rows: The events of these that count.
        problems: What does not count or is missing, in words.
        is_checked: There was a key by which to check; else nothing counts and nothing can be said.
        mark: Names which events that a job has seen before may count differently now; empty in a lake in which all do.
    """

    first: Mapping[str | None, datetime] = field(default_factory=dict)
    refused: tuple[Number, ...] = ()
    parted: tuple[Number, ...] = ()
    rows: pl.DataFrame = field(default_factory=lambda: tables.empty(Events).collect())
    problems: tuple[str, ...] = ()
    is_checked: bool = True
    mark: str = ""

    def check(self) -> None:
        """Check that there was a key to check by, since else nothing would count.

        Raises:
            VerificationError: There was none.
        """
        if not self.is_checked:
            raise VerificationError(
                "No event of this lake can be checked, since neither its key nor the public half of it is here.",
                hint="Restore keys/ from its backup, or published/public_key.pem.",
            )

    def scan(self, snapshot: Snapshot, days: Collection[date] | None = None) -> pl.LazyFrame:
        """Return the logged events that count, lazily.

        Args:
            snapshot: The moment that this is about.
            days: Events of these days only.
        """
        events = snapshot.scan(days=days).filter(IS_LOGGED)
        if not (left := (*self.refused, *self.parted)):
            return events
        numbers = [digests.NONE if number is None else number for number in left]
        whole = events.filter(~pl.col("batch").fill_null(digests.NONE).is_in(numbers))
        rows = self.rows if days is None else self.rows.filter(pl.col("event_date").is_in(sorted(days)))
        return whole if rows.is_empty() else pl.concat([whole, rows.lazy()])


def attest(snapshot: Snapshot, trust: keys.Trust, vouched: Vouched, seen: tuple[int, str]) -> Attested:
    """Find which logged events of a lake count; every event is counted, and none is read whole unless some are too many.

    That an event was changed is not seen here: `batches.verify` reads them all.

    Args:
        snapshot: The events.
        trust: Public keys of the lake.
        vouched: What decisions vouch for.
        seen: Number and hash of the latest batch that this place remembers.
    """
    logged = snapshot.scan().filter(IS_LOGGED)
    counted, sealed = pl.collect_all(
        [
            logged.group_by("batch", "tenant_id").agg(pl.len(), pl.col("landed_at").min()),
            logged.filter(pl.col("seal").is_not_null()).select("batch", "seal"),
        ]
    )
    links = [read_seal(Lake.identity(snapshot), batch, text) for batch, text in sealed.iter_rows()]
    chain = seals.verify(
        [link for link in links if link is not None], trust, attested=vouched.hashes, seen=seen, last=head(snapshot)[0]
    )
    signed: dict[Number, BatchDay] = dict(vouched.parts_of(chain).items())
    if vouched.adopted is not None:
        signed[None] = vouched.adopted
    there: dict[Number, int] = dict(counted.group_by("batch").agg(pl.col("len").sum()).iter_rows())
    refused, problems, rescued = list[Number](), list[str](), dict[Number, pl.DataFrame]()
    for number, rows in sorted(there.items(), key=lambda item: item[0] or digests.NONE):
        part = signed.get(number)
        if part is None:
            refused.append(number)
            problems.append(_describe_unsigned(number, rows))
        elif rows > part.rows:
            found = _select_signed(snapshot, number, part)
            if found is None:
                refused.append(number)
            else:
                rescued[number] = found
            problems.append(_too_many(number, rows, part, is_found=found is not None))
        elif rows < part.rows:
            problems.append(f"{_name(number)}: {plural(part.rows, 'event')} were landed, and {rows:,} are there")
    problems += [
        f"{_name(number)}: {plural(part.rows, 'event')} were landed, and none is there"
        for number, part in signed.items()
        if part.rows and number not in there
    ]
    counting = pl.concat([tables.empty(Events).collect(), *rescued.values()])
    left = {*refused, *rescued}
    firsts = [(tenant, at) for batch, tenant, _, at in counted.iter_rows() if batch not in left]
    firsts += counting.group_by("tenant_id").agg(pl.col("landed_at").min()).iter_rows()
    first: dict[str | None, datetime] = {}
    for tenant, at in firsts:
        first[tenant] = min(at, first.get(tenant, at))
    return Attested(
        first=first,
        refused=tuple(refused),
        parted=tuple(rescued),
        rows=counting,
        problems=tuple(problems),
        is_checked=bool(trust.keys) or sealed.is_empty(),
        mark=_mark(refused, vouched.adopted),
    )


def _mark(refused: Collection[Number], adopted: BatchDay | None) -> str:
    said = [f"{number}" for number in refused if number is not None]
    return ";".join(said if adopted is None or not adopted.rows else [*said, adopted.digest])


def _name(number: Number) -> str:
    return "of no batch" if number is None else f"batch {number}"


def _describe_unsigned(number: Number, rows: int) -> str:
    if number is None:
        counts = "counts" if rows == 1 else "count"
        return f"{plural(rows, 'event')} of no batch, which no key of this lake signed, {counts} for nothing"
    return f"batch {number}: {plural(rows, 'event')} of it carry no digest that verifies, and count for nothing"


def _too_many(number: Number, rows: int, part: BatchDay, *, is_found: bool) -> str:
    more = f"{_name(number)}: {plural(part.rows, 'event')} were landed, and {rows:,} are there"
    return f"{more}; " + (
        f"{plural(rows - part.rows, 'other')} {'counts' if rows - part.rows == 1 else 'count'} for nothing"
        if is_found
        else "which of them were landed cannot be told any more, so none counts"
    )


def read_seal(lake_id: str, batch: Any, text: str) -> seals.Link | None:
    """Read the seal of a batch; None where it is none, or that of another.

    Args:
        batch: The batch of the event that carries it.
        text: The seal.
    """
    try:
        found = json.loads(text)
        content = {"rows": found["rows"], "digest": found["digest"]}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if type(content["rows"]) is not int or not isinstance(content["digest"], str):
        return None
    link = seals.read("batch", lake_id, text, content, content)
    return link if link is not None and link.sequence == batch else None


def head(snapshot: Snapshot) -> tuple[int, str]:
    """Return the number and hash of the latest batch, as its commit says them."""
    number = snapshot.transaction(keys.BATCH_HEAD)
    if number is None:
        return 0, ""
    return number, head_hash(snapshot)


def head_hash(snapshot: Snapshot) -> str:
    """Return the hash of the latest batch of a table that has one."""
    return hash_of(snapshot.transaction)


def hash_of(transaction: Callable[[str], int | None]) -> str:
    """Return the hash of a batch that `head_marks` has put into application transactions."""
    pieces = ((transaction(f"{keys.BATCH_HEAD}:{start}") or 0, min(_PIECE, _DIGITS - start)) for start in _STARTS)
    return "".join(f"{value:0{digits}x}" for value, digits in pieces)


def head_marks(number: int, digest: str) -> dict[str, int]:
    """Return the number and hash of a batch as application transactions of the commit that adds it."""
    pieces = {f"{keys.BATCH_HEAD}:{start}": int(digest[start : start + _PIECE], 16) for start in _STARTS}
    return {keys.BATCH_HEAD: number, **pieces}


def _select_signed(snapshot: Snapshot, number: Number, part: BatchDay) -> pl.DataFrame | None:
    """Return the events of a batch that were signed, of more that name it; None where they cannot be told apart.

    Files are never changed, and those of one landing were written one after the other: so some that follow each other in
    time hold exactly what was signed.
    """
    assert snapshot.handle is not None
    rows = _by_file(snapshot.handle, number)
    heights = dict(rows.group_by("_file").len().iter_rows())
    for first, last in _windows([heights[file] for file in range(len(heights))], part.rows):
        found = rows.filter(pl.col("_file").is_between(first, last)).drop("_file")
        if _digest(found) == part:
            return found
    return None


def _windows(heights: list[int], wanted: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last of files in a row that together have as many rows as are wanted."""
    told = 0
    for first in range(len(heights)):
        held = 0
        for last in range(first, len(heights)):
            held += heights[last]
            if held >= wanted:
                if held == wanted:
                    yield first, last
                    told += 1
                break
        if told >= MOST_WINDOWS:
            return


def _digest(rows: pl.DataFrame) -> BatchDay:
    return next((part for _, part in digests.batches([digests.parts(rows)])), digests.whole({}))


def _by_file(handle: DeltaTable, number: Number) -> pl.DataFrame:
    """Return rows of a batch, with the place of their file among those that hold any, in the order of time."""
    names = tables.schema(Events).names()
    found = [tables.empty(Events).with_columns(_file=pl.lit(-1, pl.Int64)).collect()]
    for rows in delta.files_in_time(Events, handle):
        held = rows.filter(pl.col("batch").eq_missing(pl.lit(number, pl.Int64)), IS_LOGGED).collect()
        if held.height:
            found.append(held.select(names).with_columns(_file=pl.lit(len(found) - 1, pl.Int64)))
    return pl.concat(found)
