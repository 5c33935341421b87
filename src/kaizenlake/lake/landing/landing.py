"""Landing: files become events exactly once, or lines in quarantine; nothing is lost and nothing stops it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TypeAlias

from kaizenlake.errors import MappingError, UsageError
from kaizenlake.lake.landing import bundles, quarantine
from kaizenlake.lake.landing.batch import Batch, FileTally, find_salt
from kaizenlake.lake.landing.landed_files import KnownFiles
from kaizenlake.lake.landing.missing import missing_words
from kaizenlake.lake.landing.quarantine import (
    Example,
    Poison,
    RuleCount,
    acknowledge,
    count_unacknowledged,
    quarantine_summary,
)
from kaizenlake.lake.landing.retry import Retried, mappings_folder, retry
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.mapping.apply import Mapped, Mapping
from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.lake.mapping.records import Dates, Grains
from kaizenlake.lake.mapping.times import RowOrigin, is_time
from kaizenlake.lake.readers import sources
from kaizenlake.lake.readers.chunks import Refused, Rows, row_texts
from kaizenlake.lake.readers.faults import FAULTS, describe_fault, printable
from kaizenlake.lake.readers.read_files import read_lines, read_rows
from kaizenlake.lake.readers.sources import SourceFile, read_head, segment_name
from kaizenlake.lake.readers.trace_files import is_of_traces, read_traces
from kaizenlake.lake.store import Lake
from kaizenlake.training.error_codes import LearningError

__all__ = [
    "Example",
    "FileTally",
    "Landing",
    "Retried",
    "RuleCount",
    "acknowledge",
    "count_unacknowledged",
    "land",
    "land_folder",
    "quarantine_summary",
    "retry",
    "waiting",
]

LANDING = "landing"
DONE = "done"
"""Folder under `landing/` to which landed files are moved, by day."""

Progress: TypeAlias = Callable[[str, int], None]
"""Called with the name of a file and the lines read so far, once a chunk."""


@dataclass(frozen=True)
class Landing:
    """What a landing did: lines in = landed + duplicate + quarantined, for each file and in all.

    Args:
        tallies: What became of each file, in the order in which they were read.
        left: Files that were left alone, each with the reason.
        unread: Those of them that the caller named, rather than a folder in which they lie.
    """

    tallies: tuple[FileTally, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """Files that were read."""
        return len(self.tallies)

    @property
    def lines_in(self) -> int:
        """Lines that were read; a row counts once for each event it stands for."""
        return sum(tally.lines_in for tally in self.tallies)

    @property
    def landed(self) -> int:
        """Lines that became events."""
        return sum(tally.landed for tally in self.tallies)

    @property
    def duplicate(self) -> int:
        """Lines that were in the lake already."""
        return sum(tally.duplicate for tally in self.tallies)

    @property
    def quarantined(self) -> int:
        """Lines that went to quarantine."""
        return sum(tally.quarantined for tally in self.tallies)

    @property
    def quarantined_before(self) -> int:
        """Those of the quarantined lines that an earlier landing had put there."""
        return sum(tally.quarantined_before for tally in self.tallies)

    @property
    def left_out(self) -> int:
        """Rows that their mapping leaves out, such as those of totals: no events, and no part of the lines."""
        return sum(tally.left_out for tally in self.tallies)

    @property
    def forgotten(self) -> int:
        """Those of the duplicate lines that name who was forgotten, so that they are left out."""
        return sum(tally.forgotten for tally in self.tallies)

    @property
    def made_nothing(self) -> tuple[str, ...]:
        """Mappings that made no event of any row of their files, be it that there was none."""
        made: dict[str, int] = {}
        for tally in self.tallies:
            if tally.mapping is not None:
                made[tally.mapping] = made.get(tally.mapping, 0) + tally.landed + tally.duplicate
        return tuple(sorted(name for name, events in made.items() if not events))

    @property
    def missing(self) -> tuple[str, ...]:
        """What tables need and the first events of the files do not tell, in words with what to do about it."""
        landed = [tally for tally in self.tallies if tally.landed]
        types = sum((tally.types for tally in landed), Counter[str]())
        return tuple(missing_words(types, sum((tally.missing for tally in landed), Counter[str]())))

    @property
    def is_all_quarantined(self) -> bool:
        """Whether every line went to quarantine, and not all of them before."""
        return self.lines_in > 0 and self.quarantined == self.lines_in > self.quarantined_before

    @property
    def blocked(self) -> tuple[str, ...]:
        """Files left alone that somebody should look at: neither of an ending that is not ours, nor gone by themselves."""
        return tuple(name for name, reason in self.left if reason not in sources.OF_NO_CONCERN)

    @property
    def newest_at(self) -> datetime | None:
        """Time of the newest event that landed; None where none did."""
        return max((tally.newest_at for tally in self.tallies if tally.newest_at is not None), default=None)

    @property
    def by_rule(self) -> dict[str, int]:
        """Lines that went to quarantine by the rule they broke; a line that broke two counts for both."""
        return dict(sum((tally.by_rule for tally in self.tallies), Counter[str]()).most_common())


def land(
    lake: Lake,
    paths: Iterable[str | Path] | str | Path,
    *,
    mapping: str | Path | None = None,
    occurred_at: str | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Landing:
    """Land files and folders.

    Args:
        paths: Files (NDJSON, JSON, CSV, TSV, XLSX, YAML, Parquet; also with `.gz`, or in a `.zip`) and folders, which are
            walked.
        mapping: How their rows or records become events: a name or a TOML file. Without it, NDJSON and JSON hold events.
        occurred_at: Date or instant of all events whose mapping names no column that tells it.
        now: Aware instant of the clock, with which times are compared and rows are stamped; the clock's by default.
        progress: Told how far it is.

    Raises:
        LakeError: A path does not exist, or the lake cannot be written.
        MappingError: The mapping is wrong, or does not fit a file; the other files have landed.
        ConservationError: Lines were lost or invented: an error of ours.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    chosen = None if mapping is None else mappings.load(str(mapping), mappings_folder(lake), lake.declared.catalogue)
    if occurred_at is not None:
        _check_time(occurred_at, chosen)
    given, refused = _take_bundles(lake, given) if mapping is None else (given, [])
    found, left = sources.find(given, None if mapping is None else str(mapping), lake.declared.catalogue)
    left += refused
    run = _LandingRun(lake, now or datetime.now(UTC), progress, occurred_at=occurred_at)
    tallies = run.land(found)
    if run.misfit is not None:
        raise run.misfit
    named = {printable(str(path)) for path in given if not Path(path).is_dir()} | {name for name, _ in refused}
    left += run.left
    return Landing(tallies, tuple(left), tuple(name for name, _ in left if name in named))


