"""Who published or decided it: Ed25519 signatures over canonical JSON, with a key that the lake makes on first use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import shlex
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kaizenlake.errors import PublishError, VerificationError

ALGORITHM = "Ed25519"
KEY_NAME = "signing_ed25519.pem"
PUBLISHED_KEY = ("published", "public_key.pem")
"""Beside the folder of keys: the public half that readers check with; where it lies, the lake has had a key."""

Keys: TypeAlias = "Ed25519PublicKey | Mapping[str, Ed25519PublicKey]"
"""A public key, or several by their ids: the lake's own and those that it had before."""


def canonical(value: Any) -> bytes:
    """Return JSON in one spelling only, as RFC 8785 has it for texts, whole numbers, lists and objects.

    >>> canonical({"b": 1, "a": ["é", None]}).decode()
    '{"a":["é",null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """Return the private key of a lake, made on first use and readable by its owner alone.

    Args:
        folder: The lake's `keys` folder. Of several processes that make the key at once, one wins and all use its key.

    Raises:
        PublishError: The key cannot be written, was lost, may be read by others, or is no Ed25519 key.
    """
    path = folder / KEY_NAME
    if not path.exists():
        if (public := folder.parent.joinpath(*PUBLISHED_KEY)).exists():
            raise lost_key_error(path, f"{public} is its public half")
        write_private_key(path, Ed25519PrivateKey.generate())
    return read_private_key(path)


def lost_key_error(path: Path, shown_by: str) -> PublishError:
    """Describe that the private key of a lake is gone.

    Args:
        path: Where it should lie.
        shown_by: What shows that there was one.
    """
    return PublishError(
        f"The signing key of this lake is not there, and {shown_by}. No other key is made in its place.",
        where=str(path),
        hint="Restore it from its backup; or, where it is lost, `kaizen keys rotate --by NAME` makes a new one, and every "
        "reader needs the new public key.",
    )


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key that only its owner may read.

    Raises:
        PublishError: It cannot be read, others may read or write it, or it is no Ed25519 key.
    """
    check_owner_alone(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PublishError(
            f"The signing key cannot be read: {error}.", where=str(path), hint="Restore it from its backup."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise PublishError("The signing key is no Ed25519 key.", where=str(path))
    return key


def check_owner_alone(path: Path) -> None:
    """Check that nobody but its owner may read or write a private key, nor put another in its place.

    Raises:
        PublishError: Others may; the words say what to do.
    """
    if os.name != "posix":
        return
    for place, bits, command in (
        (path, stat.S_IRWXG | stat.S_IRWXO, "chmod 600"),
        (path.parent, stat.S_IWGRP | stat.S_IWOTH, "chmod go-w"),
    ):
        try:
            state = place.stat()
        except OSError:
            continue
        if state.st_mode & bits and not (place != path and state.st_mode & stat.S_ISVTX):
            raise PublishError(
                f"Others may {'read or write the signing key' if place == path else 'replace the signing key'}: "
                f"the mode of {place} is {stat.S_IMODE(state.st_mode):o}.",
                where=str(path),
                hint=f"Run `{command} {shlex.quote(str(place))}`; if somebody else had access, then `kaizen keys rotate`.",
            )


def write_private_key(path: Path, key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bool:
    """Write a private key aside and link it into place, readable by its owner alone.

    Returns:
        Whether it was written; not where a file, such as that of another process, was there first.

    Raises:
        PublishError: It cannot be written.
    """
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The name that maintenance sweeps, should this process be killed.
    aside = path.with_name(f".aside-{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return False
    except OSError as error:
        raise PublishError(f"The signing key cannot be written: {error.strerror or error}.", where=str(path)) from error
    finally:
        with suppress(OSError):
            aside.unlink()
    return True


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: Ed25519PublicKey) -> str:
    """Return a short name of a public key: the first 16 digits of its SHA-256."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def key_named(name: Any, keys: Keys) -> Ed25519PublicKey | None:
    """Return the key of an id among those at hand; None where it is none of them."""
    if isinstance(keys, Ed25519PublicKey):
        return keys if name == key_id(keys) else None
    return keys.get(name)


def ids_of(keys: Keys) -> str:
    """Return ids of the keys at hand, for an error."""
    return key_id(keys) if isinstance(keys, Ed25519PublicKey) else " or ".join(keys) or "none"


def sign(payload: Any, key: Ed25519PrivateKey) -> dict[str, str]:
    """Sign canonical JSON."""
    value = base64.b64encode(key.sign(canonical(payload))).decode("ascii")
    return {"algorithm": ALGORITHM, "key_id": key_id(key.public_key()), "value": value}


def check_signature(payload: Any, signature: Any, key: Keys) -> None:
    """Check a signature of `sign`; of several keys, by the one that it names.

    Raises:
        VerificationError: It is not that key's signature of that payload.
    """
    try:
        if signature["algorithm"] != ALGORITHM:
            raise VerificationError(f"The signature is by {signature['algorithm']!r}, expected {ALGORITHM}.")
        signer = key if isinstance(key, Ed25519PublicKey) else key[signature["key_id"]]
        signer.verify(base64.b64decode(signature["value"], validate=True), canonical(payload))
    except (InvalidSignature, KeyError, TypeError, ValueError, binascii.Error) as error:
        named = signature.get("key_id") if isinstance(signature, dict) else None
        raise VerificationError(
            f"The signature does not belong to this content and the key {ids_of(key)}; it names the key {named!r}.",
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


def verify_policy(row: Mapping[str, Any], key: Keys) -> dict[str, Any]:
    """Return the document of a version of a policy, after everything that can be checked of it was.

    Args:
        row: A row of `gold.policies`, or any with its `document`, `content_sha256`, `signature`, `key_id` and `NAMED`.
        key: Public key of the lake, or all that it has had.

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
    if (signer := key_named(row["key_id"], key)) is None:
        raise VerificationError(
            f"{name} was signed by the key {row['key_id']}, the key here is {ids_of(key)}.",
            hint="Restore the key that signed it, or create a new version of it.",
        )
    try:
        signer.verify(base64.b64decode(str(row["signature"]), validate=True), text.encode())
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
