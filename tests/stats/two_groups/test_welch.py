import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from kaizenlake.stats.basics.moments import Moments, moments
from kaizenlake.stats.two_groups.welch import welch

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_agreement_with_scipy(confidence):
    rng = np.random.default_rng(61)
    n_a, n_b = rng.integers(2, 2000, (2, 400))
    mean_a, mean_b = rng.normal(5, 2, (2, 400))
    sd_a, sd_b = rng.uniform(0.1, 5, (2, 400))
    found = welch(Moments(n_a, mean_a, (n_a - 1) * sd_a**2), Moments(n_b, mean_b, (n_b - 1) * sd_b**2), confidence)
    reference = scipy_stats.ttest_ind_from_stats(mean_a, sd_a, n_a, mean_b, sd_b, n_b, equal_var=False)
    np.testing.assert_allclose(found.t, reference.statistic, rtol=1e-11)
    np.testing.assert_allclose(found.p_value, reference.pvalue, rtol=1e-9, atol=1e-300)
    critical = scipy_stats.t.ppf(0.5 + confidence / 2, found.df)
    np.testing.assert_allclose(found.ci_high - found.effect, critical * found.se, rtol=1e-9)
    np.testing.assert_allclose(found.effect - found.ci_low, critical * found.se, rtol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_agreement_with_statsmodels_from_raw_observations(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.gamma(2, 3, rng.integers(3, 100)), rng.gamma(3, 1, rng.integers(3, 100))
    found = welch(moments(a), moments(b))
    compared = CompareMeans(DescrStatsW(a), DescrStatsW(b))
    np.testing.assert_allclose([found.t, found.p_value, found.df], compared.ttest_ind(usevar="unequal"), rtol=1e-9)
    low, high = compared.tconfint_diff(usevar="unequal")
    np.testing.assert_allclose([found.ci_low, found.ci_high], [low, high], rtol=1e-9)


@pytest.mark.parametrize(
    ("t", "p_value"), [(-10.0, 3.751572e-21), (10.0, 3.751572e-21), (-30.0, 3.12e-104), (0.0, 1.0)]
)
def test_tails_do_not_vanish(t, p_value):
    # two samples of 200 with unit variance have 398 degrees of freedom and a standard error of 0.1
    found = welch(Moments(200, 5 + t / 10, 199.0), Moments(200, 5.0, 199.0))
    np.testing.assert_allclose([found.df, found.t], [398, t], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.p_value, 2 * scipy_stats.t.sf(abs(found.t), 398), rtol=1e-9)
    if abs(t) < 20:
        np.testing.assert_allclose(found.p_value, p_value, rtol=1e-6)
    assert found.p_value > 0.0


def lift_by_hand(n_a, mean_a, var_a, n_b, mean_b, var_b, df):
    """First-order Taylor expansion of mean_a / mean_b - 1."""
    gradient = np.array([1 / mean_b, -mean_a / mean_b**2])
    se = np.sqrt(gradient**2 @ np.array([var_a / n_a, var_b / n_b]))
    half = scipy_stats.t.ppf(0.975, df) * se
    return mean_a / mean_b - 1, mean_a / mean_b - 1 - half, mean_a / mean_b - 1 + half


@pytest.mark.parametrize("mean_a", [1.1, 0.2, 0.0, -0.4])
def test_lift_has_the_delta_method_interval(mean_a):
    found = welch(Moments(50, mean_a, 49 * 0.3), Moments(80, 0.9, 79 * 0.5))
    np.testing.assert_allclose(
        [found.lift, found.lift_ci_low, found.lift_ci_high],
        lift_by_hand(50, mean_a, 0.3, 80, 0.9, 0.5, found.df),
        rtol=1e-9,
    )


@pytest.mark.parametrize(
    ("n_a", "mean_a", "m2_a", "n_b", "mean_b", "m2_b", "effect", "t", "lift", "lift_high"),
    [
        # everything defined
        (10, 2.0, 9.0, 10, 1.0, 9.0, 1.0, 5**0.5, 1.0, 2.485560),
        # one sample does not vary: the other one's spread decides
        (10, 2.0, 0.0, 10, 1.0, 9.0, 1.0, 10**0.5, 1.0, 2.430714),
        # neither varies, or one has a single observation: no test
        (10, 2.0, 0.0, 10, 1.0, 0.0, 1.0, NAN, 1.0, NAN),
        (10, 1.0, 0.0, 10, 1.0, 0.0, 0.0, NAN, 0.0, NAN),
        (1, 2.0, 0.0, 10, 1.0, 9.0, 1.0, NAN, 1.0, NAN),
        (10, 2.0, 9.0, 1, 1.0, 0.0, 1.0, NAN, 1.0, NAN),
        # no data is no effect of zero
        (0, NAN, 0.0, 10, 1.0, 9.0, NAN, NAN, NAN, NAN),
        (10, 2.0, 9.0, 0, NAN, 0.0, NAN, NAN, NAN, NAN),
        (0, 0.0, 0.0, 10, 1.0, 9.0, NAN, NAN, NAN, NAN),
        # a lift needs a positive baseline, its interval one that differs from zero
        (10, 2.0, 9.0, 10, 0.0, 9.0, 2.0, 20**0.5, NAN, NAN),
        (10, 2.0, 9.0, 10, -1.0, 9.0, 3.0, 45**0.5, NAN, NAN),
        (10, 2.0, 9.0, 10, 0.1, 9.0, 1.9, 1.9 * 5**0.5, 19.0, NAN),
        # an impossible sum of squares
        (10, 2.0, -1.0, 10, 1.0, 9.0, 1.0, NAN, 1.0, NAN),
    ],
)
def test_edges(n_a, mean_a, m2_a, n_b, mean_b, m2_b, effect, t, lift, lift_high):
    found = welch(Moments(n_a, mean_a, m2_a), Moments(n_b, mean_b, m2_b))
    np.testing.assert_allclose([found.effect, found.t, found.lift], [effect, t, lift], rtol=1e-12)
    np.testing.assert_allclose(found.lift_ci_high, lift_high, rtol=1e-5)
    assert np.isnan([found.se, found.df, found.p_value, found.ci_low, found.ci_high]).all() == np.isnan(t)
    assert np.isnan(found.lift_ci_low) == np.isnan(lift_high)


SAMPLE = st.tuples(st.integers(2, 10**6), st.floats(-1e6, 1e6), st.floats(1e-6, 1e9))


@given(SAMPLE, SAMPLE)
def test_swapping_the_samples_changes_the_sign_only(a, b):
    one, other = welch(a, b), welch(b, a)
    assert one.p_value == other.p_value
    assert (one.effect, one.ci_low, one.ci_high) == (-other.effect, -other.ci_high, -other.ci_low)
    assert min(a[0], b[0]) - 1 <= one.df * (1 + 1e-9)
    assert one.df <= (a[0] + b[0] - 2) * (1 + 1e-9)


def test_intervals_cover_and_equal_means_are_seldom_called_different():
    rng = np.random.default_rng(62)
    a, b = rng.gamma(4, 0.5, (20_000, 30)), rng.gamma(16, 0.125, (20_000, 60))
    found = welch(Moments(30, a.mean(1), a.var(1) * 30), Moments(60, b.mean(1), b.var(1) * 60))
    assert abs(np.mean(found.p_value <= 0.05) - 0.05) < 0.01
    assert abs(np.mean((found.lift_ci_low <= 0.0) & (found.lift_ci_high >= 0.0)) - 0.95) < 0.012


def test_ten_thousand_comparisons_take_a_blink():
    rng = np.random.default_rng(63)
    arm = Moments(rng.integers(2, 500, 10_000), rng.normal(5, 1, 10_000), rng.uniform(1, 100, 10_000))
    durations = []
    for _ in range(5):
        start = time.process_time()
        welch(arm, arm)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.1  # about 0.006 s on one core; the rest is room for a busy machine
