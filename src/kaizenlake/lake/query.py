"""SQL over the tables of a lake, by their names; it reads and never writes."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import UsageError
from kaizenlake.events.rules import near
from kaizenlake.lake.store import Lake

Engine: TypeAlias = Literal["polars", "duckdb"]

READING = ("select", "with", "explain")
"""First words of a statement that only reads."""

_WORD = re.compile(r"\w+")
_MOST_WORDS = 400


def query(lake: Lake, text: str, *, engine: Engine = "polars") -> pl.DataFrame:
    """Return what a SQL statement selects from the tables of a lake.

    Args:
        lake: The lake, as a tenant has it. Only tables that the statement names are opened.
        text: One statement that reads. Tables go by their last name, such as `win_rates`, or by `gold.win_rates`.
        engine: What computes it: Polars, or DuckDB where the extra `sql` is installed; neither reads files by it.

    Raises:
        UsageError: It is no statement that reads, or names a table or column that there is not.
        LakeError: A table cannot be read.
    """
    statement = text.strip().rstrip(";").strip()
    first = next(iter(_WORD.findall(statement.lower())), "")
    if first not in READING or ";" in _without_texts(statement):
        raise UsageError(
            f"SQL here reads: one statement that begins with {', '.join(word.upper() for word in READING)}; found {first!r}.",
            hint="Events are logged or landed; every other table is computed from them.",
        )
    words = {*_WORD.findall(_without_texts(statement).lower())}
    if found := sorted(word for word in words if word.startswith(("read_", "scan_"))):
        raise UsageError(f"SQL here reads the tables of the lake, and no files: {found[0]}.")
    frames = {table: lake.scan(table) for table in lake.declared.tables if words & {tables.name(table).lower()}}
    try:
        return _by_duckdb(statement, frames) if engine == "duckdb" else _by_polars(statement, frames)
    except pl.exceptions.PolarsError as error:
        raise _make_error(lake, str(error)) from error


def _without_texts(statement: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", statement)


def _by_polars(statement: str, frames: dict[type[tables.Table], pl.LazyFrame]) -> pl.DataFrame:
    named = {name: frame for table, frame in frames.items() for name in (tables.name(table), tables.full_name(table))}
    return pl.SQLContext(named).execute(statement, eager=True)


def _by_duckdb(statement: str, frames: dict[type[tables.Table], pl.LazyFrame]) -> pl.DataFrame:
    try:
        import duckdb
    except ImportError as error:
        raise UsageError("DuckDB is not installed.", hint="pip install 'kaizenlake[sql]'") from error
    try:
        with duckdb.connect() as connection:
            for place, (table, frame) in enumerate(frames.items()):
                connection.register(f"_{place}", frame.collect().to_arrow(compat_level=pl.CompatLevel.oldest()))
                layer, name = tables.layer(table), tables.name(table)
                connection.execute(f'create schema if not exists "{layer}"')
                for called in (f'"{layer}"."{name}"', f'"{name}"'):
                    connection.execute(f"create view {called} as select * from _{place}")  # noqa: S608 - names of ours
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            found: pl.DataFrame = connection.sql(statement).pl()
            return found
    except duckdb.Error as error:
        raise UsageError(f"DuckDB cannot do it: {' '.join(str(error).split())[:_MOST_WORDS]}") from error


def _make_error(lake: Lake, said: str) -> UsageError:
    """Return what is wrong with a statement, in words, with the name that was likely meant."""
    line = next((line for line in said.splitlines() if line.strip()), "it cannot be read")[:_MOST_WORDS]
    if missing := re.search(r"relation '(.+?)' was not found", line):
        names = [tables.name(table) for table in lake.declared.tables]
        likely = near(missing[1].rpartition(".")[2], names)
        return UsageError(f"There is no table {missing[1]!r}{likely}.", hint="`kaizen tables` lists all.")
    return UsageError(f"The statement cannot be done: {line.rstrip('.')}.", hint="`kaizen tables TABLE` lists columns.")
