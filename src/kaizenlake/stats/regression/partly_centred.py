"""Ridge regression on outcomes that come in groups, each group drawn partly to its own mean: within groups first, between them a little.

Centring by a share of the group's mean is generalised least squares with a random intercept for each group (Fuller and
Battese 1973); a share of 1 compares within groups alone, one of 0 forgets them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_STEPS = 300
DENSE = 600
"""Variables up to which the normal equations are solved as they stand; more are solved by conjugate gradients."""


class GroupedOutcomes(NamedTuple):
    """Outcomes in groups.

    Args:
        values: Outcome of each unit, finite.
        weights: Weight of each, above 0.
        groups: Group of each, counted from 0.
        share: Share of the group's mean that is taken out, in [0, 1].
    """

    values: Floats
    weights: Floats
    groups: Codes
    share: float = 1.0

    def of(self, units: NDArray[np.bool_]) -> GroupedOutcomes:
        """Return some of the units, their groups counted anew."""
        _, groups = np.unique(self.groups[units], return_inverse=True)
        return GroupedOutcomes(self.values[units], self.weights[units], groups.astype(np.int64), self.share)

    def centre(self, values: Floats, share: float | None = None) -> Floats:
        """Take the group's weighted mean out of values, by the share."""
        weight = np.bincount(self.groups, self.weights)
        mean = np.bincount(self.groups, self.weights * values) / np.where(weight > 0.0, weight, 1.0)
        centred: Floats = values - (self.share if share is None else share) * mean[self.groups]
        return centred


class Ridge:
    """The normal equations of a design and its outcomes, to be solved for several penalties.

    Args:
        design: Units by variables.
        outcomes: Their outcomes.
    """

    def __init__(self, design: csr_array, outcomes: GroupedOutcomes) -> None:
        self.design = design
        self.outcomes = outcomes
        weights = outcomes.weights
        total = np.bincount(outcomes.groups, weights)
        self._mean_of = 1.0 / np.where(total > 0.0, total, 1.0)
        self._right = self._back(weights * outcomes.centre(outcomes.values))
        self._spectrum: tuple[Floats, Floats] | None = None
        if design.shape[1] <= DENSE:
            values, vectors = np.linalg.eigh(self.normal())
            self._spectrum = np.maximum(values, 0.0), vectors

    def normal(self) -> Floats:
        """Return the weighted cross products of the centred variables."""
        weights, groups = self.outcomes.weights, self.outcomes.groups
        shape = (self._mean_of.size, groups.size)
        from scipy.sparse import csr_array

        of_group = csr_array((weights, (groups, np.arange(groups.size))), shape=shape) @ self.design
        share = self.outcomes.share
        whole = self.design.T @ self.design.multiply(weights[:, None]).tocsr()
        between = of_group.T @ of_group.multiply(self._mean_of[:, None]).tocsr()
        found: Floats = (whole - (2.0 * share - share**2) * between).toarray()
        return found

    def solve(self, penalty: float, start: Floats | None = None) -> Floats:
        """Return the coefficients under a penalty on their squares; that of each is alike."""
        if self._spectrum is not None:
            values, vectors = self._spectrum
            solved: Floats = vectors @ ((vectors.T @ self._right) / (values + penalty))
            return solved
        size = self.design.shape[1]
        diagonal = self._diagonal() + penalty
        weights = self.outcomes.weights
        from scipy.sparse.linalg import LinearOperator, cg

        normal = LinearOperator(
            (size, size),
            matvec=lambda b: self._back(weights * self.outcomes.centre(self.design @ b)) + penalty * b,
            dtype=np.float64,
        )
        scale = LinearOperator((size, size), matvec=lambda b: b / diagonal, dtype=np.float64)
        found, _ = cg(normal, self._right, x0=start, rtol=1e-5, maxiter=MOST_STEPS, M=scale)
        return np.asarray(found, dtype=np.float64)

    def standard_errors(self, coefficients: Floats, penalty: float) -> Floats:
        """Return the standard error of each coefficient: by groups, and with what the penalty may have taken from it.

        The spread of the groups' scores is that of the sandwich; the penalty adds the variance of its own prior. Beyond
        `DENSE` variables their correlations are left out.
        """
        outcomes = self.outcomes
        left = outcomes.centre(outcomes.values) - outcomes.centre(self.design @ coefficients)
        of_unit = outcomes.weights * left
        scores = _by_group(self.design, of_unit - outcomes.share * self._shift(of_unit), outcomes.groups)
        scale = float(np.mean(outcomes.weights * left**2)) if left.size else 0.0
        if self._spectrum is None:
            meat = np.asarray(scores.multiply(scores).sum(axis=0)).ravel()
            spread: Floats = np.sqrt(meat + penalty * scale) / (self._diagonal() + penalty)
            return spread
        values, vectors = self._spectrum
        bread = (vectors / (values + penalty)) @ vectors.T
        middle = (scores.T @ scores).toarray() + penalty * scale * np.eye(values.size)
        errors: Floats = np.sqrt(np.maximum(np.einsum("ij,jk,ki->i", bread, middle, bread, optimize=True), 0.0))
        return errors

    def _shift(self, of_unit: Floats) -> Floats:
        groups = self.outcomes.groups
        mean: Floats = self.outcomes.weights * (np.bincount(groups, of_unit) * self._mean_of)[groups]
        return mean

    def _back(self, of_unit: Floats) -> Floats:
        """Apply the transposed centred design."""
        applied: Floats = self.design.T @ (of_unit - self.outcomes.share * self._shift(of_unit))
        return applied

    def _diagonal(self) -> Floats:
        """Return about the diagonal of the normal equations."""
        squares: Floats = self.design.multiply(self.design).T @ self.outcomes.weights
        return squares * (1.0 - self.outcomes.share / 2.0) + 1e-12


