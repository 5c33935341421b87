"""Chunks: what reading a file gives, lines or rows with their numbers and those it refuses, so much at a time."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, cast

import polars as pl

from kaizenlake.lake.faults import words
from kaizenlake.lake.sources import Source

CHUNK_LINES = 16_384
CHUNK_BYTES = 32 * 1024 * 1024
"""A chunk ends when it holds so many lines or bytes. A line under check weighs ten times what it does in a column: of a
million events, chunks of four times as many lines take half as much memory again, and more time."""


@dataclass(frozen=True)
class Refused:
    """A line or row that reading itself refuses.

    Args:
        number: Line or row, from 1.
        rule: Stable name of the rule it broke.
        reason: The rule in words.
        raw: Its text.
    """

    number: int
    rule: str
    reason: str
    raw: str


@dataclass
class Lines:
    """A chunk of lines that each should be one event.

    Args:
        lines: Bytes without the line end; a line longer than is taken comes cut to one byte more than that.
        numbers: Number of each line, from 1.
        refused: Lines that could not be read.
    """

    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass
class Rows:
    """A chunk of rows of a foreign table.

    Args:
        frame: Cells as text, null where the file says nothing; columns by their header.
        numbers: Number of each row, from 1; in a CSV file the header is row 1, as in a spreadsheet.
        refused: Rows that could not be read.
        native: The cells were typed in the file, so that marks for decimals and thousands do not apply.
    """

    frame: pl.DataFrame
    numbers: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    native: bool = False


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written."""

    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"


def is_full(lines: int, size: int) -> bool:
    """Whether a chunk of so many lines and bytes ends here."""
    return lines >= CHUNK_LINES or size >= CHUNK_BYTES


def breaks_off(number: int, error: BaseException) -> Refused:
    """What stands for the rest of a file that cannot be read from a line on."""
    return Refused(number, "not_readable", f"the file cannot be read from here on: {words(error)}", words(error))


@contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
    """Open a file, up to the limit of the source, and unpack it."""
    with ExitStack() as held:
        raw: IO[bytes] = held.enter_context(source.path.open("rb"))
        if source.limit is not None:
            raw = cast("IO[bytes]", held.enter_context(io.BufferedReader(_Beginning(raw, source.limit))))
        if source.packed:
            raw = cast("IO[bytes]", held.enter_context(gzip.GzipFile(fileobj=raw, mode="rb")))
        yield raw


class _Beginning(io.RawIOBase):
    """The first bytes of a file, however it grows meanwhile."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self.limit = limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def readinto(self, buffer: Any) -> int:
        there = self.stream.read(max(0, min(len(buffer), self.limit - self.stream.tell())))
        buffer[: len(there)] = there
        return len(there)

    def close(self) -> None:
        self.stream.close()
        super().close()


def distinct(names: list[str]) -> list[str]:
    """Names of columns, each that came before with the place at which it comes again.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a (column 3)']
    """
    seen: set[str] = set()
    found: list[str] = []
    for place, name in enumerate(names, 1):
        told = name if name not in seen else f"{name} (column {place})"
        while told in seen:
            # A header may spell such a name itself.
            told += "'"
        found.append(told)
        seen |= {name, told}
    return found
