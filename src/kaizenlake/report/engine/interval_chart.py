"""Charts of rows: estimates with their intervals, and how wholes divide into shares, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.scales import step_of
from kaizenlake.report.engine.svg import Chart, Drawing, Target, Tone, cut, draw_chart, width_of


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


def build_estimate(
    label: str,
    value: float | None,
    ends: tuple[float | None, float | None],
    written: Callable[[float | None], str],
    tone: Tone = "plain",
    *,
    hollow: bool = False,
) -> Mark | None:
    """Return a row of an interval chart with its words; None where the estimate or an end of its interval is not defined.

    Args:
        label: What is measured.
        value: The estimate.
        ends: Lower and upper end of its interval.
        written: How each of the three is written.
        tone: Whether it is for the better, for the worse, or neither.
        hollow: Weaker evidence.
    """
    low, high = ends
    if value is None or low is None or high is None:
        return None
    shown = f"{written(value)} ({say.between(written(low), written(high))})"
    return Mark(label, value, low, high, shown, written(value), tone, hollow=hollow)


@dataclass(frozen=True)
class Scale:
    """How the axis of an interval chart is written.

    Args:
        reference: Value of the dashed line that estimates are compared with.
        signed: The axis shows signs, as relative changes need.
        percent: The axis is in percent; else in hundredths, as losses are written.
    """

    reference: float | None = None
    signed: bool = False
    percent: bool = True


SHARES = Scale()


@dataclass(frozen=True)
class RowGroup:
    """Rows under one heading; an empty heading draws none."""

    heading: str
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, heading: str, marks: Iterable[Mark | None]) -> RowGroup:
        """Return rows under a heading, without those that are not defined."""
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


def draw_interval_chart(
    identifier: str,
    title: str,
    description: str,
    groups: Sequence[RowGroup],
    *,
    scale: Scale = SHARES,
    legend: tuple[tuple[str, str], ...] = (),
) -> Chart:
    """Draw estimates with their intervals, one a line, in groups.

    Args:
        identifier: Unique in the report; letters, digits and hyphens.
        title: What is shown.
        description: What it says, with its numbers.
        groups: Rows to draw; at least one.
        scale: How the axis is written.
        legend: Name of a colour and what it stands for.
    """
    marks = [mark for group in groups for mark in group.marks]
    low, high, step = _axis(
        [value for mark in marks for value in (mark.value, mark.low, mark.high)], scale.reference, signed=scale.signed
    )
    axis = _Axis(low, high, step, "%" if scale.percent else "", "+" if scale.signed else "", scale.reference)
    return draw_chart(
        "intervals", lambda target: _intervals(groups, axis, target), identifier, title, description, legend
    )


def draw_share_chart(
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
    return draw_chart("shares", lambda target: _shares(bars, target), identifier, title, description, legend)


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    step: float
    unit: str
    sign: str
    reference: float | None

    def inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def words(self, value: float) -> str:
        digits = f"{value:{self.sign}.0%}" if self.unit else f"{value:{self.sign}.2f}"
        return digits.replace("-", "−") if value else f"0{self.unit}"

    def ticks(self, most: int | None) -> list[float]:
        """Return every tick, or every second one where there are more than fit, such that zero or else the first is kept."""
        first, last = round(self.low / self.step), round(self.high / self.step)
        ticks = [round(index * self.step, 10) for index in range(first, last + 1)]
        if most is None or len(ticks) <= most:
            return ticks
        return ticks[ticks.index(0.0) % 2 if 0.0 in ticks else 0 :: 2]


@dataclass(frozen=True)
class _Frame:
    """Where things stand, in pixels: a label column, the plot, a column of figures; a phone puts both above the line."""

    left: int
    plot: int
    right: int
    row: int
    heading: int
    size: float

    @property
    def stacked(self) -> bool:
        return self.left < 50

    def words(self, label: str, shown: str, top: float, target: Target) -> dict[str, Any]:
        """Label and figures of a row, and where its mark and they lie."""
        figures = say.clean(shown)
        beside = self.plot - width_of(figures, self.size - 1, target) if self.stacked else self.left
        y = top + (self.row - 12 if self.stacked else self.row / 2)
        return {
            "label": cut(label, beside - 16, self.size, target),
            "shown": figures,
            "y": y,
            "label_y": top + 15 if self.stacked else y,
        }

    def drawing(self, height: float, below: float, **values: Any) -> Drawing:
        values |= {"stacked": self.stacked, "size": self.size, "tick_size": self.size - 1.5}
        return Drawing(self.plot, height, (self.left, self.right, below), values)


_FRAMES: dict[Target, _Frame] = {
    "wide": _Frame(left=225, plot=305, right=210, row=28, heading=34, size=13),
    "narrow": _Frame(left=26, plot=298, right=26, row=50, heading=36, size=14),
    "paper": _Frame(left=225, plot=305, right=210, row=24, heading=30, size=13.5),
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
    low = lowest // step
    high = -(-highest // step)
    return low * step, max(high, low + 1) * step, step


def _intervals(groups: Sequence[RowGroup], axis: _Axis, target: Target) -> Drawing:
    frame = _FRAMES[target]

    def x(value: float) -> float:
        return frame.plot * (axis.inside(value) - axis.low) / (axis.high - axis.low)

    rows: list[dict[str, Any]] = []
    headings: list[dict[str, Any]] = []
    top = 0
    for group in groups:
        if group.heading:
            start = 0 if frame.stacked else 4 - frame.left
            words = cut(group.heading, frame.plot - start, frame.size, target, bold=True)
            headings.append({"x": start, "y": top + frame.heading - 12, "words": words})
            top += frame.heading
        for mark in group.marks:
            beyond = ((mark.low < axis.low, axis.low, -1), (mark.high > axis.high, axis.high, 1))
            rows.append(
                frame.words(mark.label, mark.brief if frame.stacked else mark.shown, top, target)
                | {"value": x(mark.value), "low": x(mark.low), "high": x(mark.high)}
                | {"arrows": [(x(end), side) for outside, end, side in beyond if outside]}
                | {"tone": mark.tone, "hollow": mark.hollow}
            )
            top += frame.row
    shown = axis.reference is not None and axis.low <= axis.reference <= axis.high
    ticks = axis.ticks(_PHONE_TICKS if frame.stacked else None)
    return frame.drawing(
        top + 6,
        26,
        rows=rows,
        headings=headings,
        ticks=[(x(tick), axis.words(tick)) for tick in ticks],
        reference=x(axis.reference or 0.0) if shown else None,
    )


def _shares(bars: Sequence[Bar], target: Target) -> Drawing:
    frame = _FRAMES[target]
    rows: list[dict[str, Any]] = []
    for index, bar in enumerate(bars):
        starts = accumulate((share for _, share in bar.shares), initial=0.0)
        pieces = [
            (start * frame.plot, share * frame.plot, name)
            for start, (name, share) in zip(starts, bar.shares, strict=False)
            if share > 0
        ]
        rows.append(frame.words(bar.label, bar.shown, index * frame.row, target) | {"pieces": pieces})
    return frame.drawing(len(bars) * frame.row, 4, rows=rows)
