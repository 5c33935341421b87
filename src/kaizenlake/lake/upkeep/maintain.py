"""Maintenance: small files put together, versions nobody reads any more removed, leftovers of killed runs swept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from kaizenlake import tables
from kaizenlake.errors import KaizenError, LakeError, WriteConflictError
from kaizenlake.lake import delta, files
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.tables import Table

DONE = ("landing", "done")
"""Folder of a lake to which landed files are moved, into a folder named for the day of their landing."""

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
    only: Iterable[type[Table]] | None = None,
    keep: timedelta | None = None,
    progress: Callable[[str], None] | None = None,
    now: datetime | None = None,
) -> Upkeep:
    """Tend all tables and folders of a lake; to be called while its lock is held.

    No row and no figure changes. Versions older than `keep` can no longer be read; what a table was computed from, and
    which days changed since, stays known.

    Args:
        only: Tables to tend; all of the lake by default, those of its plug-ins too.
        keep: Age up to which older versions stay readable; from the settings by default.
        progress: Told the name of each table before it is tended.
        now: Aware instant; the clock by default.

    Raises:
        WriteConflictError: Somebody wrote to a table that was being compacted; the table is as they left it.
        LakeError: The storage refused.
    """
    chosen = lake.settings.maintenance
    keep = timedelta(days=chosen.keep_versions_days) if keep is None else keep
    now = datetime.now(UTC) if now is None else now
    tended = []
    for table in lake.declared.tables if only is None else only:
        handle = delta.open_table(lake.uri(table), lake.storage_options)
        if handle is None:
            continue
        if progress is not None:
            progress(tables.full_name(table))
        # What was put among the events is told from what was landed by the files, which therefore stay apart.
        is_compact = table is not tables.Events or not _is_in_doubt(lake)
        reads = lake.reads_of(table)
        tended.append(_maintain_table(table, handle, keep, chosen.compact_bytes if is_compact else None))
        if reads.as_of is not None:
            # No row changed, so the table is computed from what it was.
            lake.keep_reads(table, reads)
    lake.save_reads()
    return Upkeep(
        tables=tuple(tended),
        landed_removed=_remove_landed(
            lake.path(*DONE), now.date() - timedelta(days=lake.settings.landing.keep_landed_days)
        ),
        leftovers_removed=_remove_leftovers(lake, now.timestamp() - ASIDE_SECONDS),
    )


def _is_in_doubt(lake: Lake) -> bool:
    try:
        return bool(decisions.doubts(lake))
    except KaizenError:
        return True


def _maintain_table(table: type[Table], handle: DeltaTable, keep: timedelta, target: int | None) -> TableUpkeep:
    name = tables.full_name(table)
    before = len(handle.file_uris())
    # Whole hours; rounded up, so that nothing goes early.
    hours = -(-keep // timedelta(hours=1))
    try:
        if target is not None:
            handle.optimize.compact(target_size=target, writer_properties=delta.parquet_properties(table))
        removed = handle.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True)
    except CommitFailedError as error:
        raise WriteConflictError(
            f"Somebody wrote to {name} while it was tended; it is as they left it.",
            where=handle.table_uri,
            hint="Run maintenance again.",
        ) from error
    except (DeltaError, OSError) as error:
        raise LakeError(f"{name} cannot be tended: {delta.plain(error)}", where=handle.table_uri) from error
    return TableUpkeep(name, before, len(handle.file_uris()), len(removed))


def _remove_landed(folder: Path, first_kept: date) -> int:
    """Remove the files of days before the first that is kept; what is not named for a day stays."""
    removed = 0
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            day = date.fromisoformat(entry.name)
        except ValueError:
            continue
        if day < first_kept and entry.is_dir() and not entry.is_symlink():
            with _in_our_words(entry):
                removed += sum(path.is_file() or path.is_symlink() for path in entry.rglob("*"))
                shutil.rmtree(entry)
    return removed


def _remove_leftovers(lake: Lake, limit: float) -> int:
    """Remove what processes that were killed had been writing aside; tables look after their own files."""
    folders = [lake.path(), *(lake.path(name) for name in ("landing", "mappings", "runs", "published", "keys"))]
    removed = 0
    for folder in folders:
        for path in folder.glob(f"{files.ASIDE}*") if folder == lake.path() else folder.rglob(f"{files.ASIDE}*"):
            with _in_our_words(path):
                if path.is_file() and not path.is_symlink() and path.stat().st_mtime < limit:
                    path.unlink()
                    removed += 1
    return removed


@contextmanager
def _in_our_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LakeError(f"A file cannot be removed: {error.strerror or error}.", where=str(path)) from error
