"""What would an action have lost here? Mean losses of cells, shrunk, and never learned from the run they are said of.

The model behind the direct method and the doubly robust estimators: plain on purpose, so that the same runs give the same
predictions bit for bit. Where it is wrong, the doubly robust ones are corrected by the propensities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, canonical, divide, group_codes, rows, totals

SHRINKAGE = 10.0
"""Runs that the mean of the action weighs in the mean of a cell, and the mean of all in that of an action."""

FOLDS = 5
"""Parts into which units are cut by hash: losses of a part are predicted from the others."""


class Predicted(NamedTuple):
    """Predicted losses, one row per run.

    Attributes:
        predicted: of the action that was chosen; NaN where none is known.
        expected: averaged over what the candidate would choose.
    """

    predicted: Floats
    expected: Floats


def cross_fitted(
    losses: ArrayLike,
    actions: ArrayLike,
    contexts: ArrayLike,
    folds: ArrayLike,
    choices: ArrayLike,
    *,
    shrinkage: float = SHRINKAGE,
) -> Predicted:
    """Predict the loss of each run from the runs of the other folds.

    The mean loss of an action in a context is drawn towards the mean of the action by ``shrinkage`` runs, and that towards
    the mean of all runs by as many: a cell that was never seen is predicted by its action, an action never seen by all.

    Args:
        losses: loss of each run; NaN (not known) is not learned from.
        actions: code of the action that was chosen, from 0; -1 where it is not known.
        contexts: code of the context, from 0.
        folds: code of the fold, from 0. Runs of one unit belong to one fold, or the model has seen the unit.
        choices: probability of each action under the candidate, (runs, actions).
        shrinkage: above 0.

    Returns:
        NaN where no other fold holds a run with a loss.

    Raises:
        ValueError: codes or lengths that do not fit, or a shrinkage that is not above 0.

    >>> seen = cross_fitted([0.2, 0.6], [0, 1], [0, 0], [0, 1], [[0.5, 0.5], [0.0, 1.0]])
    >>> seen.predicted.round(2).tolist(), seen.expected.round(2).tolist()
    ([0.6, 0.2], [0.6, 0.2])
    """
    if not shrinkage > 0.0:
        raise ValueError(f"expected a shrinkage above 0, found {shrinkage}")
    (losses,) = rows(losses)
    table = np.asarray(choices, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != losses.size:
        raise ValueError(f"expected one row of choices per run ({losses.size}), found shape {table.shape}")
    n_actions = table.shape[1]
    given = np.asarray(actions, dtype=np.int64)
    chosen, _ = group_codes(given + 1, losses.size, n_actions + 1)
    cells, n_contexts = group_codes(contexts, losses.size)
    parts, n_folds = group_codes(folds, losses.size)
    learned = ~np.isnan(losses) & (chosen > 0)
    shape = (n_folds, n_contexts, n_actions)
    codes = (parts * n_contexts + cells) * n_actions + chosen - 1
    codes, (values,) = canonical(codes[learned], losses[learned])
    size = n_folds * n_contexts * n_actions
    sums, counts = (
        _others(totals(codes, values, size), shape),
        _others(totals(codes, np.ones(values.size), size), shape),
    )
    everywhere = divide(sums.sum(axis=(1, 2)), counts.sum(axis=(1, 2)), counts.sum(axis=(1, 2)) > 0.0)
    by_action = _draw(sums.sum(axis=1), counts.sum(axis=1), everywhere[:, None], shrinkage)
    means = _draw(sums, counts, by_action[:, None, :], shrinkage)
    predicted = np.where(chosen > 0, means[parts, cells, np.maximum(chosen - 1, 0)] if n_actions else np.nan, np.nan)
    expected = np.zeros(losses.size)
    for action in range(n_actions):
        expected += table[:, action] * means[parts, cells, action]
    return Predicted(predicted, expected)


def _others(each: Floats, shape: tuple[int, int, int]) -> Floats:
    """Return what all folds but one add up to, for each fold."""
    by_fold = each.reshape(shape)
    return np.stack([np.delete(by_fold, fold, axis=0).sum(axis=0) for fold in range(shape[0])] or [by_fold.sum(axis=0)])


def _draw(sums: Floats, counts: Floats, towards: Floats, weight: float) -> Floats:
    return np.asarray((sums + weight * towards) / (counts + weight))
