"""How much did runs change when they were made again? Differences within pairs, whose units may have several."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats._arrays import canonical, group_codes, rows, totals
from kaizenlake.stats._special import t_quantile, upper_quantile


class PairedChange(NamedTuple):
    """Mean difference over pairs.

    Attributes:
        effect: mean of the differences, every pair counting once; NaN without a pair.
        se: its standard error over units.
        ci_low, ci_high: interval of Student's t with units - 1 degrees of freedom; NaN below two units. Where no unit
            differs from another it is the effect alone.
        units: units of the pairs.
    """

    effect: float
    se: float
    ci_low: float
    ci_high: float
    units: int


def paired_change(differences: ArrayLike, units: ArrayLike, *, confidence: float = 0.95) -> PairedChange:
    """Mean difference over pairs, its uncertainty by unit: pairs of one unit are not independent.

    The effect is the ratio of the units' sums of differences to their numbers of pairs, its variance by linearisation
    (Cochran 1977, section 6.3); with one pair a unit this is the paired t-test.

    Args:
        differences: of each pair; NaN (not known) is left out.
        units: unit code of each pair, integers from 0.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        ValueError: codes that do not fit, or a confidence outside (0, 1).

    >>> change = paired_change([0.1, 0.3, 0.2], [0, 1, 2])
    >>> round(change.effect, 3), round(change.ci_low, 3), round(change.ci_high, 3)
    (0.2, -0.048, 0.448)
    """
    upper = upper_quantile(confidence)
    (values,) = rows(differences)
    codes, n_units = group_codes(units, values.size)
    seen = ~np.isnan(values)
    codes, (values,) = canonical(codes[seen], values[seen])
    pairs = np.bincount(codes, minlength=n_units).astype(np.float64)
    sums = totals(codes, values, n_units)[pairs > 0.0]
    pairs = pairs[pairs > 0.0]
    count = int(pairs.size)
    if count == 0:
        return PairedChange(np.nan, np.nan, np.nan, np.nan, 0)
    effect = float(sums.sum() / pairs.sum())
    if count < 2:
        return PairedChange(effect, np.nan, np.nan, np.nan, count)
    gaps = sums - effect * pairs
    se = float(np.sqrt((gaps**2).sum() * count / (count - 1.0)) / pairs.sum())
    half = float(t_quantile(np.asarray(count - 1.0), upper)) * se
    return PairedChange(effect, se, effect - half, effect + half, count)
