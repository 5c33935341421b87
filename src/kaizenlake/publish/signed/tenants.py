"""The publication of a lake with several tenants: a folder for each, and above them only what names nobody."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kaizenlake import signing
from kaizenlake.context import SUCCESSION, TENANTS, tenant_folder
from kaizenlake.errors import LakeError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys
from kaizenlake.lake.trust.tenants import views
from kaizenlake.publish.context.model import instant
from kaizenlake.publish.signed.signed_folder import FOLDER, PUBLIC_KEY, alone, still_holds, verifying_key, write_once

INDEX = "latest.json"

OF_A_TENANT = ("contexts", "evidence", "texts", "indexes", "policies", "skills", "alerts.json")
"""Files and folders of the publication that tell of a tenant: with several, each has them in its own folder alone."""


def audiences(lake: Lake) -> tuple[Lake, ...]:
    """Return the lake as each tenant has it for whom something is published, once the folder is made to fit.

    Where a second tenant has come, what stood in the folder for the first is taken away: it moves into the tenant's own
    folder with the next publication, and readers that name no tenant are told to. Where one is left, the folders of
    tenants are taken away.

    Args:
        lake: The lake; also as a tenant has it.

    Raises:
        LockedError: Another process publishes.
        LakeError: A file cannot be written or removed.
    """
    whole = lake.whole
    found = views(whole)
    folder = whole.path(FOLDER)
    several = len(found) > 1
    if several or (folder / TENANTS).exists():
        with alone(folder):
            _settle(whole, folder, found)
    return found


def of_several(folder: Path) -> dict[str, Any] | None:
    """Return what the index says that stands above the folders of tenants; None where another index stands there, or none."""
    try:
        signed = json.loads((folder / INDEX).read_bytes())["signed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return signed if isinstance(signed, dict) and signed.get("several_tenants") is True else None


def highest_sequence(published: Path) -> int:
    """Return the highest number of any publication that lies here, of all tenants together; 0 where nothing is published."""
    return max(_yield_sequences(published), default=0)


def verify_several(lake: Lake, public_key: bytes | None = None) -> int:
    """Check what stands above the folders of tenants: that it is signed, and names nobody.

    Args:
        lake: The lake, whole.
        public_key: Key in PEM that must have signed it; by default as `folder.verifying_key` has it.

    Returns:
        Number of folders of tenants.

    Raises:
        VerificationError: It is not what this lake published.
    """
    folder = lake.path(FOLDER)
    key, _ = verifying_key(lake, public_key)
    try:
        index = json.loads((folder / INDEX).read_bytes())
        signing.check_signature(index["signed"], index["signature"], key)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerificationError(f"The index of tenants cannot be read: {error}.", where=str(folder / INDEX)) from error
    if left := [place for place in OF_A_TENANT if (folder / place).exists()]:
        raise VerificationError(
            f"{', '.join(left)} stand above the folders of tenants, where several are published.",
            where=str(folder),
            hint="`kaizen nightly` takes them away.",
        )
    return sum(1 for path in (folder / TENANTS).iterdir() if path.is_dir())


def _settle(lake: Lake, folder: Path, found: tuple[Lake, ...]) -> None:
    """Make the folder fit the tenants that there are."""
    several = len(found) > 1
    now = datetime.now(UTC)
    current = of_several(folder)
    if several and (current is None or not still_holds(current, now) or not (folder / PUBLIC_KEY).is_file()):
        _write_index(lake, folder, now, several=True)
    if not several and current is not None:
        _write_index(lake, folder, now, several=False)
    kept = {tenant_folder(view.tenant) for view in found} if several else set()
    try:
        for path in (folder / TENANTS).glob("*"):
            if path.name not in kept:
                _remove(path)
        if not several:
            (folder / TENANTS).rmdir()
            return
        for place in OF_A_TENANT:
            _remove(folder / place)
        for view in found:
            _hand_on(folder / SUCCESSION, view.path(FOLDER) / SUCCESSION)
    except OSError as error:
        raise LakeError(
            f"What was published cannot be removed: {error.strerror}.", where=str(error.filename)
        ) from error


def _write_index(lake: Lake, folder: Path, now: datetime, *, several: bool) -> None:
    """Write the index that names nobody; its number is above that of all publications before."""
    key = keys.private_key(lake)
    signed: Mapping[str, Any] = {
        "schema": "kaizen-index",
        "version": 1,
        "several_tenants": several,
        "sequence": highest_sequence(folder) + 1,
        "generated_at": instant(now),
        "valid_until": instant(now + timedelta(hours=lake.settings.publishing.valid_hours)),
        "inputs": "",
        "entries": [],
    }
    content = {"signed": signed, "signature": signing.sign(signed, key)}
    files.write_atomic(folder / INDEX, json.dumps(content, indent=1).encode())
    write_once(folder / PUBLIC_KEY, signing.public_pem(key.public_key()))


def _yield_sequences(published: Path) -> Iterator[int]:
    for path in (published / INDEX, *published.glob(f"{TENANTS}/*/{INDEX}")):
        try:
            sequence = json.loads(path.read_bytes())["signed"]["sequence"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(sequence, int):
            yield sequence


def _hand_on(succession: Path, own: Path) -> None:
    """Copy which key follows which into the folder of a tenant: readers may see that folder alone."""
    if succession.is_file():
        write_once(own, succession.read_bytes())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
