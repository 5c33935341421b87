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
from kaizenlake.lake.header import has, root
from kaizenlake.lake.json_rows import cell, inner, items, marked, record
from kaizenlake.lake.mapping_document import Document, Moment, Section, Value, values
from kaizenlake.lake.sources import Form


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

    def dialect(self, form: Form) -> Dialect:
        """How a file of it is written.

        Args:
            form: Form of the file.
        """
        said = self.document.format
        return Dialect(
            said.separator or ("\t" if form == "tsv" else ","),
            said.quote,
            codecs.lookup(said.encoding).name,
            said.rows,
            said.sheet,
            said.header,
            said.header_rows,
            tuple(name for name, is_needed in self._read.items() if is_needed),
        )

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns it reads, in the order in which it names them."""
        return tuple(self._read)

    @cached_property
    def _read(self) -> dict[str, bool]:
        """Columns it reads, and whether each is needed."""
        read: dict[str, bool] = {}
        for section in self.document.event:
            if section.each is not None:
                # What lies in its items is no column of the table; a name may be that of either.
                read[section.each] = True
            for part in (section.id.columns or [], section.occurred_at.sources, section.when):
                for name in part:
                    read[name] = read.get(name, False) or section.each is None
            for _, value in values(section):
                for name in value.sources:
                    read[name] = read.get(name, False) or not (value.optional or section.each)
        return read

    def fits(self, present: Sequence[str], *, where: str) -> None:
        """Check that a table has the columns that are needed; it may have others.

        Raises:
            MappingError: Names each missing column, the nearest there are, and all there are.
        """
        missing = [name for name, is_needed in self._read.items() if is_needed and not has(name, present)]
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
            if {"type", "payload"} <= set(present) or "specversion" in present:
                hint = "The file may hold events already; these land without a mapping."
            elif len(present) == 1 and re.search(r"[;,\t|]", present[0]):
                hint = f"The separator of this mapping is {self.document.format.separator or ','!r}; the file may have another."
            raise MappingError(
                f"Mapping {self.name!r} does not fit: it needs the missing column{'s' if len(missing) > 1 else ''} "
                f"{', '.join(words)}. There are: {shown}.",
                where=where,
                hint=hint,
            )

    def apply(self, rows: Rows, *, identity: str) -> Mapped:
        """Make event lines of rows.

        Args:
            rows: Rows of a table.
            identity: SHA-256 of the file, by which events are named that only their row names.
        """
        form = self.document.format
        marks = cells.Numbers(form.thousands, form.decimal)
        frame = self._frame(rows)
        made = [self._lines(section, frame, marks, identity) for section in self.document.event]
        lines = pl.concat(made).sort(_PLACE, maintain_order=True)
        taken = set(lines[_PLACE])
        return Mapped(
            lines["line"].cast(pl.Binary).to_list(),
            lines[_PLACE].to_list(),
            [place for place in range(frame.height) if place not in taken],
        )

    def _frame(self, rows: Rows) -> pl.DataFrame:
        """The columns that are read, without what says nothing; beside each that holds typed numbers, which they are."""
        present = rows.frame.columns
        held: dict[str, pl.Series] = {}
        for name in self.columns:
            lies_in = root(name, present)
            if lies_in == name:
                held[name] = rows.frame[name].str.strip_chars()
                if name in rows.typed:
                    held[_TYPED + name] = rows.typed[name]
            elif lies_in is not None:
                found = [inner(text, name[len(lies_in) :]) for text in rows.frame[lies_in]]
                held.update(_nested(name, found))
            else:
                held[name] = pl.Series([None] * len(rows.numbers), dtype=pl.String)
        said = ["", *self.document.format.null_values]
        return (
            pl.DataFrame(held)
            .with_columns(
                pl.when(pl.col(name).is_in(said).not_()).then(pl.col(name)).alias(name) for name in self.columns
            )
            .with_columns(pl.Series(_ROW, rows.numbers, dtype=pl.Int64))
            .with_row_index(_PLACE)
        )

    def _lines(self, section: Section, frame: pl.DataFrame, marks: cells.Numbers, identity: str) -> pl.DataFrame:
        event = by_name(section.type)
        assert event is not None, "a mapping is checked when it is read"
        kinds = {field.name: field.kind for field in event.fields}
        if section.each is not None:
            frame = _items(frame, section.each, self.columns, self.document.format.null_values)
        rows = frame.filter(*(pl.col(name).is_in(words) for name, words in section.when.items()))
        hashed = {name: value.columns or [] for name, value in values(section) if value.hash}
        rows = rows.with_columns(
            pl.Series(_HASH + name, cells.digests(rows, columns, ""), dtype=pl.String)
            for name, columns in hashed.items()
        )
        if section.id.row:
            number = [_ROW] if section.each is None else [_ROW, pl.lit("."), _ITEM]
            event_id = pl.concat_str(pl.lit(f"{self.source}:{section.type}:{identity[:24]}:"), *number)
        else:
            named = cells.digests(rows, section.id.columns or [], f"{self.source}\0{section.type}\0")
            rows = rows.with_columns(pl.Series(_HASH, named, dtype=pl.String))
            event_id = pl.lit(f"{self.source}:") + pl.col(_HASH)
        given = {
            name: _value(name, value, kinds.get(name, "str"), _Marks(marks, frozenset(rows.columns)))
            for name, value in values(section)
        }
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


_PLACE, _ROW, _ITEM, _HASH, _TYPED = "\0place", "\0row", "\0item", "\0hash ", "\0typed "
"""Columns of ours beside those of the table; no header holds a NUL."""


_COMMA = ","


def _nested(name: str, found: Sequence[msgspec.Raw | None]) -> dict[str, pl.Series]:
    """Values that lie within a column, as a column of their own."""
    told = [(None, False) if raw is None else cell(raw) for raw in found]
    numeric = [place for place, (_, is_number) in enumerate(told) if is_number]
    return {
        name: pl.Series([text for text, _ in told], dtype=pl.String).str.strip_chars(),
        _TYPED + name: marked(numeric, len(told)),
    }


def _items(frame: pl.DataFrame, each: str, columns: Sequence[str], nothing: Sequence[str]) -> pl.DataFrame:
    """A row for each item of a list; a name is that of a member of the item, or else of a column of the row."""
    listed = [items(text) for text in frame[each]]
    sizes = [len(found) for found in listed]
    rows = frame.select(pl.all().repeat_by(pl.Series(sizes, dtype=pl.UInt32)).explode(empty_as_null=False))
    flat = [item for found in listed for item in found]
    texts = [bytes(item).decode() for item in flat]
    members = [record(item) for item in flat]
    rows = rows.with_columns(
        pl.Series(_ITEM, [place for size in sizes for place in range(1, size + 1)], dtype=pl.Int64)
    )
    for name in columns:
        within = name.removeprefix(f"{each}.")
        found = [
            held.get(within) or inner(text, within) if held else None for held, text in zip(members, texts, strict=True)
        ]
        if any(raw is not None for raw in found):
            told = pl.DataFrame(_nested(name, found))
            typed = (
                rows[_TYPED + name]
                if _TYPED + name in rows.columns
                else pl.repeat(value=False, n=rows.height, eager=True)
            )
            is_own = pl.Series([raw is not None for raw in found], dtype=pl.Boolean)
            text = pl.when(told[name].is_in(["", *nothing]).not_()).then(told[name])
            rows = rows.with_columns(
                pl.when(is_own).then(text).otherwise(pl.col(name)).alias(name),
                pl.when(is_own).then(told[_TYPED + name]).otherwise(typed).alias(_TYPED + name),
            )
    return rows


@dataclass(frozen=True)
class _Marks:
    """Marks of the numbers of a table, and its columns: beside one that holds typed numbers lies which those are."""

    marks: cells.Numbers
    columns: frozenset[str]

    def number(self, column: str, cell: pl.Expr, *, whole: bool, factor: float, divisor: float) -> pl.Expr:
        """The number in a cell of a column."""
        read = cells.number(cell, self.marks, whole=whole, factor=factor, divisor=divisor)
        if _TYPED + column not in self.columns:
            return read
        typed = cells.number(cell, cells.Numbers(), whole=whole, factor=factor, divisor=divisor)
        return pl.when(_TYPED + column).then(typed).otherwise(read)


def _value(name: str, value: Value, kind: str, marks: _Marks) -> pl.Expr:
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


def _cell(cell: pl.Expr, value: Value, kind: str, marks: _Marks) -> pl.Expr:
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
            return marks.number(
                value.column or "", cell, whole=kind == "int", factor=value.multiply_by or 1.0, divisor=divisor
            )
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
