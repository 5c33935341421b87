"""How often to show each wording of a running test, so that clicks are won while it is learned which one is best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

SPREAD = 0.25
"""Standard deviation of the true log rates within a test, where no text model says it; that of 1,614 headline tests."""

MINIMUM_SHARE = 0.05
"""Share of what is shown that is spread over all wordings alike, so that each stays known."""

START = 50.0
"""Times that each wording is shown before what was clicked counts; until then scores tilt the shares."""

TILT = 5.0
"""How much scores tilt the shares of the start: with the power of the posterior means."""

BONUS = 0.3
"""Standard errors by which a wording that is known less is taken to be better."""


def allocate(
    shown: Sequence[float],
    clicks: Sequence[float],
    scores: Sequence[Any] | None = None,
    *,
    spread: float = SPREAD,
    minimum_share: float = MINIMUM_SHARE,
) -> list[float]:
    """Return the share of what is shown next that each wording of a test is to have; never raises.

    The start is equal, tilted by scores where there are any; then the wording with the best posterior mean has all but the
    minimum share. The posterior is that of a gamma-Poisson model around the test's own rate.

    >>> [round(share, 4) for share in allocate([0, 0], [0, 0])]
    [0.5, 0.5]
    >>> [round(share, 4) for share in allocate([1000, 1000], [10, 30])]
    [0.025, 0.975]

    Args:
        shown: Times each wording was shown.
        clicks: Clicks on each.
        scores: Score of each wording, as a scorer gives them, or lifts as fractions; None where there is none.
        spread: Standard deviation of the true log rates of wordings around their scores.
        minimum_share: Share that is spread over all alike.

    Returns:
        Shares that sum to 1: the propensities to be logged.
    """
    number = _count(shown)
    try:
        return _allocate(shown, clicks, scores, spread, minimum_share) if number else []
    except Exception:  # noqa: BLE001 - a service must go on, whatever it was given
        return [1.0 / number] * number if number else []


def _count(values: Any) -> int:
    try:
        return len(values)
    except TypeError:
        return 0


def _allocate(
    shown: Sequence[float], clicks: Sequence[float], scores: Sequence[Any] | None, spread: float, minimum_share: float
) -> list[float]:
    number = len(shown)
    times = [_figure(value) for value in shown]
    events = [min(_figure(value), most) for value, most in zip(clicks, times, strict=True)]
    expected = _expected_factors(scores, number)
    shape = 1.0 / math.expm1(max(spread, 0.01) ** 2)
    rate = (math.fsum(events) + 1.0) / (math.fsum(map(_product, times, expected)) + 100.0)
    worth = [
        math.log(factor * (shape + event) / (shape + time * rate * factor)) + BONUS / math.sqrt(shape + event)
        for factor, event, time in zip(expected, events, times, strict=True)
    ]
    best = max(worth)
    if math.fsum(times) < START * number:
        tilted = [math.exp(TILT * (value - best)) for value in worth] if scores is not None else [1.0] * number
    else:
        first = worth.index(best)
        tilted = [float(place == first) for place in range(number)]
    whole, least = math.fsum(tilted), min(max(minimum_share, 0.0), 1.0)
    return [least / number + (1.0 - least) * value / whole for value in tilted]


def _product(first: float, second: float) -> float:
    return first * second


def _figure(value: Any) -> float:
    """Return a count; what is none, or below 0, counts as 0."""
    found = float(value)
    return found if math.isfinite(found) and found > 0.0 else 0.0


def _expected_factors(scores: Sequence[Any] | None, number: int) -> list[float]:
    """Return how much better than the mean of the test each is expected to be, as a factor."""
    if scores is None:
        return [1.0] * number
    logs = [math.log1p(max(float(getattr(score, "lift", score)), -0.99)) for score in scores]
    if len(logs) != number or not all(map(math.isfinite, logs)):
        return [1.0] * number
    mean = math.fsum(logs) / number
    return [math.exp(value - mean) for value in logs]