def _take_bundles(lake: Lake, given: list[str | Path]) -> tuple[list[str | Path], list[tuple[str, str]]]:
    """Keep the files of bundles, and return what is to be read in their place; and bundles that are refused, with the reason."""
    taken: list[str | Path] = []
    refused: list[tuple[str, str]] = []
    for path in given:
        if not bundles.is_bundle(Path(path)):
            taken.append(path)
            continue
        try:
            taken.append(bundles.keep_bundle(lake, Path(path)))
        except LearningError as error:
            refused.append((printable(str(path)), f"{error.code}: {printable(error.message)}"))
    return taken, refused


def land_folder(lake: Lake, *, now: datetime | None = None, progress: Progress | None = None) -> Landing:
    """Land what lies under the lake's `landing` folder, and move what has landed to `landing/done/<day>/`.

    Spool segments and dropped NDJSON and JSON files of events are taken as they are. Any other file is read by the mapping
    that its folder is named for: `landing/crm_deals/june.csv` by `crm_deals`. A segment whose writer lives is read up to
    its last whole line, and stays; what was landed of it is not read again. A file that changed while it was read stays
    too, and its rest lands next time; so put a large file there under another name first, and rename it. A file that no
    mapping fits is left where it is, and named.

    Args:
        now: Aware instant of the clock; the clock's by default.
        progress: Told how far it is.

    Raises:
        LakeError: The lake cannot be written.
        ConservationError: Lines were lost or invented: an error of ours.
    """
    found, left = _waiting(lake)
    now = now or datetime.now(UTC)
    marks = {item.path: _mark(item.path) for item in found}
    to_land = Counter(item.path for item in found)

    def put_away(item: SourceFile) -> None:
        to_land[item.path] -= 1
        if item.limit is None and not to_land[item.path] and _mark(item.path) == marks[item.path]:
            try:
                if item.path in run.to_remove:
                    # What names who was forgotten is not kept, nor what may do so and was landed before.
                    item.path.unlink(missing_ok=True)
                    return
                _move(item, lake.path(LANDING), now)
            except OSError as error:
                run.left.append((item.name, f"it was landed, and cannot be moved: {describe_fault(error)}"))

    run = _LandingRun(lake, now, progress, landed=put_away, is_lenient=True)
    return Landing(run.land(found), (*left, *run.left))


