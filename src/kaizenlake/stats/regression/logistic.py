"""Which of several things go with winning, each beside the others? A logistic model, by statsmodels, and its calibration."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kaizenlake.stats.basics._special import two_sided_z

EVENTS_PER_VARIABLE = 10
"""Fewest subjects of the rarer outcome for each variable (Peduzzi and others 1996)."""

FARTHEST = 15.0
"""A coefficient beyond this says that a variable parts the outcomes; its estimate has no end."""

FOLDS = 5

_NOTHING = 1e-9
"""What is left by rounding of a column that follows from others."""


class LogisticModel(NamedTuple):
    """A fitted model, or the reason why there is none.

    Attributes:
        coefficients: change of the log odds by one unit of each variable; NaN where nothing was fitted, and of a variable
            that others (or the intercept) say too.
        low, high: ends of their intervals.
        reason: why nothing was fitted; empty where it was.
        predicted: chance of each subject, by a model that did not see its fold; NaN where nothing was fitted.
    """

    coefficients: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reason: str
    predicted: NDArray[np.float64]


def fit_logistic(variables: ArrayLike, won: ArrayLike, confidence: float = 0.95) -> LogisticModel:
    """Fit a logistic model with an intercept by maximum likelihood, and predict each fold by the others.

    Args:
        variables: shape (subjects, variables), finite.
        won: outcome of each subject.
        confidence: coverage aimed at by the Wald intervals, in (0, 1).

    Returns:
        The model. It is refused where the rarer outcome has fewer than 10 subjects a variable, and where the variables part
        the outcomes. A variable that follows from others is not fitted, and neither it nor they have a coefficient: which of
        them it is that counts cannot be told. Subjects fall into five folds in turn, in the order in which they are given.

    >>> fit_logistic([[0.0], [1.0]] * 30, [0, 0, 0, 1, 1, 1] * 10).coefficients.round(3).tolist()
    [1.386]
    """
    variables, won = np.asarray(variables, dtype=float), np.asarray(won, dtype=bool)
    subjects, width = variables.shape
    rarer = int(min(won.sum(), (~won).sum()))
    if rarer < EVENTS_PER_VARIABLE * max(width, 1):
        return _refuse(subjects, width, f"too few events: {rarer} for {width}, {EVENTS_PER_VARIABLE} each are needed")
    from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

    design = np.column_stack([np.ones(subjects), variables])
    fitted, confounded = _split_columns(design)
    design = design[:, fitted]
    folds = np.arange(subjects) % FOLDS
    try:
        whole = _fit(design, won)
        predicted = np.empty(subjects)
        for fold in range(FOLDS):
            others = folds != fold
            seen, _ = _split_columns(design[others])
            predicted[~others] = _predict(design[~others][:, seen], _fit(design[others][:, seen], won[others])[0])
    except (PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
        return _refuse(subjects, width, "a variable parts won from not won")
    coefficients, errors = np.full((2, 1 + width), np.nan)
    coefficients[fitted], errors[fitted] = whole
    coefficients[confounded] = np.nan
    half = two_sided_z(confidence) * errors
    return LogisticModel(coefficients[1:], (coefficients - half)[1:], (coefficients + half)[1:], "", predicted)


def _split_columns(design: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the columns that do not follow from those before them, and those whose coefficients cannot be told apart.

    A column that follows from the others shares its coefficient with each of them that it is made of.
    """
    corner = np.linalg.qr(design / np.linalg.norm(design, axis=0).clip(min=_NOTHING), mode="r")
    follows = np.abs(np.diag(corner)) < _NOTHING
    kept, dropped = np.flatnonzero(~follows), np.flatnonzero(follows)
    made_of = np.linalg.lstsq(design[:, kept], design[:, dropped], rcond=None)[0]
    return kept, np.union1d(kept[(np.abs(made_of) > _NOTHING).any(axis=1)], dropped)


def _fit(design: NDArray[np.float64], won: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients and their standard errors.

    Raises:
        PerfectSeparationError: The variables part the outcomes.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        fitted = GLM(won.astype(float), design, family=Binomial()).fit()
    if not fitted.converged or np.abs(fitted.params).max() > FARTHEST:
        raise PerfectSeparationError
    return np.asarray(fitted.params), np.asarray(fitted.bse)


def _predict(design: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-(design @ coefficients))))


def _refuse(subjects: int, width: int, reason: str) -> LogisticModel:
    nothing = np.full(width, np.nan)
    return LogisticModel(nothing, nothing, nothing, reason, np.full(subjects, np.nan))
