import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.sequential.confidence_sequences import (
    SequenceRule,
    confidence_sequence,
    running_minimum,
    running_minimum_by,
)

NAN = float("nan")
INF = float("inf")
ARMS = (Moments(600, 0.48, 13.5), Moments(400, 0.52, 11.0))


def textbook(n, se, declared_n, alpha, *, one_sided=False):
    """Half width as printed by Waudby-Smith et al. (2024), in t observations of standard deviation sigma."""
    rho2 = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / declared_n
    sigma = se * np.sqrt(n)
    inside = 1 + np.sqrt(n * rho2 + 1) / (2 * alpha) if one_sided else np.sqrt(n * rho2 + 1) / alpha
    return sigma * np.sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * np.log(inside))


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("declared_n", [100, 12_000])
def test_the_printed_formula(alpha, declared_n):
    both = confidence_sequence(
        *ARMS, declared_n=declared_n, rule=SequenceRule(confidence=1 - alpha, variance="separate")
    )
    se = np.sqrt(13.5 / 599 / 600 + 11.0 / 399 / 400)
    half = textbook(1000, se, declared_n, alpha)
    np.testing.assert_allclose([both.effect, both.se], [-0.04, se], rtol=1e-12)
    np.testing.assert_allclose([both.ci_low, both.ci_high], [-0.04 - half, -0.04 + half], rtol=1e-12)
    below = confidence_sequence(
        *ARMS, declared_n=declared_n, rule=SequenceRule(confidence=1 - alpha, variance="separate", side="below")
    )
    above = confidence_sequence(
        *ARMS, declared_n=declared_n, rule=SequenceRule(confidence=1 - alpha, variance="separate", side="above")
    )
    half = textbook(1000, se, declared_n, alpha, one_sided=True)
    np.testing.assert_allclose([below.ci_low, below.ci_high], [-INF, -0.04 + half], rtol=1e-12)
    np.testing.assert_allclose([above.ci_low, above.ci_high], [-0.04 - half, INF], rtol=1e-12)
    assert both.units == 400


@given(
    st.floats(-8, 8),
    st.integers(100, 10**5),
    st.floats(10, 10**6),
    st.floats(0.001, 0.4),
    st.sampled_from(["both", "above", "below"]),
)
def test_the_p_value_falls_below_alpha_as_the_interval_leaves_out_no_effect(z, n, declared_n, alpha, side):
    m2 = float(n - 1)
    found = confidence_sequence(
        Moments(n, z * np.sqrt(2 / n), m2),
        Moments(n, 0.0, m2),
        declared_n=declared_n,
        rule=SequenceRule(confidence=1 - alpha, side=side),
    )
    nearest = min(abs(found.ci_low), abs(found.ci_high))
    if nearest > 1e-9:
        assert (found.p_value < alpha) == (found.ci_low > 0 or found.ci_high < 0)
    assert 0.0 <= found.p_value <= 1.0


@pytest.mark.parametrize(
    ("n_a", "m2_a", "n_b", "m2_b", "declared_n", "defined"),
    [
        (100, 9.0, 100, 9.0, 1000, True),
        # the smaller arm decides, whichever it is
        (99, 9.0, 10**6, 9.0, 1000, False),
        (10**6, 9.0, 99, 9.0, 1000, False),
        (NAN, 9.0, 100, 9.0, 1000, False),
        # no spread is no evidence
        (100, 0.0, 100, 0.0, 1000, False),
        (100, 0.0, 100, 9.0, 1000, True),
        (100, -1.0, 100, 9.0, 1000, False),
        (100, 9.0, 100, 9.0, 0, False),
        (100, 9.0, 100, 9.0, NAN, False),
    ],
)
def test_when_nothing_is_said(n_a, m2_a, n_b, m2_b, declared_n, defined):
    found = confidence_sequence(Moments(n_a, 0.5, m2_a), Moments(n_b, 0.4, m2_b), declared_n=declared_n)
    assert np.isnan([found.ci_low, found.ci_high, found.p_value]).any() == (not defined)
    assert np.isnan([found.ci_low, found.ci_high, found.p_value]).all() == (not defined)


