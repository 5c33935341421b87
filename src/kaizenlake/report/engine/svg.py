"""Pictures of the reports: SVG drawn by Vega-Lite, the same bytes for the same spec, in two widths and for paper.

A picture is laid out by us to the pixel and measures no text, so that the fonts of a machine change nothing. What comes
back is taken apart again: only known elements and attributes go on, colours become CSS variables, and the picture gets a
title and a description that tell its finding.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from xml.etree import ElementTree as ET

import vl_convert

from kaizenlake.errors import PublishError
from kaizenlake.publish import formats as say

Target: TypeAlias = Literal["wide", "narrow", "paper"]

VEGA_LITE = "5.21"
"""Version of the grammar; named, so that a newer default redraws nothing."""

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

_FONTS: dict[Target, str] = {
    "wide": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "narrow": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "paper": "Libertinus Serif",
}


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


def chart(
    spec: Callable[[Target], dict[str, Any]],
    identifier: str,
    title: str,
    description: str,
    legend: tuple[tuple[str, str], ...] = (),
) -> Chart:
    """Draw a chart for each target.

    Args:
        spec: Gives the Vega-Lite spec for a target; every text of it went through `clean` or `cut`.
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        legend: Name of a colour and what it stands for.
    """
    drawn = {target: _dressed(spec(target), identifier, title, description, target) for target in _FONTS}
    return Chart(identifier, title, description, **drawn, legend=legend)


def layered(
    values: list[dict[str, Any]],
    layers: list[dict[str, Any]],
    *,
    size: tuple[float, float],
    margins: tuple[float, float, float],
    axis: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A spec of layers over one another, of a size that no text changes.

    Args:
        values: Rows of the layers that bring none.
        layers: Marks with their encodings, the lowest first.
        size: Width and height of the plot, in pixels.
        margins: Pixels left, right and below the plot.
        axis: What the look of the axis differs in.
    """
    left, right, below = margins
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": values},
        "width": size[0],
        "height": size[1],
        "padding": {"left": left, "right": right, "top": 4, "bottom": below},
        "autosize": {"type": "none", "contains": "content"},
        "layer": layers,
        "config": {
            "background": None,
            "aria": False,
            "view": {"stroke": None},
            "axis": {
                "domain": False,
                "ticks": False,
                "gridColor": COLOURS["line"],
                "labelColor": COLOURS["muted"],
                "labelPadding": 8,
                **(axis or {}),
            },
        },
    }


_ELEMENTS = {"svg", "g", "path", "line", "rect", "text"}
_ATTRIBUTES = {
    "d",
    "fill",
    "font-size",
    "font-weight",
    "height",
    "opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-width",
    "text-anchor",
    "transform",
    "viewBox",
    "width",
    "x2",
    "y2",
}
_DEFAULTS = {("opacity", "1"), ("font-weight", "normal"), ("transform", "translate(0,0)")}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_SVG = "http://www.w3.org/2000/svg"
_NAMES = {colour: name for name, colour in COLOURS.items()}


def _dressed(spec: dict[str, Any], identifier: str, title: str, description: str, target: Target) -> str:
    """Draw the spec and keep of it only what a picture needs."""
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    root = _kept(ET.fromstring(drawn), target)  # noqa: S314 - drawn in this process from our own spec, no outside text
    if root is None:
        raise PublishError(f"Chart {identifier} was not drawn.", hint="Please report this.")
    name = f"{identifier}-{target}"
    for tag, words in (("desc", description), ("title", title)):
        told = ET.Element(tag, {"id": f"{name}-{tag}"})
        told.text = say.clean(words, 2000)
        root.insert(0, told)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.attrib = {
        "xmlns": _SVG,
        "viewBox": f"0 0 {width} {height}",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "font-family": _FONTS[target],
    }
    if target == "paper":
        root.attrib |= {"width": width, "height": height}
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _kept(element: ET.Element, target: Target) -> ET.Element | None:
    tag = element.tag.removeprefix(f"{{{_SVG}}}")
    if tag not in _ELEMENTS or element.get("display") == "none" or element.get("class") in {"background", "foreground"}:
        return None
    kept = ET.Element(
        tag,
        {
            key: _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
            for key, value in element.attrib.items()
            if key in _ATTRIBUTES and (key, value) not in _DEFAULTS
        },
    )
    for key in ("fill", "stroke"):
        name = _NAMES.get(kept.get(key, ""))
        if name is not None and target != "paper":
            kept.set(key, f"var(--{name})")
    if tag == "text":
        kept.text = element.text
        if target == "narrow":  # words stand above the plot there: a rim of paper keeps its lines out of them
            kept.attrib |= {"stroke": "var(--paper)", "stroke-width": "4", "paint-order": "stroke"}
    kept.extend(child for child in (_kept(child, target) for child in element) if child is not None)
    plain_group = tag == "g" and not kept.attrib
    if tag == "g" and not len(kept):
        return None
    return kept[0] if plain_group and len(kept) == 1 else kept


def cut(text: str, characters: int) -> str:
    """Text of a label, cut to a width counted in characters; wide characters count twice.

    Every word that is drawn goes through `clean`: the renderer ends the whole process on a NUL.
    """
    line = say.clean(text)
    width = 0
    for index, char in enumerate(line):
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width > characters:
            return line[:index].rstrip() + "…"
    return line
