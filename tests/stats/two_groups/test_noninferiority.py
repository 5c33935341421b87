import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from kaizenlake.stats.basics.moments import Moments, moments
from kaizenlake.stats.two_groups.noninferiority import non_inferiority

NAN = float("nan")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_agreement_with_statsmodels_and_scipy(seed, margin):
    rng = np.random.default_rng(seed)
    a, b = rng.gamma(2, 1, 40), rng.gamma(2, 1.1, 70)
    found = non_inferiority(moments(a), moments(b), margin)
    t, p, df = CompareMeans(DescrStatsW(a), DescrStatsW(b)).ttest_ind("smaller", "unequal", value=margin)
    np.testing.assert_allclose([found.t, found.p_value, found.df], [t, p, df], rtol=1e-9)
    reference = scipy_stats.ttest_ind(a, b, equal_var=False, alternative="less").confidence_interval(0.95)
    np.testing.assert_allclose(found.upper, reference.high, rtol=1e-9)
    np.testing.assert_allclose(found.p_worse, 1.0 - p, rtol=1e-9)
    assert (found.p_value < 0.05) == (found.upper < margin)


@pytest.mark.parametrize(("n_a", "m2_a", "margin"), [(1, 0.0, 0.1), (0, 0.0, 0.1), (20, 0.0, 0.1), (20, 1.0, NAN)])
def test_no_data_is_no_success(n_a, m2_a, margin):
    found = non_inferiority(Moments(n_a, 0.4, m2_a), Moments(20, 0.5, 0.0), margin)
    assert np.isnan(found.p_value)
    assert np.isnan(found.p_worse)


def test_tails_do_not_vanish():
    assert 0.0 < non_inferiority(Moments(200, 4.0, 199.0), Moments(200, 5.0, 199.0), 0.0).p_value < 1e-20


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match="tolerated"):
        non_inferiority(Moments(20, 0.4, 1.0), Moments(20, 0.5, 1.0), -0.1)
