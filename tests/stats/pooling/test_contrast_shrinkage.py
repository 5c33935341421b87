"""Contrasts of arms drawn toward none."""

import numpy as np
import pytest

from kaizenlake.stats import shrink_contrasts_by


def test_the_spread_solves_the_equation_of_paule_and_mandel():
    rng = np.random.default_rng(1)
    variances = rng.uniform(0.01, 0.2, 50)
    effects = rng.normal(0, np.sqrt(0.09 + variances))
    found = shrink_contrasts_by(np.zeros(50, dtype=int), effects, variances)
    own = found.effect / effects
    spread = own * variances / (1 - own)
    assert spread == pytest.approx(np.full(50, spread[0]))
    assert (effects**2 / (variances + spread[0])).sum() == pytest.approx(50)


def test_what_chance_alone_spreads_is_drawn_to_none():
    found = shrink_contrasts_by([0, 0], [0.1, -0.1], [1.0, 1.0])
    assert found.effect.tolist() == [0.0, 0.0]
    assert found.ci_low.tolist() == found.ci_high.tolist() == [0.0, 0.0]


def test_groups_are_fitted_apart_and_the_unusable_stays_out():
    codes, effects, variances = [0, 0, 1, 1, 0], [3.0, -3.0, 0.1, -0.1, np.nan], [1.0, 1.0, 1.0, 1.0, 0.0]
    found = shrink_contrasts_by(codes, effects, variances)
    assert found.effect[:4] == pytest.approx([8 / 3, -8 / 3, 0.0, 0.0])
    assert np.isnan([found.effect[4], found.ci_low[4], found.ci_high[4]]).all()
    assert found.ci_low[0] < found.effect[0] < found.ci_high[0]


def test_an_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 0.3, 20_000)
    variances = rng.uniform(0.02, 0.2, truth.size)
    found = shrink_contrasts_by(np.zeros(truth.size, dtype=int), rng.normal(truth, np.sqrt(variances)), variances)
    assert ((found.ci_low <= truth) & (truth <= found.ci_high)).mean() == pytest.approx(0.95, abs=0.01)


def test_nothing_is_drawn_from_nothing():
    assert shrink_contrasts_by([], [], []).effect.size == 0
