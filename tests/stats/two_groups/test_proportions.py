from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from kaizenlake.stats.two_groups.proportions import SMALL_EXPECTED_COUNT, two_proportions, wilson

NAN = float("nan")


def random_tables(seed, size, most):
    rng = np.random.default_rng(seed)
    n_a, n_b = rng.integers(1, most, (2, size))
    return rng.binomial(n_a, rng.uniform(0, 1, size) ** 2), n_a, rng.binomial(n_b, rng.uniform(0, 1, size) ** 2), n_b


def smallest_expected(wins_a, n_a, wins_b, n_b):
    wins, n = wins_a + wins_b, n_a + n_b
    return np.minimum(n_a, n_b) * np.minimum(wins, n - wins) / n


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_wilson_agrees_with_statsmodels(confidence):
    wins, decided, *_ = random_tables(1, 2000, 5000)
    low, high = wilson(wins, decided, confidence)
    expected_low, expected_high = proportion_confint(wins, decided, alpha=1 - confidence, method="wilson")
    np.testing.assert_allclose(low, expected_low, rtol=0, atol=1e-12)
    np.testing.assert_allclose(high, expected_high, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("wins", "decided", "low", "high"),
    [
        # Newcombe (1998), table I, score method without continuity correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
        # not defined
        (0, 0, NAN, NAN),
        (-1, 5, NAN, NAN),
        (6, 5, NAN, NAN),
        (NAN, 5, NAN, NAN),
        (3, NAN, NAN, NAN),
        (3, float("inf"), NAN, NAN),
    ],
)
def test_wilson_by_example(wins, decided, low, high):
    np.testing.assert_allclose(np.stack(wilson(wins, decided)), [low, high], rtol=0, atol=5e-5)


def test_wilson_without_a_win_or_a_loss_ends_exactly_at_the_border():
    decided = np.arange(1, 1000)
    assert np.all(wilson(0, decided).low == 0.0)
    assert np.all(wilson(decided, decided).high == 1.0)


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_rate_and_mirrors_wins_and_losses(table):
    wins, decided = table
    low, high = wilson(wins, decided)
    assert 0.0 <= low <= wins / decided <= high <= 1.0
    mirrored = wilson(decided - wins, decided)
    np.testing.assert_allclose([1 - mirrored.high, 1 - mirrored.low], [low, high], rtol=0, atol=1e-12)


@pytest.mark.parametrize("decided", [10, 30, 100, 500])
def test_wilson_covers_as_promised_on_average_over_rates(decided):
    wins = np.arange(decided + 1)
    low, high = wilson(wins, decided)
    rates = np.linspace(0.01, 0.99, 197)
    coverage = [np.sum(scipy_stats.binom.pmf(wins, decided, rate)[(low <= rate) & (rate <= high)]) for rate in rates]
    assert 0.945 <= np.mean(coverage) <= 0.965
    assert min(coverage) >= 0.83  # the known dip of the score interval near 0 and 1 (Brown, Cai, DasGupta 2001)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, NAN])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(1, 2, confidence)


def test_small_tables_agree_with_fisher_exact_and_large_ones_with_the_pooled_z_test():
    tables = random_tables(2, 1500, 300)
    small = smallest_expected(*tables) < SMALL_EXPECTED_COUNT
    p_value = two_proportions(*tables).p_value
    assert 0.1 < small.mean() < 0.9
    for is_small, found, a, n_a, b, n_b in zip(small, p_value, *tables, strict=True):
        if is_small:
            expected = scipy_stats.fisher_exact([[a, n_a - a], [b, n_b - b]]).pvalue
        else:
            expected = proportions_ztest([a, b], [n_a, n_b])[1]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


def test_the_difference_has_newcombes_interval():
    tables = random_tables(3, 300, 300)
    found = two_proportions(*tables)
    expected = [
        confint_proportions_2indep(*table, method="newcomb", compare="diff") for table in zip(*tables, strict=True)
    ]
    np.testing.assert_allclose(np.stack([found.ci_low, found.ci_high], axis=1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Newcombe (1998), "Interval estimation for the difference", table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_own_examples(table, low, high):
    found = two_proportions(*table)
    np.testing.assert_allclose([found.ci_low, found.ci_high], [low, high], rtol=0, atol=5e-5)


@pytest.mark.parametrize(
    ("table", "effect", "lift", "p_value"),
    [
        ((0, 5, 0, 9), 0.0, NAN, 1.0),
        ((5, 5, 9, 9), 0.0, 0.0, 1.0),
        ((3, 6, 0, 6), 0.5, NAN, 0.18181818),
        ((0, 6, 3, 6), -0.5, -1.0, 0.18181818),
        ((1, 1, 0, 1), 1.0, NAN, 1.0),
        ((0, 0, 3, 6), NAN, NAN, NAN),
        ((3, 6, 0, 0), NAN, NAN, NAN),
        ((7, 6, 3, 6), NAN, NAN, NAN),
        ((-1, 6, 3, 6), NAN, NAN, NAN),
        ((NAN, 6, 3, 6), NAN, NAN, NAN),
        ((3, 6, 3, float("inf")), NAN, NAN, NAN),
        ((2.4, 6, 0.4, 6), 1 / 3, 5.0, 0.45454545),
    ],
)
def test_edges(table, effect, lift, p_value):
    found = two_proportions(*table)
    np.testing.assert_allclose([found.effect, found.lift, found.p_value], [effect, lift, p_value], rtol=0, atol=1e-8)


def test_a_missing_comparison_leaves_the_others_alone():
    found = two_proportions([3, 0, 300], [6, 0, 700], [0, 3, 200], [6, 6, 700])
    np.testing.assert_allclose(
        found.p_value[[0, 2]], [two_proportions(3, 6, 0, 6).p_value, two_proportions(300, 700, 200, 700).p_value]
    )
    assert np.isnan(found.p_value[1])


def test_tails_do_not_vanish():
    # pooled z of 60 against 40 of 100 scaled up: z = 28.28
    found = two_proportions(60_000, 100_000, 40_000, 100_000).p_value
    np.testing.assert_allclose(two_proportions(700, 1000, 300, 1000).p_value, 1.4e-71, rtol=0.1)
    assert found == 0.0 or found < 1e-300
    # 0 of a million against 20 of 20: 1 / C(1000020, 20)
    exact = two_proportions(0, 1_000_000, 20, 20).p_value
    np.testing.assert_allclose(exact, scipy_stats.hypergeom.pmf(20, 1_000_020, 20, 20), rtol=1e-6)


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_swapping_the_groups_changes_the_sign_only(counts):
    a, losses_a, b, losses_b = counts
    one, other = two_proportions(a, a + losses_a, b, b + losses_b), two_proportions(b, b + losses_b, a, a + losses_a)
    np.testing.assert_allclose(one.effect, -other.effect)
    np.testing.assert_allclose(one.ci_low, -other.ci_high)
    np.testing.assert_allclose(one.p_value, other.p_value)


@pytest.mark.parametrize(("n_a", "n_b"), [(10, 10), (20, 20), (20, 100), (50, 50), (50, 200), (100, 100)])
def test_equal_rates_are_seldom_called_different(n_a, n_b):
    a, b = np.array(list(product(range(n_a + 1), range(n_b + 1)))).T
    called = two_proportions(a, n_a, b, n_b).p_value <= 0.05
    rates = np.linspace(0.01, 0.5, 50)[:, None]
    likelihood = scipy_stats.binom.pmf(a, n_a, rates) * scipy_stats.binom.pmf(b, n_b, rates)
    assert likelihood[:, called].sum(axis=1).max() <= 0.058