def waiting(lake: Lake) -> list[str]:
    """Return names of the files that `land_folder` would read or put away; not a living segment that has not grown since."""
    found = _waiting(lake)[0]
    booked = KnownFiles.of(lake)
    return [item.name for item in found if item.limit is None or not booked.holds(item)]


class _LandingRun:
    """One landing: files are read one after the other, and committed in batches; while one is written, the next is read.

    Args:
        lake: The lake.
        now: Aware instant of the clock.
        progress: Told how far it is.
        landed: Called with each file that is booked.
        is_lenient: A file that does not fit its mapping is left alone, instead of ending the landing.
        occurred_at: Date or instant of all events whose mapping names no column that tells it.
    """

    def __init__(
        self,
        lake: Lake,
        now: datetime,
        progress: Progress | None,
        *,
        landed: Callable[[SourceFile], None] = lambda _: None,
        is_lenient: bool = False,
        occurred_at: str | None = None,
    ) -> None:
        self.lake = lake
        self.limits = lake.settings.landing
        self.now = now
        self.salt = find_salt(lake)
        self.batch = Batch(lake, self.limits, now, self.salt)
        self.tell = progress or (lambda _file, _lines: None)
        self.landed = landed
        self.is_lenient = is_lenient
        self.occurred_at = occurred_at
        self.exchange = Exchange.of(lake.settings.money)
        self.left: list[tuple[str, str]] = []
        self.to_remove: set[Path] = set()
        """Files that are removed once they are landed, instead of being put away."""
        self.misfit: MappingError | None = None
        """What is wrong with the first file that does not fit its mapping, where that is not left alone."""
        self._mappings: dict[str, Mapping] = {}
        self._read: list[SourceFile] = []
        self._under_way: tuple[Batch, list[SourceFile]] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="landing")

    def land(self, found: Sequence[SourceFile]) -> tuple[FileTally, ...]:
        """Land files; once."""
        with self._pool:
            tallies = self._all(found)
            self._commit()
            self._settle()
        return tallies

    def _all(self, found: Sequence[SourceFile]) -> tuple[FileTally, ...]:
        booked = KnownFiles.of(self.lake)
        tallies: list[FileTally] = []
        for item in found:
            tally = self._one(item, booked)
            if tally is not None:
                tallies.append(tally)
                booked.add(tally)
        return tuple(tallies)

    def _one(self, item: SourceFile, booked: KnownFiles) -> FileTally | None:
        try:
            mapping = None if item.mapping is None else self._mapping(item.mapping)
            content = sources.content(item, booked.beginnings(item))
            if item.member:
                content = replace(content, digest=_digest(content.digest, item.member))
            if (
                item.segment is False
                and item.form == "ndjson"
                and not (item.packed or item.member)
                and item.path.stat().st_size > content.size
            ):
                # It grows: what is there of its last line waits for the rest of it.
                item = replace(item, limit=sources.whole_lines(item.path, content.size))
                content = sources.content(item)
            tally = FileTally(
                file=item.name,
                key=content.digest if mapping is None else self._key(content.digest, mapping, item.name),
                identity=_digest("segment", PurePath(item.name).name) if item.segment else content.digest,
                mapping=None if mapping is None else mapping.name,
                segment_bytes=content.size if item.segment else None,
            )
            if tally.key in booked.lines:
                # A segment has not grown since; of any other file somebody asks what became of its lines.
                self._count_again(tally, item.path, 0 if item.segment else booked.lines[tally.key])
                self.landed(item)
                return tally
            # What a file grows by while it is read is not of this content.
            rest = replace(item, start=content.known, lines_before=content.known_lines, limit=content.size)
            self._read_into(tally, rest, mapping, content.digest)
        except FileNotFoundError:
            # A segment was closed, and so renamed, since it was found: the next landing takes it.
            self.left.append((item.name, sources.WENT_AWAY))
            return None
        except MappingError as error:
            if not self.is_lenient:
                self.misfit = self.misfit or error
            self.left.append((item.name, printable(str(error))))
            return None
        except OSError as error:
            self.left.append((item.name, f"it cannot be read: {describe_fault(error)}"))
            return None
        self.batch.finish(tally)
        self._read.append(item)
        if self.batch.full or (mapping is not None and mapping.records_figures):
            # Of two records at one instant the later landing counts: each such file is a batch of its own.
            self._commit()
        return tally

    def _key(self, content: str, mapping: Mapping, name: str) -> str:
        """Return what a content becomes by a mapping, and by the time that was given for all of it.

        Raises:
            MappingError: The mapping needs a time, and none was given.
        """
        named = mapping.time_in(name)
        if self.occurred_at is None:
            if mapping.needs_time:
                raise MappingError(
                    f"Mapping {mapping.name!r} does not say when its events happened.",
                    where=name,
                    hint="Say `occurred_at` in it, or give --occurred-at.",
                )
            return _digest(content, mapping.digest, *named)
        return _digest(content, mapping.digest, *named, *([self.occurred_at] if mapping.takes_time else []))

    def _count_again(self, tally: FileTally, path: Path, lines: int) -> None:
        """Say of a file that was landed before what became of its lines: they are events, or were quarantined before."""
        if self.batch.keeps_out:
            self.to_remove.add(path)
        tally.lines_in = lines
        held = quarantine.waiting_of(self.lake, tally.identity, tally.mapping)[:lines]
        tally.quarantined = tally.quarantined_before = len(held)
        tally.duplicate = lines - len(held)
        for rules in held:
            tally.by_rule.update(rules)

    def _read_into(self, tally: FileTally, item: SourceFile, mapping: Mapping | None, content: str) -> None:
        self._read_all(tally, item, mapping, content)
        if tally.forgotten:
            self.to_remove.add(item.path)

    def _read_all(self, tally: FileTally, item: SourceFile, mapping: Mapping | None, content: str) -> None:
        if mapping is None:
            read = read_traces if is_of_traces(replace(item, start=0, limit=None)) else read_lines
            for chunk in read(item, self.limits.line_bytes):
                self._refuse(tally, chunk.refused)
                self.batch.add(tally, chunk.lines, chunk.numbers)
                self._pause(tally)
            return
        fits, seen, grains = False, dict[str, set[str]](), Grains()
        modified = datetime.fromtimestamp(item.path.stat().st_mtime, UTC)
        encoding = mapping.dialect(item.form).encoding
        head = mapping.before_header(read_head(item, encoding)) if mapping.reads_preamble else ""
        origin = RowOrigin(content, item.name, modified, self.occurred_at, self.exchange, head, self.salt.text)
        if mapping.asks_for_figures:
            self._check_figures(item, mapping, origin)
        for rows in read_rows(item, mapping.dialect(item.form), self.limits.line_bytes):
            if rows.frame.columns and not fits:
                # A key that a later record lacks is a cell that says nothing.
                mapping.fits(rows.frame.columns, where=item.name)
                fits = True
            self._refuse(tally, rows.refused)
            if rows.numbers:
                self._take_rows(tally, rows, grains, lambda given: mapping.apply(given, origin, seen))
            self._pause(tally)

    def _check_figures(self, item: SourceFile, mapping: Mapping, origin: RowOrigin) -> None:
        """Check that nothing hangs on what the counts of a file are of, as its mapping does not say it.

        Raises:
            MappingError: The file holds several dates of one content and platform.
        """
        dates = Dates()
        for rows in read_rows(item, mapping.dialect(item.form), self.limits.line_bytes):
            if not rows.numbers:
                continue
            mapping.fits(rows.frame.columns, where=item.name)
            records = mapping.apply(rows, origin).records
            found = dates.take(records) if records.height else None
            if found is not None:
                raise MappingError(
                    f"The file holds several dates of one content and platform, such as {found[0]} and {found[1]}, and the "
                    f"mapping {mapping.name!r} does not say what its figures count.",
                    where=item.name,
                    hint='Add `figures = "of the day"` to its [[event]] where each row counts its day alone, or '
                    '`figures = "total so far"` where it counts all since the content was published.',
                )

    def _take_rows(self, tally: FileTally, rows: Rows, grains: Grains, apply: Callable[[Rows], Mapped]) -> None:
        try:
            mapped = apply(rows)
            frame = row_texts(rows)
        except FAULTS as error:
            if len(rows.numbers) == 1:
                raw = str(rows.frame.row(0, named=True)) if rows.raws is None else rows.raws[0]
                self._refuse(tally, [Refused(rows.numbers[0], "not_readable", describe_fault(error), raw)])
                return
            # One row is more than the engine takes, and with it all: halves lead to it.
            middle = len(rows.numbers) // 2
            for part in (slice(None, middle), slice(middle, None)):
                self._take_rows(tally, rows.part(part), grains, apply)
            return

        def raws(places: Sequence[int]) -> list[str]:
            return frame.gather([mapped.places[place] for place in places]).to_list()

        self._refuse(
            tally,
            [Refused(rows.numbers[place], "no_event", mapped.reason, str(frame[place])) for place in mapped.unmatched],
        )
        tally.left_out += mapped.left_out
        over = grains.take(mapped.records) if mapped.records.height else set()
        if over:
            mapped, twofold = mapped.without(over)
            self._refuse(
                tally,
                [
                    Refused(rows.numbers[place], "same_grain", SAME_GRAIN, str(frame[place]), kind)
                    for place, kind in twofold
                ],
            )
        numbers = [rows.numbers[place] for place in mapped.places]
        self.batch.add(tally, mapped.lines, numbers, raws, mapped.hints)

    def _refuse(self, tally: FileTally, refused: Sequence[Refused]) -> None:
        tally.lines_in += len(refused)
        self.batch.refuse(
            tally, [Poison(item.number, (item.rule,), (item.reason,), item.event_type, item.raw) for item in refused]
        )

    def _pause(self, tally: FileTally) -> None:
        self.tell(tally.file, tally.lines_in)
        if self.batch.full:
            self._commit()

    def _commit(self) -> None:
        """Begin to write what was read, once the batch before it is settled: it looks up its ids among those, too."""
        self._settle()
        self._under_way = self.batch, self._read
        self.batch.start(self._pool)
        self.batch, self._read = Batch(self.lake, self.limits, self.now, self.salt), []

    def _settle(self) -> None:
        if self._under_way is not None:
            (batch, read), self._under_way = self._under_way, None
            batch.settle()
            for item in read:
                self.landed(item)

    def _mapping(self, name: str) -> Mapping:
        if name not in self._mappings:
            self._mappings[name] = mappings.load(name, mappings_folder(self.lake), self.lake.declared.catalogue)
        return self._mappings[name]


