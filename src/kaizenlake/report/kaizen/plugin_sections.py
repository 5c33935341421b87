"""Sections of the report that plug-ins declare: the first rows of a table under headings, or what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec
import polars as pl

from kaizenlake import tables
from kaizenlake.plugins import Declarations, ReportSection, ValueFormat
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Cell, Column, Grid, Missing, Section, how_many_more
from kaizenlake.report.engine.rows import ROWS
from kaizenlake.tables import Scan, Table

FORMATS: dict[ValueFormat, Callable[[Any], str]] = {
    "text": lambda value: "" if value is None else say.clean(str(value)),
    "count": say.count,
    "number": say.number,
    "rate": say.percent,
    "usd": lambda value: "–" if value is None else f"${value:,.2f}",
    "date": say.day,
    "instant": say.instant,
}
"""How a value is shown, by the format that a plug-in names."""


def plugin_sections(scan: Scan, declared: Declarations, broken: Collection[type[Table]] = ()) -> tuple[Section, ...]:
    """Make the sections of all plug-ins.

    Args:
        scan: Gives a table as a lazy frame.
        declared: What is declared for the lake.
        broken: Tables that could not be computed tonight, of which nothing is told.
    """
    return tuple(
        _section(scan, f"{taken.plugin.name}-{item.name}", item, declared, broken)
        for taken in declared.plugins
        for item in taken.plugin.report_sections
    )


def _section(
    scan: Scan, name: str, item: ReportSection, declared: Declarations, broken: Collection[type[Table]]
) -> Section:
    identifier = "plugin-" + name.replace("_", "-")
    if item.table in broken:
        return Section(identifier, item.title, "", (Missing("Its table could not be computed.", ()),))
    rows = scan(item.table).filter(pl.col(column) == value for column, value in item.where.items())
    if item.sort:
        down = [column.startswith("-") for column in item.sort]
        rows = rows.sort([column.removeprefix("-") for column in item.sort], descending=down, nulls_last=True)
    found = rows.collect()
    if found.is_empty():
        types = [event for name in item.events if (event := declared.catalogue.by_name(name)) is not None]
        told = tuple((event.name, event.meaning) for event in types)
        return Section(identifier, item.title, "", (Missing(item.missing, told),))
    grid = Grid(
        f"{identifier}-table",
        item.lead,
        tables.full_name(item.table),
        tuple(Column(heading, "text" if form == "text" else "number") for heading, _, form in item.columns),
        tuple(
            tuple(Cell(FORMATS[form](row[column]), column, _json(row[column])) for _, column, form in item.columns)
            for row in found.head(ROWS).iter_rows(named=True)
        ),
        how_many_more(min(ROWS, found.height), found.height),
    )
    return Section(identifier, item.title, item.lead, (grid,))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
