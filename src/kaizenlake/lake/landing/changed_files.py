"""Which events were changed in place? Their files are not as they were when their batches were last verified."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.errors import KaizenError
from kaizenlake.lake import files
from kaizenlake.lake.landing import batches
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust import attested, decisions, digests, keys
from kaizenlake.tables import Events

FILE = "verified_files.json"
"""Name of the signed file beside the keys that says which data files were verified, and as they were then."""

Marks: TypeAlias = Mapping[str, list[int]]
"""Inode, size and time of the last change of files, by their paths within the table: nobody sets the time of a change back
without the rights of the whole machine."""


def find_changed(lake: Lake) -> tuple[str, ...]:
    """Find the batches of events that were changed in place, in words; of files that are as they were nothing is read.

    A file that is new, or was written to since, has all its batches verified; those that do not hold are verified anew each
    time, until they do. What was verified is signed by the key of the lake. In an object store, and without that key, nothing
    is looked at: `kaizen verify` reads all events.
    """
    snapshot = lake.hold(Events)
    if snapshot.handle is None or "://" in lake.uri(Events):
        return ()
    try:
        key = keys.private_key(lake)
        path = lake.path(keys.FOLDER, FILE)
        root = Path(lake.uri(Events))
        marks = _find_marks(root, pl.DataFrame(snapshot.handle.get_add_actions(flatten=True))["path"].to_list())
        name = Lake.identity(snapshot)
        known, broken = _read(path, key.public_key(), name)
        fresh = [file for file, mark in marks.items() if known.get(file) != mark]
        if not fresh and not broken and known.keys() == marks.keys():
            return ()
        found = _verify(lake, snapshot, {*broken, *_find_batches(root, fresh)})
    except (KaizenError, pl.exceptions.PolarsError, OSError):
        # What cannot be read at all is told by who reads the events.
        return ()
    signed = {"lake": name, "files": marks, "broken": sorted(found)}
    with suppress(KaizenError):
        text = json.dumps({"verified": signed, "signature": signing.sign(signed, key)})
        files.write_atomic(path, text.encode(), mode=0o600, is_name_synced=False)
    return tuple(
        f"{'events of no batch' if number == digests.NONE else f'batch {number}'}{batches.describe_batch(snapshot, number)}: "
        "one or more of its events were changed since they were landed, and count as they are now"
        for number in sorted(found)
    )


def _find_marks(root: Path, paths: Collection[str]) -> dict[str, list[int]]:
    found = {}
    for path in sorted(paths):
        with suppress(OSError):
            state = (root / path).stat()
            found[path] = [state.st_ino, state.st_size, state.st_ctime_ns]
    return found


def _read(path: Path, key: Ed25519PublicKey, name: str) -> tuple[Marks, tuple[int, ...]]:
    """Return what was verified; nothing where that was not signed by this key for this lake."""
    try:
        document = json.loads(path.read_bytes())
        signed = document["verified"]
        signing.check_signature(signed, document["signature"], key)
        if signed["lake"] == name:
            return dict(signed["files"]), tuple(signed["broken"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError, KaizenError):
        pass
    return {}, ()


def _find_batches(root: Path, paths: Collection[str]) -> set[int]:
    """Return the batches of which some file holds events."""
    if not paths:
        return set()
    held = pl.scan_parquet(
        [root / path for path in paths],
        schema={"batch": pl.Int64()},
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
    )
    return set(held.select(pl.col("batch").fill_null(digests.NONE).unique()).collect()["batch"])


def _verify(lake: Lake, snapshot: Snapshot, numbers: Collection[int]) -> set[int]:
    """Return those of some batches of which as many events are there as were signed, and say something else."""
    if not numbers:
        return set()
    vouched = decisions.find_vouched(decisions.ledger(lake))
    chain, _ = batches.read_chain(lake, snapshot, vouched)
    signed = vouched.parts_of(chain)
    if vouched.adopted is not None:
        signed[digests.NONE] = vouched.adopted
    asked = pl.col("batch").fill_null(digests.NONE).is_in(sorted(numbers))
    there, _ = batches.find_parts(snapshot, attested.IS_LOGGED & asked)
    return {
        number
        for number, part in digests.batches(there)
        if number in signed and part.rows == signed[number].rows and part.digest != signed[number].digest
    }
