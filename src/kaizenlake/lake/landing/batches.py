"""Batches: the events of one landing carry one signed digest, chained to the batch before, so that a change is found."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import LakeError, PublishError
from kaizenlake.lake import formats
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust import attested, decisions, digests, keys, seals
from kaizenlake.lake.trust.digests import BatchDay
from kaizenlake.tables import Events
from kaizenlake.vocabulary import plural

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 1_000_000
"""Events of whole days that are verified at a time, unless one day holds more."""


def seal(lake: Lake, snapshot: Snapshot, events: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the number and sign events as the next batch of a lake; the first of them by day and id carries the seal.

    Where the lake has no key at hand they are landed without, so that no event is lost for want of a key. They count once
    a person vouches for them with `kaizen keys rotate --adopt`; until then nights and `kaizen verify` tell of them.

    Args:
        lake: The lake, whose key signs.
        snapshot: The events there are.
        events: Rows of `bronze.events` without `batch` and `seal`.

    Returns:
        The rows of the table, and the application transactions of the commit that adds them.
    """
    blank = events.with_columns(batch=pl.lit(None, pl.Int64), seal=pl.lit(None, pl.String))
    if events.is_empty():
        return blank.select(tables.schema(Events).names()), {}
    try:
        key = keys.private_key(lake)
        seen = keys.highest(lake, keys.BATCH_HEAD)[0]
    except (PublishError, LakeError) as error:
        logger.warning(
            "Events are landed without a signature, and do not count until `kaizen keys rotate --adopt`: %s", error
        )
        return blank.select(tables.schema(Events).names()), {}
    born = formats.identify() if snapshot.transaction(formats.IDENTITY) is None else {}
    lake_id = str(born[formats.IDENTITY]) if born else Lake.identity(snapshot)
    last, previous = attested.head(snapshot)
    # After a number that is remembered of a table which was put back, so that what is missing stays missing.
    number = max(last, seen) + 1
    numbered = events.with_columns(batch=pl.lit(number, pl.Int64))
    content = _gather_content(dict(digests.batches([digests.parts(numbered)]))[number])
    text, digest = seals.seal("batch", lake_id, number, previous, content, key)
    place = digests.first_place(events)
    text = json.dumps(content | json.loads(text))
    carrier = pl.when(pl.int_range(pl.len()) == place).then(pl.lit(text))
    sealed = numbered.with_columns(seal=carrier.otherwise(pl.lit(None, pl.String)))
    marks = {**born, **attested.head_marks(number, digest)}
    return sealed.select(tables.schema(Events).names()), marks


def _gather_content(part: BatchDay) -> dict[str, Any]:
    return {"rows": part.rows, "digest": part.digest}


def remember(lake: Lake, marks: dict[str, int]) -> None:
    """Remember the batch that was appended with these marks."""
    if keys.BATCH_HEAD in marks:
        keys.remember(lake, keys.BATCH_HEAD, marks[keys.BATCH_HEAD], attested.hash_of(marks.get))


@dataclass(frozen=True)
class VerifiedBatches:
    """What was verified of the events.

    Args:
        rows: Events that were looked at.
        problems: What is not as it was landed, in words.
    """

    rows: int
    problems: tuple[str, ...]


def verify(lake: Lake) -> VerifiedBatches:
    """Check every event against the digest of its batch, and the batches against their chain.

    Raises:
        PublishError: The lake's key may be read by others, or is none.
        VerificationError: A public key is none, or what this place remembers cannot be read.
    """
    snapshot = lake.hold(Events)
    if snapshot.handle is None:
        return VerifiedBatches(0, ())
    vouched = decisions.find_vouched(decisions.ledger(lake))
    chain, refused = read_chain(lake, snapshot, vouched)
    problems = list(refused)
    found, rows = find_parts(snapshot, attested.IS_LOGGED)
    there = dict(digests.batches(found))
    problems += _describe_unsealed(there.pop(digests.NONE, digests.whole({})), vouched.adopted)
    signed = vouched.parts_of(chain)
    gone = {number for number, part in vouched.amended.items() if not part.rows}
    missing = [number for number in chain.missing if number not in there and number not in gone]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        problems.append(f"{plural(len(missing), 'batch', 'batches')} {are} missing: number {seals.some(missing)}")
    for number in sorted({*chain.links, *there} - {*missing}):
        if words := _differs(signed.get(number), there.get(number, BatchDay(0, ""))):
            problems.append(f"batch {number}{describe_batch(snapshot, number)}: {words}")
    return VerifiedBatches(rows, tuple(problems))


