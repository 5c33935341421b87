"""Losses added up exactly: whole millionths and their squares, which give the same bits in every order."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.stats import expressions

MICRO = 1_000_000
SUMS = ("n", "loss_micros", "square_high", "square_low")
"""Columns of which mean and spread are made; those of two parts add up to those of the whole."""


def micros(figure: pl.Expr) -> pl.Expr:
    """Return a figure in whole millionths; null for null."""
    return (figure * MICRO).round().cast(pl.Int64)


def sums_of(loss: pl.Expr) -> dict[str, pl.Expr]:
    """Return sums over the runs of a group, by the names of `SUMS`; runs without a loss add nothing.

    A square is kept in two parts, whole millions and the rest: the sum of each stays within an Int64 for some 9e12 runs.
    """
    square = micros(loss).pow(2)
    return {
        "n": loss.count().cast(pl.Int64),
        "loss_micros": micros(loss).sum(),
        "square_high": (square // MICRO).sum(),
        "square_low": (square % MICRO).sum(),
    }


def is_known_before(as_of: datetime) -> pl.Expr:
    """Return rows of days that began before an instant and have a run with a loss."""
    return (pl.col("event_date").cast(pl.Datetime("us", "UTC")) < as_of) & (pl.col("n") > 0)


def add_sums() -> tuple[pl.Expr, ...]:
    """Return the sums of several parts."""
    return tuple(pl.col(name).sum() for name in SUMS)


def mean(prefix: str = "") -> pl.Expr:
    """Return the mean loss; null without a run.

    Args:
        prefix: What stands before the names of the sums.
    """
    return expressions.mean_of_sums(f"{prefix}n", f"{prefix}loss_micros", MICRO)


def m2(prefix: str = "") -> pl.Expr:
    """Sum of the squared deviations from the mean loss; null without a run, exactly 0 where all losses are the same."""
    n, total, high, low = (pl.col(f"{prefix}{name}") for name in SUMS)
    return expressions.deviations_of_sums(n, total, total, high.cast(pl.Int128) * MICRO + low, MICRO)


def sd(prefix: str = "") -> pl.Expr:
    """Return the standard deviation of the losses; null below two runs."""
    n = pl.col(f"{prefix}n")
    return pl.when(n > 1).then((m2(prefix) / (n - 1)).sqrt())
