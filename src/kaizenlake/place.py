"""Say where a lake is kept, and where its local files lie, without opening it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kaizenlake.errors import LakeError

LAKE_VARIABLE = "KAIZEN_LAKE"
HOME_VARIABLE = "KAIZEN_HOME"

DEFAULT_LAKE = "./lake"
"""Where a lake is taken to be, unless something names another place."""


@dataclass(frozen=True)
class LakePlace:
    """Where a lake is.

    Args:
        root: Folder of its tables, or their URI in an object store.
        home: Local folder of its other files; None where nothing names one.
    """

    root: str | Path
    home: Path | None

    def path(self, *parts: str) -> Path:
        """Return a local file or folder of the lake, such as `path("runs")`.

        Raises:
            LakeError: The lake is in an object store and has no local home.
        """
        if self.home is None:
            raise LakeError(
                f"The lake has no local folder for {'/'.join(parts) or 'what has no place in an object store'}.",
                where=str(self.root),
                hint=f"Name one by {HOME_VARIABLE}=FOLDER, or Lake(root, home=FOLDER).",
            )
        return self.home.joinpath(*parts)


def find_place(root: str | Path, home: str | Path | None = None) -> LakePlace:
    """Return the place that a folder or URI names.

    Args:
        root: Folder or URI (`s3://…`, `file:///…`).
        home: Local folder for what has no place in an object store. Unless given, the root itself where that is a folder,
            else what the variable KAIZEN_HOME names.
    """
    parts = urlsplit(str(root)) if "://" in str(root) else None
    if parts is not None and parts.scheme == "file":
        root, parts = Path(unquote(parts.path)), None
    found: str | Path = str(root).rstrip("/") if parts is not None else Path(root).absolute()
    home = home or (found if isinstance(found, Path) else os.environ.get(HOME_VARIABLE))
    return LakePlace(found, Path(home).absolute() if home else None)
