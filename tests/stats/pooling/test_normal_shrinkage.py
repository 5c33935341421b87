import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.stats.pooling.normal_shrinkage import NormalPrior, fit_normal_by, shrink_normal, shrink_normal_by

NAN = float("nan")
INF = float("inf")


def test_the_eight_schools():
    # Rubin (1981): effects of coaching in eight schools; their spread is less than chance, so the moment estimate pools fully
    effects, errors = np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
    np.testing.assert_allclose(shrink_normal(effects, errors**2), 7.686, atol=5e-4)
    # with a between-school standard deviation of 10, school A's posterior mean (Gelman et al., Bayesian Data Analysis, 5.5)
    prior = NormalPrior(8.0, 100.0)
    np.testing.assert_allclose(shrink_normal(28.0, 225.0, prior), (28 / 225 + 8 / 100) / (1 / 225 + 1 / 100))


@pytest.mark.parametrize(
    ("effects", "variances", "shrunk"),
    [
        ([], [], []),
        ([0.4], [0.1], [0.4]),
        ([0.4, NAN], [0.1, 0.1], [0.4, NAN]),
        ([0.4, 0.4], [0.1, 0.5], [0.4, 0.4]),
        ([0.0, 1.0], [1.0, 1.0], [0.5, 0.5]),
        ([0.0, 4.0], [1.0, 1.0], [0.25, 3.75]),
        ([0.0, 4.0, 9.0, 9.0, 9.0, INF], [1.0, 1.0, 0.0, -1.0, NAN, 1.0], [0.25, 3.75, NAN, NAN, NAN, NAN]),
    ],
)
def test_by_example(effects, variances, shrunk):
    np.testing.assert_allclose(shrink_normal(effects, variances), shrunk, rtol=1e-12)


def test_a_group_of_one_and_a_group_of_none():
    prior = fit_normal_by([0], [0.4], [0.1], n_groups=2)
    np.testing.assert_array_equal(prior.mean, [0.4, NAN])
    np.testing.assert_array_equal(prior.variance, [INF, INF])


EFFECTS = st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 5), st.floats(1e-3, 10)), max_size=40)


@given(EFFECTS)
def test_groups_are_shrunk_as_if_each_stood_alone_and_never_away_from_their_mean(rows):
    codes = np.array([code for code, _, _ in rows], dtype=int)
    effects, variances = np.array([effect for _, effect, _ in rows]), np.array([v for _, _, v in rows])
    together = shrink_normal_by(codes, effects, variances)
    mean = np.asarray(fit_normal_by(codes, effects, variances).mean)[codes]
    assert np.all(np.abs(together - mean) <= np.abs(effects - mean) + 1e-12)
    for code in set(codes.tolist()):
        np.testing.assert_array_equal(
            together[codes == code], shrink_normal(effects[codes == code], variances[codes == code])
        )


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_shrunk_effects_are_nearer_the_truth_than_raw_ones(spread):
    rng = np.random.default_rng(71)
    codes = np.repeat(np.arange(1000), 20)
    truth = rng.normal(0.5, spread, codes.size)
    variances = rng.uniform(0.2, 2.0, codes.size)
    effects = rng.normal(truth, np.sqrt(variances))
    raw_error = np.mean((effects - truth) ** 2)
    shrunk_error = np.mean((shrink_normal_by(codes, effects, variances) - truth) ** 2)
    best_error = np.mean((shrink_normal(effects, variances, NormalPrior(0.5, spread**2)) - truth) ** 2)
    assert shrunk_error < {0.0: 0.15, 0.5: 0.35, 2.0: 0.85}[spread] * raw_error
    assert shrunk_error < 1.4 * best_error + 0.12


def test_the_more_an_effect_stands_out_by_luck_the_more_the_shrunk_one_helps():
    rng = np.random.default_rng(72)
    codes = np.repeat(np.arange(2000), 20)
    truth = rng.normal(0.0, 0.1, codes.size)
    effects = rng.normal(truth, 0.3)
    shrunk = shrink_normal_by(codes, effects, np.full(codes.size, 0.09)).reshape(-1, 20)
    best = np.argmax(effects.reshape(-1, 20), axis=1)[:, None]
    pick = [np.take_along_axis(values.reshape(-1, 20), best, axis=1).mean() for values in (effects, shrunk, truth)]
    assert pick[0] - pick[2] > 0.4  # the winner's raw effect is far too large
    assert abs(pick[1] - pick[2]) < 0.05
