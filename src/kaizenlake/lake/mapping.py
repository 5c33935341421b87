"""Mappings: how the rows of a foreign table become events, declared in TOML.

A mapping says how the file is written (`[format]`) and, for each event a row stands for (`[[event]]`), its type, its id,
its time and which column feeds which field. The rows become event lines that pass the same check as any other, so a cell
that cannot be read as what it should be is handed on as it is, for the check to refuse and to name.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import msgspec
import polars as pl

from kaizenlake.errors import MappingError
from kaizenlake.events.catalogue import by_name
from kaizenlake.lake import cells
from kaizenlake.lake.chunks import Dialect, Rows
from kaizenlake.lake.mapping_document import Document, Moment, Section, Value, values


@dataclass(frozen=True)
class Mapped:
    """Rows as event lines.

    Args:
        lines: Event lines, in the order of their rows.
        places: Row that each line comes from, counted from 0 in the chunk.
        unmatched: Rows that no event section takes.
    """

    lines: list[bytes]
    places: list[int]
    unmatched: list[int]


@dataclass(frozen=True)
class Mapping:
    """How a foreign table is read.

    Args:
        name: Name of the mapping; also the source of its events, unless it says another.
        where: File it was read from.
        digest: SHA-256 of its text.
        document: What it declares.
    """

    name: str
    where: str
    digest: str
    document: Document

    @property
    def description(self) -> str:
        """What table it is for."""
        return self.document.description

    @property
    def source(self) -> str:
        """Source of its events."""
        return self.document.source or self.name

    @property
    def dialect(self) -> Dialect:
        """How a CSV file of it is written."""
        form = self.document.format
        return Dialect(form.separator, form.quote, codecs.lookup(form.encoding).name)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns it reads, in the order in which it names them."""
        return tuple(self._read)

    @cached_property
    def _read(self) -> dict[str, bool]:
        """Columns it reads, and whether each is needed."""
        read: dict[str, bool] = {}
        for section in self.document.event:
            for part in (section.id.columns or [], section.occurred_at.sources, section.when):
                read.update(dict.fromkeys(part, True))
            for _, value in values(section):
                for name in value.sources:
                    read[name] = read.get(name, False) or not value.optional
        return read

    def fits(self, present: Sequence[str], *, where: str) -> None:
        """Check that a table has the columns that are needed; it may have others.

        Raises:
            MappingError: Names each missing column, the nearest there are, and all there are.
        """
        missing = [name for name, is_needed in self._read.items() if is_needed and name not in present]
        doubled = [
            name
            for name in self.columns
            if any(re.fullmatch(rf"{re.escape(name)} \(column \d+\)", column) for column in present)
        ]
        shown = ", ".join(repr(name) for name in present) or "none"
        if doubled:
            raise MappingError(
                f"Mapping {self.name!r} reads the column {doubled[0]!r}, and the table has it more than once. "
                f"There are: {shown}.",
                where=where,
            )
        if missing:
            words = []
            for name in missing:
                alike = near(name, present)
                words.append(f"{name!r}" + (f" (nearest: {', '.join(map(repr, alike))})" if alike else ""))
            hint = ""
            if len(present) == 1 and re.search(r"[;,\t|]", present[0]):
                hint = (
                    f"The separator of this mapping is {self.document.format.separator!r}; the file may have another."
                )
            raise MappingError(
                f"Mapping {self.name!r} does not fit: it needs the missing column{'s' if len(missing) > 1 else ''} "
                f"{', '.join(words)}. There are: {shown}.",
                where=where,
                hint=hint,
            )

    def apply(self, rows: Rows, *, identity: str) -> Mapped:
        """Make event lines of rows.

        Args:
            rows: Rows of a table that the mapping fits.
            identity: SHA-256 of the file, by which events are named that only their row names.
        """
        form = self.document.format
        marks = cells.Numbers() if rows.native else cells.Numbers(form.thousands, form.decimal)
        absent = pl.lit(None, dtype=pl.String)
        stripped = {
            name: pl.col(name).str.strip_chars() if name in rows.frame.columns else absent for name in self.columns
        }
        frame = rows.frame.select(
            pl.when(cell.is_in(["", *form.null_values]).not_()).then(cell).alias(name)
            for name, cell in stripped.items()
        )
        frame = frame.with_columns(pl.Series(_ROW, rows.numbers, dtype=pl.Int64)).with_row_index(_PLACE)
        made = [self._lines(section, frame, marks, identity) for section in self.document.event]
        lines = pl.concat(made).sort(_PLACE, maintain_order=True)
        taken = set(lines[_PLACE])
        return Mapped(
            lines["line"].cast(pl.Binary).to_list(),
            lines[_PLACE].to_list(),
            [place for place in range(frame.height) if place not in taken],
        )

    def _lines(self, section: Section, frame: pl.DataFrame, marks: cells.Numbers, identity: str) -> pl.DataFrame:
        event = by_name(section.type)
        assert event is not None, "a mapping is checked when it is read"
        kinds = {field.name: field.kind for field in event.fields}
        rows = frame.filter(*(pl.col(name).is_in(words) for name, words in section.when.items()))
        hashed = {name: value.columns or [] for name, value in values(section) if value.hash}
        rows = rows.with_columns(
            pl.Series(_HASH + name, cells.digests(rows, columns, ""), dtype=pl.String)
            for name, columns in hashed.items()
        )
        if section.id.row:
            event_id = pl.concat_str(pl.lit(f"{self.source}:{section.type}:{identity[:24]}:"), _ROW)
        else:
            named = cells.digests(rows, section.id.columns or [], f"{self.source}\0{section.type}\0")
            rows = rows.with_columns(pl.Series(_HASH, named, dtype=pl.String))
            event_id = pl.lit(f"{self.source}:") + pl.col(_HASH)
        given = {name: _value(name, value, kinds.get(name, "str"), marks) for name, value in values(section)}
        payload = pl.concat_str(*(cells.member(name, given[name]) for name in section.fields))
        tags = f'"tags":{_json(section.tags)},' if section.tags else ""
        return rows.select(
            _PLACE,
            pl.concat_str(
                pl.lit("{"),
                cells.member("id", cells.text(event_id)),
                pl.lit(f'"type":{_json(section.type)},"source":{_json(self.source)},{tags}'),
                cells.member("occurred_at", _moment(section.occurred_at)),
                *(cells.member(name, given[name]) for name in ("project_id", "tenant_id") if name in given),
                pl.lit('"payload":{'),
                payload.str.strip_suffix(","),
                pl.lit("}}"),
            ).alias("line"),
        )


