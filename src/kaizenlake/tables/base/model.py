"""Build the Pandera model of a table from its declaration; nothing else imports Pandera, which is slow to load."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context

from kaizenlake.tables.base.declaration import Column, Table, columns, schema


def schema_of(table: type[Table]) -> pa.DataFrameSchema:
    """Return the schema of the Pandera model of a table: its columns are exactly the declared ones, of exactly their types."""
    return _build_model(table).to_schema()


def broken_cells(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Return what of a frame breaks the Pandera model of its table: one row a failure, with column, check and value.

    Nothing in the environment of a process turns rules off. Where all rules of a table are ours, Pandera looks at all of them
    in one pass, and only at a frame that breaks one does it look rule by rule, to name what is broken.
    """
    whole = make_one_check(table) if dict(frame.schema) == dict(schema(table)) else None
    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            if whole is None or not _passes(whole, frame):
                schema_of(table).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures: pl.DataFrame = error.failure_cases
        return failures
    return pl.DataFrame()


def _passes(whole: pa.DataFrameSchema, frame: pl.DataFrame) -> bool:
    try:
        whole.validate(frame)
    except pa.errors.SchemaError:
        return False
    return True


@cache
def make_one_check(table: type[Table]) -> pa.DataFrameSchema | None:
    """Make a schema whose one check holds every rule of a table; None for one with rules of Pandera's own form.

    Pandera asks for each rule of each column by itself, which costs more than all else of a small table.
    """
    declared = columns(table)
    parts = [part for part in table.__mro__ if part not in (object, Table)]
    named = {key for part in parts for key in vars(part) if not key.startswith("__")}
    if named - set(declared) or any(inspect.getattr_static(table, key) is not item for key, item in declared.items()):
        return None
    rules = [rule for key, item in declared.items() for rule in _list_rules(key, item)]
    return pa.DataFrameSchema(
        checks=pa.Check(lambda data: data.lazyframe.select(pl.all_horizontal(pl.lit(value=True), *rules)))
    )


def _list_rules(name: str, declared: Column) -> list[pl.Expr]:
    """Return the rules of a column, each over all its rows; a null breaks no rule but that there is none."""
    value = pl.col(name)
    rules = [] if declared.nullable else [value.null_count() == 0]
    if declared.ge is not None:
        rules.append((value >= declared.ge).all())
    if declared.le is not None:
        rules.append((value <= declared.le).all())
    if declared.isin is not None:
        rules.append(value.is_in(declared.isin).all())
    return rules


@cache
def _build_model(table: type[Table]) -> type[pa.DataFrameModel]:
    parts = [part for part in reversed(table.__mro__) if part not in (object, Table)]
    declared = columns(table)
    own = {
        key: value
        for part in parts
        for key, value in vars(part).items()
        if not key.startswith("__") and key != "Config" and key not in declared
    }
    fields = {key: _field(item, inspect.getattr_static(table, key)) for key, item in declared.items()}
    body = own | fields
    body["__annotations__"] = dict(schema(table))
    body["__doc__"] = table.__doc__
    body["__module__"] = table.__module__
    body["Config"] = _config(parts)
    return type(table.__name__, (pa.DataFrameModel,), body)


def _field(declared: Column, stated: Any) -> Any:
    if stated is not declared:  # a field of Pandera
        return stated
    bounds: dict[str, Any] = {"ge": declared.ge, "le": declared.le, "isin": declared.isin}
    return pa.Field(
        title=declared.label or None,
        description=declared.description,
        metadata={"unit": declared.unit},
        nullable=declared.nullable,
        **{key: value for key, value in bounds.items() if value is not None},
    )


def _config(parts: list[type]) -> type:
    """Return settings of the model: strict and without coercion, and what the classes of the table say in a `Config` of their own."""
    settings: dict[str, Any] = {"strict": True, "coerce": False}
    for part in parts:
        for base in reversed(getattr(part, "Config", object).__mro__):
            settings |= {key: value for key, value in vars(base).items() if not key.startswith("__")}
    return type("Config", (pa.DataFrameModel.Config,), settings)
