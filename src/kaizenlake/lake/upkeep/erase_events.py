"""Events of a subject taken out of a lake, by one commit that vouches anew for what is left of their batches."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import GateError, VerificationError
from kaizenlake.events.write.log import Line, event_line
from kaizenlake.lake.landing import batches
from kaizenlake.lake.store import DaysToReplace, Lake, Snapshot
from kaizenlake.lake.trust import attested, decisions, digests, keys, tombstones
from kaizenlake.lake.trust.decisions import Ledger
from kaizenlake.lake.trust.digests import BatchDay
from kaizenlake.lake.trust.subjects import ANY_TEXT, Subject
from kaizenlake.lake.trust.tombstones import EVENT_TYPE
from kaizenlake.tables import Acknowledgements, Events, Landings, Quarantine
from kaizenlake.vocabulary import plural

SOURCE = "kaizen forget"
STAND_IN = "forgotten"
"""What stands where a name of a file told of the subject."""

NAMING = ("event_id", "project_id", "tenant_id", "tags", "payload", "metadata", "source")
"""Columns by which an event is of a subject."""

BATCHES_AT_ONCE = 5000
"""Batches that one event vouches for: more of them make a line that is too long."""


@dataclass(frozen=True)
class Found:
    """Events of a subject at one moment.

    Args:
        snapshot: The moment.
        rows: What identifies the events that go: id, batch, day, type, seal, and whether its field names it.
        days_of_files: Days of other events that come from a file whose name tells of it.
    """

    snapshot: Snapshot
    subject: Subject
    rows: pl.DataFrame
    days_of_files: pl.DataFrame

    @cached_property
    def decisions(self) -> pl.DataFrame:
        """Those that are decisions."""
        return self.rows.filter(~attested.IS_LOGGED)

    @cached_property
    def logged(self) -> pl.DataFrame:
        """Those that applications logged."""
        return self.rows.filter(attested.IS_LOGGED)

    @property
    def mentions(self) -> int:
        """Those in which another text than its field says the id."""
        return self.rows.filter(~pl.col("_by_field")).height

    @property
    def by_type(self) -> dict[str, int]:
        """Number of events by their type, most first."""
        return dict(
            self.rows.group_by("event_type").len().sort("len", "event_type", descending=[True, False]).iter_rows()
        )

    @property
    def days(self) -> frozenset[date]:
        """Days that hold them."""
        return frozenset(self.rows["event_date"]) | frozenset(self.days_of_files["event_date"])

    @property
    def numbers(self) -> list[int]:
        """Batches of which something goes or is renamed; `digests.NONE` for the events of none."""
        held = pl.concat([self.logged["batch"], self.days_of_files["batch"]])
        return sorted(set(held.fill_null(digests.NONE)))

    def keep(self, days: Collection[date] | None = None) -> pl.LazyFrame:
        """Return the events that stay, lazily, with their files renamed."""
        rows, schema = self.snapshot.scan(days=days), tables.schema(Events)
        stays = rows.filter(~self.subject.is_row(NAMING, schema))
        if self.days_of_files.is_empty():
            return stays
        files = self.snapshot.scan().select(pl.col("file").unique()).collect()["file"]
        renamed = {name: new for name in files if (new := self.subject.without(name, STAND_IN)) != name}
        is_theirs = self.subject.is_row(("file",), schema)
        return stays.with_columns(
            pl.when(is_theirs).then(pl.col("file").replace(renamed)).otherwise("file").alias("file")
        )


def find_events(lake: Lake, subject: Subject, snapshot: Snapshot | None = None) -> Found:
    """Return the events of a subject; nothing is written.

    Args:
        snapshot: The events at one moment; now by default.
    """
    snapshot = lake.hold(Events) if snapshot is None else snapshot
    schema = tables.schema(Events)
    rows, is_theirs = snapshot.scan(), subject.is_row(NAMING, schema)
    asked = [
        rows.filter(is_theirs).select(
            "event_id", "batch", "event_date", "event_type", "seal", subject.is_by_field().alias("_by_field")
        ),
        rows.filter(~is_theirs, subject.is_row(("file",), schema), attested.IS_LOGGED)
        .select("event_date", "batch")
        .unique(),
    ]
    found, of_files = pl.collect_all(asked)
    return Found(snapshot, subject, found, of_files)


@dataclass(frozen=True)
class Decider:
    """Who has a subject forgotten.

    Args:
        by: The person.
        reason: Why, in words.
        system_user: Name under which the operating system knows who asks.
        takes_mentions: Events in which another text than its field names the subject go, too.
        takes_decisions: Signed decisions that name it go, too.
    """

    by: str
    reason: str | None = None
    system_user: str | None = None
    takes_mentions: bool = False
    takes_decisions: bool = False


def erase_events(lake: Lake, subject: Subject, who: Decider) -> int:
    """Take the events of a subject out, and keep it out; to be called while the lock of the lake is held.

    One commit removes the events and holds the signed decision, which says what is left of each batch. So it is done or it
    is not, whenever it is killed; and once it is done, it finds nothing to do.

    Args:
        who: Who decides, and whether decisions go.

    Returns:
        Number of events that were removed.

    Raises:
        GateError: Decisions name it, and they were not to be taken.
        VerificationError: What is there of the batches is not what was landed, or a decision is missing.
    """
    secret = tombstones.make_secret(lake)
    removed, head = 0, (0, "")

    def make(snapshot: Snapshot) -> DaysToReplace | None:
        nonlocal removed, head
        found = find_events(lake, subject, snapshot)
        ledger = decisions.ledger(lake, snapshot)
        known = tombstones.find_tombstones(lake)
        is_known = known is not None and tombstones.mark_subject(secret, subject) in known.marks
        if not found.days and is_known:
            return None
        ledger.check_whole()
        if found.decisions.height and not who.takes_decisions:
            raise GateError(
                f"{plural(found.decisions.height, 'signed decision')} name it, such as {decisions_in_words(found)}.",
                hint="With --decisions they go too, and what they decided with them.",
            )
        left = _Remainder(lake, found, ledger)
        clock = datetime.now(UTC)
        sealed, head, marks = decisions.seal_lines(
            lake, snapshot, _decide(secret, left, who, clock), source=SOURCE, clock=clock, latest=clock
        )
        removed = found.rows.height
        days = found.days | left.days_of_seals | {*sealed["event_date"]}
        return DaysToReplace(days, left.parts(days, sealed), {**marks, tombstones.FORGOTTEN: head[0]})

    if lake.replace_days(Events, make) is not None:
        keys.remember(lake, keys.DECISION_HEAD, *head)
    return removed


def decisions_in_words(found: Found) -> str:
    """Return types of the decisions that name a subject."""
    return ", ".join(sorted(set(found.decisions["event_type"]))[:3])


class _Remainder:
    """What is left of the events once those of a subject are gone."""

    def __init__(self, lake: Lake, found: Found, ledger: Ledger) -> None:
        self.found = found
        self.snapshot = found.snapshot
        self.vouched = decisions.find_vouched(ledger)
        chain, _ = batches.read_chain(lake, found.snapshot, self.vouched)
        self.chain = chain
        signed = self.vouched.parts_of(chain)
        if self.vouched.adopted is not None:
            signed[digests.NONE] = self.vouched.adopted
        numbers = [number for number in found.numbers if number in signed]
        asked = attested.IS_LOGGED & pl.col("batch").fill_null(digests.NONE).is_in(numbers)
        before = dict(digests.batches(batches.find_parts(found.snapshot, asked)[0]))
        broken = [number for number in numbers if before.get(number, BatchDay(0, "")) != signed[number]]
        if broken:
            raise VerificationError(
                f"Events of {plural(len(broken), 'batch', 'batches')} are not as they were landed, and would be vouched for anew.",
                hint="`kaizen verify` names them; put them right first.",
            )
        after = dict(digests.batches(self._digest_days(asked)))
        self.amended = {number: after.get(number, BatchDay(0, digests.whole({}).digest)) for number in numbers}
        self.seals = self._move_seals()

    def _digest_days(self, asked: pl.Expr) -> Iterator[dict[tuple[int, date], BatchDay]]:
        for days in self._some_days(self.snapshot.scan().filter(asked)):
            rows = self.found.keep(days).filter(asked).select(*digests.DIGESTED, "batch", "event_date")
            yield digests.parts(rows.collect())

    @staticmethod
    def _some_days(rows: pl.LazyFrame) -> Iterator[list[date]]:
        counted = rows.group_by("event_date").len().sort("event_date").collect()
        days: list[date] = []
        held = 0
        for day, number in counted.iter_rows():
            if days and held + number > batches.ROWS_AT_ONCE:
                yield days
                days, held = [], 0
            days.append(day)
            held += number
        if days:
            yield days

    def _move_seals(self) -> pl.DataFrame:
        """Return to which events the seals go that stood on events which are removed: the first of the batch that is left."""
        lost = self.found.logged.drop_nulls("seal").select("batch", pl.col("seal").alias("_seal"))
        left = (
            self.found.keep()
            .filter(attested.IS_LOGGED)
            .join(lost.lazy(), on="batch", how="semi")
            .select("batch", "event_date", "event_id")
            .sort("batch", "event_date", "event_id")
            .unique("batch", keep="first", maintain_order=True)
            .collect()
        )
        return left.join(lost, on="batch").select("event_id", "event_date", "_seal")

    @property
    def days_of_seals(self) -> frozenset[date]:
        return frozenset(self.seals["event_date"])

    def parts(self, days: Collection[date], added: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield what takes the place of some days: the events that stay, and rows that are added."""
        names = tables.schema(Events).names()
        moved = self.seals.lazy().select("event_id", "_seal")
        there = self.snapshot.scan(days=days) if self.snapshot.handle is not None else self.snapshot.scan()
        for some in self._some_days(there):
            rows = self.found.keep(some).join(moved, on="event_id", how="left")
            yield rows.with_columns(pl.coalesce("seal", "_seal").alias("seal")).select(names).collect()
        yield added.select(names)

    @property
    def adopted(self) -> BatchDay:
        """What is left of the events of no batch that a person adopted."""
        return self.amended.get(digests.NONE, self.vouched.adopted or digests.whole({}))

    def roots(self) -> list[str]:
        """Return hashes of the batches before which the chain has a gap from now on."""
        gone = [number for number, part in self.amended.items() if not part.rows]
        return [self.chain.links[number - 1].hash for number in gone if number - 1 in self.chain.links]

    def metadata(self) -> Iterator[dict[str, Any]]:
        """Yield what the decision says of batches, and of decisions that are gone."""
        told = [
            (str(number), [part.rows, part.digest]) for number, part in self.amended.items() if number != digests.NONE
        ]
        gone = self.found.decisions["seal"].drop_nulls()
        first: dict[str, Any] = {
            "roots": self.roots(),
            "missing": sorted(json.loads(text)["sequence"] for text in gone),
            "lost": sorted(_unsealed_marks(self.found)),
        }
        for start in range(0, max(len(told), 1), BATCHES_AT_ONCE):
            yield first | {"amended": dict(told[start : start + BATCHES_AT_ONCE])}
            first = {}


