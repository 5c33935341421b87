import numpy as np
import pytest
from scipy import stats as scipy_stats

from kaizenlake.stats.basics.moments import Moments, moments
from kaizenlake.stats.two_groups.standard_error import cautious_test, squared_errors_by, standard_error

NAN = float("nan")


@pytest.mark.parametrize(("variance", "equal"), [("separate", False), ("pooled", True)])
def test_agreement_with_scipy(variance, equal):
    rng = np.random.default_rng(1)
    n_a, n_b = rng.integers(2, 500, (2, 300))
    mean_a, mean_b = rng.normal(5, 2, (2, 300))
    sd_a, sd_b = rng.uniform(0.1, 5, (2, 300))
    found = cautious_test(
        Moments(n_a, mean_a, (n_a - 1) * sd_a**2), Moments(n_b, mean_b, (n_b - 1) * sd_b**2), variance
    )
    reference = scipy_stats.ttest_ind_from_stats(mean_a, sd_a, n_a, mean_b, sd_b, n_b, equal_var=equal)
    np.testing.assert_allclose(found.t, reference.statistic, rtol=1e-11)
    np.testing.assert_allclose(found.p_value, reference.pvalue, rtol=1e-9, atol=1e-300)
    larger = cautious_test(Moments(n_a, mean_a, (n_a - 1) * sd_a**2), Moments(n_b, mean_b, (n_b - 1) * sd_b**2))
    assert np.all(np.abs(larger.t) <= np.abs(found.t) * (1 + 1e-12))


def test_arms_of_one_size_have_one_standard_error():
    found = [standard_error(50, 20.0, 50, 80.0, which) for which in ("separate", "pooled", "larger")]
    np.testing.assert_allclose(found, found[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("n_a", "m2_a", "n_b", "m2_b", "se"),
    [
        (1, 0.0, 50, 9.0, NAN),
        (50, 9.0, 1, 0.0, NAN),
        (50, -1.0, 50, 9.0, NAN),
        (50, 0.0, 50, 0.0, 0.0),
        (NAN, 1.0, 9, 1.0, NAN),
    ],
)
def test_edges(n_a, m2_a, n_b, m2_b, se):
    np.testing.assert_array_equal(standard_error(n_a, m2_a, n_b, m2_b), se)
    assert np.isnan(cautious_test(Moments(n_a, 0.4, m2_a), Moments(n_b, 0.5, m2_b)).p_value)
    assert np.isnan(cautious_test(Moments(n_a, 0.4, m2_a), Moments(n_b, 0.5, m2_b), "pooled").p_value)


def test_a_variance_that_is_not_taken():
    with pytest.raises(ValueError, match="'mean'"):
        standard_error(5, 1.0, 5, 1.0, "mean")


def test_differences_of_a_group_share_one_variance():
    rng = np.random.default_rng(9)
    sizes = [(5, 9), (2, 30), (0, 4), (7, 7), (1, 1)]
    groups = [0, 0, 0, 0, 1]
    arms = [tuple(moments(rng.normal(where, 1 + where, n)) for where, n in enumerate(both)) for both in sizes]
    a, b = (Moments(*(np.array([float(arm[side][part]) for arm in arms]) for part in range(3))) for side in (0, 1))
    residuals, freedom = 0.0, 0
    for n, m2_a, m2_b in zip(sizes, a.m2, b.m2, strict=True):
        if min(n) and n != (1, 1):
            residuals, freedom = residuals + m2_a + m2_b, freedom + sum(n) - 2
    one = residuals / freedom
    expected = [one / n_a + one / n_b if n_a and n_b else NAN for n_a, n_b in sizes[:4]] + [NAN]
    np.testing.assert_allclose(squared_errors_by(groups, a, b), expected, rtol=1e-12)
    still = Moments(a.n, a.mean, np.zeros(5))
    assert np.isnan(squared_errors_by(groups, still, Moments(b.n, b.mean, np.zeros(5)))).all()
