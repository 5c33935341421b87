"""Files that are whole or absent, whatever happens: written aside, flushed to the disk, then renamed."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from kaizenlake.errors import LakeError

ASIDE = ".aside-"
"""Beginning of the name of a file that is being written; maintenance removes those that a killed process left."""


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644, is_name_synced: bool = True) -> None:
    """Write a file so that a reader finds the old content or the new, never a part.

    Args:
        path: The file; its folder is made where missing.
        content: All of it.
        mode: Permissions, before the process's mask.
        is_name_synced: Flush the name to the disk, too; who writes many files to a folder does so once, after the last.

    Raises:
        LakeError: The disk is full, or the place cannot be written.
    """
    aside = path.with_name(f"{ASIDE}{path.name[:100]}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        if is_name_synced:
            sync_folder(path.parent)
    except OSError as error:
        raise LakeError(f"The file cannot be written: {error.strerror or error}.", where=str(path)) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_atomic` does."""
    write_atomic(path, text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Flush the names of a folder to the disk, so that a rename outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
