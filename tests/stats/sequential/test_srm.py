import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from kaizenlake.stats.sequential.srm import sample_ratio, sample_ratio_by

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize("seed", range(20))
def test_agreement_with_scipy(seed):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 5, rng.integers(2, 8))
    counts = rng.multinomial(rng.integers(10, 100_000), weights / weights.sum())
    found, reference = (
        sample_ratio(counts, weights),
        scipy_stats.chisquare(counts, counts.sum() * weights / weights.sum()),
    )
    np.testing.assert_allclose([found.chi2, found.p_value], [reference.statistic, reference.pvalue], rtol=1e-9)
    assert found.df == weights.size - 1


@pytest.mark.parametrize(
    ("counts", "expected", "chi2", "df", "p_value"),
    [
        ([100, 100], None, 0.0, 1, 1.0),
        ([821_588, 815_482], None, 22.7739, 1, 1.8e-6),
        ([90, 10], [9, 1], 0.0, 1, 1.0),
        ([90, 10], [0.9, 0.1], 0.0, 1, 1.0),
        # an arm that gets nothing by design is no degree of freedom
        ([500, 400, 0], [1, 1, 0], 11.1111, 1, 8.58e-4),
        ([500, 400, 0], [1, 1, 1], 466.6667, 2, 4.7e-102),
        # and a unit in it cannot come from this allocation
        ([500, 500, 1], [1, 1, 0], INF, 1, 0.0),
        # not defined
        ([], None, NAN, 0, NAN),
        ([100], None, NAN, 0, NAN),
        ([0, 0], None, NAN, 1, NAN),
        ([100, 0], [1, 0], NAN, 0, NAN),
        ([100, 100], [0, 0], NAN, 0, NAN),
        # far tail
        ([60_000, 40_000], None, 4000.0, 1, 0.0),
        ([5_500, 4_500], None, 100.0, 1, 1.5239706e-23),
    ],
)
def test_by_example(counts, expected, chi2, df, p_value):
    found = sample_ratio(counts, expected)
    np.testing.assert_allclose([found.chi2, found.p_value], [chi2, p_value], rtol=0.02)
    assert found.df == df


@pytest.mark.parametrize(
    ("counts", "expected"), [([-1, 3], None), ([NAN, 3], None), ([3, 3], [1, -1]), ([3, 3], [1, NAN])]
)
def test_what_is_no_count_or_weight_is_refused(counts, expected):
    with pytest.raises(ValueError, match="0 or more"):
        sample_ratio(counts, expected)


ARMS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**6), st.integers(0, 3)), max_size=30)


@given(ARMS)
def test_experiments_are_tested_as_if_each_stood_alone(arms):
    codes, counts, weights = (np.array([arm[i] for arm in arms], dtype=int) for i in range(3))
    together = sample_ratio_by(codes, counts, weights, n_groups=6)
    for code in range(6):
        for left, right in zip(sample_ratio(counts[codes == code], weights[codes == code]), together, strict=True):
            np.testing.assert_array_equal(left, right[code])


def test_sound_experiments_are_seldom_suspected_and_skewed_ones_are_found():
    rng = np.random.default_rng(51)
    codes = np.repeat(np.arange(4000), 4)
    sound = sample_ratio_by(codes, rng.multinomial(4000, [0.25] * 4, 4000).ravel()).p_value
    skewed = sample_ratio_by(codes, rng.multinomial(4000, [0.28, 0.24, 0.24, 0.24], 4000).ravel()).p_value
    assert abs(np.mean(sound <= 0.05) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert np.mean(skewed <= 0.05) > 0.9


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("units", [20, 200])
def test_intact_arms_of_whatever_share_are_seldom_invalid_on_any_night(share, units):
    """At the level of the settings, looked at on each of 14 nights; the chi-square alone says so of 3 in 100 small shares."""
    canaries, nights, alpha = 4000, 14, 0.001
    rng = np.random.default_rng(52)
    ours = rng.binomial(units, share, (canaries, nights)).cumsum(axis=1)
    counts = np.stack([ours, units * np.arange(1, nights + 1) - ours], axis=-1).ravel()
    codes = np.repeat(np.arange(canaries * nights), 2)
    found = sample_ratio_by(codes, counts, np.tile([share, 1.0 - share], canaries * nights))
    assert (found.p_value.reshape(canaries, nights) < alpha).any(axis=1).mean() <= 0.01


@pytest.mark.parametrize(
    ("counts", "share"), [([0, 900], 0.05), ([3, 17], 0.01), ([19, 1], 0.5), ([0, 20], 0.01), ([2, 18], 0.1)]
)
def test_small_arms_are_tested_exactly(counts, share):
    n = sum(counts)
    tails = (scipy_stats.binom.cdf(counts[0], n, share), scipy_stats.binom.sf(counts[0] - 1, n, share))
    found = sample_ratio(counts, [share, 1.0 - share])
    assert found.p_value == pytest.approx(min(2 * min(tails), 1.0))


def test_of_several_small_arms_the_one_that_is_wrong_is_found_and_sound_ones_seldom():
    rng = np.random.default_rng(53)
    shares = [0.02, 0.02, 0.96]
    codes = np.repeat(np.arange(4000), 3)

    def p_values(drawn):
        return sample_ratio_by(codes, rng.multinomial(1000, drawn, 4000).ravel(), np.tile(shares, 4000)).p_value

    assert np.mean(p_values(shares) <= 0.01) <= 0.01
    assert np.mean(p_values([0.06, 0.02, 0.92]) <= 0.001) > 0.95