def _waiting(lake: Lake) -> sources.Found:
    folder = lake.path(LANDING)
    found: list[SourceFile] = []
    left: list[tuple[str, str]] = []
    if not folder.is_dir():
        return found, left
    known = mappings.names(mappings_folder(lake))
    for path in sources.walk(folder, left):
        inside = path.relative_to(folder).parts
        if inside[0] == DONE:
            continue
        name = printable("/".join((LANDING, *inside)))
        mapping = inside[0] if len(inside) > 1 else None
        if mapping not in known and sources.form_of(path) not in sources.TABULAR:
            # A folder of events may be named for whatever writes them.
            mapping = None
        try:
            taken, passed = sources.describe(path, name, mapping, lake.declared.catalogue)
        except FileNotFoundError:
            continue
        found += taken
        left += [(told, _IN_ITS_FOLDER if why == sources.NEEDS_MAPPING else why) for told, why in passed]
    return found, left


_IN_ITS_FOLDER = (
    "a CSV, TSV, XLSX, YAML or Parquet file belongs into a folder named for its mapping, landing/<mapping>/"
)


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Return what tells that a file was written to or replaced; None where it is gone."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def _move(item: SourceFile, folder: Path, now: datetime) -> None:
    """Move a landed file to the folder of the day; one of the same name there is not replaced.

    Raises:
        OSError: It cannot be moved.
    """
    inside = item.path.relative_to(folder)
    if item.segment:
        inside = inside.with_name(segment_name(inside.name))
    target = folder / DONE / now.astimezone(UTC).date().isoformat() / inside
    again = 1
    while target.exists():
        again += 1
        target = target.with_name(f"{inside.name.removesuffix(inside.suffix)}-{again}{inside.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Another landing may have moved it first.
    with suppress(FileNotFoundError):
        item.path.rename(target)


SAME_GRAIN = (
    "a row before it says something else of the same content, platform and time, and one of both would silently count; where "
    "rows break a content down, such as by age, name their columns: `breakdown = [...]` in the [[event]] of the mapping"
)


def _check_time(occurred_at: str, mapping: Mapping | None) -> None:
    if not is_time(occurred_at):
        raise UsageError(
            f"--occurred-at takes a date such as 2026-11-21 or an instant with a zone; found {occurred_at!r}."
        )
    if mapping is None or not mapping.takes_time:
        told = "there is none" if mapping is None else f"{mapping.name!r} reads the time of each row"
        raise UsageError(f"--occurred-at goes with a mapping that does not tell the time of rows; {told}.")


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
