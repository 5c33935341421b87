"""Where the documents of a tenant lie, and whose they must be: a tenant is a wall, and a reader never looks over it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from kaizenlake.context._files import (
    MISSING,
    TENANT_NEEDED,
    UNUSABLE,
    UnusableError,
    folder_of,
    read_signed,
)

TENANTS = "tenants"
"""Folder of the publication with a folder for each tenant, where a lake has several."""

NULL_FOLDER = "~none"
"""Folder of the events without a tenant, which are a tenant of their own; no id is written so."""

LONGEST = 200
"""Most characters of a folder's name; longer ones are a hash."""

INDEX = "latest.json"
INDEX_BYTES = 64 * 1024 * 1024

_KEPT = re.compile(r"[a-z0-9_-]")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])")


def tenant_folder(tenant: str | None) -> str:
    """Name of the folder of a tenant, the same on every file system; no two tenants have the same.

    Lower-case letters, digits, `-` and `_` stand as they are, every other byte of the UTF-8 as `=` and two hexadecimal
    digits, and so does the first letter of a name that Windows keeps for a device. A name that would be longer than 200
    characters is `~` and the SHA-256 of the id. `~none` is the folder of the events without a tenant.

    >>> tenant_folder("acme"), tenant_folder("Acme & Co."), tenant_folder("../acme"), tenant_folder(None)
    ('acme', '=41cme=20=26=20=43o=2e', '=2e=2e=2facme', '~none')

    Args:
        tenant: The tenant's id; None or an empty text are the events without a tenant.
    """
    if not tenant:
        return NULL_FOLDER
    content = tenant.encode("utf-8", "surrogatepass")
    name = "".join(chr(byte) if _KEPT.match(chr(byte)) else f"={byte:02x}" for byte in content)
    if _DEVICES.fullmatch(name):
        name = f"={content[0]:02x}{name[1:]}"
    return name if len(name) <= LONGEST else f"~{sha256(content).hexdigest()}"


def folders_of(published: Any, tenant: Any) -> Iterator[str]:
    """Yield folders in which the documents of a tenant may lie: its own, and the whole publication of a lake that has it alone.

    Args:
        published: The `published` folder of a lake, or the folder of a tenant in it.
        tenant: The tenant; an empty text for the events without one, None where none is named.
    """
    if tenant is not None and not isinstance(tenant, str):
        raise UnusableError(UNUSABLE, "tenant is a text")
    folder = folder_of(published)
    if tenant is not None:
        yield f"{folder}/{TENANTS}/{tenant_folder(tenant)}"
    yield folder


def check_tenant(signed: dict[str, Any], tenant: str | None) -> None:
    """Check that what is signed is of the tenant that was named.

    Raises:
        UnusableError: It is of another, or of several and none was named.
    """
    if signed.get("several_tenants") is True:
        if tenant is None:
            raise UnusableError(TENANT_NEEDED, "several tenants are published here, and none was named: give tenant=")
        raise UnusableError(MISSING, f"nothing is published for the tenant {tenant!r}"[:300])
    if tenant is not None and signed.get("tenant_id") != (tenant or None):
        raise UnusableError(MISSING, f"nothing is published for the tenant {tenant!r}"[:300])


def check_alone(published: Any, tenant: str | None, public_key: Any) -> None:
    """Check, where a document is not there, that this is not because a tenant has to be named.

    Raises:
        UnusableError: Several tenants are published here, and none was named.
    """
    folder = folder_of(published)
    if tenant is not None or not os.path.isdir(f"{folder}/{TENANTS}"):
        return
    try:
        signed = read_signed(f"{folder}/{INDEX}", INDEX_BYTES, public_key, "an index")
    except Exception:  # noqa: BLE001 - what is wrong with the index is not what was asked
        return
    check_tenant(signed, tenant)
