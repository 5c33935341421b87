"""Files read as chunks of lines or rows in bounded memory; what cannot be read is refused line by line, never raised."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TypeAlias, cast

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from kaizenlake.errors import MappingError
from kaizenlake.lake.sources import Source
from kaizenlake.lake.yaml_rows import BrokenRecordError, Record, records

CHUNK_LINES = 65_536
CHUNK_BYTES = 32 * 1024 * 1024
BLOCK_BYTES = 4 * 1024 * 1024

UTF8 = "utf-8"

_BROKEN_FILE = (gzip.BadGzipFile, EOFError, zlib.error)

Run: TypeAlias = tuple[Sequence[int], list[bytes]]
"""Numbers of lines, and their bytes; never without any."""


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


def read_lines(source: Source, line_bytes: int) -> Iterator[Lines]:
    """Read events of our own form in chunks; blank lines keep their number and are not taken.

    Args:
        source: An NDJSON or JSON file.
        line_bytes: Longest line taken.
    """
    with _open(source) as stream:
        blocks = _blocks(stream, source.limit)
        runs = _values(blocks, line_bytes) if source.form == "json" else _lines(blocks, line_bytes)
        chunk, size, number = Lines(), 0, 0
        try:
            for numbers, lines in runs:
                chunk.lines += lines
                chunk.numbers += numbers
                number = numbers[-1]
                size += sum(map(len, lines))
                if len(chunk.lines) >= CHUNK_LINES or size >= CHUNK_BYTES:
                    yield chunk
                    chunk, size = Lines(), 0
        except _BROKEN_FILE as error:
            chunk.refused.append(_breaks_off(number + 1, error))
        if chunk.lines or chunk.refused:
            yield chunk


def read_rows(source: Source, dialect: Dialect, line_bytes: int) -> Iterator[Rows]:
    """Read a foreign table in chunks of rows.

    Args:
        source: A CSV, YAML or Parquet file.
        dialect: How the CSV file is written.
        line_bytes: Longest record taken.
    """
    if source.form == "parquet":
        yield from _parquet_rows(source)
    elif source.form == "yaml":
        yield from _yaml_rows(source, line_bytes)
    else:
        yield from _csv_rows(source, dialect, line_bytes)


def _breaks_off(number: int, error: BaseException) -> Refused:
    return Refused(number, "not_readable", f"the file cannot be read from here on: {error}", str(error))


def _open(source: Source) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(source.path, "rb")) if source.packed else source.path.open("rb")


def _blocks(stream: IO[bytes], limit: int | None = None) -> Iterator[bytes]:
    """Blocks of a stream without a byte order mark at its beginning."""
    mark = codecs.BOM_UTF8
    while block := stream.read(BLOCK_BYTES if limit is None else min(BLOCK_BYTES, limit)):
        limit = None if limit is None else limit - len(block)
        yield block.removeprefix(mark)
        mark = b""


def _lines(blocks: Iterator[bytes], line_bytes: int) -> Iterator[Run]:
    """Lines of a stream; the rest of a line longer than is taken is passed over."""
    carry, number, passing = b"", 0, False
    for block in blocks:
        run = block.split(b"\n")
        if passing:
            if len(run) == 1:
                continue
            run[0], passing = b"", False
        run[0] = carry + run[0]
        carry = run.pop()
        for start in range(0, len(run), CHUNK_LINES):
            yield from _run(run[start : start + CHUNK_LINES], number + start + 1, line_bytes)
        number += len(run)
        if len(carry) > line_bytes:
            carry, passing = carry[: line_bytes + 1], True
    if carry.strip():
        yield [number + 1], [carry[: line_bytes + 1]]


def _run(texts: list[bytes], first: int, line_bytes: int) -> Iterator[Run]:
    """Lines that are not blank, if there are any."""
    lines = [line[: line_bytes + 1] for text in texts if (line := text.removesuffix(b"\r")) and not line.isspace()]
    if len(lines) == len(texts):
        yield range(first, first + len(lines)), lines
    elif lines:
        yield [number for number, text in enumerate(texts, first) if text.strip()], lines


_MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},\n]', re.DOTALL)
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_SPACE = b" \t\r\n"


def _values(blocks: Iterator[bytes], line_bytes: int) -> Iterator[Run]:  # noqa: C901, PLR0912 - one state machine
    """JSON values of a stream: the elements of an array, or values one after the other.

    Values are cut out by counting brackets outside strings, so that a broken one does not spoil those after it, and no
    more than one has to be held. The number of a value is its place, from 1.
    """
    window, start, scan, depth, number = b"", 0, 0, 0, 0
    in_array = in_string = False

    def value(end: int) -> Iterator[Run]:
        nonlocal number
        text = window[start:end].strip(_SPACE)
        if text:
            number += 1
            yield [number], [_one_line(text[: line_bytes + 1])]

    for block in blocks:
        window, scan, start = window[start:] + block, scan - start, 0
        while True:
            if in_string:
                scan = _STRING.match(window, scan).end()  # type: ignore[union-attr] # it matches the empty text too
                if window[scan : scan + 1] != b'"':
                    break
                scan, in_string = scan + 1, False
            found = _MARK.search(window, scan)
            if found is None:
                scan = len(window)
                break
            mark, at, scan = found.group(), found.start(), found.end()
            if mark == b'"':
                in_string = True
            elif mark == b"[" and depth == 0 and not in_array and not window[start:at].strip(_SPACE):
                in_array, start = True, scan
            elif mark in (b"[", b"{"):
                depth += 1
            elif mark == b"]" and depth == 0 and in_array:
                yield from value(at)
                in_array, start = False, scan
            elif mark in (b"]", b"}"):
                depth = max(0, depth - 1)
                if depth == 0 and not in_array:
                    yield from value(scan)
                    start = scan
            elif depth == 0 and mark == (b"," if in_array else b"\n"):
                yield from value(at)
                start = scan
        if scan - start > line_bytes:
            # Too long already: its beginning is kept, what was scanned since is not.
            window, scan = window[: start + line_bytes + 1] + window[scan:], start + line_bytes + 1
    yield from value(len(window))


def _one_line(value: bytes) -> bytes:
    """A JSON value without line ends; as it is where it is broken."""
    with suppress(msgspec.DecodeError, ValueError, RecursionError):
        return msgspec.json.format(value, indent=-1)
    return value


def _csv_rows(source: Source, dialect: Dialect, line_bytes: int) -> Iterator[Rows]:
    header: list[str] | None = None
    number = 0
    records: list[str] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    size = 0

    def rows() -> Rows:
        frame, good, ragged = _parse(records, numbers, dialect, header or [])
        return Rows(frame, good, [*refused, *ragged])

    with _open(source) as stream:
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
                if len(records) + len(refused) >= CHUNK_LINES or size >= CHUNK_BYTES:
                    yield rows()
                    records, numbers, refused, size = [], [], [], 0
        except _BROKEN_FILE as error:
            refused.append(_breaks_off(number + 1, error))
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


def distinct(names: list[str]) -> list[str]:
    """Names, each that came before with the place at which it comes again.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a (column 3)']
    """
    seen: set[str] = set()
    found = []
    for place, name in enumerate(names, 1):
        found.append(name if name not in seen else f"{name} (column {place})")
        seen.add(name)
    return found


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


def _yaml_rows(source: Source, line_bytes: int) -> Iterator[Rows]:
    """Records of a YAML list; the columns are the keys of all of them, so a key may be missing from a record."""
    cells: list[Record] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    with _open(source) as stream:
        try:
            for number, record in records(stream, line_bytes):
                if isinstance(record, str):
                    refused.append(Refused(number, "not_a_record", record, ""))
                else:
                    cells.append(record)
                    numbers.append(number)
        except BrokenRecordError as error:
            refused.append(_breaks_off(error.number, error))
        except _BROKEN_FILE as error:
            refused.append(_breaks_off(len(numbers) + len(refused) + 1, error))
    header = list(dict.fromkeys(name for record in cells for name in record))
    yield Rows(pl.DataFrame(cells, schema=dict.fromkeys(header, pl.String)), numbers, refused)


def _parquet_rows(source: Source) -> Iterator[Rows]:
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            header = distinct([str(name) for name in file.schema_arrow.names])
            yield Rows(pl.DataFrame(schema=dict.fromkeys(header, pl.String)), native=True)
            for batch in file.iter_batches(batch_size=CHUNK_LINES):
                frame = pl.DataFrame(pa.Table.from_arrays(batch.columns, names=header))
                numbers = list(range(number + 1, number + 1 + frame.height))
                number += frame.height
                yield Rows(frame.select(as_text(frame.schema)), numbers, native=True)
    except (pa.ArrowException, OSError) as error:
        yield Rows(pl.DataFrame(), refused=[_breaks_off(number + 1, error)], native=True)


def as_text(schema: pl.Schema) -> list[pl.Expr]:
    """Cells of typed columns as the text that stands for them in a CSV file; lists and structs as JSON."""
    return [_as_text(pl.col(name), dtype).alias(name) for name, dtype in schema.items()]


def _as_text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        text = cell.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
        return (
            text if dtype.time_zone is None else cell.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        )
    if dtype.is_nested():
        inner = pl.struct(cell.alias("_")).struct.json_encode()
        return pl.when(cell.is_not_null()).then(inner.str.slice(5).str.head(-1))
    if dtype == pl.Binary:
        return cell.cast(pl.String, strict=False)
    return cell.cast(pl.String)
