"""How likely is it that a cumulative sum rises so high while nothing changed? By its exact distribution on a grid.

The sum begins at 0 and takes, on each day, what the standardised residual lies below the level less a reference; it never falls
below 0. All residuals share the error of the level that they are held against, which is integrated over.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kaizenlake.stats.basics._arrays import Floats
from kaizenlake.stats.basics._special import normal_upper

REFERENCE = 0.5
"""Standard deviations a day that are taken off: half of the shift that the sum is quickest to find."""

MOST_DAYS = 14
"""Most days that are added up."""

_STEP = 0.05
_HIGHEST = 40.0
_ERRORS = np.linspace(0.0, 1.0, 21)
"""Standard errors of the level, in those of a day, for which the distribution is worked out."""

_NODES = 15


def cusum_tail(value: Floats, days: np.ndarray, level_error: Floats) -> Floats:
    """Return the chance that the sum of some days ends as high as seen, or higher.

    Args:
        value: the sum, at least 0; NaN gives NaN.
        days: that were added up, 1 to 14.
        level_error: standard error of the level, in standard deviations of a day; beyond 1 it counts as 1.

    >>> cusum_tail(np.array([2.0, 5.0]), np.array([7, 7]), np.array([0.0, 0.0])).round(3).tolist()
    [0.06, 0.001]
    """
    table = _build_tails()
    # A point of the grid stands for the half steps around it.
    place = np.clip(np.nan_to_num(value) / _STEP + 0.5, 0.0, table.shape[2] - 1.001)
    width = _ERRORS[1] - _ERRORS[0]
    row = np.clip(np.nan_to_num(level_error) / width, 0.0, len(_ERRORS) - 1.001)
    low, left = place.astype(int), row.astype(int)
    day = np.clip(days, 1, MOST_DAYS).astype(int) - 1
    across, along = row - left, place - low
    near = [(1.0 - along) * table[day, left + side, low] + along * table[day, left + side, low + 1] for side in (0, 1)]
    found = np.exp((1.0 - across) * near[0] + across * near[1])
    return np.where(np.isnan(value), np.nan, np.minimum(found, 1.0))


@lru_cache(maxsize=1)
def _build_tails() -> Floats:
    """Return logarithms of tails, by days, error of the level and height of the sum."""
    heights = np.arange(0.0, _HIGHEST + _STEP / 2.0, _STEP)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    reach = round(9.0 / _STEP)
    offsets = np.arange(-reach, reach + 1) * _STEP
    tails = np.zeros((MOST_DAYS, len(_ERRORS), len(heights)))
    for row, error in enumerate(_ERRORS):
        for node, weight in zip(nodes, weights, strict=True):
            drift = error * node - REFERENCE
            step = normal_upper(offsets - _STEP / 2.0 - drift) - normal_upper(offsets + _STEP / 2.0 - drift)
            state = np.zeros(len(heights))
            state[0] = 1.0
            for day in range(MOST_DAYS):
                moved = np.convolve(state, step)
                state = moved[reach : reach + len(heights)].copy()
                state[0] += moved[:reach].sum()
                state[-1] += moved[reach + len(heights) :].sum()
                tails[day, row] += weight * state[::-1].cumsum()[::-1]
    return np.log(np.maximum(tails, 1e-300))
