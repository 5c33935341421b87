"""Charts of losses over days: the mean of each day, the moving average, and where a control chart raised an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, log10
from typing import Any

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.scales import FRAMES, STEPS, Days, Point, ends_on_steps, step_of
from kaizenlake.report.engine.svg import Chart, Drawing, Target, Tone, cut, draw_chart, width_of


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


def draw_trend_chart(
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
    step = step_of(max(values) - min(values), STEPS)
    scale = (*ends_on_steps(min(values), max(values), step), step)
    days = [day for trend in trends for day, _, _ in trend.days]
    ends = (min(days), max(days))
    return draw_chart(
        "trends", lambda target: _lay_out(trends, ends, scale, target), identifier, title, description, legend
    )


_LABELS = 190
"""Pixels left of the plot for the names of trends, where they do not stand above it."""


def _lay_out(
    trends: Sequence[Trend], ends: tuple[date, date], scale: tuple[float, float, float], target: Target
) -> Drawing:
    frame = FRAMES[target]
    left, right = (frame.left, frame.right) if frame.stacked else (_LABELS, 200)
    plot = frame.left + frame.plot + frame.right - left - right
    above, gap = (26, 12) if frame.stacked else (0, 16)
    low, high, step = scale
    inner = frame.trend_height - above
    digits = max(1, ceil(-log10(step) - 1e-9))
    days = Days(*ends, plot, 6.0)
    rows: list[dict[str, Any]] = []
    for place, trend in enumerate(trends):
        top = place * (frame.trend_height + gap) + above + 4

        def at(day: date, value: float, top: float = top) -> Point:
            return days.x(day), top + inner * (high - value) / (high - low)

        shown = say.clean(trend.brief if frame.stacked else trend.shown, 60)
        room = left + plot - width_of(shown, frame.font, target) - 16 if frame.stacked else left - 44
        rows.append(
            {
                "edges": [(top, f"{high:.{digits}f}"), (top + inner, f"{low:.{digits}f}")],
                "means": [at(day, mean) for day, mean, _ in trend.days],
                "course": [at(day, moving) for day, _, moving in trend.days],
                "alerts": [at(day, mean) for day, mean, _ in trend.days if day in trend.alerts],
                "middle": top - 14 if frame.stacked else top + inner / 2,
                "label": cut(trend.label, room, frame.font + 0.5, target),
                "shown": shown,
                "tone": trend.tone,
            }
        )
    height = 4 + len(trends) * (frame.trend_height + gap) - gap
    values = {
        "rows": rows,
        "days": days.names(frame.ticks // 2 + 1),
        "size": frame.font,
        "stacked": frame.stacked,
    }
    return Drawing(plot, height, (left, right, 24), values)
