"""The folder of publications: who may write there, what readers check with, and what verification says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.errors import LockedError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys

FOLDER = "published"
PUBLIC_KEY = "public_key.pem"

LOCK_SECONDS = 60

NAMED = 20
"""Most problems that a verification names."""


@dataclass(frozen=True)
class VerifiedFolder:
    """What was verified.

    Args:
        files: Files that were checked.
        key_id: Name of the key that signed them.
        key_source: Where the public key came from.
    """

    files: int
    key_id: str
    key_source: str


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One publisher at a time; another waits for a minute."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".publishing.lock", timeout=LOCK_SECONDS):
            yield
    except filelock.Timeout as error:
        raise LockedError("Another process publishes from this lake.", where=str(folder)) from error


def write_once(path: Path, content: bytes, *, is_name_synced: bool = True) -> bool:
    """Write a file unless it holds just that, and say whether it was written; see `files.write_atomic`."""
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    files.write_atomic(path, content, is_name_synced=is_name_synced)
    return True


def write_checks(folder: Path, schema_file: str, schema: Mapping[str, Any], key: Ed25519PublicKey) -> None:
    """Write what readers check with: the JSON Schema of what is published, and the public key."""
    write_once(folder / schema_file, json.dumps(schema, indent=2).encode())
    write_once(folder / PUBLIC_KEY, signing.public_pem(key))


def still_holds(signed: Mapping[str, Any], now: datetime) -> bool:
    """Return whether more than half of the validity is left of what was signed; not where it comes from the future."""
    generated_at, valid_until = (datetime.fromisoformat(signed[name]) for name in ("generated_at", "valid_until"))
    return generated_at <= now < generated_at + (valid_until - generated_at) / 2


def verifying_key(lake: Lake, given: bytes | None) -> tuple[Ed25519PublicKey, str]:
    """Return the key that must have signed what is published, and where it comes from, in words.

    Args:
        given: Key in PEM that must have signed it. By default that of the lake's own private key, else the one that lies
            with the documents, which tells of damage but not of a forger.

    Raises:
        VerificationError: There is no key, or it is none.
    """
    if given is not None:
        return signing.public_key(given, "the key that was given"), "the key that was given"
    if (lake.path(keys.FOLDER) / signing.KEY_NAME).exists():
        return keys.private_key(lake).public_key(), "the lake's own key"
    path = lake.path(FOLDER) / PUBLIC_KEY
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise VerificationError(
            f"There is no public key to check with: {error.strerror}.",
            where=str(path),
            hint="Give the publisher's key.",
        ) from error
    return signing.public_key(pem, str(path)), "the key beside the documents"


def check_tenant(lake: Lake, signed: Mapping[str, Any]) -> None:
    """Check that something signed is of the tenant in whose folder it lies, since one key signs for all of them.

    Args:
        lake: The lake as the tenant has it.
        signed: What is signed.

    Raises:
        VerificationError: It is of another.
    """
    tenant = signed.get("tenant_id")
    if tenant != lake.tenant and (lake.is_walled or tenant is not None):
        raise VerificationError(
            f"It is of {'no tenant' if tenant is None else f'the tenant {tenant!r}'}, not of this one."
        )


def not_as_said(problems: Sequence[str], number: int, things: str, said: str, where: Path) -> VerificationError:
    """Return what a verification raises that found some of several things wrong.

    Args:
        problems: What is wrong, each in words; at least one.
        number: Of how many things.
        things: What they are called, such as `skill cards`.
        said: What they are not, such as `what this lake published`.
        where: Where they lie.
    """
    are = "is" if len(problems) == 1 else "are"
    return verification_error(problems, f"{len(problems)} of {number:,} {things} {are} not {said}", where)


def first_problem(problems: Sequence[str]) -> str:
    """Return the first of the problems that were found, in a line."""
    more = f" … and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
    return f"{'; '.join(problems[:NAMED])}{more}"


def verification_error(problems: Sequence[str], said: str, where: Path) -> VerificationError:
    """Return what a verification raises that found problems; it names the first of them.

    Args:
        problems: What is wrong, each in words; at least one.
        said: What they have in common, such as `2 of 3 skill cards are not what this lake published`.
        where: Where it lies.
    """
    return VerificationError(
        f"{said}: {first_problem(problems)}.",
        where=str(where),
        hint="Publish again with `kaizen nightly`, and find out who wrote there.",
    )