def read_chain(lake: Lake, snapshot: Snapshot, vouched: attested.Vouched) -> tuple[seals.Chain, tuple[str, ...]]:
    """Return the chain of the batches of a lake, and which seals do not count, in words.

    Args:
        snapshot: Its events.
        vouched: What decisions vouch for.

    Raises:
        PublishError: The lake's key may be read by others, or is none.
        VerificationError: A public key is none, or what this place remembers cannot be read.
    """
    lake_id, trust = Lake.identity(snapshot), keys.trust(lake)
    sealed = (
        snapshot.scan().filter(attested.IS_LOGGED, pl.col("seal").is_not_null()).select("batch", "seal", "event_id")
    )
    links: list[seals.Link] = []
    problems: list[str] = []
    for batch, text, name in sealed.collect().iter_rows():
        link = attested.read_seal(lake_id, batch, text)
        if link is None:
            problems.append(f"the seal that the event {name} carries is none")
        else:
            links.append(link)
    chain = seals.verify(
        links,
        trust,
        attested=vouched.hashes,
        seen=keys.highest_by(lake, snapshot, keys.BATCH_HEAD),
        last=attested.head(snapshot)[0],
    )
    return chain, (*problems, *(f"batch {link.sequence}: {why}" for link, why in chain.refused))


def _differs(signed: BatchDay | None, there: BatchDay) -> str | None:
    """Return how the events of a batch differ from what was signed; None where they do not."""
    if signed is None:
        return f"{plural(there.rows, 'event')} of it carry no digest that verifies"
    if there == signed or there.rows == signed.rows == 0:
        return None
    if there.rows != signed.rows:
        return f"{plural(signed.rows, 'event')} were landed, and {there.rows:,} are there"
    return f"{plural(there.rows, 'event')} are there, and one or more of them were changed"


def _describe_unsealed(part: BatchDay, adopted: BatchDay | None) -> Iterator[str]:
    """Yield what is wrong with the events that are of no batch."""
    if adopted is None:
        if part.rows:
            yield f"{plural(part.rows, 'event')} were not landed by this lake: they are of no batch"
    elif part != adopted:
        yield (
            f"{plural(adopted.rows, 'event')} of no batch were adopted, and "
            + (f"{part.rows:,} are there" if part.rows != adopted.rows else "one or more of them were changed")
        )


def describe_batch(snapshot: Snapshot, number: int) -> str:
    """Return where the events of a batch came from, in words."""
    rows = (
        snapshot.scan()
        .filter(batch=number)
        .select(pl.col("file").unique().sort().head(3).implode(), pl.col("landed_at").min())
    )
    files, at = rows.collect().row(0)
    return f" ({', '.join(files)}, landed {at:%Y-%m-%d %H:%M} UTC)" if at is not None else ""


def digest_unsealed(lake: Lake) -> BatchDay:
    """Return the digest the events of no batch, such as a person adopts them."""
    found, _ = find_parts(lake.hold(Events), attested.IS_LOGGED & pl.col("batch").is_null())
    return dict(digests.batches(found)).get(digests.NONE, digests.whole({}))


def find_parts(snapshot: Snapshot, which: pl.Expr) -> tuple[list[dict[tuple[int, Any], BatchDay]], int]:
    """Return parts of some of the events, some days at a time, and their number."""
    if snapshot.handle is None:
        return [], 0
    counted = snapshot.scan().filter(which).group_by("event_date").len().sort("event_date").collect()
    found: list[dict[tuple[int, Any], BatchDay]] = []
    days: list[Any] = []
    rows = 0
    for day, number in [*counted.iter_rows(), (None, 0)]:
        if days and (day is None or rows + number > ROWS_AT_ONCE):
            held = snapshot.scan(days=days).filter(which).select(*digests.DIGESTED, "batch", "event_date").collect()
            found.append(digests.parts(held))
            days, rows = [], 0
        if day is not None:
            days.append(day)
            rows += number
    return found, int(counted["len"].sum())
