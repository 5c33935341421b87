"""One run at a time in a lake: a lock of the operating system, which a killed process loses."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import filelock

from kaizenlake.errors import LockedError
from kaizenlake.lake import files

FILE_NAME = ".lock"
HOLDER_NAME = ".lock.json"


@contextmanager
def hold(folder: Path, command: str | None = None) -> Iterator[None]:
    """Hold the lock of a lake while the block runs; the same process may take it only once.

    Args:
        folder: Local folder of the lake.
        command: What runs, for whoever is turned away; the process's command line by default.

    Raises:
        LockedError: Another run holds it; its words name the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Long enough for one that only asks who holds it (`find_holder`) to let go.
    lock = filelock.FileLock(folder / FILE_NAME, timeout=0.3)
    try:
        lock.acquire(poll_interval=0.02)
    except filelock.Timeout as error:
        raise LockedError(
            f"Another run holds the lake: {holder(folder)}.",
            where=str(folder),
            hint="Wait for it, or end it; a run that was killed holds nothing.",
        ) from error
    try:
        started = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(sys.argv) if command is None else command,
        }
        files.write_text(folder / HOLDER_NAME, json.dumps(started))
        yield
    finally:
        (folder / HOLDER_NAME).unlink(missing_ok=True)
        lock.release()


def holder(folder: Path) -> str:
    """Return who holds the lock of a lake, in words."""
    try:
        told = json.loads((folder / HOLDER_NAME).read_bytes())
        if told["host"] == socket.gethostname():
            # One that was killed leaves its words behind until the next has written its own.
            with suppress(PermissionError):
                os.kill(int(told["pid"]), 0)
        return f"{told['command']!r}, process {told['pid']} on {told['host']}, since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a run that has only begun"


def find_holder(folder: Path) -> str | None:
    """Return who holds the lock of a lake now, in words; None where it is free. Nothing is written."""
    if not (folder / FILE_NAME).exists():
        return None
    lock = filelock.FileLock(folder / FILE_NAME, blocking=False)
    try:
        with lock:
            return None
    except filelock.Timeout:
        return holder(folder)
