"""Files read as chunks of lines or rows in bounded memory; what cannot be read is refused line by line, never raised."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, TypeAlias

import msgspec

from kaizenlake.errors import MappingError
from kaizenlake.lake.readers import chunks
from kaizenlake.lake.readers.chunks import CsvDialect, Lines, Rows, breaks_off, is_full
from kaizenlake.lake.readers.faults import FAULTS
from kaizenlake.lake.readers.json_rows import NoSuchListError, from_list, lists_in, rows_of
from kaizenlake.lake.readers.sources import BLOCK_BYTES, SourceFile, open_source

Run: TypeAlias = tuple[Sequence[int], list[bytes]]
"""Numbers of lines, and their bytes; never without any."""


def read_lines(source: SourceFile, line_bytes: int) -> Iterator[Lines]:
    """Read events of our own form in chunks; blank lines keep their number and are not taken.

    Args:
        source: An NDJSON or JSON file.
        line_bytes: Longest line taken.
    """
    with open_source(source) as stream:
        blocks = _yield_blocks(stream, source)
        if source.form == "json":
            yield from _gather(_yield_values(blocks, line_bytes))
        else:
            yield from _gather(_yield_lines(blocks, line_bytes, source.lines_before))


def _gather(runs: Iterator[Run]) -> Iterator[Lines]:
    """Yield runs of lines as chunks."""
    chunk, size, number = Lines(), 0, 0
    try:
        for numbers, lines in runs:
            chunk.lines += lines
            chunk.numbers += numbers
            number = numbers[-1]
            size += sum(map(len, lines))
            if is_full(len(chunk.lines), size):
                yield chunk
                chunk, size = Lines(), 0
    except NoSuchListError:
        raise
    except FAULTS as error:
        chunk.refused.append(breaks_off(number + 1, error))
    if chunk.lines or chunk.refused:
        yield chunk


def ndjson_lines(source: SourceFile, line_bytes: int) -> Iterator[Run]:
    """Yield lines of a file that are not blank, with their numbers; one longer than is taken is cut."""
    with open_source(source) as stream:
        yield from _yield_lines(_yield_blocks(stream, source), line_bytes, source.lines_before)


def json_values(source: SourceFile, line_bytes: int) -> Iterator[Run]:
    """Yield JSON values of a file, each on one line, with their places; one longer than is taken is cut."""
    with open_source(source) as stream:
        yield from _yield_values(_yield_blocks(stream, source), line_bytes)


def read_rows(source: SourceFile, dialect: CsvDialect, line_bytes: int) -> Iterator[Rows]:
    """Read a foreign table in chunks of rows.

    Args:
        source: A file of any form.
        dialect: How it is written.
        line_bytes: Longest record taken.

    Raises:
        MappingError: The header, the sheet or the list of records is not where it should be.
    """
    # What reads a form is loaded where a file has it.
    match source.form:
        case "parquet":
            from kaizenlake.lake.readers.parquet_rows import parquet_rows

            yield from parquet_rows(source)
        case "yaml":
            from kaizenlake.lake.readers.yaml_rows import yaml_rows

            yield from yaml_rows(source, line_bytes)
        case "xlsx":
            from kaizenlake.lake.readers.xlsx_rows import xlsx_rows

            yield from xlsx_rows(source, dialect)
        case "json" | "ndjson":
            yield from _yield_json_rows(source, dialect, line_bytes)
        case _:
            from kaizenlake.lake.readers.csv_rows import csv_rows

            yield from csv_rows(source, dialect, line_bytes)


def _yield_json_rows(source: SourceFile, dialect: CsvDialect, line_bytes: int) -> Iterator[Rows]:
    """Yield records of JSON: a list of objects, one that lies in an object, one object, or one a line."""
    with open_source(source) as stream:
        if dialect.rows:
            chunked = _gather(_yield_values(from_list(stream, dialect.rows, BLOCK_BYTES), line_bytes, is_list=True))
        elif source.form == "json":
            chunked = _gather(_yield_values(_yield_blocks(stream, source), line_bytes))
        else:
            chunked = _gather(_yield_lines(_yield_blocks(stream, source), line_bytes, source.lines_before))
        try:
            for chunk in chunked:
                rows = rows_of(chunk.lines, chunk.numbers, line_bytes)
                rows.refused = sorted([*chunk.refused, *rows.refused], key=lambda item: item.number)
                _check_records(rows, dialect, source.name)
                yield rows
        except NoSuchListError as error:
            raise MappingError(f"The records are not where the mapping says: {error}.", where=source.name) from error


def _check_records(rows: Rows, dialect: CsvDialect, where: str) -> None:
    """Check that a lone object is not what the records lie in.

    Raises:
        MappingError: It lacks columns that the records of a list in it have; the words say how to name that list.
    """
    if dialect.rows or len(rows.numbers) != 1 or all(dialect.has(name, rows.frame.columns) for name in dialect.needed):
        return
    for path, members in lists_in(rows.raws[0] if rows.raws else ""):
        if members and all(dialect.has(name, members) for name in dialect.needed):
            raise MappingError(
                "The file is one object, and the records are a list that lies in it.",
                where=where,
                hint=f'Say `rows = "{path}"` under [format].',
            )


def _yield_blocks(stream: IO[bytes], source: SourceFile) -> Iterator[bytes]:
    """Yield blocks of what is to be read of a file, without a byte order mark at its beginning."""
    mark = b"" if source.start else codecs.BOM_UTF8
    if source.start:
        stream.seek(source.start)
    while block := stream.read(BLOCK_BYTES):
        yield block.removeprefix(mark)
        mark = b""


def _yield_lines(blocks: Iterator[bytes], line_bytes: int, number: int) -> Iterator[Run]:
    """Yield lines of a stream after so many; the rest of a line longer than is taken is passed over."""
    carry, passing = b"", False
    for block in blocks:
        run = block.split(b"\n")
        if passing:
            if len(run) == 1:
                continue
            run[0], passing = b"", False
        run[0] = carry + run[0]
        carry = run.pop()
        for start in range(0, len(run), chunks.CHUNK_LINES):
            yield from _run(run[start : start + chunks.CHUNK_LINES], number + start + 1, line_bytes)
        number += len(run)
        if len(carry) > line_bytes:
            carry, passing = carry[: line_bytes + 1], True
    if carry.strip():
        yield [number + 1], [carry[: line_bytes + 1]]


def _run(texts: list[bytes], first: int, line_bytes: int) -> Iterator[Run]:
    """Yield lines that are not blank, if there are any."""
    lines = [line[: line_bytes + 1] for text in texts if (line := text.removesuffix(b"\r")) and not line.isspace()]
    if len(lines) == len(texts):
        yield range(first, first + len(lines)), lines
    elif lines:
        yield [number for number, text in enumerate(texts, first) if text.strip()], lines


_MARK = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},\n]', re.DOTALL)
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_SPACE = b" \t\r\n"


def _yield_values(  # noqa: C901, PLR0912 - one state machine
    blocks: Iterator[bytes], line_bytes: int, *, is_list: bool = False
) -> Iterator[Run]:
    """Yield JSON values of a stream: the elements of an array, or values one after the other.

    Values are cut out by counting brackets outside strings, so that a broken one does not spoil those after it, and no
    more than one has to be held. The number of a value is its place, from 1. What lies behind a list that is all there is to
    read (`is_list`) is none of its values.
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
                if is_list:
                    return
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
    """Return a JSON value without line ends; as it is where it is broken."""
    with suppress(msgspec.DecodeError, ValueError, RecursionError):
        return msgspec.json.format(value, indent=-1)
    return value
