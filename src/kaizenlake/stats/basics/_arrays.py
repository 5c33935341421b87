"""Shapes and groups: how every statistic takes its arrays.

A *group code* is an integer from 0 to ``n_groups - 1``; a group-wise result has one entry per code, so that
``result[codes]`` brings it back to the rows. Sums over groups are made in the canonical order of the values, so the same
rows give the same bits in whatever order they come.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


def floats(*values: ArrayLike) -> tuple[Floats, ...]:
    """Bring values to float64 arrays of one shape; raises ValueError where the shapes do not fit together."""
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def rows(*values: ArrayLike) -> tuple[Floats, ...]:
    """Bring values to one-dimensional float64 arrays of one length; raises ValueError where they are not."""
    return tuple(np.atleast_1d(value).ravel() if value.ndim < 2 else _reject(value) for value in floats(*values))


def _reject(value: Floats) -> Floats:
    raise ValueError(f"expected one value per row, found an array of shape {value.shape}")


def group_codes(groups: ArrayLike, size: int, n_groups: int | None = None) -> tuple[Ints, int]:
    """Check group codes against the number of rows and return them with the number of groups.

    Raises:
        ValueError: codes that are not integers, negative, beyond ``n_groups``, or not one per row.
    """
    codes = np.asarray(groups)
    if codes.size == 0:
        codes = codes.astype(np.int64)
    if codes.dtype.kind not in "iu":
        raise ValueError(f"expected integer group codes from 0, found dtype {codes.dtype}")
    if codes.shape != (size,):
        raise ValueError(f"expected one group code per row ({size}), found shape {codes.shape}")
    codes = codes.astype(np.int64, copy=False)
    lowest, beyond = (int(codes.min()), int(codes.max()) + 1) if size else (0, 0)
    count = beyond if n_groups is None else n_groups
    if lowest < 0 or beyond > count:
        raise ValueError(f"expected group codes from 0 to {count - 1}, found {lowest} to {beyond - 1}")
    return codes, count


def canonical(codes: Ints, *values: Floats) -> tuple[Ints, tuple[Floats, ...]]:
    """Return rows sorted by group and then by value: the one order in which floats are added up."""
    if (sorted_counts := _sort_counts(codes, values)) is not None:
        return sorted_counts
    order = np.lexsort((*reversed(values), codes))
    return codes[order], tuple(value[order] for value in values)


def _sort_counts(codes: Ints, values: tuple[Floats, ...]) -> tuple[Ints, tuple[Floats, ...]] | None:
    """Return rows of counts in canonical order, each packed into one integer: a tenth of the time; None where they do not fit."""
    if not codes.size or not all(_are_counts(value) for value in values):
        return None
    sizes = [int(value.max()) + 1 for value in values]
    if math.prod([int(codes.max()) + 1, *sizes]) > np.iinfo(np.int64).max:
        return None
    packed = codes.copy()
    for value, size in zip(values, sizes, strict=True):
        packed *= size
        packed += value.astype(np.int64)
    packed.sort()
    columns = []
    for size in reversed(sizes):
        packed, column = np.divmod(packed, size)
        columns.append(column.astype(np.float64))
    return packed, tuple(reversed(columns))


def _are_counts(values: Floats) -> bool:
    return bool(np.all((values >= 0.0) & (values < _MOST_EXACT) & (np.floor(values) == values)))


_MOST_EXACT = 2.0**53
"""Below this a float tells every whole number from the next."""


def totals(codes: Ints, values: Floats, n_groups: int) -> Floats:
    """Sum of ``values`` per group code, added one after the other in row order; 0 for an empty group."""
    return np.bincount(codes, weights=values, minlength=n_groups).astype(np.float64, copy=False)


def divide(numerator: ArrayLike, denominator: ArrayLike, where: ArrayLike, otherwise: float = np.nan) -> Floats:
    """Return the quotient where ``where`` holds, ``otherwise`` elsewhere: no division is made there, so none can warn."""
    top, bottom, keep = np.broadcast_arrays(numerator, denominator, np.asarray(where, dtype=np.bool_))
    quotient = np.full(top.shape, otherwise)
    np.divide(top, bottom, out=quotient, where=keep)
    return quotient


def only(value: Floats) -> Floats:
    """Return the single entry of a one-group result, as an array without dimensions."""
    return np.asarray(value[0])
