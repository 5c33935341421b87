"""What every comparison of two means reckons alike: the difference, the error of a mean, and Satterthwaite's freedom."""

from __future__ import annotations

import numpy as np

from kaizenlake.stats.basics._arrays import Floats, divide
from kaizenlake.stats.basics.moments import Moments


def difference(a: Moments, b: Moments) -> Floats:
    """Return the difference of two means; NaN where one of them is of nothing."""
    return np.where((a.n > 0.0) & (b.n > 0.0), a.mean - b.mean, np.nan)


def squared_error(n: Floats, m2: Floats) -> Floats:
    """Return the squared standard error of a mean, m2 / (n - 1) / n; NaN below two observations."""
    return divide(m2, (n - 1.0) * n, where=(n > 1.0) & (m2 >= 0.0))


def degrees_of_freedom(share_a: Floats, n_a: Floats, share_b: Floats, n_b: Floats) -> Floats:
    """Return degrees of freedom of a difference (Satterthwaite 1946) by the share of its variance that comes from each side.

    Shares instead of squares of variances neither overflow nor underflow.
    """
    return 1.0 / (share_a**2 / np.maximum(n_a - 1.0, 1.0) + share_b**2 / np.maximum(n_b - 1.0, 1.0))
