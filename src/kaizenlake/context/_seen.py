"""What a reader has seen: the highest number of each publication, kept in a small file, so that an older one is noticed.

Nothing here raises: where the file cannot be read or written, a reader remembers nothing beyond its process.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from hashlib import sha256
from typing import Any

VARIABLE = "KAIZEN_READER_STATE"
"""Names the file; an empty value keeps none."""

REMEMBERED = 2000
"""Publications of which the file keeps the number; the ones that were seen first go first."""

FILE_BYTES = 1024 * 1024

_LOCK = threading.Lock()
_CHOSEN: list[str | None] = []
_HELD: dict[str, int] = {}
_READ: dict[str, tuple[int, int, int]] = {}


def remember_in(path: str | os.PathLike[str] | None) -> None:
    """Choose the file in which the readers of this process remember the highest publication that they have seen.

    Args:
        path: The file; its folder is made where missing. None remembers nothing beyond this process. Unless called, it is
            what the variable KAIZEN_READER_STATE names, else `kaizenlake/readers.json` in the user's folder of states.
    """
    with _LOCK:
        _CHOSEN[:] = [None if path is None else os.path.abspath(os.fsdecode(path))]
        _HELD.clear()
        _READ.clear()


def highest(publication: str, key: str, number: int) -> int:
    """Remember the number of a publication, and return the highest that was ever seen of it.

    Args:
        publication: Path of its file.
        key: Key that it is checked with, or says that it is signed by: a lake made anew has another.
    """
    name = sha256(f"{publication}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    try:
        with _LOCK:
            path = _find_path()
            if path is not None:
                _read(path)
            known = _HELD.get(name)
            if known is None or number > known:
                _HELD[name] = number
                if path is not None:
                    _write(path)
                return number
            return known
    except Exception:  # noqa: BLE001 - a service must go on, whatever lies there
        return number


def _find_path() -> str | None:
    if _CHOSEN:
        return _CHOSEN[0]
    named = os.environ.get(VARIABLE)
    if named is not None:
        return os.path.abspath(named) if named else None
    states = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return f"{states}/kaizenlake/readers.json" if os.path.isabs(states) else None


def _read(path: str) -> None:
    """Take what the file says, unless it was taken already."""
    try:
        state = os.stat(path)
    except OSError:
        return
    mark = state.st_ino, state.st_size, state.st_mtime_ns
    if _READ.get(path) == mark or state.st_size > FILE_BYTES:
        return
    _READ.clear()
    _READ[path] = mark
    with suppress(OSError, ValueError, RecursionError), open(path, "rb") as file:
        found: Any = json.loads(file.read(FILE_BYTES))
        numbers = found.get("highest") if isinstance(found, dict) else None
        for name, number in numbers.items() if isinstance(numbers, dict) else ():
            if type(number) is int and number > _HELD.get(name, -1):
                _HELD[name] = number


def _write(path: str) -> None:
    """Write the file aside and swap it in; a reader that is killed leaves the old one."""
    for old in list(_HELD)[:-REMEMBERED]:
        del _HELD[old]
    aside = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(aside, "w", encoding="ascii") as file:
            json.dump({"highest": _HELD}, file)
        os.replace(aside, path)
    except OSError:
        with suppress(OSError):
            os.unlink(aside)
