"""What lies within a cell: figures deep in records, and lists of which each item is a row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import polars as pl

from kaizenlake.lake.readers.chunks import Rows
from kaizenlake.lake.readers.json_rows import cell, inner, items, mark_places, record
from kaizenlake.lake.readers.names import root

PLACE, ROW, ITEM, TYPED = "\0place", "\0row", "\0item", "\0typed "
"""Columns of ours beside those of the table: the place of a row in its chunk, its number in the file, that of an item in its
list, and before the name of a column, which of its cells the file holds as numbers. No header holds a NUL."""


def table_of(rows: Rows, columns: Sequence[str], nothing: Sequence[str]) -> pl.DataFrame:
    """Return the columns that are read, without spaces around cells and null where they say nothing.

    Args:
        rows: Rows of a table.
        columns: Names of columns, or paths to what lies within them; one that is not there says nothing.
        nothing: Cells that say nothing.
    """
    present = rows.frame.columns
    held: dict[str, pl.Series] = {}
    for name in columns:
        lies_in = root(name, present)
        if lies_in == name:
            held[name] = rows.frame[name].str.strip_chars()
            if name in rows.typed:
                held[TYPED + name] = rows.typed[name]
        elif lies_in is not None:
            found = [inner(text, name[len(lies_in) :]) for text in rows.frame[lies_in]]
            held.update(_unnest(name, found))
        else:
            held[name] = pl.Series([None] * len(rows.numbers), dtype=pl.String)
    said = ["", *nothing]
    return (
        pl.DataFrame(held)
        .with_columns(pl.when(pl.col(name).is_in(said).not_()).then(pl.col(name)).alias(name) for name in columns)
        .with_columns(pl.Series(ROW, rows.numbers, dtype=pl.Int64))
        .with_row_index(PLACE)
    )


def _unnest(name: str, found: Sequence[msgspec.Raw | None]) -> dict[str, pl.Series]:
    """Return values that lie within a column, as a column of their own."""
    told = [(None, False) if raw is None else cell(raw) for raw in found]
    numeric = [place for place, (_, is_number) in enumerate(told) if is_number]
    return {
        name: pl.Series([text for text, _ in told], dtype=pl.String).str.strip_chars(),
        TYPED + name: mark_places(numeric, len(told)),
    }


def each_item(table: pl.DataFrame, each: str, columns: Sequence[str], nothing: Sequence[str]) -> pl.DataFrame:
    """Return a row for each item of a list; a name is that of a member of the item, or else of a column of the row.

    Args:
        table: Rows, as `table_of` gives them.
        each: Column of the list.
        columns: Columns that are read.
        nothing: Cells that say nothing.
    """
    listed = [items(text) for text in table[each]]
    sizes = [len(found) for found in listed]
    rows = table.select(pl.all().repeat_by(pl.Series(sizes, dtype=pl.UInt32)).explode(empty_as_null=False))
    numbers = [place for size in sizes for place in range(1, size + 1)]
    rows = rows.with_columns(pl.Series(ITEM, numbers, dtype=pl.Int64))
    flat = [(record(item), bytes(item).decode()) for found in listed for item in found]
    for name in columns:
        within = name.removeprefix(f"{each}.")
        found = [(held.get(within) or inner(text, within)) if held else None for held, text in flat]
        if any(raw is not None for raw in found):
            told = _unnest(name, found)
            text, typed = told[name], told[TYPED + name]
            is_own = pl.Series([raw is not None for raw in found], dtype=pl.Boolean)
            other = pl.col(TYPED + name) if TYPED + name in rows.columns else pl.lit(value=False)
            says = text.is_in(["", *nothing]).not_()
            rows = rows.with_columns(
                pl.when(is_own & says).then(text).when(~is_own).then(pl.col(name)).alias(name),
                pl.when(is_own).then(typed).otherwise(other).alias(TYPED + name),
            )
    return rows
