import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.formula.api import ols

from kaizenlake.stats.basics.moments import Moments, moments, moments_by
from kaizenlake.stats.two_groups.cuped import CoMoments, comoments_by, cuped_by, merge_comoments, merge_comoments_by
from kaizenlake.stats.two_groups.welch import welch

NAN = float("nan")
NONE = Moments(*np.zeros((3, 2)))


def by_hand(x, y):
    return [
        x.size,
        x.mean(),
        y.mean(),
        ((x - x.mean()) ** 2).sum(),
        ((y - y.mean()) ** 2).sum(),
        np.sum((x - x.mean()) * (y - y.mean())),
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=40),
    st.integers(0, 40),
)
def test_parts_merge_into_the_whole(pairs, cut):
    codes, x, y = (np.array(part) for part in zip(*pairs, strict=True))
    whole = comoments_by(codes, x, y, n_groups=4)
    parts = [comoments_by(codes[part], x[part], y[part], n_groups=4) for part in (slice(cut), slice(cut, None))]
    stacked = CoMoments(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))
    for merged in (merge_comoments(*parts), merge_comoments_by(np.tile(np.arange(4), 2), stacked)):
        for found, expected in zip(merged, whole, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-7)
    for code in np.unique(codes):
        np.testing.assert_allclose(
            [part[code] for part in whole], by_hand(x[codes == code], y[codes == code]), rtol=1e-9, atol=1e-7
        )


def test_a_large_offset_costs_no_digits():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 1000))
    plain, moved = (comoments_by(np.zeros(1000, dtype=int), x + far, y + far) for far in (0.0, 1e9))
    np.testing.assert_allclose(moved.cross, plain.cross, atol=1e-3)


def test_agreement_with_a_regression_that_knows_the_arms():
    rng = np.random.default_rng(2)
    arm, x = np.arange(500) % 2, rng.normal(5, 2, 500)
    y = 0.6 * x + 0.3 * arm + rng.normal(size=500)
    found = cuped_by([0, 0], comoments_by(arm, x, y), NONE)
    fit = ols("y ~ arm + x", pd.DataFrame({"y": y, "arm": arm, "x": x})).fit()
    np.testing.assert_allclose(found.slope, fit.params["x"], rtol=1e-9)
    np.testing.assert_allclose(found.moments.mean[1] - found.moments.mean[0], fit.params["arm"], rtol=1e-9)


def experiment(rng, history=1.0):
    """1,000 units, half of the variance explained by history, which a share of the units has; effect -.1."""
    arm = rng.integers(0, 2, 1000)
    x = rng.normal(size=1000)
    y = x + rng.normal(size=1000) - 0.1 * arm
    has = rng.random(1000) < history
    found = cuped_by(
        [0, 0], comoments_by(arm[has], x[has], y[has], n_groups=2), moments_by(arm[~has], y[~has], n_groups=2)
    )
    n, mean, m2 = found.moments
    return found, welch(Moments(n[1], mean[1], m2[1]), Moments(n[0], mean[0], m2[0]))


@pytest.mark.parametrize(("history", "variance"), [(1.0, 0.5), (0.6, 0.7)])
def test_the_interval_is_shorter_and_covers(history, variance):
    rng = np.random.default_rng(3)
    tests = [experiment(rng, history) for _ in range(1500)]
    effects = np.array([float(test.effect) for _, test in tests])
    covered = np.mean([test.ci_low <= -0.1 <= test.ci_high for _, test in tests])
    assert abs(effects.mean() + 0.1) < 4 * effects.std() / 1500**0.5
    assert abs(effects.var() / (4 * 2 / 1000) - variance) < 0.1
    assert abs(covered - 0.95) < 4 * (0.05 * 0.95 / 1500) ** 0.5
    assert abs(np.mean([found.covered for found, _ in tests]) - history) < 0.01
    assert abs(np.mean([found.explained for found, _ in tests]) - 0.5) < 0.02


@pytest.mark.parametrize(
    ("x", "n"),
    [(np.ones(40), 40), (np.arange(20.0), 20)],
    ids=["history does not vary", "too few with history"],
)
def test_where_nothing_is_adjusted(x, n):
    y = np.random.default_rng(4).normal(size=n)
    arm = np.arange(n) % 2
    rest = Moments(np.array([3.0, 0.0]), np.array([0.5, NAN]), np.array([0.1, 0.0]))
    found = cuped_by([0, 0], comoments_by(arm, x, y), rest)
    np.testing.assert_array_equal(found.slope, 0.0)
    np.testing.assert_array_equal(found.explained, 0.0)
    np.testing.assert_allclose(found.moments.mean[1], y[arm == 1].mean())
    np.testing.assert_allclose(found.moments.m2[1], moments(y[arm == 1]).m2)
    np.testing.assert_allclose(found.moments.n, [n / 2 + 3, n / 2])


def test_an_arm_without_any_history_keeps_its_values():
    rng = np.random.default_rng(5)
    x = rng.normal(size=100)
    old = comoments_by(np.zeros(100, dtype=int), x, x + rng.normal(size=100), n_groups=2)
    found = cuped_by([0, 0], old, Moments(np.array([0.0, 2.0]), np.array([NAN, 0.5]), np.array([0.0, 0.2])))
    assert [float(part[1]) for part in found.moments] == [2.0, 0.5, 0.2]
    np.testing.assert_array_equal(found.covered, [1.0, 0.0])
    nothing = cuped_by([0], comoments_by([], [], [], n_groups=1), Moments(np.zeros(1), np.full(1, NAN), np.zeros(1)))
    assert np.isnan(nothing.moments.mean).all()
    assert np.isnan(nothing.covered).all()


def test_experiments_have_slopes_of_their_own():
    rng = np.random.default_rng(6)
    x = rng.normal(size=400)
    arm = np.arange(400) % 4
    y = np.where(arm < 2, 1.0, -1.0) * x + 0.1 * rng.normal(size=400)
    found = cuped_by([0, 0, 1, 1], comoments_by(arm, x, y), Moments(*np.zeros((3, 4))))
    np.testing.assert_allclose(found.slope, [1, 1, -1, -1], atol=0.03)
