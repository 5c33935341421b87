import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from kaizenlake.stats.pooling.meta import dersimonian_laird, dersimonian_laird_by
from kaizenlake.stats.two_groups.ratios import log_risk_ratio

NAN = float("nan")
INF = float("inf")

# Thirteen trials of BCG vaccine against tuberculosis (Colditz et al. 1994): cases and non-cases, vaccinated and control.
BCG = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ]
)


def bcg():
    ill_a, well_a, ill_b, well_b = BCG.T
    return log_risk_ratio(ill_a, ill_a + well_a, ill_b, ill_b + well_b)


def test_bcg_vaccine_has_its_published_figures():
    # DerSimonian-Laird figures as the metafor package documents them (Viechtbauer 2010)
    pooled = dersimonian_laird(*bcg(), method="normal")
    figures = [pooled.effect, pooled.se, pooled.ci_low, pooled.ci_high, pooled.tau2, 100 * pooled.i2]
    np.testing.assert_allclose(figures, [-0.7141, 0.1787, -1.0644, -0.3638, 0.3088, 92.12], rtol=0, atol=6e-3)
    np.testing.assert_allclose(figures[:5], [-0.7141, 0.1787, -1.0644, -0.3638, 0.3088], rtol=0, atol=6e-5)
    assert pooled.studies == 13


def random_studies(seed):
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 40)
    variances = 10 ** rng.uniform(-3, 0, size)
    return rng.normal(0.2, np.sqrt(variances + rng.choice([0.0, 0.3]))), variances


def reference_pooling(effects, variances, **options):
    with np.errstate(invalid="ignore"):  # it takes a negative tau2 as it comes
        return combine_effects(effects, variances, method_re="dl", **options)


@pytest.mark.parametrize("seed", range(30))
def test_agreement_with_statsmodels(seed):
    effects, variances = random_studies(seed)
    reference = reference_pooling(effects, variances)
    pooled = dersimonian_laird(effects, variances, method="normal")
    found = [pooled.effect, pooled.se, pooled.tau2, pooled.ci_low, pooled.ci_high]
    if reference.tau2 > 0:
        random = [reference.mean_effect_re, reference.sd_eff_w_re, reference.tau2, *reference.conf_int()[1]]
        np.testing.assert_allclose(found, random, rtol=1e-10)
        np.testing.assert_allclose(pooled.i2, reference.i2, rtol=1e-10)
    else:
        with np.errstate(invalid="ignore"):
            fixed = [reference.mean_effect_fe, reference.sd_eff_w_fe, 0.0, *reference.conf_int()[0]]
        np.testing.assert_allclose(found, fixed, rtol=1e-10)
        assert pooled.i2 == 0.0


def test_hartung_knapp_agrees_with_statsmodels_where_studies_spread_widely():
    compared = 0
    for seed in range(60):
        effects, variances = random_studies(seed)
        reference = reference_pooling(effects, variances, use_t=True)
        if reference.tau2 <= 0 or reference.scale_hksj_re <= 1.0:
            continue
        pooled = dersimonian_laird(effects, variances)
        low, high = reference.conf_int(use_t=True)[3]
        np.testing.assert_allclose(
            [pooled.se, pooled.ci_low, pooled.ci_high], [reference.sd_eff_w_re_hksj, low, high], rtol=1e-9
        )
        compared += 1
    assert compared >= 10


