"""Who signed a publication: the key that a reader was given, or the one that followed it by its own signature."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import Any

SUCCESSION = "keys.json"

"""File of a publication that says which key follows which, each statement signed by the key before."""

DEPTH = 4
"""Folders that may hold it, from that of a file upwards: `published/tenants/<tenant>/policies` is the deepest."""

SCHEMA = "kaizen-key-succession"
FILE_BYTES = 1024 * 1024
MOST = 1000
"""Most keys that are followed."""


def canonical(value: Any) -> bytes:
    """Spell JSON as the publisher does before it signs."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def verify(signed: Any, signature: Any, pem: bytes) -> None:
    """Check a signature by a key; needs `cryptography`.

    Raises:
        Exception: It is not that key's signature, or there is no such package.
    """
    import base64

    key = _public_key(pem)
    key.verify(base64.b64decode(signature["value"], validate=True), canonical(signed))


def newest_key(path: str, pem: bytes) -> tuple[bytes, int]:
    """Follow a key to the newest that the publication names after it.

    Args:
        path: A file of the publication: the succession lies beside it, or above; for a tenant above the folders of all.
        pem: The key that the reader was given.

    Returns:
        The newest key, and how many followed the one that was given.
    """
    place = path
    for _ in range(DEPTH):
        place = os.path.dirname(place)
        try:
            with open(f"{place}/{SUCCESSION}", "rb") as file:
                statements = json.loads(file.read(FILE_BYTES))["successions"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        return _follow(statements, pem)
    return pem, 0


def _follow(statements: Any, pem: bytes) -> tuple[bytes, int]:
    number = 0
    following = _next(statements, pem)
    while following is not None and number < MOST:
        pem, number = following, number + 1
        following = _next(statements, pem)
    return pem, number


def _next(statements: Any, pem: bytes) -> bytes | None:
    """Return the key that follows one by its own signature; None where none does."""
    name = _key_id(pem)
    for statement in statements if isinstance(statements, list) else ():
        try:
            signed = statement["signed"]
            if signed["schema"] != SCHEMA or signed["from"] != name or signed["to"] == name:
                continue
            verify(signed, statement["signature"], pem)
            following = str(signed["public_key"]).encode("ascii")
            if _key_id(following) == signed["to"]:
                return following
        except Exception:  # noqa: BLE001, S112 - a statement that is none says nothing
            continue
    return None


def _key_id(pem: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return sha256(_public_key(pem).public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def _public_key(pem: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return load_pem_public_key(pem)
