"""What a kind of page of the site is declared with: its overview, its parts, and the columns that several show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.columns import Shown, show, show_interval, show_text
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.kaizen.report_labels import pattern_label
from kaizenlake.report.site.page_parts import PagePart
from kaizenlake.tables import CrlTrends, Table

TEXT = 110
"""Most characters of a text of an event in a table."""


@dataclass(frozen=True)
class PageKind:
    """A kind of page: one for everything that its parts are about.

    Args:
        name: Its folder, and its place in the navigation.
        title: What it is called, many of it.
        one: What one is called.
        about: What its pages tell.
        overview: The list of all; its columns are those of the overview page.
        figures: Columns of the overview whose values stand at the head of a page.
        parts: Tables of a page, in their order.
    """

    name: str
    title: str
    one: str
    about: str
    overview: PagePart
    figures: tuple[str, ...]
    parts: tuple[PagePart, ...]


def _name_post(row: TableRow) -> str:
    return say.clean(row.text or row.content_id, TEXT)


def _name_pattern(row: TableRow) -> str:
    return pattern_label(row.pattern_type, row.pattern)


def show_whole(name: str) -> Shown:
    """Show a sentence of a table whole."""
    return show_text(_SAID.get(name, ""), lambda row: say.clean(getattr(row, name) or "", 400) or say.NOTHING, name)


_SAID = {"sentence": "What was found", "remedy": "What to do", "evidence": "What was found"}

POST = show_text("Post", _name_post, "content_id")
PATTERN = show_text("Pattern", _name_pattern, "pattern_type", "pattern")
LIFT_ENDS = show_interval("lift_ci_low", "lift_ci_high", format="lift")
VERDICT = show("verdict", format="verdict")
LIFT, SHRUNK = show("lift", format="lift"), show("shrunk_lift", "Shrunk lift", "lift")


def make_part(
    title: str, table: type[Table], key: str | tuple[str, ...], by: str, columns: tuple[str | Shown, ...]
) -> PagePart:
    """Return a part whose identifier follows from its table, sorted by columns: one that descends has a hyphen before it."""
    keys = (key,) if isinstance(key, str) else key
    order = {name.removeprefix("-"): name.startswith("-") for name in by.split()}
    links = {name: kind for name, kind in _LINKS.items() if name not in keys}
    # Trends are told of parts of an agent's runs too.
    where = (pl.col("cut") == "all") if table is CrlTrends else None
    return PagePart(f"{table.__name__.lower()}-part", title, table, keys, order, columns, links, where)


_LINKS: Mapping[str, str] = {
    "project_id": "projects",
    "doer": "agents",
    "deployment_id": "canaries",
    "experiment_id": "experiments",
    "pattern_type": "patterns",
    "brand_id": "brands",
    "task_id": "tasks",
}
"""Pages that columns lead to, but for those of the page's own kind."""
