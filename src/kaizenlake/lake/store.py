"""The lake: named Delta tables that are read lazily and written whole or not at all."""

from __future__ import annotations

import copy
import hashlib
import os
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import polars as pl
from deltalake import DeltaTable

from kaizenlake import plugins, settings, tables
from kaizenlake.context import TENANTS, tenant_folder
from kaizenlake.errors import LakeError, WriteConflictError
from kaizenlake.lake import changes, delta, describe, files, formats
from kaizenlake.lake.changed_rows import ChangedRowsFilter
from kaizenlake.lake.changes import Reads
from kaizenlake.lake.describe import TableState
from kaizenlake.lake.held_rows import HeldRows
from kaizenlake.lake.parts import check_each_part
from kaizenlake.lake.read_versions import Kept, KeptReads
from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE, LakePlace, find_place
from kaizenlake.plugins import Declarations
from kaizenlake.settings import Settings
from kaizenlake.tables import Table

if TYPE_CHECKING:
    from kaizenlake.lake.browse import LakeTables

FOLDERS = ("landing", "mappings", "runs", "published")
"""Local folders of a lake; Delta makes the others."""

ATTEMPTS = 12
"""Times an append is computed anew on a fresh snapshot after losing a race."""


_Done = TypeVar("_Done")


class Written(NamedTuple):
    """What a write did: the table's version after it, and the rows it wrote."""

    version: int
    rows: int


@dataclass(frozen=True)
class DaysToReplace:
    """Days of a table, and what takes their place.

    Args:
        days: The days.
        parts: Their rows, as they come; no row is of another day.
        marks: Names and numbers that the commit carries.
    """

    days: Collection[date]
    parts: Iterable[pl.DataFrame]
    marks: Mapping[str, int]


