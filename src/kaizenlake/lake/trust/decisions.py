"""Decisions: a command appends what it decided as events, each signed and chained to the one before; only those count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake import signing, tables
from kaizenlake.errors import EventError, VerificationError
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.envelope import LineLimits
from kaizenlake.events.write.log import Line
from kaizenlake.lake import formats
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust import attested, keys, seals
from kaizenlake.lake.trust.attested import Vouched
from kaizenlake.lake.trust.digests import BatchDay
from kaizenlake.lake.trust.verified_lake import VerifiedLake
from kaizenlake.tables import Events
from kaizenlake.vocabulary import plural

FILE = "command"
"""What the events of decisions name as their file."""

TYPES = attested.TYPES
"""Event types that are decisions."""


@dataclass(frozen=True)
class MissingDecisions:
    """Decisions that were taken and are not there.

    Args:
        missing: Their numbers.
        lost: Marks of those that were adopted from an older lake.
    """

    missing: frozenset[int] = frozenset()
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ledger:
    """The decisions of a lake at one moment.

    Args:
        rows: Decisions that verify, in their order: rows of `bronze.events`.
        chain: Their links.
        problems: What does not verify, each in words that name it.
        gaps: What is missing, in words; empty where every decision that was taken is there, or a person accepted it.
        missing: The same by number.
    """

    rows: pl.DataFrame
    chain: seals.Chain = field(default_factory=seals.Chain)
    problems: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    missing: MissingDecisions = MissingDecisions()

    def check_whole(self) -> None:
        """Check that no decision is missing, since what is left may say the opposite of what was decided.

        Raises:
            VerificationError: One is.
        """
        if self.gaps:
            raise VerificationError(
                f"Decisions of this lake were deleted or changed: {'; '.join(self.gaps)}. Nothing is decided or served anew.",
                hint="`kaizen verify` names them. Restore bronze.events, or the key, as it was; what is published stays until then. "
                "Where they are lost for good, `kaizen verify --accept-missing --by NAME --reason …` goes on without them.",
            )


def ledger(lake: Lake, snapshot: Snapshot | None = None) -> Ledger:
    """Return the decisions of a lake, as far as they verify.

    Args:
        snapshot: Its events at the moment that is asked for; now by default.

    Raises:
        PublishError: The lake's key may be read by others, or is none.
        VerificationError: A public key is none, or what this place remembers cannot be read.
    """
    snapshot = lake.hold(Events) if snapshot is None else snapshot
    if snapshot.handle is None:
        return Ledger(tables.empty(Events).collect())
    trust, seen = keys.trust(lake), keys.highest_by(lake, snapshot, keys.DECISION_HEAD)
    # The same version of another table, such as of a lake made anew in its place, has another mark.
    key = (snapshot.handle.metadata().id, snapshot.version, tuple(trust.keys), trust.own, seen)
    known = lake.notes.get("ledger")
    if known is None or known[0] != key:
        known = lake.notes["ledger"] = key, _read(snapshot, trust, seen)
    found: Ledger = known[1]
    return found


def find_believed(lake: Lake, snapshot: Snapshot | None = None) -> VerifiedLake:
    """Return what a lake holds, as far as it is believed: decisions that verify, and events of batches that it signed.

    Args:
        snapshot: Its events at the moment that is asked for; now by default.

    Raises:
        PublishError: The lake's key may be read by others, or is none.
        VerificationError: A public key is none, or what this place remembers cannot be read.
    """
    snapshot = lake.hold(Events) if snapshot is None else snapshot
    found = ledger(lake, snapshot)
    if snapshot.handle is None:
        return VerifiedLake(snapshot, found.rows, attested.Attested())
    trust, seen = keys.trust(lake), keys.highest_by(lake, snapshot, keys.BATCH_HEAD)
    key = (snapshot.handle.metadata().id, snapshot.version, tuple(trust.keys), trust.own, seen)
    known = lake.notes.get("believed")
    if known is None or known[0] != key or known[1] is not found:
        events = attested.attest(snapshot, trust, find_vouched(found), seen)
        known = lake.notes["believed"] = key, found, VerifiedLake(snapshot, found.rows, events)
    answer: VerifiedLake = known[2]
    return answer


def doubts(lake: Lake) -> tuple[str, ...]:
    """Return what in a lake does not verify, or counts for nobody, in words.

    Raises:
        KaizenError: It cannot be checked.
    """
    found = find_believed(lake)
    found.attested.check()
    said = (*ledger(lake).problems, *found.attested.problems)
    if number := found.nobodys:
        names = "names no tenant and counts" if number == 1 else "name no tenant and count"
        said = (
            *said,
            f"{plural(number, 'decision')} {names} for nobody, since the first events were of several tenants",
        )
    return said


def of(lake: Lake, version: int | None = None, *, days: Collection[date] | None = None) -> pl.LazyFrame:
    """Return events of a lake that are believed: what jobs and commands read.

    Args:
        lake: The lake; as a tenant has it, the events of that tenant.
        version: An older version of `bronze.events`.
        days: Events of these days only.

    Raises:
        LakeError: The events cannot be read.
        VerificationError: A key cannot be read, or there is none by which anything could be checked.
    """
    snapshot = lake.hold(Events)
    if version is not None and snapshot.version != version:
        # As `scan` has it: a version that is gone is told.
        lake.scan(Events, version=version)
        snapshot = lake.snapshot(Events, version)
    found = find_believed(lake, snapshot)
    found.attested.check()
    return lake.mine(Events, found.scan(days))


def append(
    lake: Lake,
    decide: Callable[[pl.LazyFrame], Sequence[Line]],
    *,
    source: str,
    now: datetime | None = None,
    is_mending: bool = False,
) -> int:
    """Append the events of a decision in one commit, or none; each is signed and chained to the one before.

    Args:
        lake: The lake, whose key signs, as the tenant has it that it is decided for.
        decide: Makes the lines (of `event_line(…, is_decision=True)`) from the events of the tenant, of which decisions
            only those that verify, or raises where a gate refuses. It is called again on fresh events whenever another writer
            came between: of two that race, the later sees what the earlier decided. An event whose id the lake holds
            already is not appended again.
        source: Who decided, as the events name it.
        now: Aware instant for which it was decided, which lies in the past where a night looks back; the clock's by
            default. The events say truly when they were appended.
        is_mending: A person accepts that decisions are missing; the next number comes after theirs.

    Returns:
        Number of events that were appended.

    Raises:
        KaizenError: What `decide` raised; nothing was appended.
        VerificationError: A decision that was taken is missing; nothing was appended.
        WriteConflictError: Other writers came between, too many times; nothing was appended.
    """
    clock = datetime.now(UTC)
    latest = max(now or clock, clock)
    head, marks = (0, ""), dict[str, int]()

    def rows(snapshot: Snapshot) -> pl.DataFrame:
        nonlocal head
        marks.clear()
        found = ledger(lake, snapshot)
        if not is_mending:
            found.check_whole()
        lines = decide(lake.mine(Events, find_believed(lake, snapshot).scan()))
        sealed, head, said = seal_lines(lake, snapshot, lines, source=source, clock=clock, latest=latest)
        marks.update(said)
        return sealed

    written = lake.append(Events, rows, marks=marks)
    if written is None:
        return 0
    keys.remember(lake, keys.DECISION_HEAD, *head)
    return written.rows


def seal_lines(
    lake: Lake, snapshot: Snapshot, lines: Sequence[Line], *, source: str, clock: datetime, latest: datetime
) -> tuple[pl.DataFrame, tuple[int, str], dict[str, int]]:
    """Return the lines of decisions as rows that are signed and chained to the one before.

    Args:
        snapshot: The events there are; one whose id is there already is left out.
        source: Who decided.
        clock: When they are appended.
        latest: Instant after which nothing can have been decided.

    Returns:
        The rows, number and hash of the last of them, and the application transactions of the commit that adds them.

    Raises:
        EventError: A line breaks its declaration.
    """
    found = ledger(lake, snapshot)
    before = max([found.chain.head[0], *found.missing.missing]), found.chain.head[1]
    texts = [line.text.rstrip(b"\n") for line in lines]
    checked = check_lines(texts, range(1, len(texts) + 1), now=latest, limits=LineLimits(source=source), decisions=True)
    if checked.rejected:
        raise EventError(f"A decision breaks its declaration: {'; '.join(checked.rejected[0].reasons)}.")
    made = checked.frame.with_columns(file=pl.lit(FILE), landed_at=pl.lit(clock, tables.schema(Events)["landed_at"]))
    there = found.rows.filter(pl.col("event_id").is_in(made["event_id"].to_list())).select("event_id")
    new = made.join(there, on="event_id", how="anti", maintain_order="left")
    born = formats.identify() if snapshot.transaction(formats.IDENTITY) is None else {}
    lake_id = str(born[formats.IDENTITY]) if born else Lake.identity(snapshot)
    sealed, head = _seal_rows(lake, lake_id, new, before)
    return sealed, head, {**born, keys.DECISION_HEAD: head[0]}


def _seal_rows(
    lake: Lake, lake_id: str, new: pl.DataFrame, head: tuple[int, str]
) -> tuple[pl.DataFrame, tuple[int, str]]:
    """Return rows with their seals, and the head after them."""
    texts: list[str] = []
    if new.height:
        key = keys.private_key(lake)
        for row in new.iter_rows(named=True):
            number = head[0] + 1
            text, digest = seals.seal("decision", lake_id, number, head[1], seals.spell(row), key)
            texts.append(text)
            head = number, digest
    sealed = new.with_columns(batch=pl.lit(None, pl.Int64), seal=pl.Series(texts, dtype=pl.String))
    return sealed.select(tables.schema(Events).names()), head


def _read(snapshot: Snapshot, trust: keys.Trust, seen: tuple[int, str]) -> Ledger:
    taken = snapshot.scan().filter(pl.col("event_type").is_in(TYPES)).collect()
    last = snapshot.transaction(keys.DECISION_HEAD) or 0
    if taken.is_empty() and not last and not seen[0]:
        return Ledger(taken)
    lake_id = Lake.identity(snapshot)
    links: list[seals.Link] = []
    refused: list[tuple[Mapping[str, Any], str]] = []
    unsigned: list[int] = []
    for place, row in enumerate(taken.iter_rows(named=True)):
        if row["seal"] is None:
            unsigned.append(place)
            continue
        link = seals.read("decision", lake_id, row["seal"], seals.spell(row), place)
        if link is None:
            refused.append((row, "its seal is none"))
        else:
            links.append(link)
    chain = seals.verify(links, trust, seen=seen, last=last)
    rows = taken[[link.about for link in chain.links.values()]]
    adopted = _adopted_marks(rows)
    by_mark = {mark_of(taken.row(place, named=True)): place for place in unsigned}
    taken_over = [place for mark, place in by_mark.items() if mark in adopted]
    refused += [(taken.row(place, named=True), "it is not signed") for place in unsigned if place not in {*taken_over}]
    accepted = _accepted_losses(rows)
    lost = adopted - by_mark.keys() - accepted.lost
    chain = replace(chain, missing=tuple(number for number in chain.missing if number not in accepted.missing))
    rows = pl.concat([taken[taken_over].sort("occurred_at", "event_id"), rows])
    refused += [(taken.row(link.about, named=True), why) for link, why in chain.refused]
    problems = [f"{name_of(row)}: {why}" for row, why in refused]
    problems += [f"{name_of(row)} is there {count} times" for row, count in _find_repeated(taken, links)]
    gaps = tuple(_gaps(chain, trust))
    if lost:
        are = "is" if len(lost) == 1 else "are"
        gaps = (*gaps, f"{plural(len(lost), 'decision')} that a person adopted {are} missing")
    return Ledger(rows, chain, (*problems, *gaps), gaps, MissingDecisions(frozenset(chain.missing), frozenset(lost)))


def find_unsigned_marks(lake: Lake) -> set[str]:
    """Return marks of the decisions of a lake that carry no seal, by which they can be adopted."""
    rows = lake.snapshot(Events).scan().filter(pl.col("event_type").is_in(TYPES), pl.col("seal").is_null()).collect()
    return {mark_of(row) for row in rows.iter_rows(named=True)}


def mark_of(row: Mapping[str, Any]) -> str:
    """Return by what a decision without a seal is adopted: the first 32 digits of the SHA-256 of all that it says."""
    return hashlib.sha256(signing.canonical(seals.spell(row))).hexdigest()[:32]


def _adopted_marks(rows: pl.DataFrame) -> set[str]:
    """Return marks of the decisions that were adopted from a lake of an older format."""
    found: set[str] = set()
    for text in rows.filter(event_type="LAKE_ADOPTED")["metadata"].drop_nulls():
        found.update(json.loads(text).get("adopted", ()))
    return found


def _accepted_losses(rows: pl.DataFrame) -> MissingDecisions:
    """Return what is missing and a person accepted or had forgotten, so that the lake goes on without it."""
    is_accepting = pl.col("event_type").is_in(("LAKE_ADOPTED", "SUBJECT_FORGOTTEN"))
    said = [json.loads(text) for text in rows.filter(is_accepting)["metadata"].drop_nulls()]
    return MissingDecisions(
        frozenset(number for item in said for number in item.get("missing", ())),
        frozenset(mark for item in said for mark in item.get("lost", ())),
    )


def find_vouched(found: Ledger) -> Vouched:
    """Return what decisions vouch for of the other events, whichever key signed it."""
    rows = _vouching(found)
    said = [json.loads(text) for text in rows["payload"]]
    hashes = [item["batch_sha256"] for item in said if item.get("batch_sha256") is not None]
    amended: dict[int, BatchDay] = {}
    for text in rows.filter(event_type="SUBJECT_FORGOTTEN")["metadata"].drop_nulls():
        left = json.loads(text)
        hashes += left.get("roots", ())
        amended |= {int(number): BatchDay(*part) for number, part in left.get("amended", {}).items()}
    return Vouched(
        hashes=tuple(hashes),
        amended=amended,
        adopted=BatchDay(said[-1]["events_count"], said[-1]["events_sha256"])
        if said and said[-1]["events_count"]
        else None,
    )


def _vouching(found: Ledger) -> pl.DataFrame:
    return found.rows.filter(pl.col("event_type").is_in(("LAKE_ADOPTED", "KEY_ROTATED", "SUBJECT_FORGOTTEN")))


def _gaps(chain: seals.Chain, trust: keys.Trust) -> Iterator[str]:
    if not chain.missing:
        return
    are = "is" if len(chain.missing) == 1 else "are"
    yield f"{plural(len(chain.missing), 'decision')} {are} missing: number {seals.some(chain.missing)}"
    if others := sorted({link.key_id for link, _ in chain.refused} - trust.keys.keys()):
        here = f"the key here is {trust.own}" if trust.own else "there is no key here"
        yield f"{plural(len(chain.refused), 'decision')} name the key {' or '.join(others)}, and {here}"


def _find_repeated(taken: pl.DataFrame, links: Sequence[seals.Link]) -> list[tuple[Mapping[str, Any], int]]:
    counts: dict[str, list[int]] = {}
    for link in links:
        counts.setdefault(hashlib.sha256(link.signed + link.signature).hexdigest(), []).append(link.about)
    return [(taken.row(places[0], named=True), len(places)) for places in counts.values() if len(places) > 1]


def name_of(row: Mapping[str, Any]) -> str:
    """Return a decision in words: what it is, when, and its event id."""
    return f"{row['event_type']} of {row['occurred_at']:%Y-%m-%d %H:%M} UTC ({row['event_id']})"


def public_keys(lake: Lake) -> Mapping[str, Ed25519PublicKey]:
    """Return the public keys of the lake by their ids, for what is signed besides its event.

    Raises:
        PublishError: The private key may be read by others, or is none.
        VerificationError: A public key is none.
    """
    return keys.trust(lake).keys
