"""Tombstones: subjects that were forgotten do not come back, and none of them is kept by name."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kaizenlake.errors import LakeError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions, keys
from kaizenlake.lake.trust.subjects import Subject, split_words, yield_texts
from kaizenlake.tables import Events

EVENT_TYPE = "SUBJECT_FORGOTTEN"

FORGOTTEN = "kaizenlake:forgotten"
"""Application transaction of `bronze.events`: number of the latest decision by which something was forgotten."""

SECRET = "forgotten.key"  # noqa: S105 - the name of the file
"""File in `keys/` with the secret by which names are hashed: without it nobody can try whether a name was forgotten."""

_SECRET_BYTES = 32


@dataclass(frozen=True)
class Tombstones:
    """What was forgotten, by hashes.

    Args:
        secret: Secret of the lake.
        marks: Hashes of what was forgotten.
        lengths: Characters of what was forgotten.
    """

    secret: bytes
    marks: frozenset[str]
    lengths: tuple[int, ...]

    def name(self, line: bytes) -> bool:
        """Return whether a line names what was forgotten."""
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = line.decode("utf-8", "replace")
        tenant = found.get("tenant_id", found.get("tenantid")) if isinstance(found, dict) else None
        owner = tenant if isinstance(tenant, str) else None
        return any(self._holds(text, owner) for text in yield_texts(found))

    def _holds(self, text: str, tenant: str | None) -> bool:
        return any(
            mark_name(self.secret, word, None) in self.marks
            or mark_name(self.secret, word, f"tenant {tenant or ''}") in self.marks
            for word in split_words(text, self.lengths)
        )


@lru_cache(maxsize=65_536)
def mark_name(secret: bytes, name: str, scope: str | None) -> str:
    """Return the hash by which a name is remembered."""
    return hmac.new(secret, f"{scope or ''}\0{name.lower()}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def mark_subject(secret: bytes, subject: Subject) -> str:
    """Return the hash by which a subject is remembered."""
    return mark_name(secret, subject.name, f"tenant {subject.tenant or ''}" if subject.is_of_tenant else None)


def find_tombstones(lake: Lake) -> Tombstones | None:
    """Return what was forgotten in a lake; None where nothing was.

    Raises:
        VerificationError: Something was, and the secret by which it can be told is not here.
    """
    if lake.hold(Events).transaction(FORGOTTEN) is None:
        return None
    rows = decisions.ledger(lake).rows.filter(event_type=EVENT_TYPE)
    said = [json.loads(text) for text in rows["payload"]]
    path = lake.path(keys.FOLDER, SECRET)
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise VerificationError(
            "Persons or clients of this lake were forgotten, and what keeps them out is not here: nothing is landed.",
            where=str(path),
            hint="Restore keys/ from its backup.",
        ) from error
    return Tombstones(
        secret, frozenset(item["subject_mark"] for item in said), tuple({item["subject_length"] for item in said})
    )


def count_forgotten(lake: Lake) -> int:
    """Return the number of events of applications that were landed and forgotten since."""
    if lake.hold(Events).transaction(FORGOTTEN) is None:
        return 0
    rows = decisions.ledger(lake).rows.filter(event_type=EVENT_TYPE)
    return sum(json.loads(text)["forgotten_events_count"] for text in rows["payload"])


def make_secret(lake: Lake) -> bytes:
    """Return the secret of a lake, made on first use and readable by its owner alone.

    Raises:
        LakeError: It cannot be read or written.
    """
    # A folder of keys is made by the key.
    keys.private_key(lake)
    path: Path = lake.path(keys.FOLDER, SECRET)
    if not path.exists():
        if lake.hold(Events).transaction(FORGOTTEN) is not None:
            find_tombstones(lake)
        files.write_atomic(path, os.urandom(_SECRET_BYTES), mode=0o600)
    try:
        return path.read_bytes()
    except OSError as error:
        raise LakeError(f"The file cannot be read: {error.strerror or error}.", where=str(path)) from error


def name_short(mark: str) -> str:
    """Return a mark as files are named by it."""
    return hashlib.sha256(mark.encode()).hexdigest()[:16]
