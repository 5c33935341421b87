"""What tables were computed from, kept beside them: a table that comes out as it is stored needs no commit to say so."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from kaizenlake.lake import files
from kaizenlake.lake.changes import Reads
from kaizenlake.lake.delta import Mark

FILE = "reads.json"
"""Name of the file in the local folder of a lake. Without it nothing is wrong: the commits of a table say what they read."""


class Kept(msgspec.Struct):
    """What one table was computed from, and how it stands.

    Args:
        mark: The commit of the table that this is true of; of any other it says nothing.
        reads: What it was computed from.
        rows: Its rows; -1 where they were not counted.
        columns: Mark of its declared columns when it was looked at; see `tables.columns_mark`.
    """

    mark: Mark
    reads: Reads
    rows: int = -1
    columns: str = ""


class KeptReads:
    """What the tables of one lake were computed from, each at the commit that it stands at.

    An entry counts only while the table stands at just the commit that it was made for, so it can be behind what a commit
    says, as after a kill, and never beside it.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Kept] | None = None
        self._is_changed = False

    def find(self, folder: Path, table: str, mark: Mark | None) -> Reads | None:
        """Return what a table was computed from; None where nothing is kept of the commit it stands at.

        Args:
            folder: Local folder of the lake.
            table: Full name of the table.
            mark: Mark of its newest commit.
        """
        entry = self._of(folder).get(table)
        return entry.reads if entry is not None and mark is not None and entry.mark == mark else None

    def last(self, folder: Path, table: str) -> Kept | None:
        """Return what is kept of a table, at whatever commit it stood.

        Args:
            folder: Local folder of the lake.
            table: Full name of the table.
        """
        return self._of(folder).get(table)

    def keep(self, folder: Path, table: str, entry: Kept) -> None:
        """Keep what a table was computed from; it lasts once it is saved.

        Args:
            folder: Local folder of the lake.
            table: Full name of the table.
            entry: What it was computed from, at which commit.
        """
        entries = self._of(folder)
        if entries.get(table) != entry:
            entries[table] = entry
            self._is_changed = True

    def save(self, folder: Path) -> None:
        """Write what is kept, where it changed; to be called by the holder of the lake's lock.

        Args:
            folder: Local folder of the lake.

        Raises:
            LakeError: The file cannot be written.
        """
        if self._is_changed:
            files.write_atomic(folder / FILE, msgspec.json.encode(self._of(folder)))
            self._is_changed = False

    def _of(self, folder: Path) -> dict[str, Kept]:
        if self._entries is None:
            self._entries = {}
            # One that is lost or damaged costs a look into the logs.
            with suppress(OSError, msgspec.MsgspecError):
                self._entries = msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, Kept])
        return self._entries
