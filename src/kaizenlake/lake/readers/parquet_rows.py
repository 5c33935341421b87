"""Rows of Parquet files as text: a column of a kind that the engine does not take is read value by value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from kaizenlake.lake.readers import chunks
from kaizenlake.lake.readers.chunks import Rows, breaks_off, distinct
from kaizenlake.lake.readers.faults import FAULTS, printable
from kaizenlake.lake.readers.sources import SourceFile, sought

_DAY_SECONDS = 86_400
_YEARS_SECONDS = (-62_135_596_800, 253_402_300_799)
"""Seconds from 1970 to the first and the last second of the years 1 to 9999."""

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def parquet_rows(source: SourceFile) -> Iterator[Rows]:
    """Read a Parquet file in chunks of rows; the first has none, and names the columns.

    Args:
        source: The file.
    """
    number = 0
    try:
        with sought(source) as stream, pyarrow.parquet.ParquetFile(stream) as file:
            header = distinct([printable(str(name)) for name in file.schema_arrow.names])
            numeric = [name for name, kind in zip(header, file.schema_arrow.types, strict=True) if not _is_text(kind)]
            yield Rows(pl.DataFrame(schema=dict.fromkeys(header, pl.String)))
            for batch in file.iter_batches(batch_size=chunks.CHUNK_LINES):
                frame = pl.DataFrame([texts(name, cells) for name, cells in zip(header, batch.columns, strict=True)])
                numbers = list(range(number + 1, number + 1 + batch.num_rows))
                number += batch.num_rows
                mask = pl.repeat(value=True, n=batch.num_rows, dtype=pl.Boolean, eager=True)
                yield Rows(frame, numbers, typed=dict.fromkeys(numeric, mask))
    except FileNotFoundError:
        raise
    except FAULTS as error:
        yield Rows(pl.DataFrame(), refused=[breaks_off(number + 1, error)])


def _is_text(kind: pa.DataType) -> bool:
    """Return whether cells of a kind are texts, in which people write numbers as they like."""
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    return any(is_one(kind) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def texts(name: str, cells: pa.Array) -> pl.Series:
    """Return cells of a typed column as the text that stands for them in a CSV file; lists and structs as JSON."""
    kind = cells.type
    if isinstance(kind, pa.DictionaryType):
        cells, kind = cells.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        # An instant is one, whatever its zone is called.
        cells = cells.cast(pa.timestamp(kind.unit, "UTC"))
    if _is_taken(kind) and _is_in_years(cells):
        try:
            # A damaged page may hold bytes that are no text, which the engine would take for one.
            cells.validate(full=True)
            series = pl.Series(name, cells)
            return series.to_frame().select(_as_text(pl.col(name), series.dtype)).to_series()
        except FAULTS:
            # One value that the engine does not take; which one is seen below.
            pass
    return pl.Series(name, [_spell(cell) for cell in cells], pl.String)


def _is_taken(kind: pa.DataType) -> bool:
    """Return whether the engine takes a kind, and all that lies within it."""
    if any(is_odd(kind) for is_odd in (pa.types.is_decimal256, pa.types.is_duration, pa.types.is_interval)):
        return False
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    is_plain = not any(pa.types.is_temporal(item) or _is_binary(item) for item in inner)
    return is_plain and all(map(_is_taken, inner))


def _is_binary(kind: pa.DataType) -> bool:
    is_one = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return any(check(kind) for check in is_one)


def _is_in_years(cells: pa.Array) -> bool:
    """Return whether all times lie in the years 1 to 9999; true of what is no time."""
    kind = cells.type
    if pa.types.is_timestamp(kind):
        scale, held = _PER_SECOND[kind.unit], cells.cast(pa.int64())
    elif pa.types.is_date64(kind):
        scale, held = 1_000, cells.cast(pa.int64())
    elif pa.types.is_date32(kind):
        scale, held = 1, pc.multiply(cells.cast(pa.int32()).cast(pa.int64()), _DAY_SECONDS)
    else:
        return True
    ends = pc.min_max(held).as_py()
    first, last = _YEARS_SECONDS
    return ends["min"] is None or (ends["min"] >= first * scale and ends["max"] <= last * scale)


def _as_text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        text = cell.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
        return (
            text if dtype.time_zone is None else cell.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        )
    if dtype.is_nested():
        inner = pl.struct(cell.alias("_")).struct.json_encode()
        return pl.when(cell.is_not_null()).then(inner.str.slice(5).str.head(-1))
    return cell.cast(pl.String)


def _spell(cell: Any) -> str | None:
    """Return one value as text; a time beyond the years 1 to 9999 as its number and unit, for the check to refuse."""
    if not cell.is_valid:
        return None
    try:
        value = cell.as_py()
        if isinstance(value, list | dict):
            return printable(json.dumps(value, default=_plain, ensure_ascii=False))
        return printable(str(_plain(value)))
    except UnicodeDecodeError:
        return _escape_bytes(cell)
    except FAULTS:
        return f"{getattr(cell, 'value', '?')} ({cell.type})"


def _escape_bytes(cell: Any) -> str:
    """Return a text that holds bytes outside UTF-8, with these escaped."""
    if not hasattr(cell, "as_buffer"):
        return f"? ({cell.type})"
    text: str = cell.as_buffer().to_pybytes().decode("utf-8", "backslashreplace")
    return text


def _plain(value: Any) -> Any:
    """Return a value that JSON does not know as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
