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
    found = _read(folder, told)
    return None if isinstance(found, str) else Logo(found[0], b64encode(found[1]).decode("ascii"), name)


def why_no_logo(folder: Path, told: str | None) -> str | None:
    """Return why a logo that was told of cannot be shown, for whoever sends the report; None where it can, or none was told.

    Args:
        folder: Folder of the logos.
        told: What was told of it, a file or an address.
    """
    found = _read(folder, told)
    return f"The logo {told!r} is not shown: {found}." if told and isinstance(found, str) else None


def _read(folder: Path, told: str | None) -> tuple[Literal["png", "jpg"], bytes] | str:
    """Return kind and content of a logo, or why there is none."""
    if not told:
        return "none was told"
    file = folder / PurePosixPath(told.replace("\\", "/")).name
    try:
        if file.is_symlink() or not file.is_file():
            return f"there is no file {file.name!r} in {folder}"
        if file.stat().st_size > MOST_BYTES:
            return f"{file} is larger than {MOST_BYTES:,} bytes"
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"
    kind = next((kind for mark, kind in _KINDS.items() if content.startswith(mark)), None)
    return f"{file} is no PNG and no JPEG" if kind is None else (kind, content)
