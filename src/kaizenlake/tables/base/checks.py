"""Check frames against their table before they are written: each rule of its Pandera model, NaN, and that the grain is unique."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import polars as pl

from kaizenlake.errors import TableInvalidError
from kaizenlake.tables.base.declaration import Table, full_name, grain
from kaizenlake.vocabulary import plural


def check(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Check a frame against its table: every rule of its Pandera model, NaN, and that the grain is unique.

    Args:
        table: The declaration.
        frame: Collected rows; the columns in the declared order.

    Raises:
        TableInvalidError: Names each broken rule with a count and the first values that break it.
    """
    broken = _list_broken_rules(table, frame)
    keys = grain(table)
    if keys and not set(keys) - set(frame.columns) and frame.height:
        # Hashes that all differ are of keys that all differ; only else the keys themselves are counted.
        key = pl.struct(keys)
        if frame.select(key.hash().n_unique()).item() < frame.height:
            broken += _list_doubles("grain", keys, frame.height - frame.select(key.n_unique()).item())
    _refuse(table, broken)
    return frame


def check_parts(table: type[Table], parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Check a table that comes in parts, and give each on; that the grain is unique over all is known after the last.

    Pandera sees each part by itself; a rule of the model that says something of all rows together, `unique`, is kept over
    all parts like the grain. Of the parts that went by, 128 bits of hash are kept of each key.

    Args:
        table: The declaration.
        parts: Collected rows; the columns in the declared order.

    Raises:
        TableInvalidError: As `check` does.
    """
    keys = [key for key in (grain(table), *_gather_unique(table)) if key]
    hashes: dict[tuple[str, ...], list[pl.DataFrame]] = {key: [] for key in keys}
    for part in parts:
        _refuse(table, _list_broken_rules(table, part))
        for key, of_parts in hashes.items():
            columns = pl.struct(key)
            of_parts.append(part.select(columns.hash(0).alias("one"), columns.hash(1).alias("other")))
        yield part
    for key, of_parts in hashes.items():
        if of_parts and (seen := pl.concat(of_parts))["one"].n_unique() < seen.height:
            _refuse(table, _list_doubles("grain" if key == grain(table) else "key", key, seen.height - seen.n_unique()))


def _list_broken_rules(table: type[Table], frame: pl.DataFrame) -> list[str]:
    """Return rules that a frame breaks, in words; whether the grain is unique is not looked at."""
    from kaizenlake.tables.base.model import broken_cells

    broken = [*_list_changes(table)]
    failures = broken_cells(table, frame)
    if failures.height:
        cases = failures.group_by("column", "check", maintain_order=True).agg(
            pl.len().alias("rows"), pl.col("failure_case").head(3).alias("values")
        )
        broken += [
            f"{row['column']}: {row['check']} broken by {plural(row['rows'], 'row')}, such as {', '.join(map(str, row['values']))}"
            for row in cases.iter_rows(named=True)
        ]
    floats = [key for key, dtype in frame.schema.items() if dtype.is_float()]
    if floats and frame.height:
        nans = frame.select(pl.col(floats).is_nan().sum()).row(0, named=True)
        broken += [f"{key}: NaN in {plural(found, 'row')}; undefined is null" for key, found in nans.items() if found]
    return broken


@cache
def _list_changes(table: type[Table]) -> tuple[str, ...]:
    """Return what in a model changes rows while it checks them, in words: the frame that is written would not be the one that was seen."""
    if _has_our_rules_alone(table):
        return ()
    model = table.to_schema()
    parts = [("the frame", model), *model.columns.items()]
    kinds = ("parsers", "coerce", "drop_invalid_rows", "add_missing_columns")
    return tuple(
        f"{name}: the model declares {kind}, which changes rows"
        for name, part in parts
        for kind in kinds
        if getattr(part, kind, None)
    )


def _has_our_rules_alone(table: type[Table]) -> bool:
    """Return whether a table declares columns alone, of which no rule changes rows or speaks of several."""
    from kaizenlake.tables.base.model import make_one_check

    return make_one_check(table) is not None


def _gather_unique(table: type[Table]) -> tuple[tuple[str, ...], ...]:
    """Return columns that the Pandera model calls unique, beside the grain: alone, or several together."""
    if _has_our_rules_alone(table):
        return ()
    model = table.to_schema()
    alone = [(name,) for name, item in model.columns.items() if item.unique]
    return (*alone, tuple(model.unique or ()))


def _list_doubles(word: str, key: tuple[str, ...], rows: int) -> list[str]:
    return [f"{word} ({', '.join(key)}) is not unique: {plural(rows, 'row')} too many"] if rows else []


def _refuse(table: type[Table], broken: list[str]) -> None:
    if broken:
        raise TableInvalidError(
            f"{full_name(table)} breaks {plural(len(broken), 'rule')} of its declaration: " + "; ".join(broken) + ".",
            where=full_name(table),
        )
