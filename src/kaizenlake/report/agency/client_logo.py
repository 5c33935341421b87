"""The logo of a client: a picture in the folder `logos` of the lake, and of nowhere else."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path, PurePosixPath
from typing import Literal

from kaizenlake.report.engine.blocks import Logo

FOLDER = "logos"
"""Folder of the lake in which logos lie."""

MOST_BYTES = 200_000
"""Largest picture that is taken."""

_KINDS: dict[bytes, Literal["png", "jpg"]] = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}


def read_logo(folder: Path, told: str | None, name: str) -> Logo | None:
    """Return the logo of a client; None where there is none that can be shown.

    What was told of a client comes from outside: of a path or an address its last name alone counts, and nothing is fetched.

    Args:
        folder: Folder of the logos.
        told: What was told of it, a file or an address.
        name: Name of the client, which the picture stands for.
    """
    if not told:
        return None
    file = folder / PurePosixPath(told.replace("\\", "/")).name
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MOST_BYTES:
            return None
        content = file.read_bytes()
    except (OSError, ValueError):
        return None
    kind = next((kind for mark, kind in _KINDS.items() if content.startswith(mark)), None)
    return None if kind is None else Logo(kind, b64encode(content).decode("ascii"), name)
