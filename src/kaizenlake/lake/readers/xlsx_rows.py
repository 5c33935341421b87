"""Rows of a sheet of a workbook: figures to the digit, dates as dates whatever format shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import polars as pl
import python_calamine

from kaizenlake.errors import MappingError
from kaizenlake.lake.readers import chunks
from kaizenlake.lake.readers.chunks import CsvDialect, Rows, breaks_off
from kaizenlake.lake.readers.faults import FAULTS, printable
from kaizenlake.lake.readers.header import FIRST_ROWS, find_header
from kaizenlake.lake.readers.json_rows import mark_places
from kaizenlake.lake.readers.sources import SourceFile, UnpacksToTooMuchError, sought


def xlsx_rows(source: SourceFile, dialect: CsvDialect) -> Iterator[Rows]:
    """Read a sheet in chunks of rows; the first has none, and names the columns. The number of a row is that of the sheet.

    Args:
        source: An Excel or OpenDocument workbook.
        dialect: Which sheet, and where its header is.

    Raises:
        MappingError: It has no such sheet, or no such header.
    """
    number = 0
    try:
        with sought(source) as stream, python_calamine.load_workbook(_check_size(stream)) as book:
            sheet = _sheet(book, dialect, source.name)
            number = sheet.start[0] if sheet.start is not None else 0
            # Rows that lie above the first cell of the sheet are not given.
            above = number
            rows = iter(sheet.iter_rows())
            if above and dialect.header is not None:
                rows = chain(([] for _ in range(above)), rows)
                above = 0
            first = list(islice(rows, max(FIRST_ROWS, (dialect.header or 0) + 2)))
            if not first:
                return
            header = find_header([[_find_text(cell) or "" for cell in row] for row in first], dialect, source.name)
            yield Rows(pl.DataFrame(schema=dict.fromkeys(header.names, pl.String)))
            number = above + header.rows
            ahead = chain(first[header.rows :], rows)
            while taken := list(islice(ahead, chunks.CHUNK_LINES)):
                yield _make_rows(taken, header.names, number + 1)
                number += len(taken)
    except (FileNotFoundError, MappingError):
        raise
    except FAULTS as error:
        yield Rows(pl.DataFrame(), refused=[breaks_off(number + 1, error)])


MOST_BYTES = 1024 * 1024 * 1024
"""Bytes of a workbook, unpacked, that are read: all of a sheet is in memory at once."""


def _check_size(stream: IO[bytes]) -> IO[bytes]:
    """Check that a workbook does not unpack to more than fits in memory; an old one is not packed.

    Raises:
        UnpacksToTooMuchError: It does.
    """
    with suppress(BadZipFile), ZipFile(stream) as book:
        if sum(item.file_size for item in book.infolist()) > MOST_BYTES:
            raise UnpacksToTooMuchError(MOST_BYTES)
    stream.seek(0)
    return stream


def _sheet(book: python_calamine.CalamineWorkbook, dialect: CsvDialect, where: str) -> python_calamine.CalamineSheet:
    names = book.sheet_names
    asked = dialect.sheet
    if asked is None:
        shown = [item.name for item in book.sheets_metadata if item.visible == python_calamine.SheetVisibleEnum.Visible]
        if len(shown) > 1 and dialect.needed:
            # The first sheet may be a cover; the one that has the columns is meant.
            for name in shown:
                sheet = book.get_sheet_by_name(name)
                first = [[_find_text(cell) or "" for cell in row] for row in islice(sheet.iter_rows(), FIRST_ROWS)]
                found = find_header(first, dialect, where) if first else None
                if found is not None and all(dialect.has(need, found.names) for need in dialect.needed):
                    return sheet
        asked = (shown or names)[0]
    if isinstance(asked, int):
        if not 1 <= asked <= len(names):
            raise MappingError(f"The mapping says sheet {asked}; the workbook has {len(names)}.", where=where)
        asked = names[asked - 1]
    if asked not in names:
        told = ", ".join(map(repr, names))
        raise MappingError(f"The workbook has no sheet {asked!r}. There are: {told}.", where=where)
    return book.get_sheet_by_name(asked)


def first_rows(source: SourceFile) -> dict[str, list[list[str]]]:
    """Return the first rows of each sheet that is shown, by its name; none where it is no workbook that can be read."""
    try:
        with sought(source) as stream, python_calamine.load_workbook(_check_size(stream)) as book:
            visible = python_calamine.SheetVisibleEnum.Visible
            names = [item.name for item in book.sheets_metadata if item.visible == visible] or book.sheet_names
            found = {}
            for name in names:
                rows = islice(book.get_sheet_by_name(name).iter_rows(), FIRST_ROWS)
                found[name] = [[_find_text(cell) or "" for cell in row] for row in rows]
            return found
    except FileNotFoundError:
        raise
    except FAULTS:
        return {}


def _make_rows(rows: list[list[Any]], header: list[str], first: int) -> Rows:
    """Return rows that hold something."""
    held = [(first + place, row) for place, row in enumerate(rows) if any(_find_text(cell) for cell in row)]
    columns: dict[str, list[str | None]] = {name: [] for name in header}
    numeric: dict[str, list[int]] = {}
    for place, (_, row) in enumerate(held):
        for at, name in enumerate(header):
            cell = row[at] if at < len(row) else None
            columns[name].append(_find_text(cell))
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                numeric.setdefault(name, []).append(place)
    frame = pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String))
    typed = {name: mark_places(places, len(held)) for name, places in numeric.items()}
    return Rows(frame, [number for number, _ in held], typed=typed, is_workbook=True)


def _find_text(cell: Any) -> str | None:
    """Return a cell as text; null where it is empty."""
    match cell:
        case bool():
            text = "true" if cell else "false"
        case float():
            # Every number of a workbook is a float: a whole one is written without its decimals.
            text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        case datetime():
            # A workbook holds a date as its midnight.
            text = cell.date().isoformat() if cell.time() == time() else cell.isoformat()
        case date() | time():
            text = cell.isoformat()
        case timedelta():
            text = _clock(cell.total_seconds())
        case None:
            text = ""
        case _:
            text = printable(str(cell))
    return text or None


def _clock(seconds: float) -> str:
    sign, whole = ("-" if seconds < 0 else ""), round(abs(seconds))
    return f"{sign}{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
