"""Charts over nights: an effect with its intervals, and the evidence for it against its boundary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10
from typing import Any, TypeAlias

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.interval_chart import Tone
from kaizenlake.report.engine.marks import (
    FRAMES,
    STEPS,
    Row,
    days_below,
    dots,
    line,
    places,
    rules,
    spread,
    step_of,
    texts,
)
from kaizenlake.report.engine.svg import COLOURS, Chart, Target, chart, layered

Span: TypeAlias = tuple[float, float]


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
            rules(whiskers, "plain", 1.6),
            line([plane.at(day, value) for day, value in effects], "plain", 1.2),
            dots([plane.at(day, value) for day, value in effects], "plain", 34),
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
            line(course("boundary"), "ink", 2.0, stepped=True),
            line(course("held"), "good", 2.2),
            line(course("nightly"), "muted", 1.4, dashed=True),
            dots(course("held"), "good", 34),
            *plane.crossing(crossing),
        ]
        return plane.spec(layers)

    return chart(spec, identifier, title, description, legend)


_SMALLEST_P = 1e-8
"""p-values below it are drawn there."""

_DECADES = 4
"""Most powers of ten that are all named on an axis."""


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
    step = step_of(span, STEPS)
    low = floor(lowest / step + 1e-9) * step
    return low, max(ceil(highest / step - 1e-9) * step, low + step), step


_TOP = 26
"""Pixels above the plot, for the words at a crossing."""

_BOLD = 0.62
"""Width of a bold letter for each pixel of its size, about: words at a crossing are kept inside by it."""


class _Plane:
    """Where a day and a value lie, in pixels."""

    def __init__(self, target: Target, days: Sequence[date], low: float, high: float) -> None:
        self.frame = FRAMES[target]
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
            rules([{"x": 0, "x2": self.frame.plot, "y": y} for y, _ in named], "line", 1.0),
            texts([{"x": -10, "y": y, "text": words} for y, words in named], "muted", self.frame.font, "right"),
            days_below(
                [(self.x(day), day) for day in spread(self.days, self.frame.ticks)], bottom + 16, self.frame.font
            ),
        ]

    def level(self, value: float, colour: str) -> Row:
        row = [{"x": 0, "x2": self.frame.plot, "y": self.y(value)}]
        return rules(row, colour, 1.3, dashed=colour != "ink")

    def beside(self, value: float, words: str, colour: str) -> Row:
        """Words at the right end of a level: beside the plot, or on a phone above the line."""
        if self.frame.right < 60:
            row = {"x": self.frame.plot, "y": self.y(value) - 9, "text": words}
            return texts([row], colour, self.frame.font - 1, "right")
        return texts([{"x": self.frame.plot + 8, "y": self.y(value), "text": words}], colour, self.frame.font, "left")

    def crossing(self, found: Crossing | None) -> list[Row]:
        if found is None:
            return []
        x = self.x(found.day)
        words = say.clean(found.words, 60)
        half = len(words) * self.frame.font * _BOLD / 2
        middle = min(max(x, half - self.frame.left + 4), self.frame.plot + self.frame.right - half - 4)
        return [
            rules([{"x": x, "y": 18, "y2": _TOP + self.frame.height}], found.tone, 1.6, dashed=True),
            texts([{"x": middle, "y": 8, "text": words}], found.tone, self.frame.font, "center", bold=True),
        ]

    def spec(self, layers: list[Row]) -> Row:
        frame = self.frame
        return layered([], layers, size=(frame.plot, _TOP + frame.height), margins=(frame.left, frame.right, 30))


def _band(rows: list[Row]) -> list[Row]:
    if len(rows) == 1:
        return [rules(rows, "band", 12)]
    mark = {"type": "area", "color": COLOURS["band"], "opacity": 1, "line": False}
    return [{"data": {"values": rows}, "mark": mark, "encoding": places(rows)}] if rows else []
