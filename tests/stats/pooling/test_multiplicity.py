import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from statsmodels.stats.multitest import multipletests

from kaizenlake.stats.pooling.multiplicity import benjamini_hochberg, benjamini_hochberg_by, holm, holm_by

NAN = float("nan")
P_VALUES = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.05, 1.0, 5e-324]), max_size=40)
FAMILIES = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1) | st.just(NAN)), max_size=60)
PAIRS = [(benjamini_hochberg, benjamini_hochberg_by, "fdr_bh"), (holm, holm_by, "holm")]


@pytest.mark.parametrize(("adjust", "_", "method"), PAIRS)
@settings(max_examples=25)  # statsmodels collects all garbage of the process at each call of its Holm
@given(p=P_VALUES.filter(len))
def test_agreement_with_statsmodels(adjust, _, method, p):
    np.testing.assert_allclose(adjust(p), multipletests(p, method=method)[1], rtol=1e-12, atol=1e-300)


def test_the_example_of_benjamini_and_hochberg():
    # Benjamini and Hochberg (1995), section 3: 15 hypotheses, four rejected at a false-discovery rate of 0.05, three by Bonferroni
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert np.sum(benjamini_hochberg(p) <= 0.05) == 4
    assert np.sum(holm(p) <= 0.05) == 3


@pytest.mark.parametrize(
    ("p", "q", "stepped"),
    [
        ([], [], []),
        ([0.2], [0.2], [0.2]),
        ([NAN], [NAN], [NAN]),
        ([0.01, NAN, 0.03], [0.02, NAN, 0.03], [0.02, NAN, 0.03]),
        ([0.03, 0.01, 0.01, 0.9], [0.04, 0.02, 0.02, 0.9], [0.06, 0.04, 0.04, 0.9]),
        ([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]),
        ([0.6, 0.7], [0.7, 0.7], [1.0, 1.0]),
    ],
)
def test_by_example(p, q, stepped):
    np.testing.assert_allclose(benjamini_hochberg(p), q, rtol=1e-12)
    np.testing.assert_allclose(holm(p), stepped, rtol=1e-12)


@pytest.mark.parametrize(("adjust", "adjust_by", "_"), PAIRS)
@given(families=FAMILIES)
def test_families_are_adjusted_as_if_each_stood_alone(adjust, adjust_by, _, families):
    codes, p = np.array([code for code, _ in families], dtype=int), np.array([value for _, value in families])
    together = adjust_by(codes, p)
    for code in set(codes.tolist()):
        np.testing.assert_array_equal(together[codes == code], adjust(p[codes == code]))


@pytest.mark.parametrize(("adjust", "_", "__"), PAIRS)
@given(p=P_VALUES)
def test_order_of_p_values_is_kept_and_none_gets_smaller(adjust, _, __, p):
    p = np.array(p)
    adjusted = adjust(p)
    assert np.all((p <= adjusted) & (adjusted <= 1.0))
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0.0)
    np.testing.assert_array_equal(adjust(p[::-1])[::-1], adjusted)


@pytest.mark.parametrize("p", [[-0.1], [0.5, 1.1], [float("inf")]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match="from 0 to 1"):
        benjamini_hochberg(p)


def test_false_discoveries_stay_at_the_rate_promised():
    rng = np.random.default_rng(21)
    families, tests, real = 4000, 50, 10
    z = rng.normal(size=(families, tests))
    z[:, :real] += 3.0
    p = 2 * special.ndtr(-np.abs(z))
    codes = np.repeat(np.arange(families), tests)
    found = (benjamini_hochberg_by(codes, p.ravel()) <= 0.10).reshape(families, tests)
    false_share = found[:, real:].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    promised = 0.10 * (tests - real) / tests
    assert abs(false_share.mean() - promised) < 3 * false_share.std() / np.sqrt(families)
    wrong = (holm_by(codes, p.ravel()) <= 0.05).reshape(families, tests)[:, real:].any(axis=1).mean()
    assert wrong <= 0.05
