"""Draw charts as SVG: one template a form of chart, in two widths and for paper, the same bytes for the same rows.

Widths of texts come from a table, so that the fonts of a machine change nothing. The page gives the colours of a screen;
every chart has a title and a description that tell its finding.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import jinja2

from kaizenlake.publish import formats as say

Target: TypeAlias = Literal["wide", "narrow", "paper"]
Tone: TypeAlias = Literal["good", "bad", "plain"]

COLOURS = {
    "ink": "#1b2430",
    "muted": "#566070",
    "line": "#d5dae1",
    "good": "#1f7a5c",
    "bad": "#b04a2f",
    "plain": "#3f5f8a",
    "paper": "#ffffff",
    "band": "#d6e1ef",
    "tier-excellent": "#0f5c52",
    "tier-good": "#4e9c8d",
    "tier-average": "#d9c48f",
    "tier-poor": "#c4876a",
}
"""Colours by name as they are printed; a page sets `--name` for each."""

_SCREEN = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_FONTS: dict[Target, str] = {"wide": _SCREEN, "narrow": _SCREEN, "paper": "Libertinus Serif"}


@dataclass(frozen=True)
class Chart:
    """One chart, drawn for a screen, a phone and paper.

    Args:
        id: Identifier, unique in the report.
        title: What is shown.
        description: What it says, with its numbers.
        wide: SVG for a screen.
        narrow: SVG for a phone.
        paper: SVG for the PDF.
        legend: Name of a colour and what it stands for.
    """

    id: str
    title: str
    description: str
    wide: str
    narrow: str
    paper: str
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Drawing:
    """What one template draws: the size of the plot, the pixels around it, and the values of the template by name.

    Args:
        plot: Width of the plot, in pixels.
        height: Its height.
        margins: Pixels left, right and below it.
        values: Whatever else the template names; places are pixels from the upper left of the plot.
    """

    plot: float
    height: float
    margins: tuple[float, float, float]
    values: Mapping[str, Any]


def draw_chart(
    form: str,
    lay_out: Callable[[Target], Drawing],
    identifier: str,
    title: str,
    description: str,
    legend: tuple[tuple[str, str], ...] = (),
) -> Chart:
    """Draw a chart for each target.

    Args:
        form: Name of the template.
        lay_out: Places everything for a target; the template escapes the texts, which went through `clean` or `cut`.
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        legend: Name of a colour and what it stands for.
    """
    drawn = {}
    for target, font in _FONTS.items():
        drawing = lay_out(target)
        drawn[target] = _template(form).render(
            drawing.values,
            name=f"{identifier}-{target}",
            title=say.clean(title, 2000),
            description=say.clean(description, 2000),
            target=target,
            font=font,
            colours=COLOURS if target == "paper" else {name: f"var(--{name})" for name in COLOURS},
            drawing=drawing,
        )
    return Chart(identifier, title, description, **drawn, legend=legend)


def width_of(text: str, size: float, target: Target, *, bold: bool = False) -> float:
    """Return pixels that a text takes, in the widest face that a target may be shown in.

    >>> width_of("ill", 10, "wide") < width_of("WWW", 10, "wide")
    True
    """
    ems = sum(_compute_width(char) for char in text)
    return ems * size * (_BOLDER if bold else 1) * (_SERIF if target == "paper" else 1)


def cut(text: str, pixels: float, size: float, target: Target, *, bold: bool = False) -> str:
    """Return the text of a label, cut to a width.

    >>> cut("a rather long label", 80, 10, "wide")
    'a rather long…'
    """
    line = say.clean(text)
    if width_of(line, size, target, bold=bold) <= pixels:
        return line
    room = pixels - width_of("…", size, target, bold=bold)
    kept = 0
    while kept < len(line) and width_of(line[: kept + 1], size, target, bold=bold) <= room:
        kept += 1
    return line[:kept].rstrip() + "…"


_WIDTHS = {
    char: width
    for width, chars in (
        (0.36, " ,./:;'’·\\|ijlIJf"),
        (0.46, '-()[]!rt"'),
        (0.60, "*_`?–“”csvxyzkL"),
        (0.64, "abdeghnopqu0123456789{}$EFPSTY"),
        (0.79, "ABCDGHKNOQRUVXZ&"),
        (0.86, "#+<=>^~−×wM"),
        (1.00, "%@…mW"),
    )
    for char in chars
}
"""Widths of characters in parts of the size, as DejaVu Sans has them: the widest face that a page falls back to."""

_BOLDER = 1.12
"""How much wider bold characters are."""

_SERIF = 0.85
"""Width of the serif of paper beside the table's."""


def _compute_width(char: str) -> float:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if unicodedata.combining(char):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(char) in "WF" else 0.85 if char.isupper() else 0.68


def _format_pixels(value: float) -> str:
    """Return a place, as short as two decimals are written."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _format_path(points: list[tuple[float, float]]) -> str:
    """Return corners of a line as the data of a path."""
    return "M" + "L".join(f"{_format_pixels(x)},{_format_pixels(y)}" for x, y in points)


@cache
def _template(form: str) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.PackageLoader("kaizenlake.report.engine", "charts"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"px": _format_pixels, "path": _format_path}
    return environment.get_template(f"{form}.svg.j2")
