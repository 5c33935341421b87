"""Who published it: Ed25519 signatures over canonical JSON, with a key that the lake makes on first use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake import files

ALGORITHM = "Ed25519"
KEY_NAME = "signing_ed25519.pem"


def canonical(value: Any) -> bytes:
    """JSON in one spelling only, as RFC 8785 has it for texts, whole numbers, lists and objects.

    >>> canonical({"b": 1, "a": ["é", None]}).decode()
    '{"a":["é",null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The private key of a lake, made on first use and readable by its owner alone.

    Args:
        folder: The lake's `keys` folder. Of several processes that make the key at once, one wins and all use its key.

    Raises:
        PublishError: The key cannot be written, or what is there is no Ed25519 key.
    """
    path = folder / KEY_NAME
    try:
        if not path.exists():
            _make_key(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PublishError(
            f"The signing key cannot be read or made: {error}.",
            where=str(path),
            hint="Restore it; or remove it, publish again, and hand the new public key to the readers.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise PublishError("The signing key is no Ed25519 key.", where=str(path))
    return key


def _make_key(path: Path) -> None:
    """Write a new key aside and link it into place, which fails where another process was first."""
    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f"{files.ASIDE}{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        files.write_atomic(aside, content, mode=0o600)
        os.link(aside, path)
        files.sync_folder(path.parent)
    except FileExistsError:
        return
    finally:
        aside.unlink(missing_ok=True)


def public_pem(key: Ed25519PublicKey) -> bytes:
    """A public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: Ed25519PublicKey) -> str:
    """A short name of a public key: the first 16 digits of its SHA-256."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def sign(payload: Any, key: Ed25519PrivateKey) -> dict[str, str]:
    """Sign canonical JSON."""
    value = base64.b64encode(key.sign(canonical(payload))).decode("ascii")
    return {"algorithm": ALGORITHM, "key_id": key_id(key.public_key()), "value": value}


def check_signature(payload: Any, signature: Any, key: Ed25519PublicKey) -> None:
    """Check a signature of `sign`.

    Raises:
        VerificationError: It is not that key's signature of that payload.
    """
    try:
        if signature["algorithm"] != ALGORITHM:
            raise VerificationError(f"The signature is by {signature['algorithm']!r}, expected {ALGORITHM}.")
        key.verify(base64.b64decode(signature["value"], validate=True), canonical(payload))
    except (InvalidSignature, KeyError, TypeError, ValueError, binascii.Error) as error:
        named = signature.get("key_id") if isinstance(signature, dict) else None
        raise VerificationError(
            f"The signature does not belong to this content and the key {key_id(key)}; it names the key {named!r}.",
            hint="Either it was changed after it was signed, or another lake published it.",
        ) from error


def public_key(pem: bytes, where: str) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        VerificationError: It is no Ed25519 key in PEM.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise VerificationError(f"The public key cannot be read: {error}.", where=where) from error
    if not isinstance(key, Ed25519PublicKey):
        raise VerificationError("The public key is no Ed25519 key.", where=where)
    return key


def content_hash(document: str) -> str:
    """Name of a document by its content: SHA-256 of its canonical JSON text, as 64 hexadecimal digits."""
    return hashlib.sha256(document.encode()).hexdigest()


def sign_document(document: str, key: Ed25519PrivateKey) -> str:
    """Sign a canonical JSON text.

    Returns:
        The signature in base64.
    """
    return base64.b64encode(key.sign(document.encode())).decode("ascii")


NAMED = ("policy_id", "policy_version", "doer", "phase", "parent_sha256")
"""What a policy's document says of it itself, so that no row can claim another's."""


def verified_policy(row: Mapping[str, Any], key: Ed25519PublicKey) -> dict[str, Any]:
    """The document of a version of a policy, after everything that can be checked of it was.

    Args:
        row: A row of `gold.policies`, or any with its `document`, `content_sha256`, `signature`, `key_id` and `NAMED`.
        key: Public key of the lake.

    Raises:
        VerificationError: The document is not what was hashed, signed and named when the version was created.
    """
    name = f"{row['policy_id']} {row['policy_version']}"
    text, hint = str(row["document"]), "It was changed after it was created. Create a new version of it."
    if (found := content_hash(text)) != row["content_sha256"]:
        raise VerificationError(
            f"The document of {name} has the hash {found[:16]}…, it was created with {str(row['content_sha256'])[:16]}….",
            hint=hint,
        )
    if row["key_id"] != key_id(key):
        raise VerificationError(
            f"{name} was signed by the key {row['key_id']}, the key here is {key_id(key)}.",
            hint="Restore the key that signed it, or create a new version of it.",
        )
    try:
        key.verify(base64.b64decode(str(row["signature"]), validate=True), text.encode())
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise VerificationError(f"The signature of {name} does not belong to its document.", hint=hint) from error
    try:
        document = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise VerificationError(f"The document of {name} is no JSON object.", hint=hint) from error
    for field in NAMED:
        if document.get(field) != row[field]:
            raise VerificationError(
                f"{name} is listed with {field} {row[field]!r}, its document says {document.get(field)!r}.", hint=hint
            )
    return document