@pytest.mark.parametrize(
    ("effects", "variances", "effect", "se", "tau2", "i2", "studies"),
    [
        ([], [], NAN, NAN, NAN, NAN, 0),
        ([0.5], [0.04], 0.5, 0.2, NAN, NAN, 1),
        ([0.5, 0.5], [0.04, 0.04], 0.5, 0.2 / 2**0.5, 0.0, 0.0, 2),
        ([0.0, 4.0], [1.0, 1.0], 2.0, 2.0, 7.0, 0.875, 2),
        ([0.5, NAN, 0.9], [0.04, 0.1, NAN], 0.5, 0.2, NAN, NAN, 1),
        ([0.5, 0.9, 0.9, INF], [0.04, 0.0, -1.0, 1.0], 0.5, 0.2, NAN, NAN, 1),
        ([0.5, 0.9], [0.04, INF], 0.5, 0.2, NAN, NAN, 1),
    ],
)
@pytest.mark.parametrize("method", ["normal", "hartung-knapp"])
def test_edges(method, effects, variances, effect, se, tau2, i2, studies):
    pooled = dersimonian_laird(effects, variances, method=method)
    np.testing.assert_allclose(
        [pooled.effect, pooled.se, pooled.tau2, pooled.i2, pooled.studies], [effect, se, tau2, i2, studies], atol=1e-12
    )
    assert np.isnan(pooled.p_value) == (studies == 0)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="'fixed'"):
        dersimonian_laird([1.0], [1.0], method="fixed")


STUDIES = st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 5), st.floats(1e-3, 10) | st.just(NAN)), max_size=50)


@given(STUDIES, st.randoms(use_true_random=False))
def test_the_order_of_studies_changes_no_bit(studies, random):
    shuffled = random.sample(studies, len(studies))
    one, other = (
        dersimonian_laird_by(
            np.array([g for g, _, _ in some], dtype=int), [e for _, e, _ in some], [v for _, _, v in some], n_groups=5
        )
        for some in (studies, shuffled)
    )
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


@given(STUDIES)
def test_groups_are_pooled_as_if_each_stood_alone(studies):
    codes = np.array([g for g, _, _ in studies], dtype=int)
    effects, variances = np.array([e for _, e, _ in studies]), np.array([v for _, _, v in studies])
    together = dersimonian_laird_by(codes, effects, variances, n_groups=6)
    for code in range(6):
        alone = dersimonian_laird(effects[codes == code], variances[codes == code])
        for left, right in zip(alone, together, strict=True):
            np.testing.assert_array_equal(left, right[code])


@given(STUDIES, st.floats(-3, 3), st.floats(0.1, 10))
def test_shift_and_scale_of_the_effects_carry_over(studies, shift, scale):
    effects, variances = np.array([e for _, e, _ in studies]), np.array([v for _, _, v in studies])
    one, other = dersimonian_laird(effects, variances), dersimonian_laird(shift + scale * effects, scale**2 * variances)
    np.testing.assert_allclose(other.effect, shift + scale * one.effect, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.se, scale * one.se, rtol=1e-5, atol=1e-9)


def coverage(method, studies, tau, seed=31, groups=6000, truth=0.3):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(groups), studies)
    variances = 10 ** rng.uniform(-1, 1, codes.size)
    effects = rng.normal(truth, np.sqrt(variances + tau**2))
    pooled = dersimonian_laird_by(codes, effects, variances, method=method)
    return np.mean((pooled.ci_low <= truth) & (truth <= pooled.ci_high))


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("studies", [2, 3, 5, 10, 20, 50])
def test_the_interval_covers_the_average_effect_with_few_studies_and_with_many(studies, tau):
    assert coverage("hartung-knapp", studies, tau) >= 0.925


def test_why_the_plain_interval_is_not_the_default():
    assert coverage("normal", 3, 1.0) < 0.88
    assert coverage("normal", 5, 1.0) < 0.90
    assert coverage("normal", 50, 1.0) > 0.93


def test_the_p_value_keeps_its_promise_when_there_is_no_effect():
    rng = np.random.default_rng(32)
    codes = np.repeat(np.arange(6000), 8)
    variances = 10 ** rng.uniform(-1, 1, codes.size)
    pooled = dersimonian_laird_by(codes, rng.normal(0, np.sqrt(variances + 1.0)), variances)
    assert np.mean(pooled.p_value <= 0.05) <= 0.07