def fingerprint(*parts: str) -> str:
    """Name what a figure depends on besides its inputs: settings, code, versions. A SHA-256 over the parts.

    >>> fingerprint("tiers: 0.1", "0.1.0") == fingerprint("tiers: 0.1", "0.1.0")
    True
    >>> fingerprint("ab", "c") == fingerprint("a", "bc")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """A table as it was at one moment; what is appended on the strength of it is refused if the table moved on.

    Args:
        table: The table.
        handle: Open Delta table; None where it is not written yet.
        held: Where rows are held that were read before.
    """

    table: type[Table]
    handle: DeltaTable | None
    held: HeldRows = field(default_factory=HeldRows, compare=False, repr=False)

    @property
    def version(self) -> int | None:
        """Version of the table; None where it is not written yet."""
        return None if self.handle is None else self.handle.version()

    def scan(self, *, days: Collection[date] | None = None) -> pl.LazyFrame:
        """Return rows at this moment; `days` reads those partitions only."""
        if self.handle is None:
            return tables.empty(self.table)
        partition, handle = tables.partition(self.table), self.handle
        return self.held.find(
            handle, days, partition, lambda: self._rows if days is None else delta.scan(self.table, handle, days)
        )

    @cached_property
    def _rows(self) -> pl.LazyFrame:
        # What the engine learns of the files, it learns at the first read.
        assert self.handle is not None
        return delta.scan(self.table, self.handle, None)

    @cached_property
    def rows(self) -> int:
        """Rows of it, as its log counts them; 0 where it is not written yet."""
        return 0 if self.handle is None else self.handle.count()

    @cached_property
    def days(self) -> frozenset[date]:
        """Days of which it may hold rows; of a table that is kept by day."""
        partition = tables.partition(self.table)
        if self.handle is None or partition is None:
            return frozenset()
        return frozenset(date.fromisoformat(str(found[partition])) for found in self.handle.partitions())

    def transaction(self, app: str) -> int | None:
        """Return the version that an application wrote last in the table; None where it never did."""
        return None if self.handle is None else self.handle.transaction_version(app)


SHARED: tuple[type[Table], ...] = (tables.PooledPatterns,)
"""Tables that tell of several tenants together, by their own consent, and of none of them."""

PUBLISHED = "published"
"""Folder that each of several tenants has a part of."""


def default_lake() -> Lake:
    """Return the lake that the variable KAIZEN_LAKE names, else that in the folder `lake` of the working folder."""
    return Lake(os.environ.get(LAKE_VARIABLE) or DEFAULT_LAKE)


class Lake:
    """A folder, or a place in an object store, that holds the tables.

    Args:
        root: Folder or URI (`s3://…`, `file:///…`).
        storage_options: What the object store needs, such as its region; see the options of Delta.
        home: Local folder for what has no place in an object store: landing, lock, runs, published files, settings.
            Unless given, the root itself where that is a folder, else what the variable KAIZEN_HOME names.

    `frames_validated` counts the frames that this object checked by their Pandera models before writing them.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        home: str | Path | None = None,
    ) -> None:
        place = find_place(root, home)
        self.root, self._home = place.root, place.home
        self.storage_options = dict(storage_options or {})
        self._settings: Settings | None = None
        self._declared: Declarations | None = None
        self._held: dict[type[Table], tuple[Snapshot, delta.Mark]] = {}
        self._types_of: tuple[object, frozenset[str]] = None, frozenset()
        self._reads = KeptReads()
        self.held_rows = HeldRows()
        """Rows of small tables, while a night holds them."""
        self._uris: dict[type[Table], str] = {}
        self.frames_validated = 0
        self.is_migrating = False
        """Its format is not asked for: it is being brought to this one."""
        self._is_format_known = False
        self.notes: dict[str, Any] = {}
        """What was worked out of a snapshot, such as which decisions verify, so that it is worked out once."""
        self.tenant: str | None = None
        """Tenant as which it is looked at; None for the events without one, and for the whole lake."""
        self.is_a_view = False
        """It is the lake as one tenant has it."""
        self.is_walled = False
        """There are several tenants: only the rows of this one are seen, and it has a folder of its own."""

    @classmethod
    def create(cls, root: str | Path, *, home: str | Path | None = None) -> Lake:
        """Make the folders of a lake and its settings file, whose lines are comments; what is there stays as it is.

        Raises:
            LakeError: A file is in the way, or the place cannot be written.
        """
        lake = cls(root, home=home)
        try:
            for folder in FOLDERS:
                lake.path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeError(f"No lake can be made here: {error.strerror or error}.", where=str(lake.root)) from error
        if not (file := lake.path(settings.FILE_NAME)).exists():
            files.write_text(file, settings.template())
        return lake

    def __repr__(self) -> str:
        return f"Lake({str(self.root)!r})"

    def path(self, *parts: str) -> Path:
        """Return the local file or folder of the lake, such as `path("runs")`.

        Raises:
            LakeError: The lake is in an object store and has no local home.
        """
        if self.is_walled and parts[:1] == (PUBLISHED,):
            parts = (PUBLISHED, *self.tenant_place, *parts[1:])
        return LakePlace(self.root, self._home).path(*parts)

    @staticmethod
    def identity(snapshot: Snapshot) -> str:
        """Name of the lake that a snapshot of the events is of, under which everything is signed; given at its birth."""
        return str(snapshot.transaction(formats.IDENTITY) or 0)

    @staticmethod
    def id_salt(snapshot: Snapshot) -> formats.IdSalt | None:
        """Salt of the ids of mapped rows of the lake that a snapshot of the events is of; None before its birth."""
        if snapshot.handle is None:
            return None
        return formats.IdSalt.of({name: snapshot.transaction(name) for name in formats.SALTS})

    def of(self, tenant: str | None, *, is_walled: bool) -> Lake:
        """Return the lake as one tenant has it: its rows, and its part of the publication.

        Args:
            tenant: The tenant's id; None for the events without one.
            is_walled: The lake has several tenants. One that has it alone sees the whole, the publication too.
        """
        view = copy.copy(self)
        view.tenant, view.is_a_view, view.is_walled = tenant, True, is_walled
        return view

    @property
    def whole(self) -> Lake:
        """The lake itself, whichever tenant it is looked at as."""
        if not self.is_a_view:
            return self
        whole = copy.copy(self)
        whole.tenant, whole.is_a_view, whole.is_walled = None, False, False
        return whole

    @property
    def tenant_place(self) -> tuple[str, ...]:
        """Folders below that of all tenants, in which one of several has its documents and reports."""
        return (TENANTS, tenant_folder(self.tenant)) if self.is_walled else ()

    def mine(self, table: type[Table], rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return rows of a table that a view shows: those of its tenant where there are several, else all.

        A table that names no tenant tells of the lake as a whole, and shows nothing to one of several.
        """
        if not self.is_walled:
            return rows
        if table in SHARED:
            return rows
        if "tenant_id" not in tables.schema(table):
            return rows.clear()
        return rows.filter(pl.col("tenant_id").eq_missing(pl.lit(self.tenant, pl.String)))

    def tables(self) -> LakeTables:
        """Return all tables, which a notebook completes by name and shows with their meaning: `lake.tables().win_rates`."""
        from kaizenlake.lake.browse import LakeTables

        return LakeTables(self)

    @property
    def declared(self) -> Declarations:
        """Events, tables and jobs of this lake: ours and those of its plug-ins, found once."""
        if self._declared is None:
            self._declared = plugins.declare(self._home)
        return self._declared

    @property
    def settings(self) -> Settings:
        """Settings of the lake, read once."""
        if self._settings is None:
            self._settings = settings.load(self._home)
        return self._settings

    def uri(self, table: type[Table]) -> str:
        """Return the place of a table."""
        if table not in self._uris:
            layer, name = tables.layer(table), tables.name(table)
            whole = str(self.root / layer / name) if isinstance(self.root, Path) else f"{self.root}/{layer}/{name}"
            self._uris[table] = whole
        return self._uris[table]

    def snapshot(self, table: type[Table], version: int | None = None) -> Snapshot:
        """Return the table at this moment, or at an older version.

        A silver or gold table that was stored by another declaration counts as not written: it will be computed anew.

        Raises:
            LakeError: It cannot be read, or a bronze table was stored by a declaration that this one does not extend.
        """
        handle = delta.open_table(self.uri(table), self.storage_options, version)
        if not (self.is_migrating or self._is_format_known) and version is None:
            self._check_format(
                handle if table is tables.Events else delta.open_table(self.uri(tables.Events), self.storage_options)
            )
        if handle is None or not (drift := delta.drift(table, handle)):
            return Snapshot(table, handle, self.held_rows)
        if tables.layer(table) != "bronze":
            return Snapshot(table, None)
        columns = tables.columns(table)
        if drift.extra or drift.changed or drift.moved or not all(columns[name].nullable for name in drift.missing):
            raise LakeError(
                f"{tables.full_name(table)} was stored with other columns than this version declares ({drift}).",
                where=self.uri(table),
                hint="It is the source of truth and is not rewritten: open the lake with the version that wrote it, or "
                "make a new lake and land the files again.",
            )
        return Snapshot(table, handle, self.held_rows)

    def _check_format(self, events: DeltaTable | None) -> None:
        """Refuse a lake of another format, by its events; one without events yet will have this one."""
        if events is not None:
            formats.check(events, str(self.root))
            self._is_format_known = True

    def hold(self, table: type[Table]) -> Snapshot:
        """Return the table at this moment, to be read and not to be written through: it is opened anew only once it has moved on.

        A night asks some ten times of every table where it stands, and a service asks again and again. No row is kept.

        Raises:
            LakeError: As `snapshot` does.
        """
        known = self._held.get(table)
        if known is not None and delta.mark(self.uri(table), known[0].version) == known[1]:
            return known[0]
        return self._hold(self.snapshot(table))

    def _hold(self, snapshot: Snapshot) -> Snapshot:
        mark = delta.mark(self.uri(snapshot.table), snapshot.version)
        if mark is not None:
            self._held[snapshot.table] = snapshot, mark
        return snapshot

    def __copy__(self) -> Lake:
        """Return the same lake to be looked at otherwise: it shares what was opened and read, which is the same for every tenant."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return a copy for another process opens its own tables."""
        own = {"_held": {}, "notes": {}, "_reads": KeptReads(), "held_rows": HeldRows(), "_declared": None}
        return self.__dict__ | own

    def exists(self, table: type[Table]) -> bool:
        """Return whether a table is written, in its present declaration."""
        return self.version(table) is not None

    def version(self, table: type[Table]) -> int | None:
        """Return the version of a table; None where it is not written."""
        known = self._find_unopened(table)
        return self.hold(table).version if known is None else known.mark[0]

    def rows(self, table: type[Table]) -> int:
        """Return rows of a table; 0 where it is not written."""
        if self.is_walled:
            return int(self.scan(table).select(pl.len()).collect().item())
        known = self._find_unopened(table)
        return self.hold(table).rows if known is None else known.rows

    def has_rows_on(self, table: type[Table], days: Collection[date]) -> bool:
        """Return whether a table may hold rows of some days; of one that is not kept by day, any row may be of them."""
        if not (found := self.rows(table)) or tables.partition(table) is None:
            return found > 0
        return not self.hold(table).days.isdisjoint(days)

    def may_hold(self, types: Collection[str], days: Collection[date]) -> bool:
        """Return whether there are events of some types on some days, whether they are believed or not."""
        key = self.version(tables.Events), frozenset(days)
        if self._types_of[0] != key:
            found = self.scan(tables.Events, days=days).select(pl.col("event_type").unique()).collect()
            self._types_of = key, frozenset(found["event_type"])
        return not self._types_of[1].isdisjoint(types)

    def _find_unopened(self, table: type[Table]) -> Kept | None:
        """Return what is kept of a table that was not opened yet and still stands as it is kept: it need not be opened."""
        if table in self._held or not self._keeps_reads or self._home is None:
            return None
        known = self._reads.last(self._home, tables.full_name(table))
        if known is None or known.rows < 0 or known.columns != tables.columns_mark(table):
            return None
        return known if delta.mark(self.uri(table), known.mark[0]) == known.mark else None

    def scan(
        self, table: type[Table], *, days: Collection[date] | None = None, version: int | None = None
    ) -> pl.LazyFrame:
        """Return rows of a table, lazily, in exactly the declared columns; no row where it is not written.

        Args:
            days: Read these partitions only.
            version: An older version, as long as maintenance keeps it.

        Raises:
            LakeError: It cannot be read, that version is gone, or days are asked of a table not kept by day.
        """
        known = self._find_unopened(table)
        is_askable = days is None or tables.partition(table) is not None
        if known is not None and not known.rows and version in {None, known.mark[0]} and is_askable:
            return tables.empty(table)
        snapshot = self.hold(table)
        if version is not None and snapshot.version != version:
            snapshot = self.snapshot(table, version)
            if snapshot.handle is not None and delta.lacks_files(snapshot.handle):
                raise LakeError(
                    f"Version {version} of {tables.full_name(table)} is no longer kept.",
                    where=self.uri(table),
                    hint="`maintenance.keep_versions_days` says how long versions are kept.",
                )
        return self.mine(table, snapshot.scan(days=days))

    def changed_days(self, table: type[Table], since: int | None) -> frozenset[date] | None:
        """Return days whose rows changed after a version; see `changes.changed_days`. None means everything."""
        handle = self.hold(table).handle
        if since is None or handle is None:
            return None
        return changes.find_changed_days(handle, tables.partition(table), since)

    def days_naming(self, table: type[Table], lookup: type[Table], since: int | None) -> frozenset[date] | None:
        """Return days of a table kept by day that hold a key whose row in a lookup changed after a version.

        Args:
            table: Kept by day.
            lookup: Read by its grain, as far as the table has its columns.
            since: Version of the lookup that is known already.

        Returns:
            The days; None where every row may have changed: the version is no longer kept.
        """
        if since is None or (former := self._open_older(lookup, since)) is None:
            return None
        rows = pl.concat([former.scan(), self.scan(lookup)])
        keys = [name for name in tables.grain(lookup) if name in tables.schema(table)]
        # A row that is in either version counts twice.
        changed = rows.group_by(pl.all()).len().filter(pl.col("len") == 1).select(keys).unique()
        partition = str(tables.partition(table))
        days = self.scan(table).join(changed, on=keys, how="semi", nulls_equal=True).select(partition).unique()
        return frozenset(days.collect()[partition])

    def _open_older(self, table: type[Table], version: int) -> Snapshot | None:
        """Return an older version of a table; None where it cannot be read in full any more."""
        try:
            snapshot = self.snapshot(table, version)
        except LakeError:
            return None
        return None if snapshot.handle is None or delta.lacks_files(snapshot.handle) else snapshot

    def keeps(self, table: type[Table], version: int) -> bool:
        """Return whether an older version of a table can still be read."""
        return self._open_older(table, version) is not None

    def reads_of(self, table: type[Table]) -> Reads:
        """Return what a table was computed from, as is kept of its newest commit or its commits say; nothing where it is not written."""
        if self._home is not None and (mark := self._mark(table)) is not None:
            found = self._reads.find(self._home, tables.full_name(table), mark)
            if found is not None:
                return found
        snapshot = self.hold(table)
        if snapshot.handle is None:
            return Reads()
        return changes.reads(snapshot.handle, [tables.full_name(item) for item in self.declared.tables])

    def keep_reads(self, table: type[Table], reads: Reads) -> None:
        """Keep what a table, as it stands now, is computed from, without a commit; `save_reads` makes it last.

        Args:
            reads: Versions, as_of and fingerprint of which its rows are just what would come out.
        """
        if self._home is not None and (mark := self._mark(table)) is not None:
            known = self._find_unopened(table)
            rows = self.hold(table).rows if known is None else known.rows
            kept = Kept(mark, reads, rows, tables.columns_mark(table))
            self._reads.keep(self._home, tables.full_name(table), kept)

    def save_reads(self) -> None:
        """Write what is kept of what tables were computed from; to be called by the holder of the lake's lock.

        Raises:
            LakeError: The file cannot be written.
        """
        if self._home is not None:
            self._reads.save(self._home)

    @property
    def _keeps_reads(self) -> bool:
        """Whether what tables were computed from can be kept beside them: they are files, whose commits can be told apart."""
        return self._home is not None and isinstance(self.root, Path)

    def _mark(self, table: type[Table]) -> delta.Mark | None:
        if (kept := self._find_unopened(table)) is not None:
            return kept.mark
        self.hold(table)
        known = self._held.get(table)
        return None if known is None else known[1]

    def write(
        self,
        table: type[Table],
        parts: Iterable[pl.DataFrame] | pl.LazyFrame,
        *,
        days: Collection[date] | None,
        reads: Mapping[str, int],
        as_of: datetime,
        fingerprint: str,
        only_changes: bool = False,
    ) -> Written:
        """Replace days of a table, or all of it, in one commit; every part is checked before the commit.

        A table that was stored by another declaration is replaced whole, as it counts as not written.

        Args:
            parts: Rows to write; they are written as they come. Of a table kept by day no day may span two parts.
            days: Days to replace, also by nothing; empty records the reads alone. None replaces the whole table.
            reads: Version of each input, by full name.
            as_of: Instant up to which events counted, with a zone.
            fingerprint: SHA-256 of settings and code, as hexadecimal digits; see `fingerprint`.
            only_changes: Leave days, or the whole table where it is not kept by day, that come out as they are stored:
                what rests on them need not be computed again. The reads are recorded all the same.

        Raises:
            TableInvalidError: A part breaks the declaration; nothing was written.
            WriteConflictError: Another writer came between; nothing was written.
            LakeError: The storage refused; nothing was written.
        """
        if days is not None and tables.partition(table) is None:
            raise LakeError(f"{tables.full_name(table)} is not kept by day, so it is written whole: days=None.")
        transactions = changes.transactions(reads, as_of, fingerprint)
        told = Reads(dict(reads), as_of, fingerprint)
        handle = self.hold(table).handle
        stored = handle or delta.open_table(self.uri(table), self.storage_options)
        sieve = ChangedRowsFilter(table, handle, days) if only_changes and handle is not None else None
        # Rows that are stored were checked by the rules of the code that stored them.
        is_first = sieve is not None and self.reads_of(table).fingerprint == fingerprint
        checked = self._count(check_each_part(table, parts, days, sieve.pass_on if sieve and is_first else None))

        def reopen() -> DeltaTable:
            """Open the table to be written through; frames that read by the other handle stay at their moment."""
            nonlocal stored
            opened = delta.open_table(self.uri(table), self.storage_options)
            if opened is None or stored is None or opened.version() != stored.version():
                raise WriteConflictError(
                    "Another writer changed the table between the read and the write; nothing was written.",
                    where=self.uri(table),
                    hint="Run it again.",
                )
            stored = opened
            return opened

        before = None if stored is None else stored.version()
        version, rows = delta.commit(
            table,
            self.uri(table) if stored is None else stored,
            checked if sieve is None or is_first else sieve.pass_on(checked),
            delta.CommitPlan(
                transactions=transactions,
                options=self.storage_options,
                days=days if sieve is None else sieve.days,
                whole_schema=stored is not None and handle is None,
                unless=None if sieve is None else lambda: sieve.is_unchanged,
                is_kept=self._keeps_reads,
                reopened=reopen,
            ),
        )
        if version != before and stored is not None:
            # The handle has moved on with the commit: the table need not be opened anew.
            self._hold(Snapshot(table, stored, self.held_rows))
        self.keep_reads(table, told)
        return Written(version, rows if sieve is None else sieve.rows)

    def describe(self) -> tuple[TableState, ...]:
        """Return how each table stands, in the order of their declaration; see `TableState`."""
        return tuple(self.state(table) for table in self.declared.tables)

    def state(self, table: type[Table]) -> TableState:
        """Return how a table stands; one that cannot be read says why instead of raising."""
        name = tables.full_name(table)
        try:
            stored = delta.open_table(self.uri(table), self.storage_options)
            if stored is None:
                return TableState(name, "not written")
            if self.snapshot(table).handle is None:
                problem = f"{delta.drift(table, stored)}; the next night writes it anew"
                return TableState(name, "outdated", problem=problem)
            return describe.describe_written(table, stored)
        except LakeError as error:
            return TableState(name, "unreadable", problem=str(error))

    def append(
        self,
        table: type[Table],
        rows: pl.DataFrame | Callable[[Snapshot], pl.DataFrame],
        *,
        transaction: tuple[str, int] | None = None,
        marks: Mapping[str, int] | None = None,
    ) -> Written | None:
        """Add rows to a table in one commit.

        Args:
            rows: The rows; or a function that makes them from what is there already, which is called again on a fresh
                snapshot whenever another writer came between. So of two that add the same, the later sees the earlier.
            transaction: Name and number of this write; one that the table has already, or is past, is not done again.
            marks: Further names and numbers that the commit carries; read after the rows are made.

        Returns:
            What was written; None where the transaction was done already, or there was nothing to write.

        Raises:
            TableInvalidError: The rows break the declaration; nothing was written.
            WriteConflictError: Other writers came between, too many times; nothing was written.
            LakeError: The storage refused; nothing was written.
        """

        def add(snapshot: Snapshot) -> Written | None:
            if transaction is not None:
                done = snapshot.transaction(transaction[0])
                if done is not None and done >= transaction[1]:
                    return None
            frame = self._check(table, rows(snapshot) if callable(rows) else rows)
            if frame.is_empty() and transaction is None:
                return None
            return Written(
                *delta.commit(
                    table,
                    self.uri(table) if snapshot.handle is None else snapshot.handle,
                    [frame],
                    delta.CommitPlan(
                        transactions={
                            **(formats.birth(table) if snapshot.handle is None else {}),
                            **dict([transaction] if transaction else []),
                            **(marks or {}),
                        },
                        options=self.storage_options,
                        append=True,
                        retries=0 if callable(rows) else delta.RETRIES,
                    ),
                )
            )

        return self._on_fresh(table, add)

    def replace_days(self, table: type[Table], make: Callable[[Snapshot], DaysToReplace | None]) -> Written | None:
        """Replace the days of a table that a function names by what it makes of them, in one commit.

        Args:
            table: Kept by day.
            make: Called again on a fresh snapshot whenever another writer came between; None where nothing is to be done.

        Raises:
            TableInvalidError: A row breaks the declaration; nothing was written.
            WriteConflictError: Other writers came between, too many times; nothing was written.
            LakeError: The storage refused; nothing was written.
        """

        def replace(snapshot: Snapshot) -> Written | None:
            found = make(snapshot)
            if found is None:
                return None
            target = self.uri(table) if snapshot.handle is None else snapshot.handle
            transactions = {**(formats.birth(table) if snapshot.handle is None else {}), **found.marks}
            plan = delta.CommitPlan(
                transactions=transactions,
                options=self.storage_options,
                days=None if snapshot.handle is None else found.days,
            )
            return Written(*delta.commit(table, target, (self._check(table, part) for part in found.parts), plan))

        return self._on_fresh(table, replace)

    def rewrite(self, table: type[Table], rows: Callable[[Snapshot], pl.DataFrame]) -> Written:
        """Replace all rows of a table by what a function makes of them, in one commit.

        Args:
            rows: Makes the new rows from what is there; it is called again on a fresh snapshot whenever another writer
                came between, so that nothing appended meanwhile is lost.

        Raises:
            TableInvalidError: The rows break the declaration; nothing was written.
            WriteConflictError: Other writers came between, too many times; nothing was written.
            LakeError: The storage refused; nothing was written.
        """

        def replace(snapshot: Snapshot) -> Written:
            frame = self._check(table, rows(snapshot))
            target = self.uri(table) if snapshot.handle is None else snapshot.handle
            plan = delta.CommitPlan(transactions={}, options=self.storage_options)
            return Written(*delta.commit(table, target, [frame], plan))

        return self._on_fresh(table, replace)

    def _check(self, table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
        """Check a frame by the declaration of its table, and count it."""
        self.frames_validated += 1
        return tables.check(table, frame)

    def _count(self, parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Count parts that were checked, as they go by."""
        for part in parts:
            self.frames_validated += 1
            yield part

    def _on_fresh(self, table: type[Table], write: Callable[[Snapshot], _Done]) -> _Done:
        """Write on the strength of a fresh snapshot, and again on another where a writer came between."""
        for attempt in range(ATTEMPTS - 1):
            with suppress(WriteConflictError):
                return write(self.snapshot(table))
            # Whoever lost waits a while, each another one, so that writers of equal pace do not lose to one another for ever.
            time.sleep(random.uniform(0, min(0.02 * 2**attempt, 0.5)))  # noqa: S311 - a pause, and no secret
        return write(self.snapshot(table))
