"""Rows out: a frame as JSON, CSV or Parquet, for other programs."""

from __future__ import annotations

from typing import BinaryIO

import polars as pl

_INSTANT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_FORMULA = r"^[=+\-@\t\r]"


def write_json(frame: pl.DataFrame, to: BinaryIO) -> None:
    """Write an array of row objects; instants as RFC 3339 in UTC, dates as ISO 8601, nulls as null."""
    to.write(_flatten(frame).write_json().encode())
    to.write(b"\n")


def write_csv(frame: pl.DataFrame, to: BinaryIO, *, exact: bool = False) -> None:
    """Write CSV with a header; lists become texts parted by `; `, nulls are empty.

    Args:
        frame: The rows.
        to: Where to.
        exact: Leave texts as they are. Otherwise a text that a spreadsheet would take for a formula (it begins with
            `=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe in front: texts come from outside.
    """
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    plain = _flatten(frame).with_columns(pl.col(name).list.join("; ", ignore_nulls=True) for name in lists)
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String or name in lists]
    if not exact:
        plain = plain.with_columns(
            pl.when(pl.col(name).str.contains(_FORMULA)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
            for name in texts
        )
    plain.write_csv(to)


def write_parquet(frame: pl.DataFrame, to: BinaryIO) -> None:
    """Write Parquet, with the types of the table."""
    frame.write_parquet(to)


def _flatten(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.col(name).dt.strftime(_INSTANT) for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)
    )
