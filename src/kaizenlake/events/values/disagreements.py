"""Figures of one event that cannot all be true: a part beyond its whole, a rate that its counts do not give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple


class Disagreement(NamedTuple):
    """Two or more fields that contradict one another.

    Args:
        field: The field that is named for it.
        reason: What was found, with the figures.
    """

    field: str
    reason: str


class Figure(NamedTuple):
    """A field and its value; None where it was not said."""

    name: str
    value: float | None


def beyond(part: Figure, whole: Figure) -> Iterator[Disagreement]:
    """Find a part that is more than its whole.

    >>> [found.reason for found in beyond(Figure("gates_passed", 6), Figure("gates_total", 5))]
    ['`gates_passed` (6) is more than `gates_total` (5)']
    """
    if part.value is not None and whole.value is not None and part.value > whole.value:
        yield Disagreement(part.name, f"`{part.name}` ({part.value:,}) is more than `{whole.name}` ({whole.value:,})")


def rate_beside_counts(rate: Figure, part: Figure, wholes: Sequence[Figure]) -> Iterator[Disagreement]:
    """Find a rate that none of its possible counts gives, beyond the rounding of the digits in which it is told.

    >>> counts = Figure("clicks", 37), [Figure("impressions", 1000)]
    >>> [list(rate_beside_counts(Figure("ctr", rate), *counts)) for rate in (0.037, 0.04)]
    [[], []]
    >>> [found.reason for found in rate_beside_counts(Figure("ctr", 0.37), *counts)]
    ['`ctr` is 0.37, and `clicks` (37) of `impressions` (1,000) are 0.037']

    Args:
        rate: The rate as it is told.
        part: What is counted.
        wholes: What it may be a share of; those that are not known, or zero, decide nothing.
    """
    if rate.value is None or part.value is None:
        return
    shares = [(whole, part.value / whole.value) for whole in wholes if whole.value]
    if not shares or any(abs(share - rate.value) <= _NEARLY * max(share, rate.value) for _, share in shares):
        return
    slack = _compute_rounding(rate.value)
    if all(abs(share - rate.value) > slack for _, share in shares):
        counted = ", ".join(f"of `{whole.name}` ({whole.value:,}) are {share:.4g}" for whole, share in shares)
        yield Disagreement(rate.name, f"`{rate.name}` is {rate.value:g}, and `{part.name}` ({part.value:,}) {counted}")


_NEARLY = 1e-6
"""Difference, relative to the rate, that single precision leaves."""


def _compute_rounding(rate: float) -> float:
    """Return half a unit of the last digit of a rate; of 0 and 1, which may be whole numbers by their type alone, half a percent.

    >>> tuple(round(_compute_rounding(rate), 10) for rate in (0.12, 0.1, 0.0, 0.1234))
    (0.005000001, 0.050000001, 0.005000001, 5.0001e-05)
    """
    digits = 2 if rate in {0.0, 1.0} else -int(Decimal(repr(rate)).as_tuple().exponent)
    return 0.5 * 10.0**-digits + 1e-9


def refuse(found: Iterator[Disagreement]) -> None:
    """Refuse a payload for the first disagreement in it.

    Raises:
        ValueError: There is one.
    """
    for disagreement in found:
        raise ValueError(disagreement.reason)
