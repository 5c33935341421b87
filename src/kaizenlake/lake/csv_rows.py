"""Rows of CSV files: records told apart by their quotation marks, one that is never closed spoiling itself alone."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.csv

from kaizenlake.errors import MappingError
from kaizenlake.lake.chunks import (
    BROKEN_FILE,
    Dialect,
    Refused,
    Rows,
    breaks_off,
    distinct,
    is_full,
    opened,
)
from kaizenlake.lake.sources import BLOCK_BYTES, Source

UTF8 = "utf-8"


def csv_rows(source: Source, dialect: Dialect, line_bytes: int) -> Iterator[Rows]:
    """Read a CSV file in chunks of rows; the first has none, and names the columns.

    Args:
        source: The file.
        dialect: How it is written.
        line_bytes: Longest record taken.

    Raises:
        MappingError: The header cannot be read.
    """
    header: list[str] | None = None
    number = 0
    records: list[str] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    size = 0

    def rows() -> Rows:
        frame, good, ragged = _parse(records, numbers, dialect, header or [])
        return Rows(frame, good, [*refused, *ragged])

    with opened(source) as stream:
        try:
            for number, text, whole in _records(stream, dialect, line_bytes):
                if header is None:
                    header = _header(text, dialect, source.name)
                    yield Rows(pl.DataFrame(schema=dict.fromkeys(header, pl.String)))
                    continue
                rule = _unfit(text, whole=whole, encoding=dialect.encoding, line_bytes=line_bytes)
                if rule is not None:
                    refused.append(Refused(number, *rule, _shown(text)[:line_bytes]))
                else:
                    records.append(text)
                    numbers.append(number)
                size += len(text)
                if is_full(len(records) + len(refused), size):
                    yield rows()
                    records, numbers, refused, size = [], [], [], 0
        except BROKEN_FILE as error:
            refused.append(breaks_off(number + 1, error))
    if records or refused:
        yield rows()


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


_UNDECODED = re.compile("[\udc80-\udcff]")


def _unfit(text: str, *, whole: bool, encoding: str, line_bytes: int) -> tuple[str, str] | None:
    if len(text) > line_bytes:
        return "too_long", f"a record may be {line_bytes} bytes long at most"
    if not whole:
        return "torn_line", "a quotation mark is opened here and never closed"
    if not text.isascii() and (_UNDECODED.search(text) or (encoding != UTF8 and "\ufffd" in text)):
        return "encoding", f"it holds bytes that are not {encoding}"
    return None


def _records(stream: IO[bytes], dialect: Dialect, line_bytes: int) -> Iterator[tuple[int, str, bool]]:
    """Records of a CSV file: number, text, and whether every quotation mark in it is closed; blank ones are not taken.

    A mark that is never closed would swallow the rest of the file: then its own line is a record that is not whole,
    and reading goes on with the line after it.
    """
    fresh = _text_lines(stream, dialect.encoding, line_bytes)
    again: list[str] = []
    quotes = _Quotes(dialect)
    number = 0
    while (line := again.pop() if again else next(fresh, None)) is not None:
        number += 1
        taken = [line]
        size = len(line)
        is_open = quotes.open_after(line)
        while is_open and size <= line_bytes:
            more = again.pop() if again else next(fresh, None)
            if more is None:
                break
            taken.append(more)
            size += len(more)
            is_open = quotes.open_after(more, inside=True)
        if is_open:
            again.extend(reversed(taken[1:]))
            taken = taken[:1]
        text = "".join(taken).removesuffix("\n").removesuffix("\r")
        if text and not text.isspace():
            yield number, text, not is_open


def _text_lines(stream: IO[bytes], encoding: str, line_bytes: int) -> Iterator[str]:
    """Lines with their line end, as text; bytes outside the encoding come as surrogates (UTF-8) or as U+FFFD."""
    reader = codecs.getreader(encoding)(stream, "surrogateescape" if encoding == UTF8 else "replace")
    carry, mark = "", "\ufeff"
    while block := reader.read(BLOCK_BYTES):
        run = (carry + block.removeprefix(mark)).split("\n")
        carry, mark = run.pop(), ""
        for line in run:
            yield line[: line_bytes + 1] + "\n"
        if len(carry) > line_bytes:
            carry = carry[: line_bytes + 1]
    if carry:
        yield carry


class _Quotes:
    """Says whether a line ends inside a quoted cell; a mark counts only at the beginning of a cell."""

    def __init__(self, dialect: Dialect) -> None:
        quote, separator = re.escape(dialect.quote), re.escape(dialect.separator)
        inner = f"[^{quote}]*(?:{quote}{quote}[^{quote}]*)*"
        self.quote = dialect.quote
        self.cell = re.compile(f"(?:^|(?<={separator})){quote}{inner}{quote}")
        self.opening = re.compile(f"(?:^|{separator}){quote}")
        self.inner = re.compile(inner)

    def open_after(self, line: str, *, inside: bool = False) -> bool:
        """Whether the text after this line is inside a quoted cell."""
        if inside:
            rest = self.inner.match(line)
            assert rest is not None, "it matches the empty text too"
            if rest.end() == len(line):
                return True
            # What follows a closing mark is not the beginning of a cell.
            line = " " + line[rest.end() + 1 :]
        return self.quote in line and self.opening.search(self.cell.sub("", line)) is not None


def _header(text: str, dialect: Dialect, name: str) -> list[str]:
    """Names of the columns; a name that comes again is numbered."""
    try:
        cells = next(csv.reader([text], delimiter=dialect.separator, quotechar=dialect.quote))
    except (csv.Error, StopIteration) as error:
        raise MappingError(f"The header cannot be read: {error}.", where=name) from error
    return distinct([_shown(cell.strip()) for cell in cells])


def _parse(
    records: list[str], numbers: list[int], dialect: Dialect, header: list[str]
) -> tuple[pl.DataFrame, list[int], list[Refused]]:
    """Cells of records; a record with too many or too few cells is refused."""
    ragged: dict[int, tuple[int, str]] = {}

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged[row.number - 1] = (row.actual_columns, row.text)
        return "skip"

    if not records:
        return pl.DataFrame(schema=dict.fromkeys(header, pl.String)), [], []
    text = ("\n".join(records) + "\n").encode()
    places = [str(place) for place in range(len(header))]
    table = pyarrow.csv.read_csv(
        pa.BufferReader(text),
        # One thread and one block: only then are the numbers of refused records known.
        read_options=pyarrow.csv.ReadOptions(column_names=places, use_threads=False, block_size=len(text) + 1),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=dialect.separator,
            quote_char=dialect.quote,
            newlines_in_values=True,
            invalid_row_handler=skip,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.large_string()), strings_can_be_null=False
        ),
    )
    frame = pl.DataFrame(table).rename(dict(zip(places, header, strict=True)))
    good = [number for place, number in enumerate(numbers) if place not in ragged]
    refused = [
        Refused(
            numbers[place], "ragged_row", f"the header has {len(header)} cells, this row has {found}", records[place]
        )
        for place, (found, _) in ragged.items()
    ]
    return frame, good, refused
