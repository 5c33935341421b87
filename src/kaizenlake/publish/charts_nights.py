"""Charts over days: an effect night by night with its intervals, evidence against its boundary, and losses by doer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10
from typing import Any, Literal, TypeAlias

from kaizenlake.publish import report_format as say
from kaizenlake.publish.charts import Tone
from kaizenlake.publish.svg import COLOURS, Chart, Target, chart, cut, layered

Span: TypeAlias = tuple[float, float]

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class EffectNight:
    """One look at an effect.

    Args:
        day: Date of the look.
        effect: The estimate; None where it is not defined.
        sequential: Interval that holds on all nights at once; None where it is not defined.
        fixed: Interval that holds on a night chosen beforehand; None where it is not defined.
    """

    day: date
    effect: float | None
    sequential: Span | None
    fixed: Span | None


@dataclass(frozen=True)
class EvidenceNight:
    """One look at p-values.

    Args:
        day: Date of the look.
        held: p-value that is held against the boundary; None where it is not defined.
        boundary: Level at or below which it crosses; None where it is not defined.
        nightly: p-value of an ordinary test of that night; None where it is not defined.
    """

    day: date
    held: float | None
    boundary: float | None
    nightly: float | None


@dataclass(frozen=True)
class Crossing:
    """The night on which something was decided, and what is written there."""

    day: date
    words: str
    tone: Tone


@dataclass(frozen=True)
class Trend:
    """The course of one loss.

    Args:
        label: Whose loss it is.
        days: Date, mean of the day and moving average, in the order of days; at least one.
        alerts: Days on which the control chart raised an alert.
        shown: What it comes to, in words.
        brief: The same in few words, for a phone.
        tone: Whether it is for the better, for the worse, or neither.
    """

    label: str
    days: tuple[tuple[date, float, float], ...]
    alerts: frozenset[date]
    shown: str
    brief: str
    tone: Tone


def effect_chart(
    identifier: str,
    title: str,
    description: str,
    nights: Sequence[EffectNight],
    *,
    tolerated: float | None = None,
    crossing: Crossing | None = None,
) -> Chart:
    """Draw an effect night by night within the band of its sequential interval, the fixed one beside it as whiskers.

    Args:
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        nights: Looks in their order; at least one.
        tolerated: Increase that is tolerated; drawn as a line where given.
        crossing: The night of the decision; None where there is none.
    """
    low, high, step = _effect_axis(nights, tolerated)
    ticks = [(index * step, _signed(index * step, step)) for index in range(round(low / step), round(high / step) + 1)]
    legend = (
        ("plain", "Effect, with the interval of that night alone"),
        ("band", "Interval that holds on all nights at once"),
    )

    def spec(target: Target) -> dict[str, Any]:
        plane = _Plane(target, [night.day for night in nights], low, high)
        band = [
            {"x": plane.x(night.day), "y": plane.y(night.sequential[0]), "y2": plane.y(night.sequential[1])}
            for night in nights
            if night.sequential is not None
        ]
        whiskers = [
            {"x": plane.x(night.day), "y": plane.y(night.fixed[0]), "y2": plane.y(night.fixed[1])}
            for night in nights
            if night.fixed is not None
        ]
        effects = [(night.day, night.effect) for night in nights if night.effect is not None]
        lines = [(0.0, "ink")] + ([(tolerated, "bad")] if tolerated else [])
        layers = [
            *_band(band),
            *plane.axes(ticks),
            *(plane.level(value, colour) for value, colour in lines),
            _rules(whiskers, "plain", 1.6),
            _line([plane.at(day, value) for day, value in effects], "plain", 1.2),
            _dots([plane.at(day, value) for day, value in effects], "plain", 34),
            *plane.crossing(crossing),
        ]
        if tolerated:
            layers.append(plane.beside(tolerated, "tolerated", "bad"))
        return plane.spec(layers)

    return chart(spec, identifier, title, description, legend)


def evidence_chart(
    identifier: str,
    title: str,
    description: str,
    nights: Sequence[EvidenceNight],
    *,
    nightly_level: float,
    crossing: Crossing | None = None,
) -> Chart:
    """Draw p-values night by night against the boundary; stronger evidence, which is a smaller p, stands higher.

    Args:
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        nights: Looks in their order; at least one.
        nightly_level: Level of the ordinary test, drawn as a line.
        crossing: The night of the decision; None where there is none.
    """
    found = [p for night in nights for p in (night.held, night.boundary, night.nightly) if p is not None]
    smallest = max(min([*found, nightly_level]), _SMALLEST_P)
    decades = max(2, ceil(-log10(smallest) - 1e-9))
    every = 1 if decades <= _DECADES else 2
    decades += decades % every
    ticks = [(float(power), _power(power)) for power in range(0, decades + 1, every)]
    legend = (
        ("good", "p held against the boundary"),
        ("ink", "Boundary: crossed above it"),
        ("muted", "p of a t-test of that night"),
    )

    def spec(target: Target) -> dict[str, Any]:
        plane = _Plane(target, [night.day for night in nights], 0.0, float(decades))

        def course(name: str) -> list[Row]:
            values = [(night.day, getattr(night, name)) for night in nights]
            return [plane.at(day, -log10(max(p, _SMALLEST_P))) for day, p in values if p is not None]

        layers = [
            *plane.axes(ticks),
            plane.level(-log10(nightly_level), "muted"),
            plane.beside(-log10(nightly_level), f"{nightly_level:g}", "muted"),
            _line(course("boundary"), "ink", 2.0, stepped=True),
            _line(course("held"), "good", 2.2),
            _line(course("nightly"), "muted", 1.4, dashed=True),
            _dots(course("held"), "good", 34),
            *plane.crossing(crossing),
        ]
        return plane.spec(layers)

    return chart(spec, identifier, title, description, legend)


def trend_chart(
    identifier: str,
    title: str,
    description: str,
    trends: Sequence[Trend],
    legend: tuple[tuple[str, str], ...],
) -> Chart:
    """Draw the course of several losses, one below the other on one scale.

    Args:
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        trends: What to draw; at least one.
        legend: Name of a colour and what it stands for.
    """
    values = [value for trend in trends for _, mean, moving in trend.days for value in (mean, moving)]
    step = next(step for step in _STEPS if (max(values) - min(values)) / step <= _TREND_STEPS or step == _STEPS[-1])
    low = floor(min(values) / step + 1e-9) * step
    high = max(ceil(max(values) / step - 1e-9) * step, low + step)
    days = sorted({day for trend in trends for day, _, _ in trend.days})
    return chart(
        lambda target: _trend_spec(trends, days, (low, high, step), target), identifier, title, description, legend
    )


_SMALLEST_P = 1e-8
"""p-values below it are drawn there."""

_DECADES = 4
"""Most powers of ten that are all named on an axis."""

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

_TREND_STEPS = 6


def _signed(value: float, step: float) -> str:
    digits = max(0, ceil(-log10(step) - 1e-9))
    return "0" if abs(value) < step / 2 else f"{value:+.{digits}f}".replace("-", "−")


def _power(power: int) -> str:
    """A tenth to a power, as short as an axis needs it."""
    return f"{10.0**-power:.{power}f}" if power <= _DECADES else f"1e−{power}"


def _effect_axis(nights: Sequence[EffectNight], tolerated: float | None) -> tuple[float, float, float]:
    """Ends and step of the axis: the wide bands of the first nights are cut, else nothing of the later ones is seen."""
    later = nights[len(nights) // 3 :]
    values = [0.0, tolerated or 0.0]
    values += [night.effect for night in nights if night.effect is not None]
    values += [end for night in later if night.fixed is not None for end in night.fixed]
    values += [end for night in nights[len(nights) // 2 :] if night.sequential is not None for end in night.sequential]
    lowest, highest = max(min(values), -1.0), min(max(values), 1.0)
    span = max(highest - lowest, 0.004)
    step = next((step for step in _STEPS if span / step <= 6), _STEPS[-1])
    low = floor(lowest / step + 1e-9) * step
    return low, max(ceil(highest / step - 1e-9) * step, low + step), step


@dataclass(frozen=True)
class _Frame:
    left: int
    plot: int
    right: int
    height: int
    font: float
    ticks: int
    trend_height: int
    words: int


_FRAMES: dict[Target, _Frame] = {
    "wide": _Frame(left=66, plot=590, right=84, height=250, font=12.5, ticks=8, trend_height=58, words=26),
    "narrow": _Frame(left=58, plot=270, right=22, height=230, font=13, ticks=4, trend_height=84, words=30),
    "paper": _Frame(left=66, plot=590, right=84, height=230, font=13, ticks=8, trend_height=54, words=29),
}

_TOP = 26
"""Pixels above the plot, for the words at a crossing."""

_BOLD = 0.62
"""Width of a bold letter for each pixel of its size, about: words at a crossing are kept inside by it."""

_LABELS = 190
"""Pixels left of the plot for the names of trends, where they do not stand above it."""


class _Plane:
    """Where a day and a value lie, in pixels."""

    def __init__(self, target: Target, days: Sequence[date], low: float, high: float) -> None:
        self.frame = _FRAMES[target]
        self.first, self.last = min(days), max(days)
        self.low, self.high = low, high
        self.days = days

    def x(self, day: date) -> float:
        span = (self.last - self.first).days
        inset = 10.0
        return inset + (self.frame.plot - 2 * inset) * ((day - self.first).days / span if span else 0.5)

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return _TOP + self.frame.height * (self.high - inside) / (self.high - self.low)

    def at(self, day: date, value: float) -> Row:
        return {"x": self.x(day), "y": self.y(value)}

    def axes(self, ticks: Iterable[tuple[float, str]]) -> list[Row]:
        """Lines and words of the values on the left, and words of the days below."""
        named = [(self.y(value), words) for value, words in ticks]
        bottom = _TOP + self.frame.height
        return [
            _rules([{"x": 0, "x2": self.frame.plot, "y": y} for y, _ in named], "line", 1.0),
            _texts([{"x": -10, "y": y, "text": words} for y, words in named], "muted", self.frame.font, "right"),
            _days([(self.x(day), day) for day in _spread(self.days, self.frame.ticks)], bottom + 16, self.frame.font),
        ]

    def level(self, value: float, colour: str) -> Row:
        row = [{"x": 0, "x2": self.frame.plot, "y": self.y(value)}]
        return _rules(row, colour, 1.3, dashed=colour != "ink")

    def beside(self, value: float, words: str, colour: str) -> Row:
        """Words at the right end of a level: beside the plot, or on a phone above the line."""
        if self.frame.right < 60:
            row = {"x": self.frame.plot, "y": self.y(value) - 9, "text": words}
            return _texts([row], colour, self.frame.font - 1, "right")
        return _texts([{"x": self.frame.plot + 8, "y": self.y(value), "text": words}], colour, self.frame.font, "left")

    def crossing(self, found: Crossing | None) -> list[Row]:
        if found is None:
            return []
        x = self.x(found.day)
        words = say.clean(found.words, 60)
        half = len(words) * self.frame.font * _BOLD / 2
        middle = min(max(x, half - self.frame.left + 4), self.frame.plot + self.frame.right - half - 4)
        return [
            _rules([{"x": x, "y": 18, "y2": _TOP + self.frame.height}], found.tone, 1.6, dashed=True),
            _texts([{"x": middle, "y": 8, "text": words}], found.tone, self.frame.font, "center", bold=True),
        ]

    def spec(self, layers: list[Row]) -> Row:
        frame = self.frame
        return layered([], layers, size=(frame.plot, _TOP + frame.height), margins=(frame.left, frame.right, 30))


def _trend_spec(
    trends: Sequence[Trend], days: Sequence[date], scale: tuple[float, float, float], target: Target
) -> dict[str, Any]:
    frame = _FRAMES[target]
    stacked = frame.right < 60
    left, right = (frame.left, frame.right) if stacked else (_LABELS, 200)
    plot = frame.plot if stacked else frame.left + frame.plot + frame.right - left - right
    above, gap = (26, 12) if stacked else (0, 16)
    low, high, step = scale
    inner = frame.trend_height - above
    digits = max(1, ceil(-log10(step) - 1e-9))
    first, span = days[0], max((days[-1] - days[0]).days, 1)
    layers: list[Row] = []
    dots: list[Row] = []
    alerts: list[Row] = []
    words: list[Row] = []
    labels: list[Row] = []
    ends: list[Row] = []
    edges: list[Row] = []
    for place, trend in enumerate(trends):
        top = place * (frame.trend_height + gap) + above + 4

        def at(day: date, value: float, top: float = top) -> Row:
            x = 6 + (plot - 12) * ((day - first).days / span)
            return {"x": x, "y": top + inner * (high - value) / (high - low)}

        edges += [{"y": top, "text": f"{high:.{digits}f}"}, {"y": top + inner, "text": f"{low:.{digits}f}"}]
        dots += [at(day, mean) for day, mean, _ in trend.days]
        course = [at(day, moving) for day, _, moving in trend.days]
        layers.append(_line(course, trend.tone, 2.0))
        alerts += [at(day, mean) for day, mean, _ in trend.days if day in trend.alerts]
        ends.append(course[-1] | {"colour": COLOURS[trend.tone]})
        middle = top - 14 if stacked else top + inner / 2
        labels.append({"x": 4 - left, "y": middle, "text": cut(trend.label, frame.words - 8)})
        shown = say.clean(trend.brief if stacked else trend.shown, 60)
        words.append({"x": plot if stacked else plot + 14, "y": middle, "text": shown})
    height = 4 + len(trends) * (frame.trend_height + gap) - gap
    marks = [
        _rules([{"x": 0, "x2": plot, "y": row["y"]} for row in edges], "line", 1.0),
        _texts([{"x": -8, **row} for row in edges], "muted", frame.font - 1.5, "right"),
        _dots(dots, "muted", 9),
        *layers,
        _dots(alerts, "bad", 60),
        _dots(ends, None, 52),
        _texts(labels, "ink", frame.font + 0.5, "left"),
        _texts(words, "muted", frame.font, "right" if stacked else "left"),
        _days(
            [(6 + (plot - 12) * ((day - first).days / span), day) for day in _spread(days, frame.ticks // 2 + 1)],
            height + 12,
            frame.font,
        ),
    ]
    return layered([], marks, size=(plot, height), margins=(left, right, 24))


def _spread(days: Sequence[date], most: int) -> list[date]:
    """Days at equal distances from the first on, so few that their names fit beside one another."""
    ordered = sorted(set(days))
    span = (ordered[-1] - ordered[0]).days
    step = max(1, ceil((span + 1) / most))
    return [date.fromordinal(ordered[0].toordinal() + offset) for offset in range(0, span + 1, step)]


def _pixel(field: str) -> Row:
    return {"field": field, "type": "quantitative", "scale": None, "axis": None}


def _places(rows: Sequence[Row]) -> Row:
    """Encoding of the places that the rows have."""
    names = set().union(*rows) if rows else {"x", "y"}
    found: Row = {name: _pixel(name) for name in ("x", "y") if name in names}
    return found | {name: {"field": name} for name in ("x2", "y2") if name in names}


def _band(rows: list[Row]) -> list[Row]:
    if len(rows) == 1:
        return [_rules(rows, "band", 12)]
    mark = {"type": "area", "color": COLOURS["band"], "opacity": 1, "line": False}
    return [{"data": {"values": rows}, "mark": mark, "encoding": _places(rows)}] if rows else []


def _rules(rows: list[Row], colour: str, width: float, *, dashed: bool = False) -> Row:
    mark: Row = {"type": "rule", "color": COLOURS[colour], "strokeWidth": width}
    return {
        "data": {"values": rows},
        "mark": mark | ({"strokeDash": [4, 3]} if dashed else {}),
        "encoding": _places(rows),
    }


def _line(rows: list[Row], colour: str, width: float, *, dashed: bool = False, stepped: bool = False) -> Row:
    mark: Row = {"type": "line", "color": COLOURS[colour], "strokeWidth": width}
    mark |= ({"strokeDash": [5, 4]} if dashed else {}) | ({"interpolate": "step"} if stepped else {})
    return {"data": {"values": rows}, "mark": mark, "encoding": _places(rows)}


def _dots(rows: list[Row], colour: str | None, size: float) -> Row:
    """Dots of one colour, or of that which each row names."""
    own = {"color": {"field": "colour", "type": "nominal", "scale": None}} if colour is None else {}
    mark = {"type": "point", "filled": True, "size": size, "opacity": 1}
    return {
        "data": {"values": rows},
        "mark": mark if colour is None else mark | {"color": COLOURS[colour]},
        "encoding": {**_places(rows), **own},
    }


def _texts(
    rows: list[Row], colour: str, size: float, align: Literal["left", "right", "center"], *, bold: bool = False
) -> Row:
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
        "encoding": {**_places(rows), "text": {"field": "text", "type": "nominal"}},
    }


def _days(named: Sequence[tuple[float, date]], y: float, font: float) -> Row:
    rows = [{"x": x, "y": y, "text": f"{day.day} {say.MONTHS[day.month - 1][:3]}"} for x, day in named]
    return _texts(rows, "muted", font, "center")
