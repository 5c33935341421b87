"""A batch of checked lines on its way into the lake: each line gets its one fate.

The tables are written in an order in which a killed landing, done again, ends in the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import ConservationError, LakeError
from kaizenlake.events.check.event_columns import COLUMNS
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.envelope import LineLimits
from kaizenlake.lake.formats import IdSalt
from kaizenlake.lake.landing import batches, floods, quarantine
from kaizenlake.lake.landing.missing import MOST_ASKED, count_missing
from kaizenlake.lake.landing.quarantine import Poison
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust.tombstones import find_tombstones
from kaizenlake.parameters import LandingLimits as Limits
from kaizenlake.tables import Events, Landings, Quarantine

BATCH_LINES = 262_144
BATCH_BYTES = 128 * 1024 * 1024
"""A batch is committed when it holds so many lines or bytes: the ids of the lake are read once a batch."""

DEFAULT_SOURCE = "application"
"""Source of events that name none."""


@dataclass
class FileTally:
    """What became of the lines of one file.

    Args:
        file: Name it goes by in the tables.
        key: SHA-256 that says whether it was landed before: of its bytes, and of the mapping that reads it.
        identity: SHA-256 that its quarantined lines are named by.
        mapping: Name of the mapping; None for events of our own form.
        segment_bytes: Bytes of a segment that are landed when it is booked; None for another file.
        quarantined_before: Those of the quarantined lines that an earlier landing had put there.
        left_out: Rows that the mapping leaves out, which are no lines.
        forgotten: Those of the duplicate lines that name who was forgotten, so that they are left out.
        types: The first of its events by type.
        missing: By the name of a need, how many of them tell nothing of it.
    """

    file: str
    key: str
    identity: str
    mapping: str | None = None
    segment_bytes: int | None = None
    lines_in: int = 0
    landed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    quarantined_before: int = 0
    left_out: int = 0
    forgotten: int = 0
    newest_at: datetime | None = None
    by_rule: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def check(self) -> None:
        """Check that each line ended in exactly one place.

        Raises:
            ConservationError: Lines were lost or invented.
        """
        accounted = self.landed + self.duplicate + self.quarantined
        if accounted != self.lines_in:
            raise ConservationError(
                f"{self.lines_in} lines were read, {accounted} accounted for: {self.landed} landed, "
                f"{self.duplicate} duplicate, {self.quarantined} quarantined.",
                where=self.file,
                hint="This is an error in kaizenlake; the file was not marked as landed.",
            )


@dataclass(frozen=True)
class _FileLines:
    """Lines of one file within a batch: the file, and what gives the text of some of them."""

    tally: FileTally
    raws: Callable[[Sequence[int]], list[str]]


class Batch:
    """Lines of one or more files that are committed together.

    Args:
        lake: The lake.
        limits: What landing takes.
        now: Aware instant of the clock.
        salt: What ids of mapped rows in it are made with.
    """

    def __init__(self, lake: Lake, limits: Limits, now: datetime, salt: IdSalt) -> None:
        self.lake = lake
        self.limits = limits
        self.now = now
        self.salt = salt
        self.lines = 0
        self.bytes = 0
        self._parts: list[_FileLines] = []
        self._frames: list[pl.DataFrame] = []
        self._poison: list[dict[str, Any]] = []
        self._done: list[FileTally] = []
        self._refused: dict[str, FileTally] = {}
        self._tombstones = find_tombstones(lake)
        self._writing: Future[pl.DataFrame] | None = None

    @property
    def keeps_out(self) -> bool:
        """Somebody was forgotten, and does not come back."""
        return self._tombstones is not None

    @property
    def full(self) -> bool:
        """It is time to commit."""
        return self.lines >= BATCH_LINES or self.bytes >= BATCH_BYTES

    def add(
        self,
        tally: FileTally,
        lines: Sequence[bytes],
        numbers: Sequence[int],
        raws: Callable[[Sequence[int]], list[str]] | None = None,
        hints: Mapping[int, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """Check lines of a file and take them.

        Args:
            tally: The file.
            lines: Event lines.
            numbers: Number of each in its file.
            raws: Gives the text to keep in quarantine for the lines at some places; the line itself where None.
            hints: By place, what else to say of a line that is refused.
        """
        tally.lines_in += len(lines)
        self.lines += len(lines)
        self.bytes += sum(map(len, lines))
        if self._tombstones is not None:
            kept = [place for place, line in enumerate(lines) if not self._tombstones.name(line)]
            self._leave_out(tally, len(lines) - len(kept))
            hints = {new: hints[place] for new, place in enumerate(kept) if place in hints}
            raws = raws and partial(_pick, raws, kept)
            lines, numbers = [lines[place] for place in kept], [numbers[place] for place in kept]
        checked = check_lines(
            lines,
            range(len(lines)),
            now=self.now,
            limits=LineLimits(self.limits.future_hours, self.limits.line_bytes, DEFAULT_SOURCE),
            catalogue=self.lake.declared.catalogue,
        )
        texts = (
            [item.raw for item in checked.rejected] if raws is None else raws([item.line for item in checked.rejected])
        )
        self.refuse(
            tally,
            [
                Poison(numbers[item.line], item.rules, (*item.reasons, *hints.get(item.line, ())), item.event_type, raw)
                for item, raw in zip(checked.rejected, texts, strict=True)
            ],
        )
        if checked.frame.height:
            number = pl.Series("line", numbers, dtype=pl.Int64)
            frame = checked.frame.rename({"line": "_place"}).with_columns(
                number.gather(checked.frame["line"]), pl.lit(len(self._parts)).alias("_part")
            )
            if tally.types.total() < MOST_ASKED:
                types, missing = count_missing(frame)
                tally.types += types
                tally.missing += missing
            self._frames.append(frame)
            self._parts.append(_FileLines(tally, raws or _texts(lines)))

    def refuse(self, tally: FileTally, poison: Sequence[Poison]) -> None:
        """Take lines that go to quarantine; they were counted as read already."""
        if self._tombstones is not None:
            named = [self._tombstones.name(item.raw.encode("utf-8", "replace")) for item in poison]
            self._leave_out(tally, sum(named))
            poison = [item for item, is_named in zip(poison, named, strict=True) if not is_named]
        tally.quarantined += len(poison)
        # Refused lines are held until they are committed, like those that are taken.
        self.bytes += sum(len(item.raw) for item in poison)
        self._refused[tally.file] = tally
        for item in poison:
            tally.by_rule.update(item.rules)
        self._poison += quarantine.rows(
            poison, file=tally.file, identity=tally.identity, mapping=tally.mapping, now=self.now
        )

    @staticmethod
    def _leave_out(tally: FileTally, lines: int) -> None:
        """Count lines that name who was forgotten: what they say was in the lake, and does not come back."""
        tally.duplicate += lines
        tally.forgotten += lines

    def finish(self, tally: FileTally) -> None:
        """Say that a file was read to its end."""
        self._done.append(tally)

    def start(self, pool: Executor) -> None:
        """Begin to write the events in a thread of the pool; nothing may be added any more."""
        if self._parts:
            self._writing = pool.submit(self._append_events)

    def settle(self) -> None:
        """Wait for the events to be written, then write the quarantine, and the files last.

        A landing that is killed in between did not book its files, so they are read again; then events are found by
        their ids and quarantined lines by theirs.

        Raises:
            ConservationError: Lines were lost or invented.
        """
        if self._writing is not None:
            self._count(self._writing.result(), self._parts)
        for file, lines in quarantine.add(self.lake, self._poison).items():
            self._refused[file].quarantined_before += lines
        for tally in self._done:
            tally.check()
        self._book(self._done)

    def _append_events(self) -> pl.DataFrame:
        names = pl.Series("file", [part.tally.file for part in self._parts])
        given = pl.concat(self._frames)
        self._frames.clear()
        given = given.with_columns(names.gather(given["_part"]))
        unbooked = _find_uncounted(self.lake, names.unique().to_list())

        def decide(given: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
            return floods.hold_back(judge(given, snapshot, unbooked), snapshot, self.limits, self.now)

        judged = append_events(
            self.lake,
            given,
            now=self.now,
            salt=self.salt,
            is_mapped=any(part.tally.mapping is not None for part in self._parts),
            decide=decide,
        )
        # While the next batch is read, this one holds no payloads any more.
        return judged.select(_COUNTED)

    def _count(self, judged: pl.DataFrame, parts: Sequence[_FileLines]) -> None:
        is_landed = pl.col("_fate").is_in(["new", "ours"])
        counts = judged.group_by("_part").agg(
            is_landed.sum().alias("landed"),
            (pl.col("_fate") == "duplicate").sum().alias("duplicate"),
            pl.col("occurred_at").filter(is_landed).max().alias("newest_at"),
        )
        for row in counts.iter_rows(named=True):
            tally = parts[row["_part"]].tally
            tally.landed += row["landed"]
            tally.duplicate += row["duplicate"]
            tally.newest_at = max(filter(None, (tally.newest_at, row["newest_at"])), default=None)
        conflicts = judged.filter(pl.col("_fate") == "conflict").sort("_order")
        for (place,), rows in conflicts.group_by("_part", maintain_order=True):
            part = parts[int(str(place))]
            raws = part.raws(rows["_place"].to_list())
            found = zip(rows.iter_rows(named=True), raws, strict=True)
            self.refuse(part.tally, [_make_conflict(row, raw) for row, raw in found])
        over = judged.filter(pl.col("_fate").is_in(floods.HELD_BACK)).sort("_order")
        for (place,), rows in over.group_by("_part", maintain_order=True):
            part = parts[int(str(place))]
            raws = part.raws(rows["_place"].to_list())
            found = zip(rows.iter_rows(named=True), raws, strict=True)
            self.refuse(part.tally, [self._make_poison_over_cap(row, raw) for row, raw in found])

    def _make_poison_over_cap(self, row: Mapping[str, Any], raw: str) -> Poison:
        rule = row["_fate"]
        reason = floods.reason_of(rule, row["source"], self.limits)
        return Poison(row["line"], (rule,), (reason,), row["event_type"], raw)

    def _book(self, done: Sequence[FileTally]) -> None:
        if not done:
            return
        frame = pl.DataFrame(
            [
                {
                    "file_hash": tally.key,
                    "file": tally.file,
                    "mapping": tally.mapping,
                    "lines_in": tally.lines_in,
                    "landed": tally.landed,
                    "duplicate": tally.duplicate,
                    "quarantined": tally.quarantined,
                    "newest_at": tally.newest_at,
                    "landed_at": self.now,
                    "segment_bytes": tally.segment_bytes,
                }
                for tally in done
            ],
            schema=tables.schema(Landings),
        )

        def fresh(snapshot: Snapshot) -> pl.DataFrame:
            return frame.lazy().join(snapshot.scan(), on="file_hash", how="anti", maintain_order="left").collect()

        self.lake.append(Landings, fresh)


_COUNTED = (
    "_order",
    "_part",
    "_place",
    "_fate",
    "_first_file",
    "_first_line",
    "event_id",
    "event_type",
    "source",
    "line",
    "occurred_at",
)
"""What is counted of a line that was judged, and told of one in conflict."""


def find_salt(lake: Lake) -> IdSalt:
    """Return the salt of the ids of a lake; a new one for a lake without events, which gets it with the first."""
    known = Lake.id_salt(lake.hold(Events))
    return IdSalt.draw() if known is None else known


Keep: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
"""Keeps some of the events of the lake."""


Decide: TypeAlias = Callable[[pl.DataFrame, Snapshot], pl.DataFrame]
"""Gives lines their fate, as `judge` does."""


def append_events(
    lake: Lake,
    given: pl.DataFrame,
    *,
    now: datetime,
    salt: IdSalt,
    is_mapped: bool,
    decide: Decide,
) -> pl.DataFrame:
    """Append the events that the lake does not hold yet, in one commit.

    Args:
        given: Checked lines in their order, with `file` and `line`.
        now: Aware instant with which rows are stamped.
        salt: What ids of mapped rows are made with; a lake that is born by this has it from now on.
        is_mapped: There are mapped rows among them.
        decide: Gives each line its fate by the events there are.

    Returns:
        The lines with their fate.

    Raises:
        LakeError: The lake was born meanwhile, and has another salt.
    """
    stamp = pl.lit(now).cast(tables.schema(Events)["landed_at"]).alias("landed_at")
    judged = given = given.with_row_index("_order").with_columns(stamp)
    marks: dict[str, int] = {}

    def fresh(snapshot: Snapshot) -> pl.DataFrame:
        nonlocal judged
        known = Lake.id_salt(snapshot)
        if is_mapped and known is not None and known != salt:
            raise LakeError(
                "The first events of the lake were landed by another process meanwhile, which gave it another salt of ids.",
                where=str(lake.root),
                hint="Nothing of this was landed: land it again.",
            )
        judged = decide(given, snapshot)
        sealed, said = batches.seal(lake, snapshot, judged.filter(pl.col("_fate") == "new"))
        marks.clear()
        marks.update(said)
        if known is None:
            marks.update(salt.marks)
        return sealed

    if lake.append(Events, fresh, marks=marks) is not None:
        batches.remember(lake, marks)
    return judged


def judge(given: pl.DataFrame, snapshot: Snapshot, unbooked: Keep) -> pl.DataFrame:
    """Give each line its fate by its event id.

    Args:
        given: Checked lines in their order (`_order`), with `file` and `line`.
        snapshot: The events there are; the whole of them, for an id is unique over all days.
        unbooked: Keeps of some events in the lake those that no finished landing has counted.

    Returns:
        The lines with `_fate`: `new`; `ours`, which an interrupted landing of this very file wrote already;
        `duplicate` of an event in the lake or earlier in the batch; or `conflict` with one, whose place is
        `_first_file` and `_first_line`.
    """
    lines = given.select("_order", "event_id", "payload_hash", "file", "line")
    ids = lines["event_id"].unique()
    there = _there(snapshot, ids)
    if there.is_empty() and len(ids) == given.height:
        nowhere = pl.lit(None, pl.String).alias("_first_file"), pl.lit(None, pl.Int64).alias("_first_line")
        return given.with_columns(pl.lit("new").alias("_fate"), *nowhere)
    ours = unbooked(there).select("event_id", "file", "line", pl.lit(value=True).alias("_ours"))
    place = {"payload_hash": "_hash", "file": "_first_file", "line": "_first_line"}
    earlier = there.select("event_id", pl.lit(None, dtype=lines["_order"].dtype).alias("_first"), *place).rename(place)
    here = lines.unique("event_id", keep="first", maintain_order=True).join(there, on="event_id", how="anti")
    here = here.select("event_id", pl.col("_order").alias("_first"), *place).rename(place)
    fates = (
        lines.lazy()
        .join(pl.concat([earlier, here]).lazy(), on="event_id", how="left")
        .join(ours.lazy(), on=["event_id", "file", "line"], how="left")
        .select(
            "_order",
            pl.when(pl.col("payload_hash") != pl.col("_hash"))
            .then(pl.lit("conflict"))
            .when(pl.col("_ours").is_not_null())
            .then(pl.lit("ours"))
            .when(pl.col("_order") == pl.col("_first"))
            .then(pl.lit("new"))
            .otherwise(pl.lit("duplicate"))
            .alias("_fate"),
            "_first_file",
            "_first_line",
        )
        .sort("_order")
        .collect()
    )
    return given.hstack(fates.drop("_order"))


def _there(snapshot: Snapshot, ids: pl.Series) -> pl.DataFrame:
    """Return events of the lake that have one of these ids: most often none, so their other columns are read only then."""
    found = snapshot.scan().select("event_id").join(ids.to_frame().lazy(), on="event_id", how="semi").collect()
    place = snapshot.scan().select("event_id", "payload_hash", "file", "line", "landed_at")
    return (
        place.filter(pl.lit(value=False)).collect()
        if found.is_empty()
        else place.join(found.lazy(), on="event_id", how="semi").collect()
    )


def _find_uncounted(lake: Lake, files: Sequence[str]) -> Keep:
    """Return events of these files that no row of `bronze.landings` has counted: an interrupted landing wrote them.

    The first landing of the file after the interrupted one counts them, and no later one does; nor does any what a retry of
    the quarantine has landed.
    """

    def keep(there: pl.DataFrame) -> pl.DataFrame:
        held = there.filter(pl.col("file").is_in(list(files)))
        if held.is_empty():
            return held
        last = lake.scan(Landings).group_by("file").agg(pl.col("landed_at").max().alias("_last")).collect()
        retried = lake.scan(Quarantine).filter(pl.col("status") == "landed").select("file", "line").collect()
        after = held.join(last, on="file", how="left").filter(pl.col("landed_at") > pl.col("_last").fill_null(BEFORE))
        return after.drop("_last").join(retried, on=["file", "line"], how="anti")

    return keep


BEFORE = pl.lit(datetime(1970, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
"""Before every landing."""


def _make_conflict(row: Mapping[str, Any], raw: str) -> Poison:
    taken = f"`id` {row['event_id']!r} is the name of another event already"
    reason = f"{taken}, which came from {row['_first_file']}, line {row['_first_line']}"
    return Poison(row["line"], ("conflict",), (reason,), row["event_type"], raw)


def _pick(raws: Callable[[Sequence[int]], list[str]], kept: Sequence[int], places: Sequence[int]) -> list[str]:
    return raws([kept[place] for place in places])


def _texts(lines: Sequence[bytes]) -> Callable[[Sequence[int]], list[str]]:
    def raws(places: Sequence[int]) -> list[str]:
        return [lines[place].decode("utf-8", "backslashreplace") for place in places]

    return raws


assert set(COLUMNS) <= {*tables.schema(Events).names()}, "what a line decides is what the table holds"
