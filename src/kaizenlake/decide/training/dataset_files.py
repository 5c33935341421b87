"""Files of data sets, named by their content: a manifest that is signed, and the rows that a version adds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions, keys
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.examples import SCHEMA

FOLDER = "datasets"
ROWS, MANIFEST, SIGNATURE = "rows.jsonl", "manifest.json", "signature.json"

ROW_SCHEMA = {**SCHEMA, "cluster_id": pl.String(), "split": pl.String()}
"""Columns of the rows of a data set."""


def write_rows(frame: pl.DataFrame) -> bytes:
    """Return rows as lines of JSON in one spelling only, in the order of their ids."""
    return b"".join(
        signing.canonical({name: _plain(value) for name, value in row.items()}) + b"\n"
        for row in frame.select(ROW_SCHEMA.keys()).sort("example_id").iter_rows(named=True)
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def read_rows(text: bytes) -> pl.DataFrame:
    """Return rows out of lines of `write_rows`."""
    rows = [json.loads(line) for line in text.splitlines()]
    told = {**ROW_SCHEMA, "timestamp": pl.String()}
    return pl.DataFrame(rows, schema=told).with_columns(
        pl.col("timestamp").str.to_datetime("%+", time_unit="us", time_zone="UTC")
    )


def digest(content: bytes) -> str:
    """Return SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def folder_of(lake: Lake, dataset_id: str, manifest_sha256: str) -> Path:
    """Return the folder of a version, by the hash of its manifest."""
    return lake.path(FOLDER, *lake.tenant_place, dataset_id, manifest_sha256[:32])


def save(lake: Lake, manifest: Mapping[str, Any], rows: bytes) -> str:
    """Write the files of a version, all of them or none, and return the hash of its manifest.

    Args:
        lake: The lake, whose key signs.
        manifest: What the version is; without a clock or a random name, so that the same content is the same version.
        rows: Lines of the rows that it adds.
    """
    content = signing.canonical(manifest)
    named = digest(content)
    folder = folder_of(lake, manifest["dataset_id"], named)
    if folder.exists():
        return named
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    signature = signing.canonical(signing.sign(manifest, keys.private_key(lake)))
    try:
        for name, held in ((ROWS, rows), (MANIFEST, content), (SIGNATURE, signature)):
            with (aside / name).open("wb") as file:
                file.write(held)
                file.flush()
                os.fsync(file.fileno())
        aside.rename(folder)
    except OSError:
        if not folder.exists():  # another process wrote the same
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return named


def find_problems(lake: Lake, dataset_id: str, manifest_sha256: str) -> list[str]:
    """Return what is not as it was cut in the files of a version, a sentence each."""
    folder = folder_of(lake, dataset_id, manifest_sha256)
    held: dict[str, bytes] = {}
    for name in (MANIFEST, ROWS, SIGNATURE):
        try:
            held[name] = (folder / name).read_bytes()
        except OSError as error:
            return [f"{folder / name} cannot be read: {error.strerror or error}"]
    if digest(held[MANIFEST]) != manifest_sha256:
        return [f"{folder / MANIFEST} is not the manifest that was cut: its hash differs"]
    manifest = json.loads(held[MANIFEST])
    found = []
    if digest(held[ROWS]) != manifest["rows_sha256"]:
        found.append(f"{folder / ROWS} is not what was cut: its hash differs")
    try:
        signing.check_signature(manifest, json.loads(held[SIGNATURE]), decisions.public_keys(lake))
    except (VerificationError, ValueError) as error:
        found.append(f"{folder / SIGNATURE}: {error}")
    return found


def load(lake: Lake, dataset_id: str, manifest_hashes: Sequence[str]) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """Return the manifests of versions and all of their rows.

    Args:
        lake: The lake, as a tenant has it.
        dataset_id: Data set.
        manifest_hashes: Versions from the first on, by the hashes of their manifests.

    Raises:
        LearningError: A file is not what was cut (E7203).
    """
    manifests, parts = [], [pl.DataFrame(schema=ROW_SCHEMA)]
    for named in manifest_hashes:
        if problems := find_problems(lake, dataset_id, named):
            raise LearningError("E7203", f"The data set {dataset_id!r} was changed: {problems[0]}.")
        folder = folder_of(lake, dataset_id, named)
        manifests.append(json.loads((folder / MANIFEST).read_bytes()))
        parts.append(read_rows((folder / ROWS).read_bytes()))
    return manifests, pl.concat(parts)
