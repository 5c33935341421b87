"""What makes one of two win over the other? The Bradley-Terry model on features, with coefficients drawn to 0.

The chance that the first wins is 1 / (1 + exp(-d·b)), d the difference of their features (Bradley and Terry 1952). The
coefficients have normal priors around 0, so that they stay finite where a feature parts all winners from losers; intervals
are those of the normal approximation to the posterior at its mode (Laplace).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kaizenlake.stats.basics._special import two_sided_z

PRIOR_SD = 2.0
"""Standard deviation of the prior of a coefficient."""


class BradleyTerry(NamedTuple):
    """Coefficients of features, in logits a unit of the feature.

    Attributes:
        coefficients: posterior mode; 0 of a feature in which no pair differs.
        low, high: ends of the intervals.
    """

    coefficients: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def fit_bradley_terry(differences: ArrayLike, confidence: float = 0.95, prior_sd: float = PRIOR_SD) -> BradleyTerry:
    """Fit the model to pairs.

    Args:
        differences: features of the winner less those of the loser, shape (pairs, features), finite; no pair is no news.
        confidence: coverage aimed at by the intervals, in (0, 1).
        prior_sd: standard deviation of the prior of a coefficient, above 0.

    Raises:
        ValueError: differences that are not finite, or not in rows.

    >>> found = fit_bradley_terry([[1.0]] * 30 + [[-1.0]] * 10)
    >>> found.coefficients.round(2).tolist(), found.low.round(2).tolist(), found.high.round(2).tolist()
    ([1.06], [0.37], [1.76])
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    rows = np.asarray(differences, dtype=float)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError("expected finite differences in rows of one length")
    if not prior_sd > 0.0:
        raise ValueError("expected a prior_sd above 0")
    precision = 1.0 / prior_sd**2

    def loss(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = rows @ b
        value = float(np.logaddexp(0.0, -margin).sum() + 0.5 * precision * b @ b)
        return value, -rows.T @ expit(-margin) + precision * b

    if not rows.shape[1]:
        nothing = np.zeros(0)
        return BradleyTerry(nothing, nothing, nothing)
    # In one order whatever theirs was: sums have the same bits.
    rows = rows[np.lexsort(rows.T[::-1])] if rows.shape[0] else rows
    found = minimize(
        loss,
        np.zeros(rows.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-9, "ftol": 1e-15, "maxiter": 2000},
    ).x
    chance = expit(rows @ found)
    curvature = rows.T @ (rows * (chance * (1.0 - chance))[:, None]) + precision * np.eye(rows.shape[1])
    half = two_sided_z(confidence) * np.sqrt(np.diag(np.linalg.inv(curvature)))
    return BradleyTerry(found, found - half, found + half)
