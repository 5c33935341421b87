"""How a lake is laid out: the version of its format, written into the first commit of its events."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from deltalake import DeltaTable

from kaizenlake.errors import LakeError
from kaizenlake.tables import Events, Table

FORMAT = 2
"""Version of the format that this program writes: 1 is that of 0.1.0, whose decisions are not signed one by one."""

VERSION = "kaizenlake:format"
IDENTITY = "kaizenlake:lake"
"""Application transactions of `bronze.events`, which survive checkpoints, compaction and the cleaning of the log."""


SALTS = ("kaizenlake:ids", "kaizenlake:ids:2")
"""Application transactions of `bronze.events`: the two halves of the salt of ids, in the first commit or never."""


def identify() -> dict[str, int]:
    """Return what a commit carries from which on events are named: the format, and a random number that names the lake."""
    return {VERSION: FORMAT, IDENTITY: secrets.randbits(62)}


def birth(table: type[Table]) -> dict[str, int]:
    """Return what the first commit of a table carries: of the events the format, the name of the lake and its salt."""
    return identify() | IdSalt.draw().marks if table is Events else {}


@dataclass(frozen=True)
class IdSalt:
    """What the ids of mapped rows are made with besides the rows, so that nobody can take such an id before its row comes.

    Args:
        halves: Two random numbers; none in a lake whose events came before there were salts, which keeps its ids.
    """

    halves: tuple[int, ...] = ()

    @classmethod
    def draw(cls) -> IdSalt:
        """Draw the salt of a lake that is not born yet."""
        return cls(tuple(secrets.randbits(62) for _ in SALTS))

    @classmethod
    def of(cls, transactions: Mapping[str, int | None]) -> IdSalt:
        """Return the salt of a lake by the transactions of its events."""
        found = [transactions.get(name) for name in SALTS]
        return cls(tuple(half for half in found if half is not None))

    @property
    def marks(self) -> dict[str, int]:
        """What the first commit of the events carries of it."""
        return dict(zip(SALTS, self.halves, strict=False))

    @property
    def text(self) -> str:
        """What is put before what an id is a digest of; nothing in a lake without a salt."""
        return "".join(f"{half}\0" for half in self.halves)


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
