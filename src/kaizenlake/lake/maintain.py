"""Maintenance: small files put together, versions nobody reads any more removed, leftovers of killed runs swept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import CommitFailedError, DeltaError

from kaizenlake import tables
from kaizenlake.errors import LakeError, WriteConflictError
from kaizenlake.lake import delta, files
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Table

DONE = ("landing", ".done")
"""Folder of a lake to which files that were landed are moved."""

ASIDE_SECONDS = 3600
"""Age from which a file written aside belongs to nobody."""


@dataclass(frozen=True)
class TableUpkeep:
    """What maintenance did to a table.

    Args:
        name: Layer and last name.
        files_before: Data files before it.
        files_after: Data files after it.
        removed: Files of older versions, and of writes that were killed, that were deleted.
    """

    name: str
    files_before: int
    files_after: int
    removed: int


@dataclass(frozen=True)
class Upkeep:
    """What maintenance did.

    Args:
        tables: One entry a table that is there.
        landed_removed: Landed files that were kept long enough.
        leftovers_removed: Half-written files of killed processes.
    """

    tables: tuple[TableUpkeep, ...] = field(default=())
    landed_removed: int = 0
    leftovers_removed: int = 0


def maintain(
    lake: Lake,
    *,
    only: Iterable[type[Table]] = tables.TABLES,
    keep: timedelta | None = None,
    progress: Callable[[str], None] | None = None,
    now: float | None = None,
) -> Upkeep:
    """Tend all tables and folders of a lake; to be called while its lock is held.

    No row and no figure changes. Versions older than `keep` can no longer be read; what a table was computed from, and
    which days changed since, stays known.

    Args:
        lake: The lake.
        only: Tables to tend.
        keep: Age up to which older versions stay readable; from the settings by default.
        progress: Told the name of each table before it is tended.
        now: Seconds since 1970; the clock by default.

    Raises:
        WriteConflictError: Somebody wrote to a table that was being compacted; the table is as they left it.
        LakeError: The storage refused.
    """
    chosen = lake.settings.maintenance
    keep = timedelta(days=chosen.keep_versions_days) if keep is None else keep
    now = time.time() if now is None else now
    tended = []
    for table in only:
        handle = delta.open_table(lake.uri(table), lake.storage_options)
        if handle is None:
            continue
        if progress is not None:
            progress(tables.full_name(table))
        tended.append(_tend(table, handle, keep, chosen.compact_bytes))
    kept_for = timedelta(days=lake.settings.landing.keep_landed_days).total_seconds()
    return Upkeep(
        tables=tuple(tended),
        landed_removed=sum(_remove(path) for path in _older(lake.path(*DONE), "*", now - kept_for)),
        leftovers_removed=sum(
            _remove(path)
            for folder in _own_folders(lake)
            for path in _older(folder, f"{files.ASIDE}*", now - ASIDE_SECONDS)
        ),
    )


def _tend(table: type[Table], handle: DeltaTable, keep: timedelta, target: int) -> TableUpkeep:
    name = tables.full_name(table)
    before = len(handle.file_uris())
    # Whole hours; rounded up, so that nothing goes early.
    hours = -(-keep // timedelta(hours=1))
    try:
        handle.optimize.compact(
            target_size=target,
            writer_properties=WriterProperties(compression=delta.COMPRESSION),
        )
        removed = handle.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True)
    except CommitFailedError as error:
        raise WriteConflictError(
            f"Somebody wrote to {name} while it was tended; it is as they left it.",
            where=handle.table_uri,
            hint="Run maintenance again.",
        ) from error
    except (DeltaError, OSError) as error:
        raise LakeError(f"{name} cannot be tended: {error}", where=handle.table_uri) from error
    return TableUpkeep(name, before, len(handle.file_uris()), len(removed))


def _own_folders(lake: Lake) -> Iterator[Path]:
    """Folders in which this package writes files of its own; Delta looks after its own."""
    yield lake.path()
    for name in ("landing", "mappings", "runs", "published", "keys"):
        yield lake.path(name)
        yield from (path for path in lake.path(name).rglob("*") if path.is_dir() and not path.is_symlink())


def _older(folder: Path, pattern: str, limit: float) -> Iterator[Path]:
    for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink() and path.lstat().st_mtime < limit:
            yield path


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError as error:
        raise LakeError(f"A file cannot be removed: {error.strerror or error}.", where=str(path)) from error
    return True
