"""The header of a table that people made: looked for among the first rows, by the names that a mapping needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kaizenlake.errors import MappingError
from kaizenlake.lake.readers.chunks import CsvDialect, distinct

FIRST_ROWS = 50
"""Rows among which a header is looked for."""

BETWEEN = " / "
"""What joins the names of a header of two rows."""


@dataclass(frozen=True)
class Header:
    """Names of the columns, and how many of the first rows lie before the first row of figures."""

    names: list[str]
    rows: int


def find_header(first: Sequence[Sequence[str]], dialect: CsvDialect, where: str) -> Header:
    """Find the header: the row that is given, or the first that has all names that are needed, or else the likest.

    Two rows are a header together where the lower alone lacks a name that is needed; a cell of the upper holds for the
    empty ones to its right, as where cells are merged.

    Args:
        first: The first rows of the table.
        dialect: How it is written.
        where: The file.

    Raises:
        MappingError: There is no such row, or no cell in any.
    """
    spans = [dialect.header_rows] if dialect.header_rows is not None else [1, 2]
    if dialect.header is not None:
        if dialect.header + spans[0] - 1 > len(first):
            raise MappingError(
                f"The mapping says that the header is row {dialect.header}; it ends before.", where=where
            )
        starts: Iterable[int] = [dialect.header - 1]
    else:
        starts = range(len(first))
    best, most = Header(distinct([]), 0), -1
    for span in spans:
        for start in starts:
            if start + span > len(first):
                continue
            names = _list_names(first[start : start + span])
            found = sum(dialect.has(name, names) for name in dialect.needed)
            if found > most or (found == most and span == 1 and best.rows == 0):
                best, most = Header(distinct(names), start + span), found
            if found == len(dialect.needed):
                return best
    if not best.names:
        raise MappingError("The header cannot be read.", where=where)
    return best


def _list_names(rows: Sequence[Sequence[str]]) -> list[str]:
    lower = [cell.strip() for cell in rows[-1]]
    for row in reversed(rows[:-1]):
        above, upper = "", []
        for place in range(len(lower)):
            above = (row[place].strip() if place < len(row) else "") or above
            upper.append(above)
        lower = [BETWEEN.join(filter(None, pair)) for pair in zip(upper, lower, strict=True)]
    return lower
