"""The same statistics as Polars expressions, for use inside a lazy query.

Null stands for "not defined" here, as NaN does in arrays; null and NaN inputs both count as missing. What is a closed
formula is a native expression; the comparisons that need special functions hand whole columns to the array functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import polars as pl

from kaizenlake.stats.basics._arrays import Floats
from kaizenlake.stats.basics._special import two_sided_z
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.two_groups.cautious_difference import CautiousDifference
from kaizenlake.stats.two_groups.cautious_difference import cautious_difference as cautious_difference_arrays
from kaizenlake.stats.two_groups.proportions import TwoProportions
from kaizenlake.stats.two_groups.proportions import two_proportions as two_proportions_arrays
from kaizenlake.stats.two_groups.ratios import LogRatio
from kaizenlake.stats.two_groups.ratios import log_risk_ratio as log_risk_ratio_arrays

Column = pl.Expr | str
ColumnMoments = tuple[Column, Column, Column]
"""Count, mean and sum of squared deviations, as `Moments` are of arrays."""


def wilson(wins: Column, decided: Column, confidence: float = 0.95) -> pl.Expr:
    """Return the struct ``low, high`` of :func:`kaizenlake.stats.two_groups.proportions.wilson`; null where it is not defined."""
    wins, decided = _number(wins), _number(decided)
    z2 = two_sided_z(confidence) ** 2
    centre = (wins + z2 / 2.0) / (decided + z2)
    half = (z2 * (wins * (decided - wins) / decided + z2 / 4.0)).sqrt() / (decided + z2)
    low = pl.when(wins == 0.0).then(0.0).otherwise((centre - half).clip(lower_bound=0.0))
    high = pl.when(wins == decided).then(1.0).otherwise((centre + half).clip(upper_bound=1.0))
    defined = _compute_possible(wins, decided) & (decided > 0.0)
    return pl.struct(pl.when(defined).then(low).alias("low"), pl.when(defined).then(high).alias("high"))


def benjamini_hochberg(p_value: Column, over: list[str] | None = None) -> pl.Expr:
    """:func:`kaizenlake.stats.pooling.multiplicity.benjamini_hochberg` over the whole column, or within groups of ``over``.

    The expression keeps the order of the rows. P-values must lie in [0, 1].
    """
    p_value = _number(p_value)
    adjusted = (p_value * (p_value.count() / p_value.rank("max"))).clip(upper_bound=1.0)
    order = p_value.arg_sort(nulls_last=True)
    running = adjusted.gather(order).cum_min(reverse=True).gather(order.arg_sort())
    q_value = pl.when(p_value.is_not_null()).then(running)
    return q_value.over(over) if over else q_value


def two_proportions(wins_a: Column, n_a: Column, wins_b: Column, n_b: Column, confidence: float = 0.95) -> pl.Expr:
    """Return the struct ``effect, lift, ci_low, ci_high, p_value`` of :func:`kaizenlake.stats.two_groups.proportions.two_proportions`."""
    function = partial(two_proportions_arrays, confidence=confidence)
    return _compute_whole_columns(function, TwoProportions._fields, wins_a, n_a, wins_b, n_b)


def log_risk_ratio(events_a: Column, n_a: Column, events_b: Column, n_b: Column) -> pl.Expr:
    """Return the struct ``effect, variance`` of :func:`kaizenlake.stats.two_groups.ratios.log_risk_ratio`."""
    return _compute_whole_columns(log_risk_ratio_arrays, LogRatio._fields, events_a, n_a, events_b, n_b)


def lift_interval(events_a: Column, n_a: Column, events_b: Column, n_b: Column, confidence: float = 0.95) -> pl.Expr:
    """Return the struct ``low, high`` of the interval of rate a over rate b, less 1, by the log of their ratio (Katz 1978)."""
    ratio = log_risk_ratio(events_a, n_a, events_b, n_b).struct
    half = two_sided_z(confidence) * ratio.field("variance").sqrt()
    return pl.struct(
        ((ratio.field("effect") - half).exp() - 1.0).alias("low"),
        ((ratio.field("effect") + half).exp() - 1.0).alias("high"),
    )


def cautious_difference(a: ColumnMoments, b: ColumnMoments, confidence: float = 0.95) -> pl.Expr:
    """Return the struct of the fields of :func:`kaizenlake.stats.two_groups.cautious_difference.cautious_difference`."""

    def compare(*sides: Floats) -> CautiousDifference:
        return cautious_difference_arrays(Moments(*sides[:3]), Moments(*sides[3:]), confidence)

    return _compute_whole_columns(compare, CautiousDifference._fields, *a, *b)


def divide(value: Column, parts: float) -> pl.Expr:
    """Divide whole columns by a constant, so that equal values give equal bits wherever they stand.

    Polars (2.1) multiplies most rows by the reciprocal of a constant and divides the rest, so the last bit of a plain quotient
    depends on the place of the row. Here both sides are columns.

    Args:
        value: finite figures.
        parts: that make one.

    >>> frame = pl.DataFrame({"micros": [488_689_562] * 9})
    >>> frame.select(divide("micros", 1_000_000)).to_series().unique().to_list()
    [488.689562]
    """
    value = _number(value)
    return value / (value * 0.0 + parts)


def mean_of_sums(n: Column, total: Column, parts: int) -> pl.Expr:
    """Return the mean of figures that were added up as whole numbers of parts, such as millionths; null of none.

    Args:
        n: how many were added up.
        total: their sum, in parts.
        parts: that make one.
    """
    n, total = _compute_whole(n), _compute_whole(total)
    return pl.when(n > 0).then(total.cast(pl.Float64) / (n.cast(pl.Float64) * parts))


def deviations_of_sums(n: Column, a: Column, b: Column, product: Column, parts: int) -> pl.Expr:
    """Sum of the products of the deviations of a and b from their means, out of sums of whole numbers; null of none.

    n * sum(ab) - sum(a) * sum(b) over n, whole numbers of 128 bits until the one division: nothing cancels out, the same bits
    come in any order, and it is exactly 0 where nothing varies. With a for b it is m2.

    Args:
        n: how many were added up.
        a: sum of a, in parts.
        b: sum of b, in parts.
        product: sum of a * b, in parts squared.
        parts: that make one.
    """
    n, a, b, product = _compute_whole(n), _compute_whole(a), _compute_whole(b), _compute_whole(product)
    whole = (n * product - a * b).cast(pl.Float64)
    return pl.when(n > 0).then(whole / (n.cast(pl.Float64) * float(parts) ** 2))


def binned_quantile(share: float, at: Column, n: Column, total: Column) -> pl.Expr:
    """Return the figure up to which a share of the observations lies: an aggregate of bins, each bin once.

    It is the mean of the bin in which the share is reached: within a bin of the true one, exact where the figures of the bin
    are alike, and never beyond the largest.

    Args:
        share: in (0, 1).
        at: number of the bin, in the order of the figures.
        n: observations in it, > 0.
        total: their sum.
    """
    place = _compute_column(at)
    number, sums = _compute_column(n).sort_by(place), _compute_column(total).sort_by(place)
    # As whole numbers: .95 * 20 is a little above 19 in floats.
    reached = number.cum_sum() * _SHARES >= number.sum() * round(share * _SHARES)
    return (sums / number).filter(reached).first()


_SHARES = 1_000_000
"""Parts in which a share is counted."""


def _compute_column(value: Column) -> pl.Expr:
    return pl.col(value) if isinstance(value, str) else value


def _compute_whole(value: Column) -> pl.Expr:
    return _compute_column(value).cast(pl.Int128)


def _number(value: Column | float) -> pl.Expr:
    expression = pl.col(value) if isinstance(value, str) else value if isinstance(value, pl.Expr) else pl.lit(value)
    return expression.cast(pl.Float64).fill_nan(None)


def _compute_possible(wins: pl.Expr, decided: pl.Expr) -> pl.Expr:
    return decided.is_finite() & (wins >= 0.0) & (wins <= decided)


def _compute_whole_columns(
    function: Callable[..., tuple[Floats, ...]], fields: tuple[str, ...], *columns: Column
) -> pl.Expr:
    """Return a row-wise array function of several columns as one struct column, NaN turned into null."""

    def compute(series: Sequence[pl.Series]) -> pl.Series:
        arrays = [column.fill_null(float("nan")).to_numpy() for column in series]
        results = np.broadcast_arrays(*function(*arrays), arrays[0])[:-1]
        parts = [pl.Series(name, result).fill_nan(None) for name, result in zip(fields, results, strict=True)]
        return pl.DataFrame(parts).to_struct("")

    dtype = pl.Struct({name: pl.Float64() for name in fields})
    return pl.map_batches([_number(column) for column in columns], compute, return_dtype=dtype, is_elementwise=True)
