"""Remove what was kept long enough: records of runs, and reports of nights; the latest always stay."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from kaizenlake.errors import LakeError
from kaizenlake.lake.store import Lake

LATEST_RUNS = 30
"""Records that stay however old they are: nights are compared with those before them."""


def remove_runs(lake: Lake, now: datetime) -> int:
    """Remove the records of runs that ended before what the settings keep; to be called while the lock of the lake is held.

    Args:
        now: Aware instant.

    Returns:
        Records that were removed.
    """
    days = lake.settings.retention.runs_days
    if not days:
        return 0
    removed = 0
    # Records are named for when they started, so that the latest come last.
    for path in sorted(lake.path("runs").glob("*.json"))[:-LATEST_RUNS]:
        if (started := _read_start(path)) is not None and started < now - timedelta(days=days):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def remove_reports(lake: Lake, reports: Path, now: datetime) -> int:
    """Remove the reports of nights before what the settings keep; folders that are not named for a day stay.

    Args:
        reports: Folder of the reports; those of a tenant lie in a folder of their own within it.
        now: Aware instant.

    Returns:
        Days whose reports were removed.

    Raises:
        LakeError: A folder cannot be removed.
    """
    days = lake.settings.retention.reports_days
    if not days:
        return 0
    first_kept = now.astimezone(UTC).date() - timedelta(days=days)
    places = [reports, *(path for path in _list_folders(reports) if _read_day(path) is None)]
    removed = 0
    for place in places:
        nights = sorted((day, path) for path in _list_folders(place) if (day := _read_day(path)) is not None)
        for day, path in nights[:-1]:
            if day < first_kept:
                try:
                    shutil.rmtree(path)
                except OSError as error:
                    raise LakeError(
                        f"Reports cannot be removed: {error.strerror or error}.", where=str(path)
                    ) from error
                removed += 1
    return removed


def _list_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink()]


def _read_day(path: Path) -> date | None:
    try:
        day = date.fromisoformat(path.name)
    except ValueError:
        return None
    return day if day.isoformat() == path.name else None


def _read_start(path: Path) -> datetime | None:
    try:
        started = datetime.fromisoformat(json.loads(path.read_bytes())["started_at"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return started if started.tzinfo is not None else None