def _unsealed_marks(found: Found) -> set[str]:
    ids = found.decisions.filter(pl.col("seal").is_null())["event_id"]
    if ids.is_empty():
        return set()
    rows = found.snapshot.scan().filter(pl.col("event_id").is_in(ids.implode()), pl.col("seal").is_null()).collect()
    return {decisions.mark_of(row) for row in rows.iter_rows(named=True)}


def _decide(secret: bytes, left: _Remainder, who: Decider, now: datetime) -> list[Line]:
    found, name = left.found, secrets.token_hex(16)
    has_batches = found.snapshot.transaction(keys.BATCH_HEAD) is not None
    payload: dict[str, Any] = {
        "subject_kind": found.subject.field or ANY_TEXT,
        "subject_mark": tombstones.mark_subject(secret, found.subject),
        "subject_length": len(found.subject.name.lower()),
        "events_count": left.adopted.rows,
        "events_sha256": left.adopted.digest,
        "batch_sha256": attested.head_hash(found.snapshot) if has_batches else None,
        "decided_by": who.by,
        "system_user": who.system_user,
        "reason": who.reason,
    }
    counts = {
        "forgotten_events_count": found.logged.height,
        "forgotten_decisions_count": found.decisions.height,
    }
    lines = []
    for number, said in enumerate(left.metadata()):
        told = payload | (counts if number == 0 else dict.fromkeys(counts, 0))
        lines.append(
            event_line(
                EVENT_TYPE,
                told,
                event_id=f"forgotten-{name}-{number}",
                occurred_at=now,
                is_decision=True,
                metadata=said,
            )
        )
    return lines


