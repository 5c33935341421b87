import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import effectsize_2proportions

from kaizenlake.stats.two_groups.ratios import log_risk_ratio

NAN = float("nan")


def test_agreement_with_statsmodels():
    rng = np.random.default_rng(41)
    n_a, n_b = rng.integers(2, 5000, (2, 500))
    events_a, events_b = rng.integers(1, n_a), rng.integers(1, n_b)
    effect, variance = log_risk_ratio(events_a, n_a, events_b, n_b)
    expected = effectsize_2proportions(events_a, n_a, events_b, n_b, statistic="risk-ratio")
    np.testing.assert_allclose(effect, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(variance, expected[1], rtol=1e-9)


@pytest.mark.parametrize(
    ("table", "effect", "variance"),
    [
        ((10, 100, 10, 100), 0.0, 0.18),
        # a zero cell: half an event and half a non-event more in either arm
        ((0, 10, 2, 10), np.log((0.5 / 11) / (2.5 / 11)), 1 / 0.5 - 1 / 11 + 1 / 2.5 - 1 / 11),
        ((2, 10, 0, 10), np.log((2.5 / 11) / (0.5 / 11)), 1 / 0.5 - 1 / 11 + 1 / 2.5 - 1 / 11),
        ((10, 10, 5, 10), np.log((10.5 / 11) / (5.5 / 11)), 1 / 10.5 - 1 / 11 + 1 / 5.5 - 1 / 11),
        ((10, 10, 20, 20), np.log((10.5 / 11) / (20.5 / 21)), 1 / 10.5 - 1 / 11 + 1 / 20.5 - 1 / 21),
        # not defined
        ((0, 10, 0, 100_000), NAN, NAN),
        ((0, 0, 1, 10), NAN, NAN),
        ((1, 10, 0, 0), NAN, NAN),
        ((11, 10, 1, 10), NAN, NAN),
        ((-1, 10, 1, 10), NAN, NAN),
        ((NAN, 10, 1, 10), NAN, NAN),
        ((1, 10, 1, float("inf")), NAN, NAN),
    ],
)
def test_by_example(table, effect, variance):
    np.testing.assert_allclose(log_risk_ratio(*table), [effect, variance], rtol=1e-12, atol=1e-12)


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4))
def test_swapping_the_arms_changes_the_sign_only(counts):
    a, rest_a, b, rest_b = counts
    one, other = log_risk_ratio(a, a + rest_a, b, b + rest_b), log_risk_ratio(b, b + rest_b, a, a + rest_a)
    np.testing.assert_allclose(one.effect, -other.effect, atol=1e-12)
    np.testing.assert_allclose(one.variance, other.variance)
    assert np.isnan(one.effect) or one.variance > 0.0


def test_the_variance_is_that_of_the_estimate():
    rng = np.random.default_rng(42)
    effect, variance = log_risk_ratio(rng.binomial(2000, 0.06, 20_000), 2000, rng.binomial(3000, 0.05, 20_000), 3000)
    np.testing.assert_allclose(effect.mean(), np.log(1.2), atol=0.01)
    np.testing.assert_allclose(effect.var(), variance.mean(), rtol=0.05)
