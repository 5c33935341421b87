"""A page of the site, and its HTML: it asks for nothing, is read without JavaScript, and keeps below its size."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any, Literal

import msgspec
from markupsafe import Markup

from kaizenlake.publish import guard
from kaizenlake.report.engine.blocks import Grid, KeyFigure, Paragraph, Picture, Section, how_many_more
from kaizenlake.report.engine.render import find_template, read_resource

MOST_BYTES = 150_000
"""Most bytes of a page: longer tables are cut, and say so."""


@dataclass(frozen=True)
class TodayItem:
    """Something of the start page: a sentence, what it rests on, and what does it.

    Args:
        text: What there is, in a sentence.
        more: How sure it is, since when, or what can be done.
        link: Page that it rests on, from the top of the site; empty for none.
        command: Command to copy; empty for none.
        tone: Whether it is for the better, for the worse, or neither.
    """

    text: str
    more: str = ""
    link: str = ""
    command: str = ""
    tone: Literal["good", "bad", "plain"] = "plain"


@dataclass(frozen=True)
class TodayList:
    """One of the lists of the start page.

    Args:
        id: Identifier, unique on the page.
        title: What it lists.
        items: What there is; the first of it where there is more.
        empty: What is said where there is nothing.
        more: How much is not shown, with a link; empty where all is.
        more_link: Page that shows all.
        others: What stands behind a fold.
    """

    id: str
    title: str
    items: tuple[TodayItem, ...]
    empty: str
    more: str = ""
    more_link: str = ""
    others: tuple[TodayItem, ...] = ()


@dataclass(frozen=True)
class PageLink:
    """A link: its words, where it leads from the top of the site, and how many things are behind it."""

    text: str
    link: str
    count: str = ""


@dataclass(frozen=True)
class SitePage:
    """A page, ready to render; all links lead from the top of the site.

    Args:
        path: Its place below the top, such as `projects/acme.html`.
        title: Its title.
        trail: Pages above it, the start page first.
        subtitle: What it tells.
        facts: A line of plain facts below it.
        figures: Key figures.
        lists: Lists of the start page.
        sections: Sections in their order.
        links: Links that are searched; of the page of all pages.
        turns: Pages before and after it, of a list that has several.
        foot: Words at the foot.
        is_start: It is the start page, whose lists stand side by side.
    """

    path: str
    title: str
    trail: tuple[PageLink, ...] = ()
    subtitle: str = ""
    facts: str = ""
    figures: tuple[KeyFigure, ...] = ()
    lists: tuple[TodayList, ...] = ()
    sections: tuple[Section, ...] = ()
    links: tuple[tuple[str, tuple[PageLink, ...]], ...] = ()
    turns: tuple[PageLink, ...] = ()
    foot: str = ""
    is_start: bool = False


@dataclass(frozen=True)
class SiteFrame:
    """What all pages of a site have in common.

    Args:
        named: Whose site it is, in words; empty where the lake has one tenant.
        places: Kinds of pages, for the navigation.
    """

    named: str
    places: tuple[PageLink, ...]


def describe_page(page: SitePage, frame: SiteFrame) -> bytes:
    """Return all that a page is made of, as bytes; equal ones make equal pages."""
    return msgspec.json.encode((page, frame, guard.kinds(), _mark()))


def render_page(page: SitePage, frame: SiteFrame) -> bytes:
    """Return a page as HTML of at most 150 kB; where it would be more, its tables show fewer rows.

    Args:
        page: The page, laid out.
        frame: What all pages have in common.
    """
    most = max((len(block.rows) for block in _grids(page)), default=0)
    while True:
        content = _render(page, frame)
        if len(content) < MOST_BYTES or most <= 1:
            return content
        most //= 2
        page = replace(page, sections=tuple(_cut(section, most) for section in page.sections))


def _grids(page: SitePage) -> Iterable[Grid]:
    return (block for section in page.sections for block in section.blocks if isinstance(block, Grid))


def _cut(section: Section, most: int) -> Section:
    blocks = tuple(
        replace(
            block,
            rows=block.rows[:most],
            anchors=block.anchors[:most],
            note=f"{how_many_more(most, len(block.rows))} {block.note}".strip(),
        )
        if isinstance(block, Grid) and len(block.rows) > most
        else block
        for block in section.blocks
    )
    return replace(section, blocks=blocks)


def _render(page: SitePage, frame: SiteFrame) -> bytes:
    # Texts went through `clean` one by one; the whole is taken apart only where something in it is still to be replaced.
    told = "\n".join(_yield_texts(page))
    shown: Any = page if guard.text(told) == told else guard.redact_report(page)
    style, script = _style(), read_resource("html", "site.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    html = find_template("site.html.j2").render(
        page=shown,
        frame=guard.redact_report(frame),
        up="../" * page.path.count("/"),
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        policy=policy,
        drawn=Markup,
    )
    return html.encode("utf-8", "replace")


def _yield_texts(page: SitePage) -> Iterator[str]:
    """Yield every text of a page but figures and drawings."""
    yield from (page.title, page.subtitle, page.facts)
    for listed in page.lists:
        for item in (*listed.items, *listed.others):
            yield from (item.text, item.more, item.command)
    yield from (link.text for _, links in page.links for link in links)
    yield from (f"{figure.label} {figure.value}" for figure in page.figures)
    for section in page.sections:
        yield from (section.title, section.lead)
        yield from (block.text for block in section.blocks if isinstance(block, Paragraph))
        yield from (block.chart.description for block in section.blocks if isinstance(block, Picture))
    for grid in _grids(page):
        yield grid.caption
        for row in grid.rows:
            shown = (cell for cell, column in zip(row, grid.columns, strict=True) if column.kind != "number")
            yield from (f"{cell.text}\n{cell.value}" for cell in shown)


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _style() -> str:
    return read_resource("html", "kaizen.css") + read_resource("html", "site.css")


@cache
def _mark() -> str:
    """Return what stands for everything of ours that decides how a page looks."""
    parts = [_style(), *(read_resource("html", name) for name in ("site.js", "site.html.j2", "blocks.html.j2"))]
    return sha256(json.dumps(parts).encode()).hexdigest()