def erase_quarantine(lake: Lake, subject: Subject) -> int:
    """Take quarantined lines that name a subject out, and its name out of those of files and of notes.

    Returns:
        Number of lines that were removed.
    """
    schema = tables.schema(Quarantine)
    told = lake.scan(Quarantine).filter(subject.names(("raw", "reasons", "file"), schema)).collect()
    gone = [
        row["quarantine_id"]
        for row in told.iter_rows(named=True)
        if not subject.is_of_tenant
        or subject.is_in_line(row["raw"].encode("utf-8", "replace"))
        or not subject.is_in(row["raw"].encode("utf-8", "replace"))
    ]
    if gone:
        stays = ~pl.col("quarantine_id").is_in(gone)
        lake.rewrite(Quarantine, lambda snapshot: snapshot.scan().filter(stays).collect())
    for table, columns in ((Landings, ("file",)), (Acknowledgements, ("acknowledged_by", "system_user", "note"))):
        if lake.scan(table).filter(subject.names(columns, tables.schema(table))).head(1).collect().height:
            lake.rewrite(table, partial(_rename, columns, subject))
    return len(gone)


def _rename(columns: Collection[str], subject: Subject, snapshot: Snapshot) -> pl.DataFrame:
    def rename(text: str | None) -> str | None:
        return None if text is None else subject.without(text, STAND_IN)

    rows = snapshot.scan().collect()
    return rows.with_columns(pl.Series(name, map(rename, rows[name]), pl.String) for name in columns)
