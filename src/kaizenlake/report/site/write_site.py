"""Write the site: the start page, the pages of everything that the lake knows, and the lists that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kaizenlake.report.engine.blocks import KeyFigure
from kaizenlake.report.kaizen.kaizen_data import build
from kaizenlake.report.site.entity_pages import KindRows, build_overview, build_pages, name_of, read_kind
from kaizenlake.report.site.page_names import SiteLinks
from kaizenlake.report.site.site_files import SiteFiles
from kaizenlake.report.site.site_kinds import KINDS
from kaizenlake.report.site.site_page import PageLink, SiteFrame, SitePage, describe_page, render_page
from kaizenlake.report.site.site_scope import SiteScope
from kaizenlake.report.site.start_page import build_start
from kaizenlake.report.site.table_pages import KIND as TABLES
from kaizenlake.report.site.table_pages import build_list, build_tables, key_of

INDEX = "index.html"

SEARCHED = 800
"""Most links of one page of the search; there are as many pages as are needed."""


class WrittenSite(NamedTuple):
    """What came of it.

    Args:
        start: The start page.
        pages: Pages that there are.
        written: Those that were written, because they changed.
        removed: Pages that were taken away.
    """

    start: Path
    pages: int
    written: int
    removed: int


def write_site(scope: SiteScope, folder: Path) -> WrittenSite:
    """Write the pages that changed, and take away those of which nothing is left to tell.

    Args:
        scope: What the site is made of.
        folder: Where it lies.

    Raises:
        LakeError: A table cannot be read, or a file cannot be written.
    """
    files = SiteFiles(folder)
    frame, pages = lay_out(scope)
    for page in pages:
        files.write(page.path, describe_page(page, frame), lambda page=page: render_page(page, frame))  # type: ignore[misc]
    removed = files.end()
    return WrittenSite(folder / INDEX, len(files), files.written, removed)


def lay_out(scope: SiteScope) -> tuple[SiteFrame, Iterator[SitePage]]:
    """Return what all pages have in common, and the pages, each laid out when it is asked for.

    Args:
        scope: What the site is made of.
    """
    held = [read_kind(kind, scope.scan, scope.most) for kind in KINDS]
    of_tables = [key_of(table) for table in scope.tables]
    links = SiteLinks({item.kind.name: item.keys for item in held} | {TABLES: of_tables})
    places = (
        *(PageLink(item.kind.title, f"{item.kind.name}.html") for item in held if item.keys),
        PageLink("Tables", f"{TABLES}.html"),
        PageLink("Search", "search.html"),
    )
    return SiteFrame(scope.named, places), _yield_pages(held, scope, links)


def _yield_pages(held: list[KindRows], scope: SiteScope, links: SiteLinks) -> Iterator[SitePage]:
    data = build(scope.scan, as_of=scope.as_of, previous=scope.previous, bearings=scope.bearings)
    counts = tuple(PageLink(item.kind.title, f"{item.kind.name}.html", f"{item.total:,}") for item in held if item.keys)
    counts += (PageLink("Tables", f"{TABLES}.html", f"{len(scope.tables):,}"),)
    yield build_start(data, scope, links, counts)
    for item in held:
        yield from build_overview(item, scope, links)
        yield from build_pages(item, scope, links)
    yield SitePage(
        f"{TABLES}.html",
        "Tables",
        figures=(KeyFigure("Tables", f"{len(scope.tables):,}", ""),),
        sections=(build_list(scope, links),),
    )
    yield from build_tables(scope, links)
    yield from _build_search(held, scope, links)


def _build_search(held: list[KindRows], scope: SiteScope, links: SiteLinks) -> Iterator[SitePage]:
    """Yield the pages that list every page by name, for reading and for searching."""
    found = [
        (item.kind.title, PageLink(name_of(item.kind, key), links.find(item.kind.name, key)))
        for item in held
        for key in item.keys
    ]
    found += [("Tables", PageLink(".".join(key), links.find(TABLES, key))) for key in map(key_of, scope.tables)]
    chunks = [found[start : start + SEARCHED] for start in range(0, len(found), SEARCHED)] or [[]]
    names = ["search.html", *(f"search-{number}.html" for number in range(2, len(chunks) + 1))]
    for place, chunk in enumerate(chunks):
        groups: dict[str, list[PageLink]] = {}
        for title, link in chunk:
            groups.setdefault(title, []).append(link)
        before = (PageLink("Page before", names[place - 1]),) if place else ()
        after = (PageLink("Next page", names[place + 1]),) if place + 1 < len(names) else ()
        facts = f"Page {place + 1} of {len(names)}: each is searched by itself." if len(names) > 1 else ""
        yield SitePage(
            names[place],
            "Search" if place == 0 else f"Search, page {place + 1}",
            subtitle="Everything that has a page, by name.",
            facts=facts,
            links=tuple((title, tuple(found_links)) for title, found_links in groups.items()),
            turns=before + after,
        )
