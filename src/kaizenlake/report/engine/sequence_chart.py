"""Charts over nights: an effect with its intervals, and the evidence for it against its boundary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import ceil, log10
from typing import Any, TypeAlias

from kaizenlake.report.engine.scales import FRAMES, STEPS, Days, Point, ends_on_steps, step_of
from kaizenlake.report.engine.svg import Chart, Drawing, Target, Tone, cut, draw_chart, width_of

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
class DecisionNight:
    """The night on which something was decided, and what is written there."""

    day: date
    words: str
    tone: Tone


def draw_effect_chart(
    identifier: str,
    title: str,
    description: str,
    nights: Sequence[EffectNight],
    *,
    tolerated: float | None = None,
    crossing: DecisionNight | None = None,
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
    ticks = [
        (index * step, _format_signed(index * step, step)) for index in range(round(low / step), round(high / step) + 1)
    ]
    legend = (
        ("plain", "Effect, with the interval of that night alone"),
        ("band", "Interval that holds on all nights at once"),
    )

    def lay_out(target: Target) -> Drawing:
        plane = _Plane(target, [night.day for night in nights], low, high)
        effects = [plane.at(night.day, night.effect) for night in nights if night.effect is not None]
        levels = [(0.0, "ink"), *([(tolerated, "bad")] if tolerated else [])]
        return plane.drawing(
            ticks,
            crossing,
            band=[plane.span(night.day, night.sequential) for night in nights if night.sequential is not None],
            whiskers=[plane.span(night.day, night.fixed) for night in nights if night.fixed is not None],
            levels=[(plane.y(value), tone) for value, tone in levels],
            notes=[(plane.y(tolerated), "tolerated", "bad")] if tolerated else [],
            courses=[(effects, "plain", 1.2, "")],
            dots=effects,
            dot_tone="plain",
        )

    return draw_chart("nights", lay_out, identifier, title, description, legend)


def draw_evidence_chart(
    identifier: str,
    title: str,
    description: str,
    nights: Sequence[EvidenceNight],
    *,
    nightly_level: float,
    crossing: DecisionNight | None = None,
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
    ticks = [(float(power), _format_power(power)) for power in range(0, decades + 1, every)]
    legend = (
        ("good", "p held against the boundary"),
        ("ink", "Boundary: crossed above it"),
        ("muted", "p of a t-test of that night"),
    )

    def lay_out(target: Target) -> Drawing:
        plane = _Plane(target, [night.day for night in nights], 0.0, float(decades))

        def course(name: str) -> list[Point]:
            values = [(night.day, getattr(night, name)) for night in nights]
            return [plane.at(day, -log10(max(p, _SMALLEST_P))) for day, p in values if p is not None]

        level = plane.y(-log10(nightly_level))
        held = course("held")
        return plane.drawing(
            ticks,
            crossing,
            levels=[(level, "muted")],
            notes=[(level, f"{nightly_level:g}", "muted")],
            courses=[
                (_list_steps(course("boundary")), "ink", 2, ""),
                (held, "good", 2.2, ""),
                (course("nightly"), "muted", 1.4, "5,4"),
            ],
            dots=held,
            dot_tone="good",
        )

    return draw_chart("nights", lay_out, identifier, title, description, legend)


_SMALLEST_P = 1e-8
"""p-values below it are drawn there."""

_DECADES = 4
"""Most powers of ten that are all named on an axis."""


def _format_signed(value: float, step: float) -> str:
    digits = max(0, ceil(-log10(step) - 1e-9))
    return "0" if abs(value) < step / 2 else f"{value:+.{digits}f}".replace("-", "−")


def _format_power(power: int) -> str:
    """Return a tenth to a power, as short as an axis needs it."""
    return f"{10.0**-power:.{power}f}" if power <= _DECADES else f"1e−{power}"


def _effect_axis(nights: Sequence[EffectNight], tolerated: float | None) -> tuple[float, float, float]:
    """Return ends and step of the axis: the wide bands of the first nights are cut, else nothing of the later ones is seen."""
    later = nights[len(nights) // 3 :]
    values = [0.0, tolerated or 0.0]
    values += [night.effect for night in nights if night.effect is not None]
    values += [end for night in later if night.fixed is not None for end in night.fixed]
    values += [end for night in nights[len(nights) // 2 :] if night.sequential is not None for end in night.sequential]
    lowest, highest = max(min(values), -1.0), min(max(values), 1.0)
    span = max(highest - lowest, 0.004)
    step = step_of(span, STEPS)
    return *ends_on_steps(lowest, highest, step), step


def _list_steps(points: list[Point]) -> list[Point]:
    """Return corners of a line that keeps each level until half way to the next."""
    corners = points[:1]
    for (x, y), (next_x, next_y) in pairwise(points):
        corners += [((x + next_x) / 2, y), ((x + next_x) / 2, next_y)]
    return corners + points[-1:]


_TOP = 26
"""Pixels above the plot, for the words at a crossing."""


class _Plane:
    """Where a day and a value lie, in pixels."""

    def __init__(self, target: Target, days: Sequence[date], low: float, high: float) -> None:
        self.target = target
        self.frame = FRAMES[target]
        self.days = Days(min(days), max(days), self.frame.plot, 10.0)
        self.low, self.high = low, high

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return _TOP + self.frame.height * (self.high - inside) / (self.high - self.low)

    def at(self, day: date, value: float) -> Point:
        return self.days.x(day), self.y(value)

    def span(self, day: date, span: Span) -> tuple[float, float, float]:
        return self.days.x(day), self.y(span[0]), self.y(span[1])

    def drawing(self, ticks: Iterable[tuple[float, str]], crossing: DecisionNight | None, **values: Any) -> Drawing:
        """Return the drawing of values over nights: words of the values stand on the left, those of the days below."""
        frame = self.frame
        band = values.get("band", [])
        shared: dict[str, Any] = {
            "band": band,
            "outline": [(x, low) for x, low, _ in band] + [(x, high) for x, _, high in reversed(band)],
            "whiskers": [],
            "ticks": [(self.y(value), words) for value, words in ticks],
            "days": self.days.names(frame.ticks),
            "crossing": self._crossing(crossing) if crossing else None,
            "size": frame.font,
            "stacked": frame.stacked,
        }
        return Drawing(frame.plot, _TOP + frame.height, (frame.left, frame.right, 30), shared | values)

    def _crossing(self, crossing: DecisionNight) -> dict[str, Any]:
        """Return a crossing, whose words are kept inside the picture."""
        frame, x = self.frame, self.days.x(crossing.day)
        room = frame.left + frame.plot + frame.right - 8
        words = cut(crossing.words, room, frame.font, self.target, bold=True)
        half = width_of(words, frame.font, self.target, bold=True) / 2
        middle = min(max(x, half - frame.left + 4), frame.plot + frame.right - half - 4)
        return {"x": x, "middle": middle, "words": words, "tone": crossing.tone}
