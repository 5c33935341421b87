"""Scales of charts: the steps of their axes, and how days spread along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.svg import Target

Point = tuple[float, float]

STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Steps of an axis."""


def step_of(span: float, steps: Sequence[float], most: int = 6) -> float:
    """Return the finest step of which at most `most` make the span; the coarsest where none is coarse enough."""
    return next((step for step in steps if span / step <= most), steps[-1])


def ends_on_steps(lowest: float, highest: float, step: float) -> tuple[float, float]:
    """Return the ends of an axis that holds both values, each a multiple of the step."""
    low = floor(lowest / step + 1e-9) * step
    return low, max(ceil(highest / step - 1e-9) * step, low + step)


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

    @property
    def stacked(self) -> bool:
        """Whether words stand above the plot."""
        return self.right < 60


FRAMES: dict[Target, Frame] = {
    "wide": Frame(left=66, plot=590, right=84, height=250, font=12.5, ticks=8, trend_height=58),
    "narrow": Frame(left=58, plot=270, right=22, height=230, font=13, ticks=4, trend_height=84),
    "paper": Frame(left=66, plot=590, right=84, height=230, font=13, ticks=8, trend_height=54),
}


@dataclass(frozen=True)
class Days:
    """Days along a plot.

    Args:
        first: The first day.
        last: The last day.
        plot: Width of the plot.
        inset: Pixels that stay free on both sides.
    """

    first: date
    last: date
    plot: float
    inset: float

    def x(self, day: date) -> float:
        """Return the place of a day; a single day lies in the middle."""
        span = (self.last - self.first).days
        return self.inset + (self.plot - 2 * self.inset) * ((day - self.first).days / span if span else 0.5)

    def names(self, most: int) -> list[tuple[float, str]]:
        """Return places and names of days at equal distances, so few that they fit beside one another."""
        span = (self.last - self.first).days
        step = max(1, ceil((span + 1) / most))
        days = [date.fromordinal(self.first.toordinal() + offset) for offset in range(0, span + 1, step)]
        return [(self.x(day), f"{day.day} {say.MONTHS[day.month - 1][:3]}") for day in days]
