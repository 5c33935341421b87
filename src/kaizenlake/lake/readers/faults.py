"""The fault of one file: whatever reading it raises, panics of other libraries included, in words that any table takes."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from polars.exceptions import PanicException

FAULTS = (Exception, PanicException)
"""What a reader may raise. A panic of the engine is no `Exception`; what stops a run is none of both."""

_HALVES = re.compile("[\ud800-\udfff]")
_LONGEST = 300


def printable(text: str) -> str:
    r"""Return a text as UTF-8 can hold it: bytes outside it and halves of surrogate pairs are escaped.

    >>> printable("caf\udce9.csv")
    'caf\\xe9.csv'
    """
    return _HALVES.sub(_escape, text) if _HALVES.search(text) else text


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def describe_fault(error: BaseException) -> str:
    """Return what an error says, in one line of bounded length; its kind where it says nothing."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    line = printable(" ".join(text.split())) or type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def describe_unreadable(path: Path) -> str:
    """Return why a path is no file that can be read, in words; empty where it is one.

    Raises:
        FileNotFoundError: There is nothing of that name.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            return "it is a link to nothing"
        raise
    except OSError as error:
        if path.is_symlink() and not _leads_somewhere(path):
            return "it is a link that leads back to itself"
        return f"it cannot be read: {describe_fault(error)}"
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    kinds = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
    kind = next((name for is_kind, name in kinds if is_kind(mode)), "a device")
    return f"it is {kind}, not a file"


def _leads_somewhere(path: Path) -> bool:
    try:
        os.path.realpath(path, strict=True)
    except OSError as error:
        return error.errno != errno.ELOOP
    return True
