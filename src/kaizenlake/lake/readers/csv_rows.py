"""Rows of CSV files: records told apart by their quotation marks, one that is never closed spoiling itself alone."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.csv

from kaizenlake.errors import MappingError
from kaizenlake.lake.readers.chunks import CsvDialect, Refused, Rows, breaks_off, is_full
from kaizenlake.lake.readers.faults import FAULTS, describe_fault
from kaizenlake.lake.readers.header import FIRST_ROWS, find_header
from kaizenlake.lake.readers.sources import BLOCK_BYTES, SourceFile, open_source

UTF8 = "utf-8"


def csv_rows(source: SourceFile, dialect: CsvDialect, line_bytes: int) -> Iterator[Rows]:
    """Read a CSV file in chunks of rows; the first has none, and names the columns.

    Args:
        source: The file.
        dialect: How it is written.
        line_bytes: Longest record taken.

    Raises:
        MappingError: The header cannot be read.
    """
    header: list[str] = []
    quotes = _Quotes(dialect)
    number = 0
    records: list[str] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    size = 0

    def rows() -> Rows:
        frame, good, ragged = _parse(records, numbers, dialect, header)
        return Rows(frame, good, [*refused, *ragged])

    _check_encoding(source, dialect)
    with open_source(source) as stream:
        try:
            ahead = _yield_records(stream, dialect, quotes, line_bytes)
            first = list(islice(ahead, max(FIRST_ROWS, (dialect.header or 0) + 2)))
            if not first:
                return
            found = find_header([_split(text, dialect) for _, text, _ in first], dialect, source.name)
            header = found.names
            _check_header(header, dialect, source.name)
            yield Rows(pl.DataFrame(schema=dict.fromkeys(header, pl.String)))
            for number, text, whole in chain(first[found.rows :], ahead):
                rule = _find_fault(text, whole=whole, quotes=quotes, encoding=dialect.encoding, line_bytes=line_bytes)
                if rule is not None:
                    refused.append(Refused(number, *rule, _quote(text)[:line_bytes]))
                else:
                    records.append(text)
                    numbers.append(number)
                size += len(text)
                if is_full(len(records) + len(refused), size):
                    yield rows()
                    records, numbers, refused, size = [], [], [], 0
        except MappingError:
            raise
        except FAULTS as error:
            refused.append(breaks_off(number + 1, error))
    if records or refused:
        yield rows()


def _quote(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


_UNDECODED = re.compile("[\udc80-\udcff]")


def _find_fault(text: str, *, whole: bool, quotes: _Quotes, encoding: str, line_bytes: int) -> tuple[str, str] | None:
    if len(text) > line_bytes:
        return "too_long", f"a record may be {line_bytes} bytes long at most"
    if not whole:
        return "torn_line", "a quotation mark is opened here and never closed"
    if not text.isascii() and (_UNDECODED.search(text) or (encoding != UTF8 and "\ufffd" in text)):
        return "encoding", f"it holds bytes that are not {encoding}{_other_encoding(text, encoding)}"
    if quotes.has_loose_end(text):
        return "torn_line", _LOOSE_END
    if quotes.has_bare_return(text):
        return "line_end", _LINE_END
    return None


_LOOSE_END = "a quotation mark is opened here and closed in the middle of a cell of a later line: the rows between would be lost in one cell"


def _other_encoding(text: str, encoding: str) -> str:
    """Return the encoding that bytes outside UTF-8 may be of, and how it is said."""
    if encoding != UTF8:
        return ""
    try:
        text.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return '; they may be cp1252, as Windows writes: then say `encoding = "cp1252"` under [format]'


def _yield_records(
    stream: IO[bytes], dialect: CsvDialect, quotes: _Quotes, line_bytes: int
) -> Iterator[tuple[int, str, bool]]:
    """Yield records of a CSV file: number, text, and whether every quotation mark in it is closed; blank ones are not taken.

    A mark that is never closed would swallow the rest of the file: then its own line is a record that is not whole,
    and reading goes on with the line after it. Each line is looked at once as the beginning of a record and once as the
    middle of one, however many marks stay open, and no more lines are held than the longest record has.
    """
    ahead = _LinesAhead(_yield_text_lines(stream, dialect.encoding, line_bytes), quotes, line_bytes)
    number = 0
    while (line := ahead.take()) is not None:
        number += 1
        rest = ahead.lines_to_close(len(line)) if quotes.open_after(line) else 0
        whole = rest is not None
        taken = [line, *(ahead.take() or "" for _ in range(rest or 0))]
        text = "".join(taken).removesuffix("\n").removesuffix("\r")
        if text and not text.isspace():
            yield number, text, whole


class _LinesAhead:
    """Lines that were read ahead of the record that begins, in search of the line that closes an open mark.

    Args:
        lines: Lines of the file.
        quotes: Tells of a line that begins inside a quoted cell whether it ends there, too.
        most: Longest record taken, in characters.
    """

    def __init__(self, lines: Iterator[str], quotes: _Quotes, most: int) -> None:
        self.lines = lines
        self.quotes = quotes
        self.most = most
        self.held: deque[str] = deque()
        self.closing: deque[tuple[int, int]] = deque()
        """Lines read ahead that close a mark: the number of each in the file, and the characters before it."""
        self.seen = self.seen_size = self.given = self.given_size = 0

    def take(self) -> str | None:
        """Return the next line; None at the end of the file."""
        if not self.held and not self._read():
            return None
        line = self.held.popleft()
        self.given += 1
        self.given_size += len(line)
        while self.closing and self.closing[0][0] <= self.given:
            self.closing.popleft()
        return line

    def lines_to_close(self, size: int) -> int | None:
        """Return lines up to the one that closes the mark which a line of that size left open; None where none does in time."""
        while not self.closing and size + self.seen_size - self.given_size <= self.most:
            if not self._read():
                return None
        if not self.closing:
            return None
        number, before = self.closing[0]
        # The closing line may end beyond the longest record, which is then refused for that.
        return number - self.given if size + before - self.given_size <= self.most else None

    def _read(self) -> bool:
        line = next(self.lines, None)
        if line is None:
            return False
        self.held.append(line)
        self.seen += 1
        if not self.quotes.open_after(line, inside=True):
            self.closing.append((self.seen, self.seen_size))
        self.seen_size += len(line)
        return True


def _yield_text_lines(stream: IO[bytes], encoding: str, line_bytes: int) -> Iterator[str]:
    """Yield lines with their line end, as text; bytes outside the encoding come as surrogates (UTF-8) or as U+FFFD."""
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
    """Says whether a line ends inside a quoted cell; a mark counts only at the beginning of a cell.

    Every expression takes what it takes for good, so that no line is gone through more than once.
    """

    def __init__(self, dialect: CsvDialect) -> None:
        quote, separator = re.escape(dialect.quote), re.escape(dialect.separator)
        inner = f"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"
        cell = f"(?:{quote}{inner}{quote}[^{separator}]*+|(?!{quote})[^{separator}]*+)"
        more = f"(?:{separator}{cell})*+"
        self.quote = dialect.quote
        self.closed = re.compile(f"{cell}{more}")
        self.closed_after_cell = re.compile(f"[^{separator}]*+{more}")
        self.inner = re.compile(inner)
        blanks = " " if dialect.separator == "\t" else " \t"
        clean = f"(?:{quote}{inner}{quote}[{blanks}]*+|(?!{quote})[^{separator}]*+)"
        self.clean = re.compile(f"{clean}(?:{separator}{clean})*+")
        plain = cell.replace(f"[^{separator}]", f"[^{separator}\r]")
        self.without_return = re.compile(f"{plain}(?:{separator}{plain})*+")

    def open_after(self, line: str, *, inside: bool = False) -> bool:
        """Return whether the text after this line is inside a quoted cell."""
        if not inside:
            return self.quote in line and self.closed.fullmatch(line) is None
        rest = self.inner.match(line)
        assert rest is not None, "it matches the empty text too"
        return rest.end() == len(line) or self.closed_after_cell.fullmatch(line, rest.end() + 1) is None

    def has_loose_end(self, record: str) -> bool:
        """Return whether a quoted cell of a record of several lines goes on behind its closing mark: rows may lie within it."""
        return "\n" in record and self.clean.fullmatch(record) is None

    def has_bare_return(self, record: str) -> bool:
        """Return whether a carriage return stands outside quotation marks, where it is no part of a cell and ends no line."""
        return "\r" in record and self.without_return.fullmatch(record) is None


def _split(text: str, dialect: CsvDialect) -> list[str]:
    """Return cells of a record that may be the header; none where it is none."""
    if len(text) > _HEADER_LENGTH:
        return []
    try:
        cells = next(csv.reader([text], delimiter=dialect.separator, quotechar=dialect.quote))
    except (csv.Error, StopIteration):
        return []
    return [_quote(cell.strip()) for cell in cells]


_HEADER_LENGTH = 131_072
"""Characters of the longest header taken."""


def _check_header(header: list[str], dialect: CsvDialect, where: str) -> None:
    lacks = [name for name in dialect.needed if not dialect.has(name, header)]
    if lacks and any("\\x" in name for name in header):
        raise MappingError(
            f"The header holds bytes that are not {dialect.encoding}, and the column {lacks[0]!r} is not found.",
            where=where,
            hint='It may be cp1252, as Windows writes: then say `encoding = "cp1252"` under [format].',
        )


_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def _check_encoding(source: SourceFile, dialect: CsvDialect) -> None:
    """Check that a file is not of an encoding in which no line of it could be read.

    Raises:
        MappingError: It is UTF-16, and the mapping says another.
    """
    try:
        with open_source(source) as stream:
            head = stream.read(_HEAD_BYTES)
    except FAULTS:
        return  # who reads on meets it again, and says so of the line
    found = _other_than(dialect.encoding.replace("_", "-"), head)
    if found is not None:
        raise MappingError(
            f"The file is {found.upper().removesuffix('-LE').removesuffix('-BE')}, and the mapping reads it as {dialect.encoding}.",
            where=source.name,
            hint=f'Say `encoding = "{found}"` under [format].',
        )


def likely_encoding(head: bytes) -> str:
    """Return the encoding that the beginning of a file is likely to be of.

    >>> likely_encoding("Gr\u00fc\u00dfe".encode("cp1252")), likely_encoding(b"plain")
    ('cp1252', 'utf-8')
    """
    found = _other_than(UTF8, head)
    return found or (UTF8 if _is_utf8(head) else "cp1252")


_HEAD_BYTES = 65_536
_ONE_BYTE = frozenset({"cp1252", "iso8859-1", "latin-1", "iso8859-15", "cp1250"})


def _other_than(said: str, head: bytes) -> str | None:
    """Return the encoding of the beginning of a file, where it is surely another than is said."""
    found = _MARKS.get(head[:2])
    is_wide = len(head) > 3 and head.count(0) * 3 > len(head)
    if said.startswith("utf-16"):
        is_other = bool(head) and found is None and not is_wide
        return ("utf-8" if _is_utf8(head) else "cp1252") if is_other else None
    if found is None and is_wide:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    # Of an encoding of single bytes any are some text, such as two letters for each umlaut.
    is_utf8 = said in _ONE_BYTE and not head.isascii() and _is_utf8(head)
    return "utf-8" if found is None and is_utf8 else found


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _parse(
    records: list[str], numbers: list[int], dialect: CsvDialect, header: list[str]
) -> tuple[pl.DataFrame, list[int], list[Refused]]:
    """Return cells of records; a record with too many or too few cells, or that the parser takes for several, is refused."""
    schema = dict.fromkeys(header, pl.String)
    if not records:
        return pl.DataFrame(schema=schema), [], []
    try:
        frame, ragged = _select_cells(records, dialect, len(header))
    except FAULTS as error:
        if len(records) == 1:
            return (
                pl.DataFrame(schema=schema),
                [],
                [Refused(numbers[0], "not_readable", describe_fault(error), records[0])],
            )
        frame, ragged = pl.DataFrame(), {}
    if longer := {place: found for place, found in ragged.items() if found > len(header)}:
        shorter = list(records)
        for place, found in longer.items():
            shorter[place] = _drop_empty(records[place], found - len(header), dialect)
        if shorter != records:
            return _parse(shorter, numbers, dialect, header)
    if frame.height + len(ragged) != len(records):
        if len(records) == 1:
            return pl.DataFrame(schema=schema), [], [Refused(numbers[0], "line_end", _LINE_END, records[0])]
        # Some record was taken for several, so that the rows after it are not theirs: halves lead to it.
        middle = len(records) // 2
        first, good, refused = _parse(records[:middle], numbers[:middle], dialect, header)
        second, more, others = _parse(records[middle:], numbers[middle:], dialect, header)
        return pl.concat([first, second]), good + more, refused + others
    good = [number for place, number in enumerate(numbers) if place not in ragged]
    refused = [
        Refused(
            numbers[place], "ragged_row", f"the header has {len(header)} cells, this row has {found}", records[place]
        )
        for place, found in ragged.items()
    ]
    return frame.rename(dict(zip(frame.columns, header, strict=True))), good, refused


def _drop_empty(record: str, cells: int, dialect: CsvDialect) -> str:
    """Return a record without so many cells at its end, where they are all empty."""
    separator, quote = re.escape(dialect.separator), re.escape(dialect.quote)
    return re.sub(rf"(?:{separator} *(?:{quote}{quote})? *){{{cells}}}$", "", record)


_LINE_END = "a carriage return stands alone outside quotation marks"


def _select_cells(records: list[str], dialect: CsvDialect, width: int) -> tuple[pl.DataFrame, dict[int, int]]:
    """Return cells of records in numbered columns, and how many there are in each record that has not that many."""
    ragged: dict[int, int] = {}

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged[row.number - 1] = row.actual_columns
        return "skip"

    text = ("\n".join(records) + "\n").encode()
    places = [str(place) for place in range(width)]
    table = pyarrow.csv.read_csv(
        pa.BufferReader(text),
        # One thread and one block: only then are the numbers of refused records known.
        read_options=pyarrow.csv.ReadOptions(column_names=places, use_threads=False, block_size=len(text) + 1),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=dialect.separator,
            quote_char=dialect.quote,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.large_string()), strings_can_be_null=False
        ),
    )
    return pl.DataFrame(table), ragged