def test_an_empty_arm_has_no_effect_of_zero():
    found = confidence_sequence(
        Moments(0, NAN, 0.0), Moments(100, 0.4, 9.0), declared_n=1000, rule=SequenceRule(minimum_units=0)
    )
    assert np.isnan([found.effect, found.p_value]).all()


def test_a_margin_moves_what_the_p_value_is_held_against_and_nothing_else():
    plain = confidence_sequence(*ARMS, declared_n=2000, rule=SequenceRule(side="below"))
    margin = confidence_sequence(*ARMS, declared_n=2000, no_effect=0.03, rule=SequenceRule(side="below"))
    moved = confidence_sequence(
        Moments(600, 0.45, 13.5), Moments(400, 0.52, 11.0), declared_n=2000, rule=SequenceRule(side="below")
    )
    assert margin.ci_high == plain.ci_high
    np.testing.assert_allclose(margin.p_value, moved.p_value, rtol=1e-9)
    assert margin.p_value < plain.p_value


@pytest.mark.parametrize(
    ("argument", "words"),
    [({"confidence": 1.0}, "confidence"), ({"side": "up"}, "'up'"), ({"variance": "none"}, "'none'")],
)
def test_words_that_are_not_taken(argument, words):
    with pytest.raises(ValueError, match=words):
        confidence_sequence(*ARMS, declared_n=1000, rule=SequenceRule(**argument))


def test_running_minimum_by_group_in_any_order():
    groups, looks = np.array([1, 0, 1, 0, 1, 2]), np.array([3, 1, 1, 2, 2, 7])
    p = np.array([0.5, NAN, 0.2, 0.4, NAN, 1.0])
    expected = np.array([0.2, NAN, 0.2, 0.4, 0.2, 1.0])
    np.testing.assert_array_equal(running_minimum_by(groups, looks, p), expected)
    order = np.random.default_rng(1).permutation(6)
    np.testing.assert_array_equal(running_minimum_by(groups[order], looks[order], p[order]), expected[order])
    assert running_minimum_by([], [], []).size == 0
    np.testing.assert_array_equal(running_minimum([[0.3, 0.4], [NAN, 0.1]]), [[0.3, 0.3], [NAN, 0.1]])


@pytest.mark.parametrize("looks", [[1, 1], [1, NAN]])
def test_a_look_given_twice_or_without_a_number_is_refused(looks):
    with pytest.raises(ValueError, match="every look"):
        running_minimum_by([0, 0], looks, [0.1, 0.2])


def test_the_truth_is_covered_on_all_nights_together():
    rng = np.random.default_rng(2)
    truth, nights, n = -0.02, 30, np.arange(1, 31) * 100.0
    mean_a = 0.5 + truth + np.cumsum(rng.normal(0, 0.15 / 10, (20_000, nights)), axis=1) / np.arange(1, 31)
    mean_b = 0.5 + np.cumsum(rng.normal(0, 0.15 / 10, (20_000, nights)), axis=1) / np.arange(1, 31)
    m2 = (n - 1) * 0.15**2
    for side, most in (("both", 0.05), ("above", 0.05), ("below", 0.05)):
        found = confidence_sequence(
            Moments(n, mean_a, m2), Moments(n, mean_b, m2), declared_n=3000, rule=SequenceRule(side=side)
        )
        missed = ((found.ci_low > truth) | (found.ci_high < truth)).any(axis=1).mean()
        assert 0.005 < missed <= most


def test_ten_thousand_looks_with_intervals_and_p_values_take_a_blink():
    rng = np.random.default_rng(3)
    arm = Moments(rng.integers(2, 500, 10_000), rng.normal(5, 1, 10_000), rng.uniform(1, 100, 10_000))
    durations = []
    for _ in range(5):
        start = time.process_time()
        confidence_sequence(arm, arm, declared_n=1000)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.1  # about 0.003 s on one core; the rest is room for a busy machine
