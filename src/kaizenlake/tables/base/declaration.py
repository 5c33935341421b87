"""Declare a table once: a plain class of described columns, from which schema, validation and dictionary follow."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar, get_args, get_type_hints

import polars as pl

from kaizenlake.errors import UsageError

if TYPE_CHECKING:
    from pandera.polars import DataFrameSchema

Layer: TypeAlias = Literal["bronze", "silver", "gold"]

INSTANT = pl.Datetime("us", "UTC")
WORDS = pl.List(pl.String)
FIGURES = pl.List(pl.Float64)

Instant: TypeAlias = Annotated[Any, INSTANT]
"""Annotation of a column of instants; those of other types are a Polars type or str, float, bool."""
Words: TypeAlias = Annotated[Any, WORDS]
Figures: TypeAlias = Annotated[Any, FIGURES]


@dataclass(frozen=True, slots=True)
class Column:
    """What is declared of one column; `column` says what each word means.

    Args:
        checks: Rules in Pandera's own form.
    """

    description: str
    unit: str = ""
    nullable: bool = False
    ge: float | None = None
    le: float | None = None
    isin: tuple[str, ...] | None = None
    label: str = ""
    format: str = ""
    checks: tuple[Any, ...] = ()

    def rules(self) -> list[str]:
        """Say in words which values are allowed."""
        bounds = {"greater than or equal to": self.ge, "less than or equal to": self.le, "isin": self.isin}
        own = {
            check.name.replace("_", " "): ", ".join(map(str, check.statistics.values()))
            for check in self.checks
            if check.name is not None and check.statistics
        }
        return [f"{word} {value}" for word, value in (bounds | own).items() if value is not None]


def column(
    description: str,
    *,
    unit: str = "",
    nullable: bool = False,
    ge: float | None = None,
    le: float | None = None,
    isin: tuple[str, ...] | None = None,
    label: str = "",
    format: str = "",  # noqa: A002 - the word for it
) -> Any:
    """Declare a column.

    Args:
        description: What the value means, in one sentence; for a nullable column also when it is null.
        unit: Unit of the value; empty for names, counts and texts.
        nullable: The value may be null.
        ge: Smallest value allowed.
        le: Largest value allowed.
        isin: The only values allowed.
        label: Heading under which people read it; empty where its name will do.
        format: Name of the format in which people read its values; empty where its unit and type tell.
    """
    return Column(description, unit, nullable, ge, le, isin, label, format)


def rate(description: str, *, nullable: bool = False, label: str = "", format: str = "") -> Any:  # noqa: A002 - as above
    """Declare a rate: a fraction between 0 and 1."""
    return column(description, unit="rate", nullable=nullable, ge=0, le=1, label=label, format=format)


def tenant() -> Any:
    """Declare the tenant of a row."""
    return column("Tenant it belongs to; null for events without one, which are a tenant of their own.", nullable=True)


def count(description: str, *, nullable: bool = False, label: str = "", format: str = "") -> Any:  # noqa: A002 - as above
    """Declare a count: a whole number, never negative."""
    return column(description, nullable=nullable, ge=0, label=label, format=format)


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where a table lies, and which columns name one of its rows."""

    layer: Layer
    name: str
    grain: tuple[str, ...]
    partition: str | None


class TableClass(type):
    """Class of table classes, in which a type checker finds that they can be keys of a cache."""

    __hash__ = type.__hash__


class Table(metaclass=TableClass):
    """A table: the docstring says what one row is, each annotated attribute is a column, `@table` says where it lies.

    A class that `@table` does not declare is a group of columns, from which tables inherit them; the columns of the last base
    come first. Checks of Pandera (`@pa.check`, `@pa.dataframe_check`, a `pa.Field` in place of `column`, a plain `class Config`)
    may stand in the class: its Pandera model holds them.
    """

    __declaration__: ClassVar[Declaration]

    @classmethod
    def to_schema(cls) -> DataFrameSchema:
        """Return the schema of its Pandera model, which is built when it is asked for first."""
        from kaizenlake.tables.base.model import schema_of

        return schema_of(cls)


class OfTenant(Table):
    """Column that says whose row it is."""

    tenant_id: str = tenant()


Scan: TypeAlias = Callable[[type[Table]], pl.LazyFrame]
"""Gives a table as a lazy frame: `Lake.scan`, or literal frames in a test."""

_Declared = TypeVar("_Declared", bound=type[Table])


