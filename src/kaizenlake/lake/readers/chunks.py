"""Chunks: what reading a file gives, lines or rows with their numbers and those it refuses, so much at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl

from kaizenlake.lake.readers import json_cells
from kaizenlake.lake.readers.faults import describe_fault
from kaizenlake.lake.readers.names import Others, has

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
        event_type: Type of the event that it would be; None where it is none.
    """

    number: int
    rule: str
    reason: str
    raw: str
    event_type: str | None = None


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
        typed: By column, which of its cells the file itself holds as numbers: marks of decimals and thousands do not apply
            to these.
        raws: Text to keep of each row where it is refused; its cells as a JSON object where None.
        is_workbook: The file holds a share as a fraction where it shows a percent.
    """

    frame: pl.DataFrame
    numbers: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    typed: dict[str, pl.Series] = field(default_factory=dict)
    raws: list[str] | None = None
    is_workbook: bool = False

    def part(self, places: slice) -> Rows:
        """Return some of the rows, without those that were refused."""
        return Rows(
            self.frame[places],
            self.numbers[places],
            typed={name: mask[places] for name, mask in self.typed.items()},
            raws=None if self.raws is None else self.raws[places],
            is_workbook=self.is_workbook,
        )


_JSON_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"


def row_texts(rows: Rows) -> pl.Series:
    """Return the text of each row, to be kept where it is refused: a JSON object, typed numbers in it being numbers."""
    if rows.raws is not None:
        return pl.Series(rows.raws, dtype=pl.String)
    if not rows.typed:
        return rows.frame.select(pl.struct(pl.all()).struct.json_encode()).to_series()
    members: list[pl.Expr] = []
    for name in rows.frame.columns:
        cell = pl.col(name)
        said = json_cells.text(cell).fill_null("null")
        if name in rows.typed:
            said = pl.when(rows.typed[name] & cell.str.contains(_JSON_NUMBER)).then(cell).otherwise(said)
        key = msgspec.json.encode(name).decode()
        members += [pl.lit(f", {key}:" if members else f"{key}:"), said]
    return rows.frame.select(pl.concat_str(pl.lit("{"), *members, pl.lit("}"))).to_series()


@dataclass(frozen=True)
class CsvDialect:
    """How a table is written.

    Args:
        separator: What stands between the cells of a CSV file.
        quote: What encloses a cell of a CSV file.
        encoding: Encoding of a CSV file.
        rows: Path to the list of records in a JSON or YAML object; empty for the file itself.
        sheet: Name or number of the sheet of a workbook; the first where None.
        header: Row that holds the names of the columns, from 1; None looks for it.
        header_rows: Rows that the names of the columns take; None looks for one row, then for two.
        needed: Columns by which the header is found.
        others: By column, what it is also called.
    """

    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    rows: str = ""
    sheet: str | int | None = None
    header: int | None = None
    header_rows: int | None = None
    needed: tuple[str, ...] = ()
    others: Others = field(default_factory=dict, hash=False)

    def has(self, name: str, names: Sequence[str]) -> bool:
        """Return whether a table has a column, by whatever name."""
        return has(name, names, self.others)


def is_full(lines: int, size: int) -> bool:
    """Return whether a chunk of so many lines and bytes ends here."""
    return lines >= CHUNK_LINES or size >= CHUNK_BYTES


def breaks_off(number: int, error: BaseException) -> Refused:
    """Return what stands for the rest of a file that cannot be read from a line on."""
    return Refused(
        number, "not_readable", f"the file cannot be read from here on: {describe_fault(error)}", describe_fault(error)
    )


def distinct(names: list[str]) -> list[str]:
    """Return names of columns, each that came before with the place at which it comes again.

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
