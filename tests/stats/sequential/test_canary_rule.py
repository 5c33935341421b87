"""The rule of a canary: its parts against independent references, and what no arms whatever may make it say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from kaizenlake.stats import (
    Moments,
    boundaries,
    confidence_sequence,
    inflation,
    information,
    moments,
    nights_needed,
    spend,
)
from kaizenlake.stats.sequential.canary_rule import CanaryRule, Judged, guard, judge, verdicts
from kaizenlake.stats.sequential.confidence_sequences import SequenceRule
from kaizenlake.stats.two_groups.standard_error import standard_error

LOOKS = 4
RULE = CanaryRule(horizon=LOOKS, minimum_units=20)


def arm(rng, units, *, mean=0.5, sd=0.15, looks=LOOKS):
    """Values of the units that came on each look, and their moments so far (axes: 1 deployment, 1 candidate, looks)."""
    whole = rng.normal(mean, sd, units * looks)
    values = [whole[: units * (look + 1)] for look in range(looks)]
    parts = [moments(each) for each in values]
    return values, Moments(*(np.array([[[float(part[at]) for part in parts]]]) for at in range(3)))


def same(units, mean, m2=0.0, looks=LOOKS):
    shape = (1, 1, looks)
    return Moments(np.full(shape, float(units)), np.full(shape, mean), np.full(shape, m2))


def said(judged, rule=RULE, *, fresh=True, invalid=False, held=True, broken=False):
    shape = judged.effect.shape
    told = {"fresh": fresh, "invalid": invalid, "guardrails_held": held, "guardrails_broken": broken}
    return verdicts(judged, rule, **{name: np.broadcast_to(value, shape) for name, value in told.items()})


def test_each_look_is_held_against_its_boundary_by_the_larger_standard_error():
    rng = np.random.default_rng(3)
    (a, one), (b, other) = arm(rng, 30), arm(rng, 120)
    found = judge(RULE, one, other)
    errors = []
    for look in range(LOOKS):
        welch = scipy_stats.ttest_ind(a[look], b[look], equal_var=False)
        student = scipy_stats.ttest_ind(a[look], b[look])
        errors.append(max(found.effect[0, 0, look] / test.statistic for test in (welch, student)))
        t = found.effect[0, 0, look] / errors[-1]
        assert found.p_value[0, 0, look] == pytest.approx(welch.pvalue, rel=1e-9)
        assert found.p_boundary[0, 0, look] == pytest.approx(2 * scipy_stats.t.sf(abs(t), welch.df), rel=1e-9)
    spent = boundaries(information(errors), spend(np.arange(1, LOOKS + 1) / LOOKS))
    assert found.boundary_p[0, 0] == pytest.approx(spent.level, rel=1e-9)
    assert found.alpha_spent[0, 0] == pytest.approx(0.05 * (np.arange(1, LOOKS + 1) / LOOKS) ** 2, rel=1e-9)


def test_the_sequence_is_tuned_by_the_first_look_with_enough_units_and_never_again():
    rng = np.random.default_rng(4)
    (_, one), (_, other) = arm(rng, 15), arm(rng, 15)  # enough from the second look on
    found = judge(RULE, one, other)
    plain = confidence_sequence(one, other, declared_n=60.0, rule=SequenceRule(minimum_units=20))
    assert np.isnan(found.sequential_ci_low[0, 0, 0])
    assert np.array_equal(found.sequential_ci_low, plain.ci_low, equal_nan=True)
    until_then = judge(RULE, *(Moments(*(part[..., :3] for part in side)) for side in (one, other)))
    assert np.array_equal(until_then.sequential_ci_low, found.sequential_ci_low[..., :3], equal_nan=True)


@pytest.mark.parametrize("horizon", [7, 60, 90, 366])
def test_a_long_horizon_is_planned_as_fast_and_nearly_as_well(horizon):
    rule = CanaryRule(horizon=horizon, method="obrien_fleming", tolerated=0.002)
    found = judge(rule, same(200, 0.4, 2.0, looks=1), same(200, 0.4, 2.0, looks=1)).nights_needed.item()
    nights = np.arange(1.0, min(horizon, 90) + 1.0)
    cost = inflation(
        nights, boundaries(nights, spend(nights / nights.size, family="obrien_fleming")).critical, 0.05, 0.8
    )
    known = 1.0 / standard_error(200, 2.0, 200, 2.0) ** 2
    exact = float(nights_needed(0.002, known, 1.0, inflation=cost))
    assert found == exact if horizon <= 60 else found == pytest.approx(exact, rel=0.005)


@pytest.mark.parametrize("alpha", [0.0, 1e-300, 0.999, 1.0])
@pytest.mark.parametrize("method", ["power", "obrien_fleming", "pocock", "always_valid"])
def test_an_alpha_that_no_test_can_keep_is_brought_to_one_that_it_can(alpha, method):
    rule = CanaryRule(alpha=alpha, method=method, horizon=LOOKS, minimum_units=20)
    assert 0.0 < rule.alpha <= 0.5
    rng = np.random.default_rng(5)
    found = judge(rule, arm(rng, 30)[1], arm(rng, 30)[1])
    assert np.isfinite(found.p_boundary).all()
    assert (found.boundary_p <= rule.alpha).all()


def test_a_crossing_counts_only_while_both_arms_have_the_units():
    few = Moments(
        np.array([[[200.0, 200.0, 5.0, 200.0]]]), np.full((1, 1, 4), 0.4), np.array([[[2.0, 2.0, 0.05, 2.0]]])
    )
    found = judge(RULE, few, same(200, 0.5, 2.0))
    assert found.crossed_on_look.tolist() == [[[1, 1, 1, 1]]]
    assert said(found).tolist() == [[["promote", "promote", "insufficient", "promote"]]]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, "promote"),
        ({"fresh": False}, "continue"),
        ({"held": False}, "continue"),
        ({"broken": True}, "rollback"),
        ({"broken": True, "fresh": False}, "rollback"),
        ({"invalid": True, "broken": True}, "invalid"),
    ],
)
def test_what_goes_before_what(told, expected):
    assert said(judge(RULE, same(200, 0.4, 2.0), same(200, 0.5, 2.0)), **told)[0, 0, -1] == expected


def test_a_guarded_figure_is_held_or_broken_by_one_sided_sequences():
    rng = np.random.default_rng(6)
    one, other = arm(rng, 50, mean=0.6)[1], arm(rng, 50)[1]
    for margin, held, broken in ((0.5, True, False), (0.0, False, True), (0.1, False, False)):
        found = guard(RULE, margin, 2, one, other)
        assert (found.held[0, 0, -1], found.broken_since_look[0, 0, -1] > 0) == (held, broken)
    # Two guardrails share the chance of a false finding that one is broken; that one is held needs no share.
    low, high = (
        confidence_sequence(
            one, other, declared_n=200.0, rule=SequenceRule(confidence=level, side=side, minimum_units=20)
        )
        for level, side in ((0.975, "above"), (0.95, "below"))
    )
    assert np.array_equal(found.lower, low.ci_low)
    assert np.array_equal(found.upper, high.ci_high)


@pytest.mark.parametrize(
    ("units", "seen", "margin", "held", "broken"),
    [
        (100, 0.0, 0.05, True, False),  # rarer than .0295
        (100, 0.0, 0.02, False, False),  # which is no evidence of less than .02
        (58, 0.0, 0.05, False, False),
        (59, 0.0, 0.05, True, False),
        (59, 1.0, 0.05, False, True),
        (59, 0.08, 0.05, False, False),
        (19, 1.0, 0.05, False, False),  # too few to say anything
    ],
)
def test_of_a_figure_that_never_varies_as_much_is_known_as_the_units_tell(units, seen, margin, held, broken):
    found = guard(RULE, margin, 1, same(units, seen), same(units, 0.0))
    assert (bool(found.held[0, 0, -1]), bool(found.broken_since_look[0, 0, -1])) == (held, broken)
    if units >= RULE.minimum_units:
        # The largest share of other units that would stay unseen with a chance of alpha.
        rare = scipy_stats.binomtest(0, units, alternative="less").proportion_ci(0.95).high
        assert found.upper[0, 0, -1] == pytest.approx(seen + rare, rel=1e-9)


def test_a_guarded_figure_that_nobody_told_is_neither_held_nor_broken():
    nothing = same(0, np.nan)
    found = guard(RULE, 0.1, 1, nothing, nothing)
    assert not found.held.any()
    assert not found.broken_since_look.any()


FIGURES = st.floats(0.0, 1.0).map(lambda value: round(value, 6))
ARM = st.tuples(st.sampled_from([0, 1, 2, 19, 20, 100, 10**9]), FIGURES, st.sampled_from([0.0, 1e-12, 1e-3, 0.25]))


@given(
    arms=st.lists(st.tuples(ARM, ARM), min_size=2, max_size=2),
    method=st.sampled_from(["power", "always_valid"]),
    tolerated=st.sampled_from([0.0, 1e-6, 0.02, 1.0]),
    shadow=st.booleans(),
)
def test_no_arms_make_a_figure_that_is_none(arms, method, tolerated, shadow):
    """Whatever comes: chances lie in [0, 1], ends in order about the effect, and nothing is said without the units."""
    rule = CanaryRule(method=method, horizon=3, minimum_units=20, tolerated=tolerated, shadow=shadow)

    def side(place):
        n, mean, spread = (np.array([each[place][at] for each in arms], dtype=float) for at in range(3))
        shape = (1, 2, 2)
        return Moments(
            *(np.broadcast_to(part[:, None], shape) for part in (n, np.where(n > 0, mean, np.nan), n * spread))
        )

    found = judge(rule, side(0), side(1))
    for name in ("p_value", "p_always_valid", "alpha_spent", "boundary_p", "p_boundary", "power_so_far"):
        values = getattr(found, name)
        assert ((values >= 0.0) & (values <= 1.0) | np.isnan(values)).all(), name
    for name in Judged._fields:
        assert not np.isinf(getattr(found, name).astype(float)).any(), name
    known = ~np.isnan(found.sequential_ci_low)
    assert (found.sequential_ci_low <= found.effect)[known].all()
    assert (found.effect <= found.sequential_ci_high)[known].all()
    decided = np.isin(said(found, rule), ["promote", "rollback"])
    assert (np.minimum(side(0).n, side(1).n) >= 20)[decided].all()
