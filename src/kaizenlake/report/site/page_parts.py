"""Tables of pages: rows of a table of the lake, taken apart by what they are about, each figure with a link to its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Grid, build_grid
from kaizenlake.report.engine.columns import Shown
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.site.page_names import Key, SiteLinks
from kaizenlake.tables import Scan, Table

CAPTION = 160
"""Most characters of the meaning of a table, which stands above its rows."""

ROWS = 20
"""Most rows of a table on the page of one thing."""


@dataclass(frozen=True)
class PagePart:
    """A table on the pages of a kind.

    Args:
        id: Identifier, unique on the page.
        caption: What one row is.
        table: Table the rows come from.
        key: Columns that say which thing a row is about.
        by: Columns to sort by, each with whether it descends.
        columns: What is shown.
        links: Kind of page that a column leads to.
        where: Which rows count; all of them where None.
        lead: What is said above it.
    """

    id: str
    caption: str
    table: type[Table]
    key: tuple[str, ...]
    by: Mapping[str, bool]
    columns: Sequence[str | Shown]
    links: Mapping[str, str] = field(default_factory=dict)
    where: pl.Expr | None = None
    lead: str = ""


KEYS: Mapping[str, tuple[str, ...]] = {"patterns": ("pattern_type", "pattern")}
"""Columns whose values together lead to a page; of other kinds it is the column itself."""


def read_part(part: PagePart, scan: Scan) -> dict[Key, Listing[TableRow]]:
    """Return the first rows of a part for everything that it is about.

    Args:
        scan: Gives a table.
    """
    frame = scan(part.table)
    return read_grouped(part, frame if part.where is None else frame.filter(part.where))


def read_grouped(part: PagePart, frame: pl.LazyFrame) -> dict[Key, Listing[TableRow]]:
    """Return the first rows of a frame for everything that a part is about.

    Args:
        frame: Its rows.
    """
    key = list(part.key)
    found = (
        frame.filter(*(pl.col(name).is_not_null() for name in key))
        .sort(list(part.by), descending=list(part.by.values()), nulls_last=True)
        .with_columns(
            _place=pl.int_range(pl.len()).over(key),
            _total=pl.len().over(key),
        )
        .filter(pl.col("_place") < ROWS)
        .collect()
    )
    rows: dict[Key, list[TableRow]] = {}
    totals: dict[Key, int] = {}
    for row in found.iter_rows(named=True):
        of = tuple(row[name] for name in key)
        totals[of] = row.pop("_total")
        rows.setdefault(of, []).append(TableRow(**row))
    return {of: Listing(tuple(held), totals[of]) for of, held in rows.items()}


def build_part(part: PagePart, rows: Listing[TableRow], links: SiteLinks) -> Grid:
    """Return a part as a table whose headings lead to what their columns mean, and whose names lead to their pages.

    Args:
        links: Pages that there are.
    """
    columns = [_link(Shown((item,)) if isinstance(item, str) else item, part.links, links) for item in part.columns]
    grid = build_grid(part.id, say.clean(tables.meaning(part.table), CAPTION), part.table, rows, columns)
    name = tables.full_name(part.table)
    heads = tuple(
        replace(head, link=links.evidence(name, column.names[0]) if column.names else "")
        for head, column in zip(grid.columns, columns, strict=True)
    )
    return replace(grid, columns=heads, source_link=links.evidence(name))


def _link(column: Shown, kinds: Mapping[str, str], links: SiteLinks) -> Shown:
    """Return a column whose cells lead to the pages of what they name."""
    kind = kinds.get(column.names[0]) if column.names else None
    if kind is None:
        return column
    names = KEYS.get(kind, column.names[:1])
    return replace(column, link=_find(kind, names, links))


def _find(kind: str, names: tuple[str, ...], links: SiteLinks) -> Callable[[Any], str]:
    def find(row: Any) -> str:
        key = tuple(getattr(row, name) for name in names)
        return "" if None in key else links.find(kind, key)

    return find
