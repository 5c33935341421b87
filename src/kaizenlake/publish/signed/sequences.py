"""The highest number of each publication that this place has made, so that an older one that is put back is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def number_of(signed: Mapping[str, Any]) -> int:
    """Return the number of what was signed: its sequence, else the microseconds of its time."""
    if isinstance(signed.get("sequence"), int):
        return int(signed["sequence"])
    return (datetime.fromisoformat(signed["generated_at"]) - _EPOCH) // _MICROSECOND


def highest(lake: Lake, file: Path) -> int:
    """Return the highest number that was ever published as a file; 0 where none is remembered.

    Raises:
        VerificationError: What is remembered cannot be read.
    """
    return keys.highest(lake, _name(lake, file))[0]


def remember(lake: Lake, published: Mapping[Path, Mapping[str, Any]]) -> None:
    """Remember the numbers of what was published.

    Args:
        published: What was signed, by its file.
    """
    keys.remember_all(lake, {_name(lake, file): (number_of(signed), "") for file, signed in published.items()})


def check(lake: Lake, file: Path, signed: Mapping[str, Any]) -> None:
    """Check that a file is the newest that was published in its place.

    Raises:
        VerificationError: It was rolled back to an older one, or what is remembered cannot be read.
    """
    if is_rolled_back(lake, file, signed):
        raise VerificationError(
            f"{file.name} was rolled back: an older publication lies there than the newest that this lake made."
        )


def is_rolled_back(lake: Lake, file: Path, signed: Mapping[str, Any]) -> bool:
    """Return whether a newer one was published in the place of a file.

    Raises:
        VerificationError: What is remembered cannot be read.
    """
    return number_of(signed) < highest(lake, file)


def after(lake: Lake, file: Path, now: datetime) -> datetime:
    """Return now, or just after the newest that was published as a file, by a clock that went back.

    Raises:
        VerificationError: What is remembered cannot be read.
    """
    return max(now, _EPOCH + (highest(lake, file) + 1) * _MICROSECOND)


def _name(lake: Lake, file: Path) -> str:
    return f"published:{file.relative_to(lake.path()).as_posix()}"
