"""Files that are whole or absent, whatever happens: written aside, flushed to the disk, then renamed."""

from __future__ import annotations

import ctypes
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from kaizenlake.errors import LakeError

ASIDE = ".aside-"
"""Beginning of the name of a file that is being written; maintenance removes those that a killed process left."""


def write_atomic(
    path: Path, content: bytes, *, mode: int = 0o644, is_name_synced: bool = True, is_synced: bool = True
) -> None:
    """Write a file so that a reader finds the old content or the new, never a part.

    Args:
        path: The file; its folder is made where missing.
        content: All of it.
        mode: Permissions, before the process's mask.
        is_name_synced: Flush the name to the disk, too; who writes many files to a folder does so once, after the last.
        is_synced: Wait until the disk has it. Of what is written again in a moment a process that dies loses nothing
            without; a machine that does loses that file.

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
            waiting = _WAITING.get()
            if waiting is None and is_synced:
                os.fsync(file.fileno())
        if waiting is not None:
            waiting.append((aside, path))
            return
        aside.replace(path)
        if is_name_synced and is_synced:
            sync_folder(path.parent)
    except OSError as error:
        raise LakeError(f"The file cannot be written: {error.strerror or error}.", where=str(path)) from error
    finally:
        if _WAITING.get() is None:
            with suppress(OSError):
                aside.unlink()


_WAITING: ContextVar[list[tuple[Path, Path]] | None] = ContextVar("waiting", default=None)
"""Files that are written aside, and where they go, while they wait for one flush of all."""

MANY = 16
"""Files from which the file system is flushed at once: 2,000 files take 0.4 s so, and 6 s one by one."""


@contextmanager
def flushing_together() -> Iterator[None]:
    """Write files of which nothing is named until all are on the disk: they appear at the end, or none of them does.

    Raises:
        LakeError: The disk is full, or the place cannot be written.
    """
    waiting: list[tuple[Path, Path]] = []
    token = _WAITING.set(waiting)
    try:
        yield
        _WAITING.reset(token)
        _flush([aside for aside, _ in waiting])
        for aside, path in waiting:
            aside.replace(path)
        for folder in {path.parent for _, path in waiting}:
            sync_folder(folder)
    except OSError as error:
        raise LakeError(f"Files cannot be written: {error.strerror or error}.") from error
    finally:
        if _WAITING.get() is waiting:
            _WAITING.reset(token)
        for aside, _ in waiting:
            with suppress(OSError):
                aside.unlink()


def _flush(written: list[Path]) -> None:
    """Flush files to the disk, many of them by one call where the system has it."""
    if len(written) >= MANY and _sync_file_system(written[0]):
        return
    for path in written:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_file_system(path: Path) -> bool:
    """Flush the file system that a file lies on, and say whether it was: not every system can."""
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return bool(call(descriptor) == 0)
    finally:
        os.close(descriptor)


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
