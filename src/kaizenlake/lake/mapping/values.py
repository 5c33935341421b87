"""The values of fields: expressions that make them of the cells of a row, as JSON text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from kaizenlake.events.catalogue import Field
from kaizenlake.lake.mapping import figures
from kaizenlake.lake.mapping.document import Currency, Value
from kaizenlake.lake.mapping.items import ROW, TYPED
from kaizenlake.lake.mapping.money import Amounts, Exchange, in_dollars
from kaizenlake.lake.readers import json_cells

HASH = "\0hash "
"""Before the name of a field, the hash that it is."""


@dataclass(frozen=True)
class Reading:
    """How the rows of a table are read.

    Args:
        is_workbook: They come from a workbook, which holds a share as a fraction where it shows a percent.
        called: What the table calls a column, by the name that the mapping has for it, where these differ.
    """

    is_workbook: bool = False
    called: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Fields:
    """What the fields of the events of some rows are made of.

    Args:
        rows: The rows.
        style: What the mapping says of how numbers are written.
        seen: By column, which marks of decimals earlier rows of the file have shown.
        exchange: What amounts of money are worth.
        currency_column: Column of the table that says what its amounts are in, where the mapping does not.
        times: Time of each row as JSON text.
        reading: How they are read.
        hints: By row, why a number could not be read, told where the row is refused.
    """

    rows: pl.DataFrame
    style: figures.Style
    seen: dict[str, set[str]]
    exchange: Exchange
    currency_column: str | None
    times: pl.Series
    reading: Reading = Reading()
    hints: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def value(self, name: str, value: Value, declared: Field | None) -> pl.Expr | pl.Series:
        """Return the value of a field as JSON text, null where the table says nothing.

        Args:
            name: The field.
            value: Where it comes from.
            declared: The field as the catalogue has it; None for one of the envelope.
        """
        kind = declared.kind if declared is not None else "str"
        if kind in {"int", "float"} and declared is not None and (value.column or value.first or value.figures):
            made: pl.Expr | pl.Series = self._number(name, value, declared)
        else:
            made = self._refuse_rounded(name, value, _plain_value(name, value, kind))
        if value.default is None:
            return made
        return (pl.lit(made) if isinstance(made, pl.Series) else made).fill_null(pl.lit(to_json(value.default)))

    def _number(self, name: str, value: Value, declared: Field) -> pl.Series:
        """Return a number: that of a column, or one that is reckoned of several."""
        whole = declared.kind == "int"
        if value.figures:
            text = self._reckon_columns(name, value, declared)
        else:
            text = self._column(name, value, declared, value.first or [value.column or ""])
        divisor = (value.divide_by or 1.0) * (100.0 if value.percent else 1.0)
        made = json_cells.number(pl.lit(text), whole=whole, factor=value.multiply_by or 1.0, divisor=divisor)
        return self.rows.select(made.alias("_")).to_series()

    def _refuse_rounded(self, name: str, value: Value, made: pl.Expr) -> pl.Expr:
        """Return an id with those that a spreadsheet has rounded as numbers, which the check refuses: several ids would be one."""
        columns = value.first or ([] if value.column is None else [value.column])
        if not name.endswith("_id") or not columns:
            return made
        cells = self.rows.select(pl.coalesce(columns).alias("_")).to_series()
        rounded = cells.str.contains(_ROUNDED).fill_null(value=False)
        told = " or ".join(repr(self.reading.called.get(column, column)) for column in columns)
        for place in rounded.arg_true():
            self.hints[place].append(f"`{name}` from the column {told}: {cells[place]!r}: {_IS_ROUNDED}")
        return pl.when(rounded).then(pl.lit(cells).str.replace(",", ".", literal=True)).otherwise(made)

    def _column(self, name: str, value: Value, declared: Field, columns: Sequence[str]) -> pl.Series:
        """Return numbers of the first of some columns that says something, as a computer writes them."""
        read = [self._read(name, value, declared, column) for column in columns]
        return pl.select(pl.coalesce(read)).to_series() if len(read) > 1 else read[0]

    def _read(self, name: str, value: Value, declared: Field, column: str, *, is_amount: bool = True) -> pl.Series:
        unit = declared.unit if is_amount else ""
        if unit in figures.LENGTHS and (value.multiply_by or value.divide_by):
            unit = figures.SCALED
        texts, told = self.rows[column], self.reading.called.get(column, column)
        if value.values is not None:
            texts = texts.replace(list(value.values), [word or None for word in value.values.values()])
        typed = self.rows[TYPED + column] if TYPED + column in self.rows.columns else None
        if self.reading.is_workbook and value.percent and typed is not None and typed.any():
            for place in typed.arg_true():
                self.hints[place].append(f"`{name}` from the column {told!r}: {_IN_WORKBOOK}")
            texts = pl.select(pl.when(typed).then(texts + " or %").otherwise(texts)).to_series()
        clock = value.format if isinstance(value.format, str) else ""
        field = figures.NumberField(unit, declared.kind == "int", value.percent, clock)
        seen = self.seen.setdefault(column, set())
        found = figures.read_column(texts, typed, self.style, field, seen=seen)
        if found.faults:
            for place, text in enumerate(texts):
                if text in found.faults:
                    self.hints[place].append(f"`{name}` from the column {told!r}: {text!r}: {found.faults[text]}")
        return self._in_dollars(name, value, column, found) if unit == figures.MONEY else found.texts

    def _in_dollars(self, name: str, value: Value, column: str, found: figures.NumberColumn) -> pl.Series:
        said: str | pl.Series | None = value.currency if isinstance(value.currency, str) else None
        told = self.reading.called.get(column, column)
        beside = value.currency.column if isinstance(value.currency, Currency) else self.currency_column
        if said is None and beside is not None:
            said = self.rows[beside].str.to_uppercase()
        days = self.times.str.slice(1, 10).str.to_date("%Y-%m-%d", strict=False)
        amounts = Amounts(found, told, said, days)

        def refuse(place: int, why: str) -> None:
            self.hints[place].append(f"`{name}` from the column {told!r}: {found.originals[place]!r}: {why}")

        return in_dollars(amounts, self.exchange, refuse)

    def _reckon_columns(self, name: str, value: Value, declared: Field) -> pl.Series:
        """Return what is reckoned of several columns; where one of them is no number, its text, for the check to refuse."""
        # What an amount is multiplied by, or divided by, is none.
        read = {
            column: self._read(name, value, declared, column, is_amount=place == 0 or value.sum is not None)
            for place, column in enumerate(value.figures)
        }
        numbers = {column: texts.cast(pl.Float64, strict=False) for column, texts in read.items()}
        wrong = pl.coalesce(
            pl.when(numbers[column].is_null() & texts.is_not_null()).then(pl.lit(texts))
            for column, texts in read.items()
        )
        made = _reckon(value, numbers).round_sig_figs(15)
        whole = pl.when((made == made.round(0)) & (made.abs() < 2**53)).then(made.cast(pl.Int64, strict=False))
        told = pl.coalesce(wrong, whole.cast(pl.String), pl.when(made.is_finite()).then(made.cast(pl.String)))
        return self.rows.select(told.alias("_")).to_series()


_ROUNDED = r"^\d(?:[.,]\d+)?[eE]\+\d{2,}$"
"""A long number as a spreadsheet shows it."""

_IS_ROUNDED = (
    "a spreadsheet has rounded this id, so that several may read the same; export the file anew, and land it without opening it in one, "
    "or with the column as text"
)

_IN_WORKBOOK = (
    "a workbook holds 0.08 where it shows 8 %, and 8 where somebody typed 8; leave `percent` out of the mapping in the first "
    "case, and say `divide_by = 100` in its place in the second"
)


def _reckon(value: Value, numbers: dict[str, pl.Series]) -> pl.Expr:
    columns = {name: pl.lit(series) for name, series in numbers.items()}
    if value.ratio is not None:
        part, whole = (columns[name] for name in value.ratio)
        return pl.when(whole != 0).then(part / whole)
    if value.product is not None:
        made = columns[value.product[0]]
        for name in value.product[1:]:
            made *= columns[name]
        return made
    added = [columns[name] for name in value.sum or []]
    taken = [columns[name] for name in value.minus]
    says = pl.any_horizontal(item.is_not_null() for item in added)
    return pl.when(says).then(pl.sum_horizontal(added) - (pl.sum_horizontal(taken) if taken else 0.0))


def _plain_value(name: str, value: Value, kind: str) -> pl.Expr:
    if value.column is not None or value.first is not None:
        return _cell(pl.coalesce(pl.col(item) for item in value.first or [value.column or ""]), value, kind)
    if value.columns is not None:
        joined = pl.concat_str(value.columns, separator=value.join or "", ignore_nulls=True)
        return json_cells.text(
            pl.col(HASH + name) if value.hash else _change_case(pl.when(joined != "").then(joined), value)
        )
    if value.count is not None:
        return pl.sum_horizontal(_holds(value, item) for item in value.count).cast(pl.String)
    if value.names is not None:
        held = [pl.when(_holds(value, item)).then(pl.lit(word)) for word, item in value.names.items()]
        return json_cells.as_json_list(pl.concat_list(held).list.drop_nulls())
    if value.row is not None:
        return json_cells.text(pl.lit(value.row) + pl.col(ROW).cast(pl.String))
    return pl.lit(to_json(value.constant))


def _holds(value: Value, column: str) -> pl.Expr:
    """Return whether a column holds what counts; one that says nothing does not."""
    cell = pl.col(column)
    return cell.is_in(value.is_) if value.is_ is not None else cell.is_in(value.is_not or []).not_()


def _change_case(cell: pl.Expr, value: Value) -> pl.Expr:
    match value.case:
        case "lower":
            return cell.str.to_lowercase()
        case "upper":
            return cell.str.to_uppercase()
        case _:
            return cell


def _cell(cell: pl.Expr, value: Value, kind: str) -> pl.Expr:
    """Return a cell as JSON text of the kind that its field is of."""
    cell = _change_case(cell, value)
    if value.values is not None:
        words = [word or None for word in value.values.values()]
        if value.otherwise is None:
            cell = cell.replace(list(value.values), words)
        else:
            other = pl.when(cell.is_not_null()).then(pl.lit(value.otherwise or None))
            cell = cell.replace_strict(list(value.values), words, default=other, return_dtype=pl.String)
    match kind:
        case "list":
            return json_cells.list_words(cell, value.split or ",")
        case "bool":
            return json_cells.boolean(cell)
        case "datetime":
            return json_cells.instant(cell, value.format or "iso", value.zone)
        case _:
            return json_cells.text(cell)


def hashes(rows: pl.DataFrame, named: Iterator[tuple[str, Value]]) -> list[pl.Series]:
    """Return columns of hashes, for those values that are one."""
    return [
        pl.Series(HASH + name, json_cells.digests(rows, value.columns or [], ""), dtype=pl.String)
        for name, value in named
        if value.hash
    ]


def to_json(value: Any) -> str:
    """Return a plain value as JSON."""
    return msgspec.json.encode(value).decode()
