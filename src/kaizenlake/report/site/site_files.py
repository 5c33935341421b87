"""The files of the site: a page is rendered and written only where it changed, and taken away once nothing is left to tell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

import msgspec

from kaizenlake.lake import files

RECORD = ".site.json"
"""Name of the record of the pages. Without it every page is made again."""


class _WrittenPage(msgspec.Struct, frozen=True):
    """A page as it was written.

    Args:
        made_of: SHA-256 of what it was made of.
        html: SHA-256 of the file.
    """

    made_of: str
    html: str


class SiteFiles:
    """The pages of one site, and what each was made of.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = 0
        self._former = _read(folder)
        self._pages: dict[str, _WrittenPage] = {}

    def __len__(self) -> int:
        """Return how many pages were asked for."""
        return len(self._pages)

    def write(self, path: str, made_of: bytes, render: Callable[[], bytes]) -> None:
        """Write a page, unless it lies there as it was made of just this.

        Args:
            path: Place below the folder, such as `projects/acme.html`.
            made_of: All that it is made of.
            render: Makes the page.

        Raises:
            LakeError: The file cannot be written.
        """
        digest, file = hashlib.sha256(made_of).hexdigest(), self.folder / path
        former = self._former.get(path)
        if former is None or former.made_of != digest or _digest(file) != former.html:
            content = render()
            files.write_atomic(file, content, is_synced=False, is_name_synced=False)
            former = _WrittenPage(digest, hashlib.sha256(content).hexdigest())
            self.written += 1
        self._pages[path] = former

    def end(self) -> int:
        """Take away the pages of former nights that were not asked for, and write the record.

        Returns:
            Pages that were taken away.

        Raises:
            LakeError: The record cannot be written.
        """
        gone = [path for path in self._former if path not in self._pages]
        for path in gone:
            (self.folder / path).unlink(missing_ok=True)
        if self._pages != self._former:
            files.write_atomic(self.folder / RECORD, msgspec.json.encode(self._pages))
        return len(gone)


def remove_site(folder: Path) -> None:
    """Take away the pages of a site that was written here, and nothing else.

    Args:
        folder: Where they lie.
    """
    for path in _read(folder):
        (folder / path).unlink(missing_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    for part in sorted(folder.glob("*/")) if folder.is_dir() else ():
        with suppress(OSError):
            part.rmdir()
    with suppress(OSError):
        folder.rmdir()


def _read(folder: Path) -> dict[str, _WrittenPage]:
    """Return the record of a folder; places outside of it are none of ours, whoever wrote them there."""
    try:
        found = msgspec.json.decode((folder / RECORD).read_bytes(), type=dict[str, _WrittenPage])
    except (OSError, msgspec.MsgspecError):
        return {}
    return {path: page for path, page in found.items() if _is_inside(path)}


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return path.endswith(".html") and "\\" not in path and ".." not in parts and not path.startswith("/")


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
