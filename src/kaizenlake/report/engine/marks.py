"""What charts over days are drawn of: lines, dots and words at places in pixels, and the steps of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any, Literal, TypeAlias

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.svg import COLOURS, Target

Row: TypeAlias = dict[str, Any]

STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Steps of an axis."""


def step_of(span: float, steps: Sequence[float], most: int = 6) -> float:
    """The finest step of which at most `most` make the span; the coarsest where none is coarse enough."""
    return next((step for step in steps if span / step <= most), steps[-1])


@dataclass(frozen=True)
class Frame:
    """Where things stand on a target, in pixels; a phone, whose right margin is small, puts words above the plot."""

    left: int
    plot: int
    right: int
    height: int
    font: float
    ticks: int
    trend_height: int
    words: int


FRAMES: dict[Target, Frame] = {
    "wide": Frame(left=66, plot=590, right=84, height=250, font=12.5, ticks=8, trend_height=58, words=26),
    "narrow": Frame(left=58, plot=270, right=22, height=230, font=13, ticks=4, trend_height=84, words=30),
    "paper": Frame(left=66, plot=590, right=84, height=230, font=13, ticks=8, trend_height=54, words=29),
}


def spread(days: Sequence[date], most: int) -> list[date]:
    """Days at equal distances from the first on, so few that their names fit beside one another."""
    ordered = sorted(set(days))
    span = (ordered[-1] - ordered[0]).days
    step = max(1, ceil((span + 1) / most))
    return [date.fromordinal(ordered[0].toordinal() + offset) for offset in range(0, span + 1, step)]


def _pixel(field: str) -> Row:
    return {"field": field, "type": "quantitative", "scale": None, "axis": None}


def places(rows: Sequence[Row]) -> Row:
    """Encoding of the places that the rows have."""
    names = set().union(*rows) if rows else {"x", "y"}
    found: Row = {name: _pixel(name) for name in ("x", "y") if name in names}
    return found | {name: {"field": name} for name in ("x2", "y2") if name in names}


def rules(rows: list[Row], colour: str, width: float, *, dashed: bool = False) -> Row:
    """Straight lines."""
    mark: Row = {"type": "rule", "color": COLOURS[colour], "strokeWidth": width}
    return {
        "data": {"values": rows},
        "mark": mark | ({"strokeDash": [4, 3]} if dashed else {}),
        "encoding": places(rows),
    }


def line(rows: list[Row], colour: str, width: float, *, dashed: bool = False, stepped: bool = False) -> Row:
    """One line through the places of the rows."""
    mark: Row = {"type": "line", "color": COLOURS[colour], "strokeWidth": width}
    mark |= ({"strokeDash": [5, 4]} if dashed else {}) | ({"interpolate": "step"} if stepped else {})
    return {"data": {"values": rows}, "mark": mark, "encoding": places(rows)}


def dots(rows: list[Row], colour: str | None, size: float) -> Row:
    """Dots of one colour, or of that which each row names."""
    own = {"color": {"field": "colour", "type": "nominal", "scale": None}} if colour is None else {}
    mark = {"type": "point", "filled": True, "size": size, "opacity": 1}
    return {
        "data": {"values": rows},
        "mark": mark if colour is None else mark | {"color": COLOURS[colour]},
        "encoding": {**places(rows), **own},
    }


def texts(
    rows: list[Row], colour: str, size: float, align: Literal["left", "right", "center"], *, bold: bool = False
) -> Row:
    """Words; the `text` of each row went through `clean` or `cut`."""
    return {
        "data": {"values": rows},
        "mark": {
            "type": "text",
            "align": align,
            "baseline": "middle",
            "fontSize": size,
            "fontWeight": "bold" if bold else "normal",
            "color": COLOURS[colour],
        },
        "encoding": {**places(rows), "text": {"field": "text", "type": "nominal"}},
    }


def days_below(named: Sequence[tuple[float, date]], y: float, font: float) -> Row:
    """Names of days, in a line."""
    rows = [{"x": x, "y": y, "text": f"{day.day} {say.MONTHS[day.month - 1][:3]}"} for x, day in named]
    return texts(rows, "muted", font, "center")