_PLACE, _ROW, _HASH = "\0place", "\0row", "\0hash "
"""Columns of ours beside those of the table; no header holds a NUL."""


def _value(name: str, value: Value, kind: str, marks: cells.Numbers) -> pl.Expr:
    """The value of a field as JSON text, null where the table says nothing."""
    if value.column is not None:
        return _cell(pl.col(value.column), value, kind, marks)
    if value.columns is not None:
        joined = pl.concat_str(value.columns, separator=value.join or "", ignore_nulls=True)
        return cells.text(pl.col(_HASH + name) if value.hash else pl.when(joined != "").then(joined))
    if value.count is not None:
        return pl.sum_horizontal(_holds(value, item) for item in value.count).cast(pl.String)
    if value.names is not None:
        held = [pl.when(_holds(value, item)).then(pl.lit(word)) for word, item in value.names.items()]
        return cells.listed(pl.concat_list(held).list.drop_nulls())
    if value.row is not None:
        return cells.text(pl.lit(value.row) + pl.col(_ROW).cast(pl.String))
    return pl.lit(_json(value.constant))


def _holds(value: Value, column: str) -> pl.Expr:
    """Whether a column holds what counts; one that says nothing does not."""
    cell = pl.col(column)
    return cell.is_in(value.is_) if value.is_ is not None else cell.is_in(value.is_not or []).not_()


def _cell(cell: pl.Expr, value: Value, kind: str, marks: cells.Numbers) -> pl.Expr:
    """A cell as JSON text of the kind that its field is of."""
    if value.values is not None:
        cell = cell.replace(list(value.values), [word or None for word in value.values.values()])
    match kind:
        case "list":
            return cells.words(cell, value.split or ",")
        case "bool":
            return cells.boolean(cell)
        case "datetime":
            return cells.instant(cell, value.format or "iso", value.zone)
        case "int" | "float":
            if value.percent:
                cell = cell.str.strip_suffix("%").str.strip_chars_end()
            divisor = (value.divide_by or 1.0) * (100.0 if value.percent else 1.0)
            return cells.number(cell, marks, whole=kind == "int", factor=value.multiply_by or 1.0, divisor=divisor)
        case _:
            return cells.text(cell)


def _moment(moment: Moment) -> pl.Expr:
    if moment.column is not None:
        return cells.instant(pl.col(moment.column), moment.format, moment.zone)
    zone = moment.zone or "UTC"
    if moment.week is not None:
        return cells.iso_week(pl.col(moment.week), zone)
    assert moment.month is not None, "a mapping is checked when it is read"
    assert moment.weekday is not None, "a mapping is checked when it is read"
    assert moment.year is not None, "a mapping is checked when it is read"
    return cells.first_weekday_of_month(
        moment.year,
        pl.col(moment.month),
        pl.col(moment.weekday),
        None if moment.hour is None else pl.col(moment.hour),
        day_one=moment.first_weekday,
        zone=zone,
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def near(name: str, present: Sequence[str]) -> list[str]:
    """Up to three of the names that are there, the most alike first."""
    lower = {column.lower(): column for column in reversed(present)}
    found = get_close_matches(name.lower(), list(lower), n=3, cutoff=0.5)
    return [lower[item] for item in found]
