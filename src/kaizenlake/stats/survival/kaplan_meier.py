"""How long until it happens, where some are still waiting? Kaplan and Meier's quantiles, by statsmodels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class TimeQuantile(NamedTuple):
    """The time by which a share of the subjects have had their event.

    Attributes:
        time: estimate, in the unit of the times; None where so large a share is never reached.
        low, high: ends of its interval; None where they are not reached.
    """

    time: float | None
    low: float | None
    high: float | None


def time_quantiles(
    times: ArrayLike, happened: ArrayLike, shares: tuple[float, ...], confidence: float = 0.95
) -> tuple[TimeQuantile, ...]:
    """Estimate the times by which given shares of the subjects have had their event (Kaplan and Meier 1958).

    The quantile of a share is the first time at which the survival function lies below 1 less the share. Its interval holds
    the times at which the complementary log-log interval of the survival function (Greenwood's variance) holds that value
    (Brookmeyer and Crowley 1982).

    Args:
        times: time to the event, or to the last moment a subject was seen without it; none negative.
        happened: whether the event happened; a subject without it is censored at its time.
        shares: shares of subjects, each in (0, 1).
        confidence: coverage aimed at, in (0, 1).

    >>> [quantile.time for quantile in time_quantiles([1, 2, 3, 4, 9], [1, 1, 0, 1, 0], (0.25, 0.5, 0.75))]
    [2.0, 4.0, None]
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    times, happened = np.asarray(times, dtype=float), np.asarray(happened, dtype=bool)
    if not happened.any():
        return tuple(TimeQuantile(None, None, None) for _ in shares)
    curve = SurvfuncRight(times, happened.astype(int))
    # Where nobody is left the transformed interval ends at infinity, which is what it says: no end.
    with np.errstate(divide="ignore", invalid="ignore"):
        return tuple(
            TimeQuantile(
                _compute_finite(curve.quantile(share)),
                *map(_compute_finite, curve.quantile_ci(share, alpha=1.0 - confidence)),
            )
            for share in shares
        )


def _compute_finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