def table(*, layer: Layer, grain: tuple[str, ...], partition: str | None = None) -> Callable[[_Declared], _Declared]:
    """Declare a class of columns as a table, which is named after the class: `WinRates` is `win_rates`.

    Args:
        layer: Layer in which it lies.
        grain: Columns that name one row.
        partition: Column by which it is partitioned on disk; None where it is not.

    Raises:
        UsageError: The layer is none, or what names a row or a partition is no column.
    """

    def declare(declared: _Declared) -> _Declared:
        if layer not in get_args(Layer):
            raise UsageError(
                f"The layer of a table is bronze, silver or gold, and not {layer!r}.", where=_place(declared)
            )
        if unknown := [
            key for key in (*grain, *([partition] if partition else ())) if key not in _list_names(declared)
        ]:
            raise UsageError(
                f"{unknown[0]!r} names rows or partitions and is no column.",
                where=_place(declared),
                hint="Declare it as an annotated attribute: `day: pl.Date = column(...)`.",
            )
        last_name = re.sub(r"(?<!^)(?=[A-Z])", "_", declared.__name__).lower()
        declared.__declaration__ = Declaration(layer, last_name, tuple(grain), partition)
        return declared

    return declare


def build_class(
    name: str, meaning: str, columns: Mapping[str, tuple[Any, Column]], *, module: str, base: type[Table] = Table
) -> type[Table]:
    """Build a class of columns that follow from something else, such as the catalogue of events.

    Args:
        name: Name of the class.
        meaning: What one row is.
        columns: Type and declaration of each column, by name.
        module: Module in which the class will stand.
        base: Class whose columns come before.
    """
    body = {
        "__annotations__": {key: dtype for key, (dtype, _) in columns.items()},
        "__doc__": meaning,
        "__module__": module,
    }
    return type(name, (base,), body | {key: item for key, (_, item) in columns.items()})


def layer(table: type[Table]) -> Layer:
    """Return the layer of a table."""
    return _declaration(table).layer


def name(table: type[Table]) -> str:
    """Return the last name of a table, by which people call it."""
    return _declaration(table).name


def full_name(table: type[Table]) -> str:
    """Return the layer and last name, such as `gold.win_rates`."""
    return f"{layer(table)}.{name(table)}"


def grain(table: type[Table]) -> tuple[str, ...]:
    """Return columns that name one row."""
    return _declaration(table).grain


def partition(table: type[Table]) -> str | None:
    """Return the column by which the table is partitioned on disk: `event_date`, or None."""
    return _declaration(table).partition


def meaning(table: type[Table]) -> str:
    """Return what one row is, in one sentence."""
    return (table.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


@cache
def schema(table: type[Table]) -> pl.Schema:
    """Return columns and types of a table, in their order; one object for all callers, not to be changed."""
    return pl.Schema(_gather_types(table))


@cache
def columns_mark(table: type[Table]) -> str:
    """Return what tells the stored form of a table from any other: a hash of its columns, their types and the partition."""
    return hashlib.sha256(repr((list(schema(table).items()), partition(table))).encode()).hexdigest()[:16]


def columns(table: type[Table]) -> dict[str, Column]:
    """Return columns of a table with what is declared of each, in their order."""
    return dict(_gather_columns(table))


def empty(table: type[Table]) -> pl.LazyFrame:
    """Return a frame of the table with no row."""
    return pl.LazyFrame(schema=schema(table))


def _declaration(table: type[Table]) -> Declaration:
    declared: Declaration | None = getattr(table, "__declaration__", None)
    if declared is None:
        raise UsageError(
            "The class is no table.", where=_place(table), hint="Declare it: `@table(layer=..., grain=...)`."
        )
    return declared


def _list_names(table: type[Table]) -> tuple[str, ...]:
    """Return names of the columns: of the last base first."""
    annotated = (key for base in reversed(table.__mro__) for key in inspect.get_annotations(base))
    return tuple(dict.fromkeys(key for key in annotated if not key.startswith("_")))


@cache
def _gather_types(table: type[Table]) -> dict[str, Any]:
    try:
        hints = get_type_hints(table, include_extras=True)
        return dict(pl.Schema({key: _as_type(hints[key]) for key in _list_names(table)}))
    except (AttributeError, NameError, TypeError) as error:
        raise UsageError(f"A column has no type of Polars: {error}", where=_place(table)) from error


def _as_type(hint: Any) -> Any:
    """Return the type that an annotation names, with its unit or zone where it names a class that can have one."""
    dtype = getattr(hint, "__metadata__", (hint,))[0]
    return dtype() if isinstance(dtype, type) and issubclass(dtype, pl.DataType) else dtype


@cache
def _gather_columns(table: type[Table]) -> dict[str, Column]:
    return {key: _as_column(table, key) for key in _list_names(table)}


def _as_column(table: type[Table], name: str) -> Column:
    """Return the declaration of a column, also of one that is declared by a field of Pandera."""
    declared = inspect.getattr_static(table, name, None)
    if isinstance(declared, Column):
        return declared
    if not hasattr(declared, "checks"):
        raise UsageError(f"{name} is annotated and not declared by `column(...)`.", where=_place(table))
    return Column(
        declared.description or "",
        unit=(declared.metadata or {}).get("unit", ""),
        nullable=bool(declared.nullable),
        label=declared.title or "",
        checks=tuple(declared.checks),
    )


def _place(table: type[Table]) -> str:
    return f"{table.__module__}.{table.__qualname__}"
