"""Sections of the report that plug-ins declare: the first rows of a table under headings, or what is missing."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from kaizenlake.plugins import Declarations, ReportSection
from kaizenlake.report.engine.blocks import MissingData, Section, build_grid
from kaizenlake.report.engine.columns import show
from kaizenlake.report.engine.rows import listing
from kaizenlake.tables import Scan, Table


def plugin_sections(
    scan: Scan, declared: Declarations, broken: Collection[type[Table]] = ()
) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """Make the sections of all plug-ins; one that cannot be made says so, and leaves ours as they are.

    Args:
        scan: Gives a table as a lazy frame.
        declared: What is declared for the lake.
        broken: Tables that could not be computed tonight, of which nothing is told.

    Returns:
        The sections, and what failed, in words.
    """
    made: list[Section] = []
    failures: list[str] = []
    for taken in declared.plugins:
        for item in taken.plugin.report_sections:
            identifier = f"plugin-{taken.plugin.name}-{item.name}".replace("_", "-")
            missing = "Its table could not be computed." if item.table in broken else ""
            try:
                section = None if missing else _build_section(scan, identifier, item, declared)
            except Exception as error:  # noqa: BLE001 - a foreign declaration: whatever comes of it is its own failure
                section, missing = None, "It could not be made."
                failures.append(f"section {item.name!r} of {taken.where}: {type(error).__name__}: {error}")
            made.append(section or Section(identifier, item.title, "", (MissingData(missing, ()),)))
    return tuple(made), tuple(failures)


def _build_section(scan: Scan, identifier: str, item: ReportSection, declared: Declarations) -> Section:
    rows = scan(item.table).filter(*(pl.col(column) == value for column, value in item.where.items()))
    order = {column.removeprefix("-"): column.startswith("-") for column in item.sort or tuple(item.columns)}
    found = listing(rows, by=order)
    if not found.rows:
        types = [event for name in item.events if (event := declared.catalogue.by_name(name)) is not None]
        told = tuple((event.name, event.meaning) for event in types)
        return Section(identifier, item.title, "", (MissingData(item.missing, told),))
    columns = [show(name, heading) for name, heading in item.columns.items()]
    return Section(
        identifier, item.title, item.lead, (build_grid(f"{identifier}-table", item.lead, item.table, found, columns),)
    )
