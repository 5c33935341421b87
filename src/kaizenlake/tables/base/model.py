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

    Nothing in the environment of a process turns rules off.
    """
    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema_of(table).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures: pl.DataFrame = error.failure_cases
        return failures
    return pl.DataFrame()


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
