"""The models in production, published: one signed file a model, by which a service finds the files that it may load.

They are written at each decision, and say of each file what its SHA-256 must be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import polars as pl
from msgspec import Meta

from kaizenlake import signing
from kaizenlake.context import file_name
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.publish import schemas
from kaizenlake.publish.context.model import DocumentPart, Instant
from kaizenlake.publish.schemas import Signature
from kaizenlake.publish.signed.signed_files import FileForm, SignedFiles
from kaizenlake.publish.signed.signed_folder import VerifiedFolder

PLACE: Final = "models"
SCHEMA: Final = "kaizen-model"
VERSION: Final = 1
VALID_FOR: Final = timedelta(days=366)
"""Time after which a file is stale, unless a decision writes it anew."""


class ServedVersion(DocumentPart, frozen=True, kw_only=True):
    """The version in production."""

    model_version: str
    model_type: str
    path: Annotated[str, Meta(description="Folder of its files, or their address in an object store.")]
    files: Annotated[dict[str, str], Meta(description="SHA-256 of each file, by its path.")]
    manifest_sha256: str


class ServedModel(DocumentPart, frozen=True, kw_only=True):
    """One model, the part of a file that is signed."""

    schema: Literal["kaizen-model"]
    version: Literal[1]
    tenant_id: Annotated[str | None, Meta(description="Tenant it is for; null for events without one.")] = None
    model: str
    generated_at: Instant
    valid_until: Annotated[Instant, Meta(description="From then on readers call it stale.")]
    production: Annotated[ServedVersion | None, Meta(description="Null where nothing is in production any more.")]


class ServedModelFile(DocumentPart, frozen=True, kw_only=True):
    """The file of a model."""

    signed: ServedModel
    signature: Signature


FILES = SignedFiles(
    PLACE,
    FileForm(
        SCHEMA,
        VERSION,
        ServedModelFile,
        schemas.json_schema(ServedModelFile, SCHEMA, VERSION, "Model in production"),
        "file of a model",
        is_redacted=False,  # its paths are opened as they are
        named_by="model",
        called="model",
    ),
    "files of models",
)


def publish_models(lake: Lake, models: pl.DataFrame) -> int:
    """Publish the models that are or were in production; a file that says the same stays as it is.

    Args:
        lake: The lake, as the tenant has it that was decided for.
        models: Versions as they stand: rows of `gold.models`, each checked by whoever decided.

    Returns:
        Files that were written.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A file cannot be written.
    """
    served = {row["name"]: row for row in models.filter(stage="production").iter_rows(named=True)}
    with FILES.hold(lake) as held:
        said = {
            name: {"model": name, "production": None if name not in served else _gather_version(served[name])}
            for name in (*served, *held.signed)
        }
        if not said:
            return 0
        return held.replace(said, at=datetime.now(UTC), valid_for=VALID_FOR)


def _gather_version(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_version": row["version"],
        "model_type": row["model_type"],
        "path": row["path"],
        "files": json.loads(row["files"]),
        "manifest_sha256": row["manifest_sha256"],
    }


def verify_models(lake: Lake, public_key: bytes | None = None) -> VerifiedFolder:
    """Check the published files of models; see `SignedFiles.verify`."""
    return FILES.verify(lake, public_key)


@dataclass(frozen=True)
class FoundModel:
    """A model in production, as a service finds it: each file was hashed just now.

    Args:
        name: Model.
        version: Its version.
        path: Folder of its files.
    """

    name: str
    version: str
    path: Path


def find_served_model(published: str | Path, name: str, public_key: bytes) -> FoundModel:
    """Return the model in production by the signed folder alone, without the lake.

    Args:
        published: Folder of the publication.
        name: Model.
        public_key: Key in PEM that must have signed it.

    Raises:
        VerificationError: There is no such file, it is stale or not what that key signed, nothing is in production, or a
            file of the model is not what was registered.
    """
    path = Path(published) / PLACE / file_name(name)
    signed = FILES.form.read(path, signing.public_key(public_key, "the key that was given"))
    served = signed["production"]
    if signed["model"] != name or served is None:
        raise VerificationError(f"No version of the model {name!r} is in production.", where=str(path))
    if datetime.fromisoformat(signed["valid_until"]) <= datetime.now(UTC):
        raise VerificationError("The file of the model is stale.", where=str(path), hint="Deploy the model again.")
    folder = Path(served["path"])
    for file, sha256 in served["files"].items():
        try:
            with (folder / file).open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise VerificationError(f"{file} cannot be read: {error.strerror}.", where=str(folder)) from error
        if found != sha256:
            raise VerificationError(f"{file} is not what was registered.", where=str(folder))
    return FoundModel(name, served["model_version"], folder)
