"""Charts of rows: estimates with their intervals, and how wholes divide into shares, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.marks import step_of
from kaizenlake.report.engine.svg import COLOURS, Chart, Target, chart, cut, layered

Tone: TypeAlias = Literal["good", "bad", "plain"]


@dataclass(frozen=True)
class Mark:
    """One row of an interval chart.

    Args:
        label: What is measured.
        value: The estimate.
        low: Lower end of its interval.
        high: Upper end of its interval.
        shown: The three in words, written beside the mark.
        brief: The estimate alone, for a phone.
        tone: Whether it is for the better, for the worse, or neither.
        hollow: Weaker evidence: drawn with a hollow dot and a dashed interval.
    """

    label: str
    value: float
    low: float
    high: float
    shown: str
    brief: str
    tone: Tone = "plain"
    hollow: bool = False


def estimate(
    label: str,
    value: float | None,
    low: float | None,
    high: float | None,
    written: Callable[[float | None], str],
    tone: Tone = "plain",
    *,
    hollow: bool = False,
) -> Mark | None:
    """A row of an interval chart with its words; None where the estimate or an end of its interval is not defined.

    Args:
        label: What is measured.
        value: The estimate.
        low: Lower end of its interval.
        high: Upper end of its interval.
        written: How each of the three is written.
        tone: Whether it is for the better, for the worse, or neither.
        hollow: Weaker evidence.
    """
    if value is None or low is None or high is None:
        return None
    shown = f"{written(value)} ({say.between(written(low), written(high))})"
    return Mark(label, value, low, high, shown, written(value), tone, hollow=hollow)


@dataclass(frozen=True)
class Group:
    """Rows under one heading; an empty heading draws none."""

    heading: str
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, heading: str, marks: Iterable[Mark | None]) -> Group:
        """Rows under a heading, without those that are not defined."""
        return cls(heading, tuple(mark for mark in marks if mark is not None))


@dataclass(frozen=True)
class Bar:
    """One row of a chart of shares.

    Args:
        label: What is divided.
        shares: Name of a colour and fraction, from left to right; they sum to 1.
        shown: Words beside the bar.
    """

    label: str
    shares: tuple[tuple[str, float], ...]
    shown: str


def interval_chart(
    identifier: str,
    title: str,
    description: str,
    groups: Sequence[Group],
    *,
    reference: float | None = None,
    signed: bool = False,
    percent: bool = True,
    legend: tuple[tuple[str, str], ...] = (),
) -> Chart:
    """Draw estimates with their intervals, one a line, in groups.

    Args:
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        groups: Rows to draw; at least one.
        reference: Value of the dashed line that estimates are compared with.
        signed: The axis shows signs, as relative changes need.
        percent: The axis is in percent; else in hundredths, as losses are written.
        legend: Name of a colour and what it stands for.
    """
    marks = [mark for group in groups for mark in group.marks]
    low, high, step = _axis(
        [value for mark in marks for value in (mark.value, mark.low, mark.high)], reference, signed=signed
    )
    axis = _Axis(low, high, step, ("+" if signed else "") + (".0%" if percent else ".2f"), reference)
    return chart(lambda target: _interval_spec(groups, axis, target), identifier, title, description, legend)


def share_chart(
    identifier: str, title: str, description: str, bars: Sequence[Bar], legend: tuple[tuple[str, str], ...]
) -> Chart:
    """Draw how wholes divide into shares, one bar a line.

    Args:
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        bars: Rows to draw; at least one.
        legend: Name of a colour and what it stands for.
    """
    return chart(lambda target: _share_spec(bars, target), identifier, title, description, legend)


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    step: float
    format: str
    reference: float | None

    @property
    def zero(self) -> str:
        return "0%" if self.format.endswith("%") else "0"

    @property
    def ticks(self) -> list[float]:
        first = round(self.low / self.step)
        return [round(index * self.step, 10) for index in range(first, round(self.high / self.step) + 1)]

    def sparse(self) -> list[float]:
        """Every second tick, such that zero or else the first is among them."""
        ticks = self.ticks
        offset = ticks.index(0.0) % 2 if 0.0 in ticks else 0
        return ticks[offset::2] if len(ticks) > _PHONE_TICKS else ticks


@dataclass(frozen=True)
class _Frame:
    """Where things stand, in pixels: a label column, the plot, a column of figures; a phone puts both above the line."""

    left: int
    plot: int
    right: int
    row: int
    heading: int
    label_size: float
    characters: int

    @property
    def stacked(self) -> bool:
        return self.left < 50


_FRAMES: dict[Target, _Frame] = {
    "wide": _Frame(left=225, plot=305, right=210, row=28, heading=34, label_size=13, characters=27),
    "narrow": _Frame(left=26, plot=298, right=26, row=50, heading=36, label_size=14, characters=30),
    "paper": _Frame(left=225, plot=305, right=210, row=24, heading=30, label_size=13.5, characters=31),
}

_PHONE_TICKS = 5
"""Most ticks that stand side by side on a phone."""

_LIMITS = (-1.0, 2.0)
"""Ends beyond which an axis does not go: an interval that does is cut there and ends in an arrow."""

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)


def _axis(values: Sequence[float], reference: float | None, *, signed: bool) -> tuple[float, float, float]:
    bounds = [*values, 0.0] if not signed else [*values, reference or 0.0]
    lowest, highest = max(min(bounds), _LIMITS[0]), min(max(bounds), _LIMITS[1] if signed else 1.0)
    span = max(highest - lowest, 0.01)
    step = step_of(span, _STEPS)
    low = -(-lowest // step) if lowest / step == lowest // step else lowest // step
    high = -(-highest // step)
    return low * step, max(high, low + 1) * step, step


def _interval_spec(groups: Sequence[Group], axis: _Axis, target: Target) -> dict[str, Any]:
    frame = _FRAMES[target]
    values: list[dict[str, Any]] = []
    headings: list[dict[str, Any]] = []
    top = 0
    for group in groups:
        if group.heading:
            headings.append({"text": cut(group.heading, frame.characters + 14), "y": top + frame.heading - 12})
            top += frame.heading
        for mark in group.marks:
            line = top + (frame.row - 12 if frame.stacked else frame.row / 2)
            values.append(
                {
                    "label": cut(mark.label, frame.characters),
                    "shown": say.clean(mark.brief if frame.stacked else mark.shown),
                    "value": min(max(mark.value, axis.low), axis.high),
                    "low": max(mark.low, axis.low),
                    "high": min(mark.high, axis.high),
                    "cut_low": mark.low < axis.low,
                    "cut_high": mark.high > axis.high,
                    "line": line,
                    "label_y": top + 15 if frame.stacked else line,
                    "colour": COLOURS[mark.tone],
                    "hollow": mark.hollow,
                }
            )
            top += frame.row
    x = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [axis.low, axis.high], "nice": False, "zero": False},
        "axis": {
            "values": axis.sparse() if frame.stacked else axis.ticks,
            "labelExpr": f"datum.value === 0 ? '{axis.zero}' : format(datum.value, '{axis.format}')",
            "title": None,
            "labelOverlap": False,
            "labelFlush": False,
            "labelSeparation": 0,
        },
    }
    y = {"field": "line", "type": "quantitative", "scale": None, "axis": None}
    coloured = {"field": "colour", "type": "nominal", "scale": None}
    firm, weak = {"filter": "!datum.hollow"}, {"filter": "datum.hollow"}
    rule = {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": coloured}
    dot = {"y": y, "x": x}
    layers: list[dict[str, Any]] = [
        {"transform": [firm], "mark": {"type": "rule", "strokeWidth": 2.5}, "encoding": rule},
        {"transform": [weak], "mark": {"type": "rule", "strokeWidth": 1.5, "strokeDash": [4, 3]}, "encoding": rule},
        *(
            {
                "transform": [{"filter": f"datum.cut_{end}"}],
                "mark": {"type": "point", "shape": f"triangle-{side}", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"y": y, "x": {**x, "field": end}, "color": coloured},
            }
            for end, side in (("low", "left"), ("high", "right"))
        ),
        {
            "transform": [firm],
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {**dot, "color": coloured},
        },
        {
            "transform": [weak],
            "mark": {"type": "point", "fill": COLOURS["paper"], "size": 70, "strokeWidth": 1.8, "opacity": 1},
            "encoding": {**dot, "stroke": coloured},
        },
        _words("label", frame, "label"),
        _words("shown", frame, "shown"),
    ]
    if headings:
        layers.append({"data": {"values": headings}, **_words("heading", frame, "text")})
    if axis.reference is not None and axis.low <= axis.reference <= axis.high:
        layers.insert(
            0,
            {
                "data": {"values": [{"value": axis.reference}]},
                "mark": {"type": "rule", "strokeDash": [2, 3], "color": COLOURS["muted"], "strokeWidth": 1.4},
                "encoding": {"x": x},
            },
        )
    return _spec(values, layers, frame, top + 6)


def _share_spec(bars: Sequence[Bar], target: Target) -> dict[str, Any]:
    frame = _FRAMES[target]
    pieces: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    for index, bar in enumerate(bars):
        top = index * frame.row
        line = top + (frame.row - 12 if frame.stacked else frame.row / 2)
        values.append(
            {
                "label": cut(bar.label, frame.characters),
                "shown": say.clean(bar.shown),
                "line": line,
                "label_y": top + 14 if frame.stacked else line,
            }
        )
        edges = [0.0]
        for _, share in bar.shares:
            edges.append(edges[-1] + share)
        pieces += [
            {"line": line, "from": start * frame.plot, "to": end * frame.plot, "colour": COLOURS[name]}
            for (start, end), (name, _) in zip(pairwise(edges), bar.shares, strict=True)
            if end > start
        ]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": pieces},
            "mark": {"type": "bar", "height": 14, "stroke": COLOURS["paper"], "strokeWidth": 1.2},
            "encoding": {
                "x": {"field": "from", "type": "quantitative", "scale": None, "axis": None},
                "x2": {"field": "to"},
                "y": {"field": "line", "type": "quantitative", "scale": None, "axis": None},
                "color": {"field": "colour", "type": "nominal", "scale": None},
            },
        },
        _words("label", frame, "label"),
        _words("shown", frame, "shown"),
    ]
    return _spec(values, layers, frame, len(bars) * frame.row, axis=False)


def _words(part: Literal["label", "shown", "heading"], frame: _Frame, field: str) -> dict[str, Any]:
    at = {
        "label": (0, "left") if frame.stacked else (-12, "right"),
        "shown": (frame.plot, "right") if frame.stacked else (frame.plot + 14, "left"),
        "heading": (0 if frame.stacked else -frame.left + 4, "left"),
    }[part]
    return {
        "mark": {
            "type": "text",
            "align": at[1],
            "baseline": "alphabetic" if part == "heading" else "middle",
            "fontSize": frame.label_size - (1 if part == "shown" else 0),
            "fontWeight": "bold" if part == "heading" else "normal",
            "color": COLOURS["muted" if part == "shown" else "ink"],
        },
        "encoding": {
            "x": {"value": at[0]},
            "y": {
                "field": "y" if part == "heading" else "label_y",
                "type": "quantitative",
                "scale": None,
                "axis": None,
            },
            "text": {"field": field, "type": "nominal"},
        },
    }


def _spec(
    values: list[dict[str, Any]], layers: list[dict[str, Any]], frame: _Frame, height: float, *, axis: bool = True
) -> dict[str, Any]:
    return layered(
        values,
        layers,
        size=(frame.plot, height),
        margins=(frame.left, frame.right, 26 if axis else 4),
        axis={"grid": not frame.stacked, "labelFontSize": frame.label_size - 1.5},
    )
