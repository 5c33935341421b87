"""How a lake is laid out: the version of its format, written into the first commit of its events."""

from __future__ import annotations

import secrets

from deltalake import DeltaTable

from kaizenlake.errors import LakeError
from kaizenlake.tables import Events, Table

FORMAT = 2
"""Version of the format that this program writes: 1 is that of 0.1.0, whose decisions are not signed one by one."""

VERSION = "kaizenlake:format"
IDENTITY = "kaizenlake:lake"
"""Application transactions of `bronze.events`, which survive checkpoints, compaction and the cleaning of the log."""


def birth(table: type[Table]) -> dict[str, int]:
    """Return what the first commit of a table carries: of the events the format, and a random number that names the lake."""
    return {VERSION: FORMAT, IDENTITY: secrets.randbits(62)} if table is Events else {}


def version_of(handle: DeltaTable) -> int:
    """Return the version of the format of a lake by its events."""
    return handle.transaction_version(VERSION) or 1


def check(handle: DeltaTable, where: str) -> None:
    """Check that a lake is of this format.

    Args:
        handle: Its events.
        where: The lake.

    Raises:
        LakeError: It is older and has to be migrated, or newer.
    """
    found = version_of(handle)
    if found < FORMAT:
        raise LakeError(
            f"The lake has format {found}, this version of kaizenlake writes format {FORMAT}: decisions that are signed, "
            "and tables by tenant.",
            where=where,
            hint="Make a copy of it, then run `kaizen migrate --by NAME`.",
        )
    if found > FORMAT:
        raise LakeError(
            f"The lake has format {found}, which a newer version of kaizenlake wrote; this one knows formats up to {FORMAT}.",
            where=where,
            hint="Update kaizenlake.",
        )
