"""Differences within strata, cautious differences and intervals of means, against scipy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from kaizenlake.stats import Moments, cautious_difference, mean_interval, moments, stratified_by
from stats.larger_error import larger_of_both


def parts(values):
    found = moments(values)
    return float(found.n), float(found.mean), float(found.m2)


def cells(stratum, side, value):
    """Moments of each stratum and side, as `stratified_by` takes them."""
    rows = [[parts(value[(stratum == one) & (side == which)]) for which in (1, 0)] for one in np.unique(stratum)]
    return tuple(Moments(*np.array(arm).T) for arm in zip(*rows, strict=True))


def test_it_is_least_squares_on_a_constant_per_stratum_with_the_larger_error():
    by_side = [against_least_squares(seed, wilder) for seed in range(5) for wilder in (0.0, 2.0)]
    assert set(by_side) == {True, False}  # each of the two errors was the larger one


def against_least_squares(seed, wilder):
    drawn = np.random.default_rng(seed)
    stratum = drawn.integers(0, 5, 120)
    side = (drawn.random(120) < 0.15 + 0.15 * stratum).astype(int)
    value = drawn.beta(2, 5, 120) * (1 + wilder * side) + 0.1 * stratum + 0.07 * side
    found = stratified_by(np.zeros(len(np.unique(stratum)), dtype=int), *cells(stratum, side, value))
    both = [one for one in np.unique(stratum) if len(np.unique(side[stratum == one])) == 2]
    kept = np.isin(stratum, both)
    design = np.column_stack([side[kept], *(stratum[kept] == one for one in both)]).astype(float)
    effect, se, df, is_by_side = larger_of_both(design, value[kept])
    np.testing.assert_allclose(found.effect, effect, rtol=1e-10)
    np.testing.assert_allclose(found.df, df)
    np.testing.assert_allclose(found.p_value, 2 * scipy_stats.t.sf(abs(effect) / se, df), rtol=1e-8)
    low, high = scipy_stats.t.interval(0.95, df, effect, se)
    np.testing.assert_allclose([found.ci_low[0], found.ci_high[0]], [low, high], rtol=1e-8)
    np.testing.assert_allclose(found.mean_a - found.mean_b, found.effect, rtol=1e-10)
    return is_by_side


@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0])
def test_one_stratum_is_a_cautious_difference(spread):
    drawn = np.random.default_rng(1)
    a, b = parts(drawn.normal(0.3, spread, 12)), parts(drawn.normal(0.35, 0.2, 30))
    found, expected = (
        stratified_by([0], *(Moments(*([part] for part in arm)) for arm in (a, b))),
        cautious_difference(a, b),
    )
    for name in expected._fields:
        np.testing.assert_allclose(getattr(found, name)[0], getattr(expected, name), rtol=1e-10)


@pytest.mark.parametrize(("few", "many"), [(0.3, 0.05), (0.05, 0.3), (0.1, 0.1)])
def test_sides_that_spread_differently_are_rarely_called_different(few, many):
    drawn = np.random.default_rng(7)
    times = 1_000
    a, b = drawn.normal(0.5, few, (times, 2, 10)), drawn.normal(0.5, many, (times, 2, 200))
    sides = (
        Moments(np.full(times * 2, x.shape[2]), x.mean(axis=2).ravel(), x.shape[2] * x.var(axis=2).ravel())
        for x in (a, b)
    )
    found = stratified_by(np.repeat(np.arange(times), 2), *sides)
    assert (found.p_value < 0.05).mean() <= 0.05 + 3 * (0.05 * 0.95 / times) ** 0.5  # the pooled error alone: .65


NAN = float("nan")


@pytest.mark.parametrize(
    ("n_a", "n_b", "m2", "effect", "has_test"),
    [
        # observations of a and b in two strata; spread within each side; the difference, and whether it can be tested
        ([3, 3], [3, 3], 0.1, 0.1, True),
        ([3, 0], [3, 9], 0.1, 0.1, True),  # the second stratum says nothing
        ([3, 0], [0, 9], 0.1, NAN, False),  # no stratum holds both
        ([0, 0], [0, 0], 0.0, NAN, False),
        ([1, 0], [1, 0], 0.0, 0.1, False),  # no degree of freedom
        ([3, 3], [3, 3], 0.0, 0.1, False),  # nothing varies
    ],
)
def test_where_strata_say_nothing(n_a, n_b, m2, effect, has_test):
    means = [0.3 if n else NAN for n in n_a], [0.2 if n else NAN for n in n_b]
    found = stratified_by([0, 0], Moments(n_a, means[0], [m2, m2]), Moments(n_b, means[1], [m2, m2]))
    np.testing.assert_allclose(found.effect, [effect], atol=1e-15)
    assert bool(np.isfinite(found.p_value[0])) is has_test
    assert bool(np.isfinite(found.ci_low[0])) is has_test


@settings(max_examples=50)
@given(order=st.permutations(range(6)))
def test_the_order_of_strata_changes_no_bit(order):
    drawn = np.random.default_rng(3)
    arm = Moments(drawn.integers(1, 9, 6), drawn.random(6), drawn.random(6))
    codes = np.array([0, 0, 0, 1, 1, 1])
    expected = stratified_by(codes, arm, arm)
    moved = Moments(*(part[order] for part in arm))
    found = stratified_by(codes[order], moved, moved)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cautious_difference_takes_the_larger_of_welchs_and_students_error():
    drawn = np.random.default_rng(2)
    calm, wild = drawn.normal(0.1, 0.01, 20), drawn.normal(0.2, 0.3, 200)
    found = cautious_difference(parts(calm), parts(wild))
    assert (
        found.ci_high - found.effect
        > scipy_stats.ttest_ind(calm, wild, equal_var=False).confidence_interval().high - found.effect
    )
    # The calm sample is the larger one: then Welch's error is the larger, and the test is Welch's.
    few = wild[:15]
    calm = drawn.normal(0.1, 0.01, 200)
    found, expected = cautious_difference(parts(few), parts(calm)), scipy_stats.ttest_ind(few, calm, equal_var=False)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-9)
    np.testing.assert_allclose([found.ci_low, found.ci_high], expected.confidence_interval(), rtol=1e-9)


@pytest.mark.parametrize("n_a", [0, 1])
def test_a_cautious_difference_needs_two_observations_and_spread(n_a):
    found = cautious_difference(Moments(n_a, 0.1 if n_a else NAN, 0.0), Moments(50, 0.2, 1.0))
    assert np.isnan([found.p_value, found.ci_low, found.ci_high]).all()
    flat = cautious_difference(Moments(50, 0.1, 0.0), Moments(50, 0.2, 0.0))
    np.testing.assert_allclose(flat.effect, -0.1)
    assert np.isnan([flat.p_value, flat.ci_low, flat.ci_high]).all()


def test_the_interval_of_a_mean_is_students():
    values = np.random.default_rng(4).beta(2, 5, 25)
    low, high = mean_interval(*parts(values), 0.9)
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.9)
    np.testing.assert_allclose([low, high], expected, rtol=1e-10)
    assert np.isnan(mean_interval([0, 1, 5], [NAN, 0.2, 0.2], [0.0, 0.0, 0.0])).all()
