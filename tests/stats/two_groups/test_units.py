import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from kaizenlake.stats.two_groups.units import arm_moments, design_effect, intraclass_correlation, unit_means

NAN = float("nan")


def test_by_example():
    #  unit   arm  value
    runs = [
        (0, 0, 0.2),
        (0, 0, 0.4),
        (0, 0, NAN),  # not observed: no run of loss 0
        (1, 1, 0.5),
        (2, 0, 0.1),  # routed to both arms: belongs to neither
        (2, 1, 0.3),
        (3, 1, NAN),  # nothing observed
        (4, 0, 0.5),
        (4, 1, NAN),  # seen in one arm only
    ]
    units, arms, values = (np.array(part) for part in zip(*runs, strict=True))
    means = unit_means(units, arms, values, n_units=6)
    np.testing.assert_array_equal(means.runs, [2, 1, 2, 0, 1, 0])
    np.testing.assert_allclose(means.value, [0.3, 0.5, 0.2, NAN, 0.5, NAN])
    np.testing.assert_array_equal(means.arm, [0, 1, -1, -1, 0, -1])
    np.testing.assert_array_equal(means.mixed, [2])
    n, mean, m2 = arm_moments(means, n_arms=3)
    np.testing.assert_allclose([n, mean, m2], [[2, 1, 0], [0.4, 0.5, NAN], [0.02, 0.0, 0.0]], atol=1e-12)


def test_no_runs_at_all():
    means = unit_means([], [], [])
    assert means.mixed.size == 0
    assert np.isnan(arm_moments(means, n_arms=1).mean).all()


def test_runs_do_not_outvote_units():
    # one user with 100 bad runs, three with one good run each
    units, values = np.append(np.zeros(100, dtype=int), [1, 2, 3]), np.append(np.ones(100), [0.0, 0.0, 0.0])
    assert float(arm_moments(unit_means(units, np.zeros(103, dtype=int), values)).mean[0]) == 0.25


@pytest.mark.parametrize("seed", range(3))
def test_the_intraclass_correlation_is_that_of_an_analysis_of_variance(seed):
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(30), rng.integers(1, 9, 30))
    values = rng.normal(size=30)[units] + rng.normal(size=units.size)
    table = anova_lm(ols("y ~ C(u)", pd.DataFrame({"y": values, "u": units})).fit())
    between, within = table["mean_sq"]
    counts = np.bincount(units)
    size = (counts.sum() - (counts**2).sum() / counts.sum()) / 29
    expected = (between - within) / (between + (size - 1) * within)
    np.testing.assert_allclose(intraclass_correlation(units, values), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("units", "values", "icc"),
    [
        ([0, 0, 1, 1], [1.0, 1.0, 3.0, 3.0], 1.0),
        ([0, 0, 1, 1], [1.0, 3.0, 1.0, 3.0], 0.0),
        ([0, 1, 2], [1.0, 2.0, 3.0], NAN),
        ([0, 0], [1.0, 2.0], NAN),
        ([0, 0, 1, 1], [1.0, 1.0, 1.0, 1.0], NAN),
        ([], [], NAN),
    ],
)
def test_edges_of_the_intraclass_correlation(units, values, icc):
    np.testing.assert_array_equal(intraclass_correlation(units, values), icc)


def test_the_design_effect_says_how_much_a_test_by_run_would_be_too_sure():
    rng = np.random.default_rng(5)
    values = rng.normal(0, 0.1**0.5, (20_000, 20, 1)) + rng.normal(0, 0.9**0.5, (20_000, 20, 10))
    by_run = values.reshape(20_000, 200)
    ratio = by_run.mean(axis=1).var() / (by_run.var(axis=1, ddof=1).mean() / 200)
    assert abs(ratio / float(design_effect(np.full(20, 10.0), 0.1)) - 1) < 0.04
    assert np.isnan(design_effect([], 0.1))
