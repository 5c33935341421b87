"""What a table declaration is: a Pandera model whose columns are described, with layer, grain and partition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, ClassVar, Literal, TypeAlias

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context

from kaizenlake.errors import TableInvalidError
from kaizenlake.vocabulary import plural

Layer: TypeAlias = Literal["bronze", "silver", "gold"]

INSTANT = pl.Datetime("us", "UTC")
WORDS = pl.List(pl.String)
FIGURES = pl.List(pl.Float64)


def column(
    description: str,
    *,
    unit: str = "",
    nullable: bool = False,
    ge: float | None = None,
    le: float | None = None,
    isin: tuple[str, ...] | None = None,
) -> Any:
    """Declare a column.

    Args:
        description: What the value means, in one sentence; for a nullable column also when it is null.
        unit: Unit of the value; empty for names, counts and texts.
        nullable: The value may be null.
        ge: Smallest value allowed.
        le: Largest value allowed.
        isin: The only values allowed.
    """
    bounds: dict[str, Any] = {
        key: value for key, value in (("ge", ge), ("le", le), ("isin", isin)) if value is not None
    }
    return pa.Field(description=description, metadata={"unit": unit}, nullable=nullable, **bounds)


def rate(description: str, *, nullable: bool = False) -> Any:
    """Declare a rate: a fraction between 0 and 1."""
    return column(description, unit="rate", nullable=nullable, ge=0, le=1)


def tenant() -> Any:
    """Declare the tenant of a row."""
    return column("Tenant it belongs to; null for events without one, which are a tenant of their own.", nullable=True)


def count(description: str, *, nullable: bool = False) -> Any:
    """Declare a count: a whole number, never negative."""
    return column(description, nullable=nullable, ge=0)


class Table(pa.DataFrameModel):
    """A table: the docstring says what one row is."""

    class Config(pa.DataFrameModel.Config):  # type: ignore[misc] # Pandera resolves it per backend
        """Columns are exactly the declared ones, of exactly the declared types."""

        strict = True
        coerce = False
        # These are read by the functions below; Pandera takes them as free settings.
        metadata: ClassVar[dict[str, Any]] = {}


Scan: TypeAlias = Callable[[type[Table]], pl.LazyFrame]
"""Gives a table as a lazy frame: `Lake.scan`, or literal frames in a test."""


def layer(table: type[Table]) -> Layer:
    """Layer of a table."""
    value: Layer = _facts(table)["layer"]
    return value


def name(table: type[Table]) -> str:
    """Last name of a table, by which people call it."""
    return str(_facts(table)["name"])


def full_name(table: type[Table]) -> str:
    """Layer and last name, such as `gold.win_rates`."""
    return f"{layer(table)}.{name(table)}"


def grain(table: type[Table]) -> tuple[str, ...]:
    """Columns that name one row."""
    return tuple(_facts(table)["grain"])


def partition(table: type[Table]) -> str | None:
    """Column by which the table is partitioned on disk: `event_date`, or None."""
    value: str | None = _facts(table).get("partition")
    return value


def meaning(table: type[Table]) -> str:
    """What one row is, in one sentence."""
    return (table.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


def schema(table: type[Table]) -> pl.Schema:
    """Columns and types of a table, in their order."""
    return pl.Schema({key: item.dtype.type for key, item in table.to_schema().columns.items()})


def empty(table: type[Table]) -> pl.LazyFrame:
    """A frame of the table with no row."""
    return pl.LazyFrame(schema=schema(table))


def facts(layer: Layer, name: str, grain: tuple[str, ...], partition: str | None = None) -> dict[str, Any]:
    """Declare where a table lies and what one row is named by; goes into `Config.metadata`."""
    return {"layer": layer, "name": name, "grain": grain, "partition": partition}


def check(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Check a frame against its table: every rule of its Pandera model, NaN, and that the grain is unique.

    Args:
        table: The declaration.
        frame: Collected rows; the columns in the declared order.

    Raises:
        TableInvalidError: Names each broken rule with a count and the first values that break it.
    """
    broken = _broken_rules(table, frame)
    keys = grain(table)
    if keys and not set(keys) - set(frame.columns) and frame.height:
        # Hashes that all differ are of keys that all differ; only else the keys themselves are counted.
        key = pl.struct(keys)
        if frame.select(key.hash().n_unique()).item() < frame.height:
            broken += _doubles("grain", keys, frame.height - frame.select(key.n_unique()).item())
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
    keys = [key for key in (grain(table), *_unique(table)) if key]
    hashes: dict[tuple[str, ...], list[pl.DataFrame]] = {key: [] for key in keys}
    for part in parts:
        _refuse(table, _broken_rules(table, part))
        for key, of_parts in hashes.items():
            columns = pl.struct(key)
            of_parts.append(part.select(columns.hash(0).alias("one"), columns.hash(1).alias("other")))
        yield part
    for key, of_parts in hashes.items():
        if of_parts and (seen := pl.concat(of_parts))["one"].n_unique() < seen.height:
            _refuse(table, _doubles("grain" if key == grain(table) else "key", key, seen.height - seen.n_unique()))


def _broken_rules(table: type[Table], frame: pl.DataFrame) -> list[str]:
    """Rules that a frame breaks, in words; whether the grain is unique is not looked at."""
    broken = [*_changes(table)]
    try:
        # Nothing in the environment of a process turns rules off.
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            table.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases.group_by("column", "check", maintain_order=True).agg(
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
def _changes(table: type[Table]) -> tuple[str, ...]:
    """What in a model changes rows while it checks them, in words: the frame that is written would not be the one that was seen."""
    model = table.to_schema()
    parts = [("the frame", model), *model.columns.items()]
    kinds = ("parsers", "coerce", "drop_invalid_rows", "add_missing_columns")
    return tuple(
        f"{name}: the model declares {kind}, which changes rows"
        for name, part in parts
        for kind in kinds
        if getattr(part, kind, None)
    )


def _unique(table: type[Table]) -> tuple[tuple[str, ...], ...]:
    """Columns that the Pandera model calls unique, beside the grain: alone, or several together."""
    model = table.to_schema()
    alone = [(name,) for name, item in model.columns.items() if item.unique]
    return (*alone, tuple(model.unique or ()))


def _doubles(word: str, key: tuple[str, ...], rows: int) -> list[str]:
    return [f"{word} ({', '.join(key)}) is not unique: {plural(rows, 'row')} too many"] if rows else []


def _refuse(table: type[Table], broken: list[str]) -> None:
    if broken:
        raise TableInvalidError(
            f"{full_name(table)} breaks {plural(len(broken), 'rule')} of its declaration: " + "; ".join(broken) + ".",
            where=full_name(table),
        )


def _facts(table: type[Table]) -> dict[str, Any]:
    return dict(table.Config.metadata)
