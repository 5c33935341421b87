"""The signature of a model that others check: a DSSE envelope in a sigstore bundle, by a key on the curve P-256.

It is the form that OpenSSF model-signing verifies (`model_signing verify key`), whose tool takes no Ed25519.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kaizenlake import signing
from kaizenlake.errors import PublishError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys

KEY_NAME: Final = "signing_p256.pem"
BUNDLE, PUBLIC_KEY = "model.sig", "p256_public.pem"
_PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


def read_key(lake: Lake) -> ec.EllipticCurvePrivateKey:
    """Return the key on P-256 of a lake, made on first use and readable by its owner alone.

    Raises:
        PublishError: It cannot be read or made, others may read it, or it is none on that curve.
    """
    path = lake.path(keys.FOLDER, KEY_NAME)
    if not path.exists():
        signing.write_private_key(path, ec.generate_private_key(ec.SECP256R1()))
    signing.check_owner_alone(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PublishError(
            f"The key for bundles of models cannot be read: {error}.",
            where=str(path),
            hint="Restore it from its backup, or remove it: the next model gets a new one.",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise PublishError("The key for bundles of models is none on the curve P-256.", where=str(path))
    return key


def write_bundle(name: str, files: Mapping[str, str], key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the bundle of a model: every file with its hash, as an in-toto statement that is signed.

    Args:
        name: Name of the folder of the model.
        files: SHA-256 of each file, by its path.
        key: Key that signs.
    """
    order = sorted(files)
    root = hashlib.sha256(b"".join(bytes.fromhex(files[path]) for path in order)).hexdigest()
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [],
            },
            "resources": [{"name": path, "algorithm": "sha256", "digest": files[path]} for path in order],
        },
    }
    payload = signing.canonical(statement)
    signature = key.sign(encode_before_signing(payload), ec.ECDSA(hashes.SHA256()))
    envelope: dict[str, Any] = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }
    hint = hashlib.sha256(write_public_key(key)).hexdigest()
    material = {"publicKey": {"hint": hint}, "tlogEntries": []}
    return signing.canonical({"mediaType": _MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope})


def encode_before_signing(payload: bytes) -> bytes:
    """Return what DSSE signs of a payload: its type and content, each with its length before it."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(payload), payload)


def write_public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public half of a key as PEM, which the verifier is given."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
