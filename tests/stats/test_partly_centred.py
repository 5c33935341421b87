"""Ridges on partly centred groups, held to least squares on rows that were centred by hand."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from kaizenlake.stats.regression import partly_centred
from kaizenlake.stats.regression.partly_centred import GroupedOutcomes, Ridge, stack_ridges


def drawn(units=240, variables=7, groups=60, seed=1):
    rng = np.random.default_rng(seed)
    design = (rng.random((units, variables)) < 0.3).astype(float)
    group = np.arange(units) * groups // units
    level = rng.normal(0.0, 1.0, groups)[group]
    values = level + design @ np.linspace(-0.3, 0.4, variables) + rng.normal(0.0, 0.05, units)
    return csr_array(design), GroupedOutcomes(values, rng.uniform(0.5, 2.0, units), group, 0.6)


def by_hand(design, outcomes, penalty):
    def centre(values):
        mean = np.array(
            [
                np.average(values[outcomes.groups == g], weights=outcomes.weights[outcomes.groups == g])
                for g in outcomes.groups
            ]
        )
        return values - outcomes.share * mean

    x = np.column_stack([centre(column) for column in design.toarray().T])
    y, w = centre(outcomes.values), outcomes.weights
    return np.linalg.solve(x.T @ (w[:, None] * x) + penalty * np.eye(x.shape[1]), x.T @ (w * y))


@pytest.mark.parametrize("dense", [600, 0], ids=["as they stand", "by conjugate gradients"])
def test_a_ridge_is_least_squares_of_centred_rows(dense, monkeypatch):
    monkeypatch.setattr(partly_centred, "DENSE", dense)
    design, outcomes = drawn()
    ridge = Ridge(design, outcomes)
    for penalty in (1.0, 50.0):
        assert ridge.solve(penalty) == pytest.approx(by_hand(design, outcomes, penalty), abs=1e-4)
        assert (ridge.standard_errors(ridge.solve(penalty), penalty) > 0.0).all()


def test_the_stack_leaves_out_a_ridge_that_says_nothing():
    design, outcomes = drawn()
    noise = csr_array((np.random.default_rng(2).random((240, 5)) < 0.3).astype(float))
    blocks = outcomes.groups // 12
    stacked = stack_ridges((design, noise), outcomes, blocks, np.full(240, 0.0025), (1.0, 10.0, 1000.0))
    assert stacked.counts[0] == pytest.approx(1.0, abs=0.1)
    assert stacked.counts[1] * np.abs(Ridge(noise, outcomes).solve(stacked.penalties[1])).max() < 0.05
    assert stacked.spread < 0.06


def test_a_group_of_one_and_features_of_nobody_do_no_harm():
    design = csr_array(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    outcomes = GroupedOutcomes(np.array([1.0, 0.0, 2.0]), np.ones(3), np.array([0, 0, 1]), 0.6)
    assert np.isfinite(Ridge(design, outcomes).solve(1.0)).all()
    stacked = stack_ridges((design,), outcomes, np.array([0, 0, 0]), np.ones(3))
    assert np.isfinite(stacked.counts).all()
