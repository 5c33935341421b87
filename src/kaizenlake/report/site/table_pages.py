"""The page of each table: how fresh it is, what its columns mean, where its rows come from and go, and its latest runs."""

from __future__ import annotations

from collections.abc import Iterator

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, Grid, KeyFigure, Paragraph, Picture, ReportColumn, Section
from kaizenlake.report.engine.columns import Cell, label_of
from kaizenlake.report.site.lineage_graph import draw_lineage
from kaizenlake.report.site.page_names import SiteLinks
from kaizenlake.report.site.site_page import PageLink, SitePage
from kaizenlake.report.site.site_scope import SiteScope, StoredTable
from kaizenlake.tables import Table
from kaizenlake.vocabulary import plural

KIND = "tables"

RUNS = 10
"""Most runs of a table that are listed."""


def key_of(table: type[Table]) -> tuple[str, ...]:
    """Return the key of the page of a table."""
    return tuple(tables.full_name(table).split("."))


def build_tables(scope: SiteScope, links: SiteLinks) -> Iterator[SitePage]:
    """Yield the page of each table."""
    for table in scope.tables:
        yield _build(table, scope, links)


def build_list(scope: SiteScope, links: SiteLinks) -> Section:
    """Return the list of all tables, with how fresh each is."""
    rows = []
    for table in scope.tables:
        name = tables.full_name(table)
        stored = scope.stored.get(name, StoredTable())
        rows.append(
            (
                Cell(name, link=links.evidence(name)),
                Cell(say.clean(tables.meaning(table), 200)),
                Cell(say.count(stored.rows)),
                Cell(say.count(stored.version)),
                Cell(say.instant(stored.written_at)),
            )
        )
    columns = (
        ReportColumn("Table", "text"),
        ReportColumn("Meaning", "text"),
        ReportColumn("Rows"),
        ReportColumn("Version"),
        ReportColumn("Last written", "text"),
    )
    grid = Grid("tables-table", "Tables of the lake", "the lake's own versions", columns, tuple(rows))
    return Section("all", "All tables", "Every figure of these pages is read from one of them.", (grid,))


def _build(table: type[Table], scope: SiteScope, links: SiteLinks) -> SitePage:
    name = tables.full_name(table)
    stored = scope.stored.get(name, StoredTable())
    figures = (
        KeyFigure("Rows", say.count(stored.rows), ""),
        KeyFigure("Version", say.count(stored.version), ""),
        KeyFigure(
            "Last written", say.date_of(stored.written_at), say.instant(stored.written_at) if stored.written_at else ""
        ),
        KeyFigure("Columns", say.count(len(tables.columns(table))), ""),
    )
    problem = (
        (Paragraph(f"It cannot be read as it should: {say.clean(stored.problem, 300)}"),) if stored.problem else ()
    )
    return SitePage(
        links.evidence(name),
        name,
        (PageLink("Tables", "tables.html"),),
        say.clean(tables.meaning(table), 600),
        f"One row per {', '.join(tables.grain(table))}. `kaizen show {tables.name(table)}` prints it.".replace("`", ""),
        figures,
        sections=(
            _build_columns(table, problem),
            _build_lineage(table, scope, links),
            _build_runs(table, scope),
        ),
    )


def _build_columns(table: type[Table], before: tuple[Block, ...]) -> Section:
    types = tables.schema(table)
    rows = [
        (
            Cell(name),
            Cell(label_of(table, name)),
            Cell(str(types[name])),
            Cell(column.unit or say.NOTHING),
            Cell("yes" if column.nullable else "no"),
            Cell(say.clean("; ".join(column.rules()), 200) or say.NOTHING),
            Cell(say.clean(column.description, 400)),
        )
        for name, column in tables.columns(table).items()
    ]
    heads = ("Column", "Label", "Type", "Unit", "May be empty", "Rule", "Meaning")
    grid = Grid(
        "columns-table",
        "Columns",
        tables.full_name(table),
        tuple(ReportColumn(head, "text") for head in heads),
        tuple(rows),
        anchors=tuple(f"column-{name}" for name in tables.columns(table)),
    )
    return Section("columns", "What its columns mean", "", (*before, grid))


def _build_lineage(table: type[Table], scope: SiteScope, links: SiteLinks) -> Section:
    name = tables.full_name(table)
    makes = [job for job in scope.jobs if job.writes is table]
    above = list(dict.fromkeys(tables.full_name(read) for job in makes for read in job.reads))
    below = list(dict.fromkeys(tables.full_name(job.writes) for job in scope.jobs if table in job.reads))
    # Pages of tables lie side by side.
    linked = [[(other, links.evidence(other).rpartition("/")[2]) for other in others] for others in (above, below)]
    blocks: list[Block] = [Picture(draw_lineage(name, *linked))]
    for identifier, caption, others in (
        ("above-table", "Made from", above),
        ("below-table", "Made from it", below),
    ):
        if others:
            meanings = {tables.full_name(item): tables.meaning(item) for item in scope.tables}
            rows = tuple(
                (Cell(other, link=links.evidence(other)), Cell(say.clean(meanings.get(other, ""), 160)))
                for other in others
            )
            heads = (ReportColumn("Table", "text"), ReportColumn("Meaning", "text"))
            blocks.append(Grid(identifier, caption, "the graph of jobs", heads, rows))
    lead = " ".join(f"Job {job.name}: {say.clean(job.meaning, 300)}" for job in makes) or "It is written by landing."
    return Section("lineage", "Where its rows come from, and where they go", lead, tuple(blocks))


def _build_runs(table: type[Table], scope: SiteScope) -> Section:
    runs = list(scope.runs.get(tables.full_name(table), ()))[:RUNS]
    if not runs:
        return Section("runs", "Its latest runs", "", (Paragraph("No run on record wrote it."),))
    rows = tuple(
        (
            Cell(say.instant(run.started_at)),
            Cell(run.status),
            Cell(say.count(run.rows)),
            Cell(say.figure(run.seconds)),
            Cell(say.clean(run.why, 200) or say.NOTHING),
            Cell(run.run_id),
        )
        for run in runs
    )
    heads = (
        ReportColumn("Started", "text"),
        ReportColumn("State", "verdict"),
        ReportColumn("Rows written"),
        ReportColumn("Seconds"),
        ReportColumn("Why", "text"),
        ReportColumn("Run", "text"),
    )
    grid = Grid("runs-table", "Runs that wrote it", "runs/ of the lake", heads, rows)
    return Section("runs", "Its latest runs", f"The latest {plural(len(rows), 'run')}, newest first.", (grid,))
