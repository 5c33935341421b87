"""What the report is built of: sections of sentences, tables and charts, which HTML and PDF render alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from kaizenlake import tables
from kaizenlake.events.catalogue import by_name
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.columns import Cell, Kind, Shown, label_of
from kaizenlake.report.engine.interval_chart import SHARES, RowGroup, Scale, draw_interval_chart
from kaizenlake.report.engine.rows import Listing
from kaizenlake.report.engine.svg import Chart
from kaizenlake.tables import Table

Basis: TypeAlias = Literal["experiment", "observation", "count", "warning"]


@dataclass(frozen=True)
class ReportColumn:
    """A column of a table: heading, whether it holds text, figures or a verdict, and the page that says what it means."""

    label: str
    kind: Kind = "number"
    link: str = ""


@dataclass(frozen=True)
class Grid:
    """A table of the report.

    Args:
        id: Identifier, unique in the report.
        caption: What one row is.
        source: Table the figures come from, by full name.
        columns: Its columns; the first names the row.
        rows: Cells, as many as columns.
        note: How much is not shown; empty when all is.
        source_link: Page of that table; empty for none.
        anchors: Identifier of each row, to which other pages lead; empty for none.
    """

    id: str
    caption: str
    source: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    source_link: str = ""
    anchors: tuple[str, ...] = ()
    type: Literal["grid"] = "grid"


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two of the report's own."""

    text: str
    type: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class MissingData:
    """A section without data: what is missing, and what to log to fill it."""

    text: str
    events: tuple[tuple[str, str], ...]
    type: Literal["missing"] = "missing"


@dataclass(frozen=True)
class Picture:
    """A chart."""

    chart: Chart
    type: Literal["picture"] = "picture"


@dataclass(frozen=True)
class FindingBlock:
    """One thing the tables say, in a sentence with its numbers.

    Args:
        kind: Name of the kind of finding.
        sentence: The finding with its numbers and interval.
        table: Table it comes from, by full name.
        basis: What it rests on.
        section: Section of the report that shows it.
    """

    kind: str
    sentence: str
    table: str
    basis: Basis
    section: str


@dataclass(frozen=True)
class Headlines:
    """Headline findings."""

    findings: tuple[FindingBlock, ...]
    type: Literal["headlines"] = "headlines"


@dataclass(frozen=True)
class Definitions:
    """Terms and what they mean, under a heading of its own."""

    heading: str
    intro: str
    terms: tuple[tuple[str, str], ...]
    type: Literal["definitions"] = "definitions"


Block: TypeAlias = Grid | Paragraph | MissingData | Picture | Headlines | Definitions


@dataclass(frozen=True)
class Section:
    """A section of the report."""

    id: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class KeyFigure:
    """A key figure: its name, its value, how it moved since the report before, and the page that it rests on."""

    label: str
    value: str
    change: str
    link: str = ""


@dataclass(frozen=True)
class Logo:
    """A picture at the head of a report.

    Args:
        kind: png or jpg.
        data: The picture, in base64.
        alternative: What it stands for, for those who do not see it.
    """

    kind: Literal["png", "jpg"]
    data: str
    alternative: str


@dataclass(frozen=True)
class ReportDocument:
    """The whole report, ready to render."""

    title: str
    subtitle: str
    as_of: str
    as_of_iso: str
    period: str
    window: str
    figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]
    brand: str = "kaizenlake"
    logo: Logo | None = None

    @classmethod
    def of(
        cls,
        as_of: datetime,
        *,
        title: str,
        subtitle: str,
        window: str,
        figures: tuple[KeyFigure, ...],
        sections: Iterable[Section | None],
    ) -> ReportDocument:
        """Put a report together, with its title as the foot of each page on paper.

        Args:
            as_of: Aware instant; the tables hold what happened before it.
            subtitle: What it tells.
            window: What its figures are of.
            figures: Key figures at its head.
            sections: Sections in their order; None for one that has nothing to tell.
        """
        return cls(
            title,
            subtitle,
            say.instant(as_of),
            as_of.isoformat(),
            title,
            window,
            figures,
            tuple(section for section in sections if section is not None),
        )

    def of_client(self, name: str, logo: Logo | None) -> ReportDocument:
        """Return the report as one for a client, whose name and logo stand at its head in place of ours."""
        return replace(self, brand=name, logo=logo)

    def with_foot(self, period: str) -> ReportDocument:
        """Return the report with other words at the foot of each page on paper."""
        return replace(self, period=period)


def build_empty(identifier: str, title: str, text: str, *events: str) -> Section:
    """Return a section without data: what is missing, and the events that would fill it."""
    return Section(identifier, title, "", (MissingData(text, events_to_log(*events)),))


def events_to_log(*events: str) -> tuple[tuple[str, str], ...]:
    """Return events that would fill a section, each with its meaning out of the catalogue."""
    return tuple((name, found.meaning) for name in events if (found := by_name(name)) is not None)


def build_grid(
    identifier: str,
    caption: str,
    table: type[Table],
    listing: Listing[Any],
    columns: Sequence[str | Shown],
) -> Grid:
    """Return a table of the report out of rows of a table of the lake.

    Args:
        identifier: Unique in the report.
        caption: What one row is.
        table: Table the rows come from, whose declaration says how each column is headed and written.
        listing: The rows.
        columns: Names of columns, or what is shown in another way than declared.
    """
    parts = [Shown((part,)) if isinstance(part, str) else part for part in columns]
    return Grid(
        identifier,
        caption,
        tables.full_name(table),
        tuple(ReportColumn(part.heading(table), part.kind(table)) for part in parts),
        tuple(tuple(part.cell(row, table) for part in parts) for row in listing.rows),
        how_many_more(len(listing.rows), listing.total),
    )


def build_intervals(
    identifier: str,
    title: str,
    groups: Sequence[RowGroup],
    *,
    scale: Scale = SHARES,
    legend: tuple[tuple[str, str], ...] = (),
) -> Picture:
    """Return a picture of estimates with their intervals, which tells each of them in words; see `charts.interval_chart`."""
    told = "; ".join(
        f"{group.heading}: {mark.label} {mark.shown}" if group.heading else f"{mark.label} {mark.shown}"
        for group in groups
        for mark in group.marks
    )
    return Picture(draw_interval_chart(identifier, title, f"{told}.", groups, scale=scale, legend=legend))


def build_meanings(shown: Iterable[tuple[type[Table], tuple[str, ...]]]) -> tuple[Definitions, ...]:
    """Return what columns mean, out of the declarations of their tables, under the labels by which the report calls them.

    Args:
        shown: Tables, each with the columns that the report shows.
    """
    return tuple(
        Definitions(
            say.sentence(say.name_words(tables.name(table))),
            tables.meaning(table),
            tuple((label_of(table, name), tables.columns(table)[name].description) for name in names),
        )
        for table, names in shown
    )


def how_many_more(shown: int, total: int) -> str:
    """Return how much of a table is shown; empty when all of it is."""
    return (
        f"{say.count(shown)} of {say.count(total)} rows shown; the lake's table has them all." if total > shown else ""
    )
