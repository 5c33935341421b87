"""The graph of one table: which tables it is made from, and which are made from it, as a drawing that links to each."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.svg import Chart, cut

DRAWN = 12
"""Most tables of a side that are drawn; the lists beside it have them all."""

_ROW, _BOX, _GAP = 30, 212, 72


def draw_lineage(name: str, above: Sequence[tuple[str, str]], below: Sequence[tuple[str, str]]) -> Chart:
    """Draw what a table is made from, on its left, and what is made from it, on its right.

    Args:
        name: Full name of the table.
        above: Tables that it is made from: full name and link.
        below: Tables that are made from it.
    """
    told = (
        f"{name} is made from {', '.join(other for other, _ in above) or 'what is landed'}; "
        f"{', '.join(other for other, _ in below) or 'no table'} {'is' if len(below) < 2 else 'are'} made from it."
    )
    wide = _draw(name, above[:DRAWN], below[:DRAWN], told)
    return Chart("lineage", "Where its rows come from, and where they go", told, wide, "", "")


def _draw(name: str, above: Sequence[tuple[str, str]], below: Sequence[tuple[str, str]], told: str) -> str:
    rows = max(len(above), len(below), 1)
    height, width = rows * _ROW + 8, 3 * _BOX + 2 * _GAP
    middle = height / 2
    parts: list[str] = []
    for column, others in ((0, above), (2, below)):
        left = column * (_BOX + _GAP)
        top = (height - len(others) * _ROW) / 2
        for place, (other, link) in enumerate(others):
            y = top + (place + 0.5) * _ROW
            start, end = (_BOX, y), (_BOX + _GAP, middle)
            if column:
                start, end = (2 * _BOX + _GAP, middle), (left, y)
            bend = (start[0] + end[0]) / 2
            parts.append(
                f'<path d="M{start[0]:g} {start[1]:g}C{bend:g} {start[1]:g} {bend:g} {end[1]:g} {end[0]:g} {end[1]:g}" '
                'fill="none" stroke="var(--line)" stroke-width="1.5"/>'
            )
            parts.append(_box(other, left, y, link))
    parts.append(_box(name, _BOX + _GAP, middle, "", is_this=True))
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="graph-title graph-desc" '
        f"font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\" font-size=\"12.5\">"
        f'<title id="graph-title">Graph of {escape(say.clean(name, 80))}</title>'
        f'<desc id="graph-desc">{escape(say.clean(told, 2000))}</desc>{"".join(parts)}</svg>'
    )


def _box(name: str, left: float, y: float, link: str, *, is_this: bool = False) -> str:
    words = escape(cut(say.clean(name, 80), _BOX - 16, 12.5, "wide"))
    fill, stroke = ("var(--band)", "var(--accent)") if is_this else ("var(--paper)", "var(--line)")
    drawn = (
        f'<rect x="{left:g}" y="{y - 12:g}" width="{_BOX}" height="24" rx="5" fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{left + 8:g}" y="{y + 4.3:g}" fill="var(--{"accent" if link else "ink"})">{words}</text>'
    )
    return f'<a href="{escape(link)}" tabindex="-1" aria-hidden="true">{drawn}</a>' if link else drawn
