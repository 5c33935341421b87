"""What all readers rest on: the reasons they give, files of a bounded size, who signed what is in them, and its age."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from kaizenlake.context import _seen, _signers

FRESH = "fresh"
STALE = "stale"
MISSING = "default: missing"
CORRUPT = "default: corrupt"
BAD_SIGNATURE = "default: bad signature"
DENIED = "default: denied"
UNUSABLE = "default: unusable arguments"
TENANT_NEEDED = "default: tenant needed"
ROLLED_BACK = "default: rolled back"
HELD_OUT = "held out"


class Answer:
    """What every answer of a reader can be asked, by its reason."""

    __slots__ = ()
    reason: str

    @property
    def is_fresh(self) -> bool:
        """Whether it is as new as the publisher promised."""
        return self.reason == FRESH

    @property
    def is_default(self) -> bool:
        """Whether nothing published could be used."""
        return self.reason.startswith("default")


class UnusableError(Exception):
    """What is published cannot be used, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def folder_of(published: Any) -> str:
    return os.path.abspath(os.fsdecode(published))


def content_of(path: str, most: int) -> bytes:
    """Return all of a regular file; a folder, pipe or device in its place is refused without waiting for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise UnusableError(MISSING, f"{path} is not there") from None
    except PermissionError:
        raise UnusableError(DENIED, f"{path} may not be read") from None
    except OSError as error:
        raise UnusableError(MISSING if error.errno == _NOT_A_FOLDER else CORRUPT, f"{path}: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise UnusableError(CORRUPT, f"{path} is no file")
        content = file.read(most + 1)
    if len(content) > most:
        raise UnusableError(CORRUPT, f"{path} is longer than {most} bytes")
    return content


_NOT_A_FOLDER = 20


def parse(content: bytes) -> Any:
    return json.loads(content.decode("utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def read_signed(path: str, most: int, public_key: Any, what: str) -> dict[str, Any]:
    """Return the part of a file that is signed; checked where there is a key to check it with.

    Args:
        path: The file.
        most: Bytes it may have.
        public_key: PEM, or the path of a PEM file; None checks no signature.
        what: What the file is to be, in words.

    Raises:
        UnusableError: It is not there, has another form, is not signed by that key, or is older than one that was read
            from there before. A file that is no JSON raises what
            the decoder does.
    """
    pem = None if public_key is None else pem_of(public_key)
    for attempt in range(ATTEMPTS):
        try:
            return _read_signed(path, most, pem, what)
        except UnusableError as error:
            # A newer one was swapped in, and read by another, while this one was read.
            if error.reason != ROLLED_BACK or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError


ATTEMPTS = 3
"""Times a file is read again that is older than one that was read before."""


def _read_signed(path: str, most: int, pem: bytes | None, what: str) -> dict[str, Any]:
    found = parse(content_of(path, most))
    if not isinstance(found, dict) or not isinstance(found.get("signed"), dict):
        raise UnusableError(CORRUPT, f"{path} has not the form of {what}")
    signed: dict[str, Any] = found["signed"]
    if pem is not None:
        check_signature(signed, found.get("signature"), pem, path)
    check_newest(path, signed, found.get("signature"), pem)
    return signed


def check_newest(path: str, signed: dict[str, Any], signature: Any, pem: bytes | None) -> None:
    """Check that no newer publication was ever seen here in this place, by the number or the time that is signed.

    Args:
        path: The file.
        signed: What is signed in it.
        pem: Key that it was checked with; without one, what is remembered goes by the key that it names.

    Raises:
        UnusableError: A newer one was.
    """
    number = signed.get("sequence")
    if type(number) is not int:
        number = _find_micros(signed.get("generated_at"))
    if number is None:
        return
    named = signature.get("key_id") if isinstance(signature, dict) else None
    known = _seen.highest(path, f"named {named}" if pem is None else sha256(pem.strip()).hexdigest(), number)
    if number < known:
        raise UnusableError(ROLLED_BACK, f"{path} is older than one that was read from there before")


def _find_micros(instant: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(instant).timestamp() * 1_000_000)
    except (TypeError, ValueError, OverflowError):
        return None


def check_kind(signed: dict[str, Any], path: str, kind: tuple[str, int], name: str, *, named_by: str = "doer") -> None:
    """Check that a file is of a schema and version, and of a doer, or what else its field names.

    Raises:
        UnusableError: It is of another.
    """
    if (signed.get("schema"), signed.get("version")) != kind:
        raise UnusableError(CORRUPT, f"{path} is of another schema or version")
    if signed.get(named_by) != name:
        raise UnusableError(CORRUPT, f"{path} is of another {named_by}")


def instants_of(signed: dict[str, Any], what: str) -> tuple[datetime, datetime]:
    """Return when something was published, and until when it is fresh."""
    generated_at, valid_until = (datetime.fromisoformat(signed[name]) for name in ("generated_at", "valid_until"))
    if generated_at.tzinfo is None or valid_until.tzinfo is None:
        raise UnusableError(CORRUPT, f"an instant of {what} has no zone")
    return generated_at, valid_until


def age_of(generated_at: datetime, valid_until: datetime, max_age: Any) -> tuple[str, str]:
    """Return the fresh or stale, and why."""
    now = datetime.now(UTC)
    if now > valid_until:
        return STALE, f"it was valid until {valid_until.isoformat()}"
    if max_age is not None:
        most = max_age if isinstance(max_age, timedelta) else timedelta(seconds=float(max_age))
        if now - generated_at > most:
            return STALE, f"it was published at {generated_at.isoformat()}, longer ago than allowed"
    return FRESH, ""


def pem_of(public_key: Any) -> bytes:
    try:
        if isinstance(public_key, bytes):
            return public_key
        if isinstance(public_key, str) and public_key.lstrip().startswith("-----BEGIN"):
            return public_key.encode("ascii")
        return content_of(os.fsdecode(public_key), 65_536)
    except UnusableError as error:
        raise UnusableError(BAD_SIGNATURE, f"the public key cannot be read: {error.detail}") from None
    except (TypeError, ValueError) as error:
        raise UnusableError(BAD_SIGNATURE, f"the public key cannot be read: {describe_error(error)}") from None


def check_signature(signed: Any, signature: Any, pem: bytes, path: str) -> None:
    """Check that a file is signed by a key, or by the newest that followed it.

    Raises:
        UnusableError: It is not.
    """
    try:
        newest, followed = _signers.newest_key(path, pem)
        if followed < _seen.highest(f"{os.path.dirname(path)} keys", sha256(pem.strip()).hexdigest(), followed):
            raise UnusableError(  # noqa: TRY301 - it goes the way of the others
                ROLLED_BACK, "the publication names fewer keys that followed the given one than before"
            )
        _signers.verify(signed, signature, newest)
    except UnusableError:
        raise
    except ImportError:
        raise UnusableError(BAD_SIGNATURE, "checking a signature needs the package cryptography") from None
    except Exception as error:  # noqa: BLE001 - whatever is wrong, it is not signed
        raise UnusableError(BAD_SIGNATURE, f"it is not signed by that key: {describe_error(error)}") from None


def describe_error(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


OLDER = "kept the last good one: what is published now is older"


def describe_kept(error: Exception) -> str:
    """Return why the last good one is answered instead of what lies there now."""
    if isinstance(error, UnusableError) and error.reason == ROLLED_BACK:
        return OLDER
    why = (
        f"{error.reason}, {error.detail}" if isinstance(error, UnusableError) else f"{CORRUPT}, {describe_error(error)}"
    )
    return f"kept the last good one: {why}"


def forget_oldest(held: dict[Any, Any], most: int) -> None:
    """Forget what was put in first, until there are no more than so many."""
    if len(held) > most:
        # A list of the keys is made at once; walking the dict would trip over other threads.
        for old in list(held)[:-most]:
            held.pop(old, None)
