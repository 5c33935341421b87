"""The pages of projects, agents, canaries, experiments, patterns, brands and tasks, and the lists that lead to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec
import polars as pl

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.publish.signed.skill_data import Course, courses
from kaizenlake.report.engine.blocks import Block, Grid, KeyFigure, Paragraph, Picture, ReportColumn, Section
from kaizenlake.report.engine.columns import Cell, format_of, label_of, show
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.engine.trend_chart import Trend, draw_trend_chart
from kaizenlake.report.kaizen.recommendations import format_command
from kaizenlake.report.kaizen.report_labels import pattern_label
from kaizenlake.report.site.page_kind import POST, PageKind
from kaizenlake.report.site.page_names import Key, SiteLinks
from kaizenlake.report.site.page_parts import PagePart, build_part, read_grouped, read_part
from kaizenlake.report.site.site_page import PageLink, SitePage, TodayItem, TodayList
from kaizenlake.report.site.site_scope import SiteScope
from kaizenlake.tables import Contents, Scan
from kaizenlake.vocabulary import plural

OVERVIEW_ROWS = 120
"""Most rows of a page of an overview; longer ones have several pages."""

NAME_LENGTH = 90


@dataclass(frozen=True)
class KindRows:
    """Everything that the pages of one kind are made of.

    Args:
        heads: Row of the overview of each thing that has one, in the order of the overview.
        keys: Things that have a page, those of the overview first.
        total: How many there are in all.
        parts: Rows of each part, by what they are about.
    """

    kind: PageKind
    heads: Mapping[Key, TableRow]
    keys: tuple[Key, ...]
    total: int
    parts: tuple[tuple[PagePart, Mapping[Key, Listing[TableRow]]], ...]


def read_kind(kind: PageKind, scan: Scan, most: int) -> KindRows:
    """Read all that the pages of a kind are made of, each table once.

    Args:
        scan: Gives a table.
        most: Most pages of it.
    """
    part = kind.overview
    order = {"descending": list(part.by.values()), "nulls_last": True, "maintain_order": True}
    rows = (
        scan(part.table)
        .filter(*(pl.col(name).is_not_null() for name in part.key))
        .sort(list(part.by), **order)  # type: ignore[arg-type]
        .unique(list(part.key), keep="first", maintain_order=True)
        .collect()
    )
    heads = {tuple(row[name] for name in part.key): TableRow(**row) for row in rows.iter_rows(named=True)}
    parts: tuple[tuple[PagePart, Mapping[Key, Listing[TableRow]]], ...]
    parts = tuple((item, read_part(item, scan)) for item in kind.parts)
    if kind.name == "patterns":
        parts += tuple(_read_examples(scan))
    others = sorted({key for item, found in parts if item.key == part.key for key in found} - heads.keys())
    keys = (*heads, *others)
    return KindRows(kind, heads, keys[:most], len(keys), parts)


def name_of(kind: PageKind, key: Key) -> str:
    """Return what a thing is called on its page."""
    return pattern_label(*key) if kind.name == "patterns" else say.clean(key[0], NAME_LENGTH) or say.NOTHING


def build_pages(held: KindRows, scope: SiteScope, links: SiteLinks) -> Iterator[SitePage]:
    """Yield the page of each thing of a kind."""
    kind = held.kind
    drawn = courses(scope.scan, as_of=scope.as_of) if kind.name == "agents" else {}
    for key in held.keys:
        head = held.heads.get(key)
        sections = [
            Section(part.id.replace("-part", ""), part.caption, part.lead, (build_part(part, rows[key], links),))
            for part, rows in held.parts
            if key in rows
        ]
        if kind.name == "agents" and key[0] in drawn:
            sections.insert(0, _draw_loss(key[0], drawn[key[0]]))
        if head is not None:
            sections.append(_build_facts(kind.overview, head, links))
        yield SitePage(
            links.find(kind.name, key),
            name_of(kind, key),
            (PageLink(kind.title, f"{kind.name}.html"),),
            kind.about,
            figures=() if head is None else _build_figures(kind, head, links),
            lists=_build_commands(kind, key, head, scope),
            sections=tuple(sections),
        )


def build_overview(held: KindRows, scope: SiteScope, links: SiteLinks) -> Iterator[SitePage]:
    """Yield the pages that list all of a kind."""
    kind, part = held.kind, held.kind.overview
    rows = [held.heads[key] for key in held.keys if key in held.heads]
    chunks = [rows[start : start + OVERVIEW_ROWS] for start in range(0, len(rows), OVERVIEW_ROWS)] or [[]]
    others = [key for key in held.keys if key not in held.heads]
    left = held.total - len(held.keys)
    facts = f"{plural(left, 'more')} without a page: the setting site.most_pages is {scope.most:,}." if left else ""
    for place, chunk in enumerate(chunks):
        path = f"{kind.name}.html" if place == 0 else f"{kind.name}-{place + 1}.html"
        blocks: list[Block] = []
        if chunk:
            grid = build_part(part, Listing(tuple(chunk), len(chunk)), links)
            blocks.append(replace(grid, note=_tell_pages(place, len(chunks), len(rows))))
        if place == len(chunks) - 1 and others:
            blocks.append(_list_others(kind, others, links))
        blocks = blocks or [Paragraph(f"There is no {kind.one} yet.")]
        title = kind.title if place == 0 else f"{kind.title}, page {place + 1}"
        sections = (Section("all", f"All {kind.title.lower()}", kind.about, tuple(blocks)),)
        yield SitePage(path, title, facts=facts, sections=sections, turns=_build_turns(kind, place, len(chunks)))


def _build_turns(kind: PageKind, place: int, pages: int) -> tuple[PageLink, ...]:
    """Return links to the pages before and after, where a list has several."""
    names = [f"{kind.name}.html", *(f"{kind.name}-{number}.html" for number in range(2, pages + 1))]
    before = (PageLink("Page before", names[place - 1]),) if place else ()
    return before + ((PageLink("Next page", names[place + 1]),) if place + 1 < pages else ())


def _tell_pages(place: int, pages: int, rows: int) -> str:
    first = place * OVERVIEW_ROWS + 1
    return f"Rows {first:,} to {min(first + OVERVIEW_ROWS - 1, rows):,} of {rows:,}." if pages > 1 else ""


def _list_others(kind: PageKind, others: list[Key], links: SiteLinks) -> Grid:
    rows = tuple((Cell(name_of(kind, key), link=links.find(kind.name, key)),) for key in others[:OVERVIEW_ROWS])
    note = f"{len(rows):,} of {len(others):,} shown." if len(others) > len(rows) else ""
    return Grid(
        "others-table",
        f"{kind.title} of which other tables alone tell",
        "tables of its page",
        (ReportColumn(say.sentence(kind.one), "text"),),
        rows,
        note,
    )


def _build_figures(kind: PageKind, head: TableRow, links: SiteLinks) -> tuple[KeyFigure, ...]:
    table = kind.overview.table
    return tuple(
        KeyFigure(
            label_of(table, name),
            say.clean(say.FORMATS[_format_name(table, name)](getattr(head, name)), 40),
            "",
            links.evidence(tables.full_name(table), name),
        )
        for name in kind.figures
    )


def _format_name(table: type[tables.Table], name: str) -> str:
    found = format_of(table, name)
    return {"instant": "day", "lift": "lift"}.get(found, found)


def _build_facts(part: PagePart, head: TableRow, links: SiteLinks) -> Section:
    """Return every value of the row that the page is of."""
    table, rows = part.table, []
    name = tables.full_name(table)
    for column in tables.schema(table).names():
        value = getattr(head, column)
        if value is None or value == [] or column == "tenant_id":
            continue
        shown = (
            say.clean(value, 400)
            if isinstance(value, str) and format_of(table, column) != "words"
            else say.FORMATS[format_of(table, column)](value)
        )
        rows.append(
            (
                Cell(label_of(table, column), link=links.evidence(name, column)),
                Cell(shown or say.NOTHING, column, msgspec.json.encode(value, enc_hook=str).decode()[:600]),
            )
        )
    heads = (ReportColumn("Column", "text"), ReportColumn("Value", "text"))
    grid = Grid(
        "facts-table", "Everything that its row says", name, heads, tuple(rows), source_link=links.evidence(name)
    )
    return Section("facts", "Facts", "", (grid,))


def _build_commands(kind: PageKind, key: Key, head: TableRow | None, scope: SiteScope) -> tuple[TodayList, ...]:
    """Return what a person may do about it, with the command to copy."""
    tenant = () if scope.tenant is None else ("--tenant", scope.tenant)
    found: list[tuple[str, tuple[str, ...]]] = []
    if kind.name == "tasks" and head is not None and head.status == "pending_review":
        found = [
            ("It waits for a person.", ("task", "approve", key[0])),
            ("Or reject it, with a reason.", ("task", "reject", key[0], "--reason", "…")),
        ]
    elif kind.name == "projects":
        found = [("Write the report for its client.", ("report", "--project", key[0]))]
    elif kind.name == "canaries":
        found = [("Write its report.", ("report", "--canary", key[0]))]
    items = tuple(
        TodayItem(text, command=command)
        for text, words in found
        if (command := format_command(("kaizen", *words, *tenant)))
    )
    return (TodayList("next", "What can be done", items, ""),) if items else ()


def _draw_loss(doer: str, course: Course) -> Section:
    days = course.days
    if not days:
        return Section("loss", "Its loss", "", (Paragraph("No run of these days has a loss."),))
    now = say.loss(days[-1][2])
    told = f"From {say.day(days[0][0])} to {say.day(days[-1][0])}, {plural(len(days), 'day')} with runs; moving average {now}."
    trend = Trend(say.clean(doer, 60), days, course.alerts, now, now, "plain")
    alarm = (("bad", "A day with an alert"),) if course.alerts else ()
    legend = (("plain", "Moving average"), ("muted", "Mean of a day"), *alarm)
    chart = draw_trend_chart("chart-loss", "Loss by day with its moving average", told, [trend], legend)
    return Section("loss", "Its loss", "A loss lies between 0 and 1, and lower is better.", (Picture(chart),))


def _read_examples(scan: Scan) -> Iterator[tuple[PagePart, Mapping[Key, Listing[TableRow]]]]:
    """Yield posts that have each pattern, the best first: what its figures rest on."""
    part = PagePart(
        "posts-part",
        "Posts that have it, the most shown first",
        Contents,
        ("pattern_type", "pattern"),
        {"impressions": True, "content_id": False, "platform": False},
        (
            *(POST, "platform", "project_id", "impressions", "clicks", show("click_rate", format="small_rate")),
            *("engagement_rate", "experiment_id"),
        ),
        {"project_id": "projects", "experiment_id": "experiments"},
    )
    schema = tables.schema(Contents)
    kinds = ("hook_type", "length_band", "tone", "content_type", "pillar", "platform", "language", "posted_weekday")
    flags = [name for name, dtype in schema.items() if dtype == pl.Boolean and name not in {"is_paid", "held_out"}]
    held = scan(Contents).select("tenant_id", *_SHOWN, *flags, *(name for name in kinds if name not in _SHOWN))
    frame = held.collect()
    found: dict[Key, Listing[TableRow]] = {}
    for name in (*kinds, *flags):
        value = pl.when(pl.col(name)).then(pl.lit("yes")) if name in flags else pl.col(name).cast(pl.String)
        rows = frame.lazy().with_columns(pattern_type=pl.lit(name), pattern=value)
        found |= read_grouped(part, rows.select("pattern_type", "pattern", *_SHOWN))
    yield part, found


_SHOWN = (
    *("content_id", "platform", "project_id", "impressions", "clicks", "click_rate", "engagement_rate"),
    *("experiment_id", "text"),
)
