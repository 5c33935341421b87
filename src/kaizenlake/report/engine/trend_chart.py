"""Charts of losses over days: the mean of each day, the moving average, and where a control chart raised an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10
from typing import Any

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.interval_chart import Tone
from kaizenlake.report.engine.marks import FRAMES, STEPS, Row, days_below, dots, line, rules, spread, step_of, texts
from kaizenlake.report.engine.svg import COLOURS, Chart, Target, chart, cut, layered


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
    step = step_of(max(values) - min(values), STEPS)
    low = floor(min(values) / step + 1e-9) * step
    high = max(ceil(max(values) / step - 1e-9) * step, low + step)
    days = sorted({day for trend in trends for day, _, _ in trend.days})
    return chart(
        lambda target: _trend_spec(trends, days, (low, high, step), target), identifier, title, description, legend
    )


_LABELS = 190
"""Pixels left of the plot for the names of trends, where they do not stand above it."""


def _trend_spec(
    trends: Sequence[Trend], days: Sequence[date], scale: tuple[float, float, float], target: Target
) -> dict[str, Any]:
    frame = FRAMES[target]
    stacked = frame.right < 60
    left, right = (frame.left, frame.right) if stacked else (_LABELS, 200)
    plot = frame.plot if stacked else frame.left + frame.plot + frame.right - left - right
    above, gap = (26, 12) if stacked else (0, 16)
    low, high, step = scale
    inner = frame.trend_height - above
    digits = max(1, ceil(-log10(step) - 1e-9))
    first, span = days[0], max((days[-1] - days[0]).days, 1)
    layers: list[Row] = []
    means: list[Row] = []
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
        means += [at(day, mean) for day, mean, _ in trend.days]
        course = [at(day, moving) for day, _, moving in trend.days]
        layers.append(line(course, trend.tone, 2.0))
        alerts += [at(day, mean) for day, mean, _ in trend.days if day in trend.alerts]
        ends.append(course[-1] | {"colour": COLOURS[trend.tone]})
        middle = top - 14 if stacked else top + inner / 2
        labels.append({"x": 4 - left, "y": middle, "text": cut(trend.label, frame.words - 8)})
        shown = say.clean(trend.brief if stacked else trend.shown, 60)
        words.append({"x": plot if stacked else plot + 14, "y": middle, "text": shown})
    height = 4 + len(trends) * (frame.trend_height + gap) - gap
    marks = [
        rules([{"x": 0, "x2": plot, "y": row["y"]} for row in edges], "line", 1.0),
        texts([{"x": -8, **row} for row in edges], "muted", frame.font - 1.5, "right"),
        dots(means, "muted", 9),
        *layers,
        dots(alerts, "bad", 60),
        dots(ends, None, 52),
        texts(labels, "ink", frame.font + 0.5, "left"),
        texts(words, "muted", frame.font, "right" if stacked else "left"),
        days_below(
            [(6 + (plot - 12) * ((day - first).days / span), day) for day in spread(days, frame.ticks // 2 + 1)],
            height + 12,
            frame.font,
        ),
    ]
    return layered([], marks, size=(plot, height), margins=(left, right, 24))
