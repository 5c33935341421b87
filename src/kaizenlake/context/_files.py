"""What both readers rest on: the reasons they give, regular files of a bounded size, and who signed what is in them."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

FRESH = "fresh"
STALE = "stale"
MISSING = "default: missing"
CORRUPT = "default: corrupt"
BAD_SIGNATURE = "default: bad signature"
DENIED = "default: denied"
UNUSABLE = "default: unusable arguments"


class UnusableError(Exception):
    """What is published cannot be used, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def content_of(path: str, most: int) -> bytes:
    """All of a regular file; a folder, pipe or device in its place is refused without waiting for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise UnusableError(MISSING, f"{path} is not there") from None
    except PermissionError:
        raise UnusableError(DENIED, f"{path} may not be read") from None
    except OSError as error:
        raise UnusableError(MISSING if error.errno == _NOT_A_FOLDER else CORRUPT, f"{path}: {error.strerror}") from None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise UnusableError(CORRUPT, f"{path} is no file")
        content = file.read(most + 1)
    if len(content) > most:
        raise UnusableError(CORRUPT, f"{path} is longer than {most} bytes")
    return content


_NOT_A_FOLDER = 20


def parsed(content: bytes) -> Any:
    return json.loads(content.decode("utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


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
        raise UnusableError(BAD_SIGNATURE, f"the public key cannot be read: {told(error)}") from None


def check_signature(signed: Any, signature: Any, pem: bytes) -> None:
    try:
        import base64  # noqa: PLC0415 - only a reader that checks signatures needs it

        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as above

        key: Any = load_pem_public_key(pem)
        payload = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        key.verify(base64.b64decode(signature["value"], validate=True), payload)
    except ImportError:
        raise UnusableError(BAD_SIGNATURE, "checking a signature needs the package cryptography") from None
    except Exception as error:  # noqa: BLE001 - whatever is wrong, it is not signed
        raise UnusableError(BAD_SIGNATURE, f"it is not signed by that key: {told(error)}") from None


def told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
