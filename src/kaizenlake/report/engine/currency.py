"""Show amounts of a report in the currency of the lake; columns of tables that end in `_usd` stay US dollars."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import msgspec

from kaizenlake.lake.mapping.money import USD, Exchange
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, Grid, ReportColumn, ReportDocument
from kaizenlake.report.engine.columns import Cell

SUFFIX = "_usd"


def show_in_currency(report: ReportDocument, exchange: Exchange) -> ReportDocument:
    """Return a report whose amounts are written in the currency of the lake, at the rate of its day.

    The figure of the table behind each cell stays what it is, US dollars. Without a rate they are shown in dollars, and the
    table says so.

    Args:
        report: The report, laid out.
        exchange: The currency, and what it is worth.
    """
    if exchange.currency == USD:
        return report
    day = date.fromisoformat(report.as_of_iso[:10])
    worth = exchange.worth(exchange.currency, day)

    def show(block: Block) -> Block:
        return _show_grid(block, exchange.currency, worth) if isinstance(block, Grid) else block

    sections = tuple(replace(section, blocks=tuple(map(show, section.blocks))) for section in report.sections)
    return replace(report, sections=sections)


def _show_grid(grid: Grid, code: str, worth: float | None) -> Grid:
    money = {place for row in grid.rows for place, cell in enumerate(row) if _is_amount(cell)}
    if not money:
        return grid
    if not worth:
        note = f"Amounts are in US dollars: there is no rate of {code}."
        return replace(grid, note=f"{grid.note} {note}".strip())
    columns = tuple(_name(column, code) if place in money else column for place, column in enumerate(grid.columns))
    rows = tuple(
        tuple(_convert(cell, worth) if place in money else cell for place, cell in enumerate(row)) for row in grid.rows
    )
    note = f"Amounts are in {code}, at {say.figure(worth)} US dollars for one."
    return replace(grid, columns=columns, rows=rows, note=f"{grid.note} {note}".strip())


def _is_amount(cell: Cell) -> bool:
    return cell.names.endswith(SUFFIX) and " " not in cell.names


def _name(column: ReportColumn, code: str) -> ReportColumn:
    named = column.label.replace(USD, code)
    return replace(column, label=named if code in named else f"{named}, {code}")


def _convert(cell: Cell, worth: float) -> Cell:
    value = msgspec.json.decode(cell.value) if cell.value else None
    if not isinstance(value, int | float):
        return cell
    return replace(cell, text=say.figure(value / worth))
