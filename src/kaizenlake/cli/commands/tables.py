"""Commands that look: tables and their rows, the graph of jobs, contexts, explanations, quarantine."""

from __future__ import annotations

import difflib
import sys
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import draw, note, open_lake, open_view, say, say_json, say_lines
from kaizenlake.errors import KaizenError, TableNotFoundError, UsageError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    import polars as pl

    from kaizenlake.plugins import Declarations
    from kaizenlake.tables import Table

ROWS_ON_A_PAGE = 20

_ALWAYS = ("column", "type", "unit", "null", "rule", "meaning")
"""What is shown of the columns of a table whether any of them says it or not."""


class OutputFormat(StrEnum):
    """How rows leave."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class Engine(StrEnum):
    """What computes a statement."""

    POLARS = "polars"
    DUCKDB = "duckdb"


class GraphFormat(StrEnum):
    """How the graph of jobs leaves."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Add the commands that look."""
    add_commands(
        app,
        (show, "show win_rates --format json | jq '.[0]'"),
        (sql, 'sql "select kind, count(*) as rates from win_rates group by kind"'),
        (tables_, "tables performance_tiers"),
        (graph, "graph --format mermaid"),
    )


def find_declared(lake: str) -> Declarations:
    """Return what is declared for a lake; where there is none, ours and that of plug-ins that are installed."""
    from kaizenlake import plugins

    try:
        return open_lake(lake).declared
    except KaizenError:
        return plugins.declare(None)


def find_table(name: str, declared: Declarations) -> type[Table]:
    """Return the table of that last or full name.

    Raises:
        TableNotFoundError: There is none; the words name the likely ones.
    """
    from kaizenlake import tables

    found = {called: table for table in declared.tables for called in (tables.name(table), tables.full_name(table))}
    if name in found:
        return found[name]
    last_names = [tables.name(table) for table in declared.tables]
    near = difflib.get_close_matches(name, last_names, n=3)
    likely = f"Did you mean {', '.join(near)}? " if near else ""
    raise TableNotFoundError(f"There is no table {name!r}.", hint=f"{likely}`kaizen tables` lists all.")


def show(
    table: Annotated[str, typer.Argument(help="Last name of the table, such as win_rates or events.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    form: Annotated[OutputFormat, typer.Option("--format", "-f", help="How rows leave.")] = OutputFormat.TABLE,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, help="Most rows; all of them unless given (20 where drawn as a table)."),
    ] = None,
    columns: Annotated[str | None, typer.Option("--columns", help="Only these columns, parted by commas.")] = None,
    file: Annotated[Path | None, typer.Option("--out", help="File to write to instead of stdout.")] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="CSV: leave texts that a spreadsheet would run as a formula as they are, without an apostrophe.",
        ),
    ] = False,
) -> None:
    """Show the rows of a table."""
    from kaizenlake import tables

    found = find_table(table, find_declared(lake))
    # A table that names no tenant tells of the lake as a whole.
    opened = open_view(lake, tenant) if "tenant_id" in tables.schema(found) else open_lake(lake)
    if not opened.exists(found):
        note(f"{tables.full_name(found)} has not been written yet; `kaizen nightly` computes it.")
    frame = opened.scan(found)
    if columns is not None:
        chosen = [name.strip() for name in columns.split(",")]
        if unknown := [name for name in chosen if name not in tables.schema(found)]:
            raise UsageError(
                f"{tables.full_name(found)} has no column {unknown[0]!r}.",
                hint=f"It has {', '.join(tables.schema(found).names())}.",
            )
        frame = frame.select(chosen)
    most = ROWS_ON_A_PAGE if limit is None and form is OutputFormat.TABLE and file is None else limit
    rows = (frame if most is None else frame.head(most)).collect()
    if form is OutputFormat.TABLE:
        draw(rows.columns, rows.iter_rows())
        if limit is None and (left := opened.rows(found) - rows.height) > 0:
            note(f"{plural(left, 'more row')}: --limit N, or --format json, csv or parquet for all.")
        return
    _leave(rows, form, file, exact=exact)


