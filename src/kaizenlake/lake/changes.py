"""What a table's log says: the days that changed since a version, and what its last write had read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from deltalake import DeltaTable

from kaizenlake.lake.delta import storage

READ = "read:"
AS_OF = "as_of"
FINGERPRINT = "fingerprint:"
_DIGITS = 64
_PIECE = 13
"""Hexadecimal digits of a fingerprint in one transaction, whose value is a signed 64-bit number."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECENT = 20
"""Commits looked through for the last write; behind more of them (maintenance) the transactions are asked by name."""


class _AddedFile(msgspec.Struct, rename="camel"):
    data_change: bool = True
    partition_values: dict[str, str | None] = {}


class _Transaction(msgspec.Struct, rename="camel"):
    app_id: str
    version: int


class _Columns(msgspec.Struct):
    """That columns or partitions were set; to what does not matter here."""


class _Info(msgspec.Struct, rename="camel"):
    timestamp: int = 0


class _Action(msgspec.Struct, rename="camel"):
    """A line of a commit, of which we need few kinds."""

    add: _AddedFile | None = None
    remove: _AddedFile | None = None
    txn: _Transaction | None = None
    meta_data: _Columns | None = None
    commit_info: _Info | None = None


_DECODER = msgspec.json.Decoder(_Action)


@dataclass(frozen=True)
class Reads:
    """What a table was computed from.

    Args:
        versions: Version of each input, by full name; empty where the table was never written.
        as_of: Instant up to which events counted.
        fingerprint: SHA-256 of settings and code, as it was handed to the write.
    """

    versions: Mapping[str, int] = field(default_factory=dict)
    as_of: datetime | None = None
    fingerprint: str | None = None


def transactions(reads: Mapping[str, int], as_of: datetime, fingerprint: str) -> dict[str, int]:
    """Return reads as application transactions, which survive checkpoints, compaction and the cleaning of the log.

    Raises:
        ValueError: The fingerprint is none, or the instant has no zone.
    """
    if len(fingerprint) != _DIGITS or set(fingerprint) - set("0123456789abcdef"):
        raise ValueError(f"a fingerprint has {_DIGITS} hexadecimal digits: {fingerprint!r}")
    if as_of.tzinfo is None:
        raise ValueError(f"as_of has no zone: {as_of}")
    named = {READ + name: version for name, version in reads.items()}
    pieces = {name: int(fingerprint[start:end], 16) for name, start, end in _pieces()}
    return named | {AS_OF: (as_of - _EPOCH) // timedelta(microseconds=1)} | pieces


def reads(handle: DeltaTable, inputs: Collection[str]) -> Reads:
    """Return what the last write of a table had read.

    Args:
        handle: The table.
        inputs: Full names of all tables that it may have read.
    """
    found = _last_write(handle)
    if found is None:
        names = (AS_OF, *(name for name, _, _ in _pieces()), *(READ + name for name in inputs))
        found = {name: value for name in names if (value := handle.transaction_version(name)) is not None}
    if AS_OF not in found:
        return Reads()
    return Reads(
        versions={name.removeprefix(READ): value for name, value in found.items() if name.startswith(READ)},
        as_of=_EPOCH + timedelta(microseconds=found[AS_OF]),
        fingerprint="".join(f"{found[name]:0{end - start}x}" for name, start, end in _pieces()),
    )


def _pieces() -> list[tuple[str, int, int]]:
    """Name, begin and end of the pieces of a fingerprint."""
    starts = range(0, _DIGITS, _PIECE)
    return [(f"{FINGERPRINT}{start}", start, min(start + _PIECE, _DIGITS)) for start in starts]


def _last_write(handle: DeltaTable) -> dict[str, int] | None:
    log = storage(handle)
    newest = handle.version()
    for version in range(newest, max(newest - _RECENT, -1), -1):
        commit = _commit(log, version)
        if commit is None:
            return None
        found = {action.txn.app_id: action.txn.version for action in commit if action.txn is not None}
        if AS_OF in found:
            return found
    return None


def find_changed_days(handle: DeltaTable, partition: str | None, since: int) -> frozenset[date] | None:
    """Return days to which rows were added, or from which rows were removed, after a version.

    Compaction rewrites files and changes no row; such files do not count. Vacuum touches nothing that is read here.

    Args:
        handle: The table.
        partition: Its partition column.
        since: Version that is known already.

    Returns:
        The days, none where nothing changed; None where everything may have changed: the log does not reach back,
        the columns changed, or the table is not kept by day and changed.
    """
    if since > handle.version():
        return None
    log = storage(handle)
    days: set[date] = set()
    for version in range(since + 1, handle.version() + 1):
        commit = _commit(log, version)
        if commit is None:
            return None
        for action in commit:
            if action.meta_data is not None:
                return None
            file = action.add or action.remove
            if file is None or not file.data_change:
                continue
            day = file.partition_values.get(partition) if partition else None
            if day is None:
                return None
            days.add(date.fromisoformat(day))
    return frozenset(days)


def last_written_at(handle: DeltaTable) -> datetime | None:
    """Return when a commit last changed rows or recorded reads; None where the log does not reach back to one."""
    log = storage(handle)
    for version in range(handle.version(), -1, -1):
        commit = _commit(log, version)
        if commit is None:
            return None
        files = [file for action in commit if (file := action.add or action.remove) is not None]
        if any(file.data_change for file in files) or any(action.txn for action in commit):
            stamps = [action.commit_info.timestamp for action in commit if action.commit_info is not None]
            return _EPOCH + timedelta(milliseconds=stamps[0]) if stamps else None
    return None


def _commit(log: Any, version: int) -> list[_Action] | None:
    """Return actions of a commit; None where the log was cleaned of it."""
    try:
        with log.open_input_stream(f"_delta_log/{version:020d}.json") as stream:
            return _DECODER.decode_lines(stream.read())
    except FileNotFoundError:
        return None