def _by_group(design: csr_array, of_unit: Floats, groups: Codes) -> csr_array:
    """Add up the rows of a design, each times a figure, by group."""
    from scipy.sparse import csr_array

    places = csr_array(
        (of_unit, (groups, np.arange(groups.size))), shape=(int(groups.max(initial=-1)) + 1, groups.size)
    )
    return (places @ design).tocsr()


class StackedRidges(NamedTuple):
    """Several ridges, and how much each counts in their sum.

    Args:
        penalties: Penalty of each.
        counts: How much the prediction of each counts, 0 or more.
        predicted: Sum of the predictions of each unit by ridges that did not see its block.
        spread: Standard deviation within groups of what is left of the true outcome, beyond the sampling variance.
    """

    penalties: tuple[float, ...]
    counts: tuple[float, ...]
    predicted: Floats
    spread: float


PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)


def stack_ridges(
    designs: Sequence[csr_array],
    outcomes: GroupedOutcomes,
    blocks: Codes,
    sampling: Floats,
    penalties: Sequence[float] = PENALTIES,
) -> StackedRidges:
    """Choose the penalty of each ridge, and how much it counts, by predictions of blocks that it did not see.

    Both are chosen by squared errors within groups. The counts are least squares, none below 0, so that their sum is neither
    too bold nor too shy (Breiman 1996, stacked regressions).

    Args:
        designs: Designs of the ridges, units by variables.
        outcomes: Outcomes of the units.
        blocks: Block of each unit; a group lies in one block.
        sampling: Sampling variance of each outcome.
        penalties: Penalties to choose from, in rising order.

    >>> from scipy.sparse import csr_array
    >>> signs = np.array([1.0, -1.0] * 40)
    >>> outcomes = GroupedOutcomes(0.2 * signs, np.ones(80), np.repeat(np.arange(40), 2))
    >>> fit = stack_ridges([csr_array(signs[:, None])], outcomes, np.repeat(np.arange(4), 20), np.zeros(80))
    >>> bool(np.allclose(fit.predicted, outcomes.values, atol=0.01))
    True
    """
    weights = outcomes.weights
    target = outcomes.centre(outcomes.values, 1.0)
    chosen = [_choose(design, outcomes, blocks, penalties, target) for design in designs]
    within = np.column_stack([outcomes.centre(predicted, 1.0) for _, predicted in chosen])
    counts = _least_squares_from_zero(within, target, weights)
    predicted = np.column_stack([predicted for _, predicted in chosen]) @ counts
    left = target - outcomes.centre(predicted, 1.0)
    return StackedRidges(
        tuple(penalty for penalty, _ in chosen), tuple(counts.tolist()), predicted, _spread(left, outcomes, sampling)
    )


def _choose(
    design: csr_array, outcomes: GroupedOutcomes, blocks: Codes, penalties: Sequence[float], target: Floats
) -> tuple[float, Floats]:
    predicted = np.zeros((len(penalties), blocks.size))
    for block in np.unique(blocks):
        seen = blocks != block
        if not seen.any():
            continue
        ridge = Ridge(design[seen], outcomes.of(seen))
        coefficients: Floats | None = None
        for place in reversed(range(len(penalties))):
            coefficients = ridge.solve(penalties[place], coefficients)
            predicted[place, ~seen] = design[~seen] @ coefficients
    losses = []
    for found in predicted:
        within = outcomes.centre(found, 1.0)
        count = _least_squares_from_zero(within[:, None], target, outcomes.weights)[0]
        losses.append(float(outcomes.weights @ (target - count * within) ** 2))
    best = int(np.argmin(losses))
    return penalties[best], predicted[best]


def _least_squares_from_zero(variables: Floats, target: Floats, weights: Floats) -> Floats:
    from scipy.optimize import nnls

    root = np.sqrt(weights)
    counts: Floats = nnls(variables * root[:, None], target * root)[0]
    return counts


def _spread(left: Floats, outcomes: GroupedOutcomes, sampling: Floats) -> float:
    """Return the standard deviation of what is left within groups, less the sampling variance; 0 where that is more."""
    sizes = np.bincount(outcomes.groups)[outcomes.groups]
    is_compared = sizes > 1
    if not is_compared.any():
        return 0.0
    # Within a group of so many, a mean takes its share of the variance along.
    factor = sizes[is_compared] / (sizes[is_compared] - 1.0)
    precise = 1.0 / (sampling[is_compared] + 0.1)
    excess = left[is_compared] ** 2 * factor - sampling[is_compared]
    return float(np.sqrt(max(float(precise @ excess / precise.sum()), 0.0)))