def sql(
    statement: Annotated[str, typer.Argument(help="One statement that reads; tables go by their names.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="What computes it; duckdb needs the extra kaizenlake[sql].")
    ] = Engine.POLARS,
    form: Annotated[OutputFormat, typer.Option("--format", "-f", help="How rows leave.")] = OutputFormat.TABLE,
    file: Annotated[Path | None, typer.Option("--out", help="File to write to instead of stdout.")] = None,
) -> None:
    """Select from the tables of the lake by SQL; nothing is written."""
    from kaizenlake.lake.query import query

    rows = query(open_view(lake, tenant), statement, engine=engine.value)
    if form is OutputFormat.TABLE:
        draw(rows.columns, rows.iter_rows())
        return
    _leave(rows, form, file, exact=False)


def _leave(rows: pl.DataFrame, form: OutputFormat, file: Path | None, *, exact: bool) -> None:
    """Write rows to a file or to stdout."""
    from kaizenlake.cli.shell import export

    if form is OutputFormat.PARQUET and file is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal.", hint="Name a file with --out, or send stdout to one.")
    # Made in memory: a reader that leaves then breaks our own write, which is no error, and not one inside Polars.
    made = BytesIO()
    if form is OutputFormat.JSON:
        export.write_json(rows, made)
    elif form is OutputFormat.CSV:
        export.write_csv(rows, made, exact=exact)
    else:
        export.write_parquet(rows, made)
    _write_out(made.getbuffer(), file)


def tables_(
    name: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="Table whose columns are wanted.")] = None,
    lake: LakeOption = LAKE,
    as_json: JsonOption = False,
) -> None:
    """List the tables, or the columns of one with their meaning, unit and rules."""
    from kaizenlake import plugins, tables

    if name is not None:
        found = find_table(name, find_declared(lake))
        columns = _list_columns(found)
        if as_json:
            say_json(
                {
                    "table": tables.full_name(found),
                    "meaning": tables.meaning(found),
                    "grain": tables.grain(found),
                    "columns": columns,
                }
            )
            return
        say(f"{tables.full_name(found)}: {tables.meaning(found)}")
        say(f"One row per {', '.join(tables.grain(found))}.")
        said = [key for key in columns[0] if key in _ALWAYS or any(column[key] for column in columns)]
        draw(tuple(said), [tuple(column[key] for key in said) for column in columns])
        return
    opened = None
    try:
        opened = open_lake(lake)
    except KaizenError as error:  # the declarations can be read without a lake
        note(f"No rows are counted: {error}")
    listed: list[dict[str, Any]] = [
        {
            "table": tables.name(table),
            "layer": tables.layer(table),
            "rows": opened.rows(table) if opened is not None and opened.exists(table) else None,
            "version": opened.version(table) if opened is not None else None,
            "meaning": tables.meaning(table),
        }
        for table in (plugins.declare(None) if opened is None else opened.declared).tables
    ]
    if as_json:
        say_json(listed)
    else:
        draw(tuple(listed[0]), [tuple(row.values()) for row in listed])


def graph(
    lake: LakeOption = LAKE,
    form: Annotated[GraphFormat, typer.Option("--format", "-f", help="How the graph leaves.")] = GraphFormat.TEXT,
) -> None:
    """Draw which job reads and writes what, in the order of the night."""
    from kaizenlake import tables
    from kaizenlake.job import in_order

    jobs = in_order(find_declared(lake).jobs)
    edges = [(tables.full_name(read), tables.full_name(job.writes)) for job in jobs for read in job.reads]
    if form is GraphFormat.TEXT:
        draw(
            ("job", "reads", "writes", "goes by", "meaning"),
            [
                (
                    job.name,
                    [tables.name(read) for read in job.reads],
                    tables.full_name(job.writes),
                    "day" if job.by_day else "table",
                    job.meaning,
                )
                for job in jobs
            ],
        )
    elif form is GraphFormat.MERMAID:
        say_lines(["flowchart LR", *(f"    {one} --> {other}" for one, other in edges)])
    elif form is GraphFormat.DOT:
        say_lines(["digraph kaizen {", "    rankdir=LR;", *(f'    "{one}" -> "{other}";' for one, other in edges), "}"])
    else:
        say_json(
            [
                {
                    "job": job.name,
                    "reads": [tables.full_name(read) for read in job.reads],
                    "writes": tables.full_name(job.writes),
                    "by_day": job.by_day,
                    "settings": job.settings,
                    "meaning": job.meaning,
                }
                for job in jobs
            ]
        )


def _list_columns(table: type[Table]) -> list[dict[str, Any]]:
    from kaizenlake import tables

    types = tables.schema(table)
    return [
        {
            "column": name,
            "label": column.label,
            "type": str(types[name]),
            "unit": column.unit,
            "format": column.format,
            "null": column.nullable,
            "rule": "; ".join(column.rules()),
            "meaning": column.description,
        }
        for name, column in tables.columns(table).items()
    ]


def _write_out(content: memoryview, file: Path | None) -> None:
    if file is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"The file cannot be written: {error.strerror}.", where=str(file)) from error
