"""The keys of a lake: the private one that signs, the public ones that are believed, and what this place remembers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.errors import LakeError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Events

FOLDER = "keys"
FORMER = "former"
"""Folder under `keys/` with the public halves of the keys that the lake had before."""

HEADS = "heads.json"
"""File in `keys/` with the latest decision and batch that this place has seen."""

BATCH_HEAD, DECISION_HEAD = "head:batches", "head:decisions"
"""Application transactions of `bronze.events`: number of the latest batch and decision that was ever written to it."""


def private_key(lake: Lake) -> Ed25519PrivateKey:
    """Return the private key of a lake, made on first use, never in place of one that was lost.

    Raises:
        PublishError: It was lost, cannot be read or made, or others may read it.
    """
    folder = lake.path(FOLDER)
    path = folder / signing.KEY_NAME
    if not path.exists():
        snapshot = lake.hold(Events)
        if any(snapshot.transaction(name) is not None for name in (BATCH_HEAD, DECISION_HEAD)):
            raise signing.lost_key_error(path, "events of it are signed by one")
    return signing.signing_key(folder)


@dataclass(frozen=True)
class Trust:
    """Public keys by which a lake is checked.

    Args:
        own: Id of the key that signs now; None where no key is at hand.
        keys: Public keys by id: the one that signs now, and those before it.
        source: Where the first comes from, in words.
    """

    own: str | None
    keys: Mapping[str, Ed25519PublicKey]
    source: str


def trust(lake: Lake) -> Trust:
    """Return the public keys of a lake: its own, else the one that lies with what it published, and those it had before.

    Raises:
        PublishError: The private key may be read by others, or is none.
        VerificationError: A public key is none.
    """
    own: Ed25519PublicKey | None = None
    source = "no key"
    try:
        folder = lake.path(FOLDER)
    except LakeError:
        # In an object store, without a folder here: there is no place for a key.
        return Trust(None, {}, source)
    if (folder / signing.KEY_NAME).exists():
        own, source = signing.read_private_key(folder / signing.KEY_NAME).public_key(), "the lake's own key"
    else:
        path = folder.parent.joinpath(*signing.PUBLISHED_KEY)
        with suppress(OSError):
            own, source = signing.public_key(path.read_bytes(), str(path)), "the key beside the documents"
    former = (signing.public_key(path.read_bytes(), str(path)) for path in sorted((folder / FORMER).glob("*.pem")))
    keys = {signing.key_id(key): key for key in (*([own] if own is not None else []), *former)}
    return Trust(None if own is None else signing.key_id(own), keys, source)


def recall(lake: Lake) -> dict[str, Any]:
    """Return what this place remembers of the lake: number and hash of the latest decision and batch, highest publications.

    Raises:
        VerificationError: The file of it cannot be read.
    """
    path = _heads(lake)
    if path is None:
        return {}
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise VerificationError(
            f"What this place remembers of the lake cannot be read: {error}.",
            where=str(path),
            hint="Remove the file; what is there now is then taken as the latest.",
        ) from error
    return found if isinstance(found, dict) else {}


def remember(lake: Lake, name: str, number: int, value: str = "") -> None:
    """Remember a number of the lake, unless a higher one is remembered; without a place for it nothing is.

    Args:
        name: What is numbered.
        value: What has that number, such as its hash.
    """
    remember_all(lake, {name: (number, value)})


def remember_all(lake: Lake, numbers: Mapping[str, tuple[int, str]]) -> None:
    """Remember several numbers at once; see `remember`."""
    path = _heads(lake)
    if path is None:
        return
    try:
        known = recall(lake)
    except VerificationError:
        return
    higher = {
        name: [number, value]
        for name, (number, value) in numbers.items()
        if not isinstance(known.get(name), list) or known[name][0] < number
    }
    if higher:
        with suppress(LakeError):
            files.write_atomic(path, json.dumps(known | higher).encode(), mode=0o600, is_name_synced=False)


def highest_by(lake: Lake, snapshot: Snapshot, name: str) -> tuple[int, str]:
    """Return the highest number that is remembered of something, as far as the events of a moment can hold it.

    What another process appended and remembered since that moment is not missing from it. Only a later version of the events
    excuses a higher number, so that nobody takes the latest of them away unseen.

    Raises:
        VerificationError: What is remembered cannot be read.
    """
    seen, mark = highest(lake, name), snapshot.transaction(name)
    if mark is None or seen[0] <= mark or lake.snapshot(Events).version == snapshot.version:
        return seen
    return mark, ""


def highest(lake: Lake, name: str) -> tuple[int, str]:
    """Return the highest number that is remembered of something, and what has it; 0 where none is.

    Raises:
        VerificationError: What is remembered cannot be read.
    """
    found = recall(lake).get(name)
    return (int(found[0]), str(found[1])) if isinstance(found, list) else (0, "")


def _heads(lake: Lake) -> Path | None:
    try:
        folder = lake.path(FOLDER)
    except LakeError:
        return None
    # A folder of keys is made by the key alone.
    return folder / HEADS if folder.is_dir() else None
