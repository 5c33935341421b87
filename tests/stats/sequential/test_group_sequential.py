import numpy as np
import pytest
from scipy import stats as scipy_stats

from kaizenlake.stats.pooling.normal_shrinkage import NormalPrior, shrink_normal
from kaizenlake.stats.sequential.group_sequential import (
    crossing,
    drift_for_power,
    inflation,
    repeated_interval,
    stopped_effect,
)
from kaizenlake.stats.sequential.spending import boundaries, spend

NAN = float("nan")
NIGHTS = np.arange(1, 31)
# 200 runs per arm and night, sd .15
KNOWN = NIGHTS * 200 / 2 / 0.15**2
BOUND = boundaries(KNOWN, spend(NIGHTS / 30)).critical


def walks(rng, drift, known, count):
    """z of each look of many tests with this true effect."""
    gains = np.diff(known, prepend=0.0)
    score = np.cumsum(
        rng.normal(
            drift * gains if np.ndim(drift) == 0 else drift[:, None] * gains, np.sqrt(gains), (count, known.size)
        ),
        axis=1,
    )
    return score / np.sqrt(known)


def stops(z, bound):
    crossed = np.abs(z) >= bound
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1), bound.size - 1)


def test_the_information_that_a_published_design_needs():
    # SAS/STAT, SEQDESIGN procedure, example "Creating Two-Sided Pocock and O'Brien-Fleming Designs": four looks, alpha .05,
    # power .9: 118.3143 % of the information of a fixed sample
    looks = np.arange(1, 5) / 4
    assert abs(float(inflation(looks, np.full(4, 2.361298), 0.05, 0.9)) - 1.183143) < 2e-6


@pytest.mark.parametrize(("effect", "night", "least"), [(0.02, 10, 0.89), (0.01, 30, 0.93)])
def test_the_power_of_nightly_looks(effect, night, least):
    exact = crossing(KNOWN, BOUND, effect).upper.cumsum()[night - 1]
    z = walks(np.random.default_rng(1), effect, KNOWN, 40_000)
    simulated = ((z >= BOUND)[:, :night].any(axis=1) & (z[np.arange(40_000), stops(z, BOUND)] > 0)).mean()
    assert least <= exact
    assert abs(exact - simulated) < 4 * (exact * (1 - exact) / 40_000) ** 0.5


def test_power_on_the_way_is_conditional_on_where_the_test_stands():
    z = walks(np.random.default_rng(2), 0.01, KNOWN[10:] - KNOWN[9], 40_000)
    score = z * np.sqrt(KNOWN[10:] - KNOWN[9]) + 1.5 * np.sqrt(KNOWN[9])
    seen = score / np.sqrt(KNOWN[10:])
    first = np.where((np.abs(seen) >= BOUND[10:]).any(axis=1), (np.abs(seen) >= BOUND[10:]).argmax(axis=1), 19)
    simulated = (seen[np.arange(40_000), first] >= BOUND[10:][first]).mean()
    exact = crossing(KNOWN[10:], BOUND[10:], 0.01, at_information=KNOWN[9], at_z=1.5).upper.sum()
    assert abs(exact - simulated) < 4 * (exact * (1 - exact) / 40_000) ** 0.5


def test_drifts_of_many_designs_at_once():
    drifts = np.array([-0.02, 0.0, 0.015])
    together = crossing(KNOWN, BOUND, drifts)
    for row, drift in enumerate(drifts):
        np.testing.assert_allclose(together.upper[row], crossing(KNOWN, BOUND, drift).upper, atol=1e-9)
    np.testing.assert_allclose(together.upper[0], crossing(KNOWN, BOUND, 0.02).lower, atol=1e-9)
    reached = drift_for_power(KNOWN, BOUND, 0.8)
    assert abs(crossing(KNOWN, BOUND, reached).upper.sum() - 0.8) < 1e-9


@pytest.mark.parametrize("sides", [1, 2])
def test_a_test_of_one_look_is_the_fixed_one(sides):
    found = stopped_effect([100.0], [1.96], 2.5, sides=sides)
    half = scipy_stats.norm.isf(0.025) / 10
    np.testing.assert_allclose([found.effect, found.ci_low, found.ci_high], [0.25, 0.25 - half, 0.25 + half], atol=1e-9)
    np.testing.assert_allclose(found.p_value, sides * scipy_stats.norm.sf(2.5), rtol=1e-9)


def test_no_early_chance_to_stop_leaves_nothing_to_correct():
    found = stopped_effect([50.0, 100.0], [np.inf, 1.96], -2.5)
    np.testing.assert_allclose(found.effect, -0.25, atol=1e-9)


@pytest.mark.parametrize(("known", "z"), [([NAN, NAN], 2.0), ([100.0, 200.0], NAN)])
def test_without_a_look_or_a_figure_there_is_no_effect(known, z):
    assert np.isnan(stopped_effect(known, [2.5, 2.1], z)).all()


@pytest.mark.parametrize("effect", [0.0, -0.01, -0.03])
def test_the_corrected_effect_is_median_unbiased_and_its_interval_covers(effect):
    count = 400
    z = walks(np.random.default_rng(3), effect, KNOWN, count)
    stop = stops(z, BOUND)
    known = np.where(stop[:, None] >= NIGHTS - 1, KNOWN, np.nan)
    last = z[np.arange(count), stop]
    found = stopped_effect(known, np.broadcast_to(BOUND, known.shape), last)
    se_of_half = 4 * 0.5 / count**0.5
    assert abs(np.mean(found.effect < effect) - 0.5) < se_of_half
    covered = (found.ci_low <= effect) & (effect <= found.ci_high)
    assert abs(covered.mean() - 0.95) < 4 * (0.05 * 0.95 / count) ** 0.5
    raw = last / np.sqrt(KNOWN[stop])
    assert abs(found.effect.mean() - effect) <= abs(raw.mean() - effect) + 1e-4
    # what crossed is significant by the same ordering of outcomes
    crossed = np.abs(last) >= BOUND[stop]
    assert np.all((found.p_value <= 0.05 + 1e-6) == crossed)


def test_shrinking_toward_none_mends_what_stopped_early():
    # effects of policies as they come: about 0, sd .01; half a canary's information by night 15
    rng = np.random.default_rng(4)
    truth = rng.normal(0.0, 0.01, 60_000)
    z = walks(rng, truth, KNOWN, truth.size)
    stop = stops(z, BOUND)
    early = (stop < 10) & (np.abs(z[np.arange(truth.size), stop]) >= BOUND[stop])
    raw, variance = z[np.arange(truth.size), stop] / np.sqrt(KNOWN[stop]), 1.0 / KNOWN[stop]
    shrunk = shrink_normal(raw, variance, NormalPrior(0.0, 0.01**2))
    sign = np.sign(raw[early])
    too_large = [float(np.mean(sign * (values[early] - truth[early]))) for values in (raw, shrunk)]
    assert too_large[0] > 0.003
    assert abs(too_large[1]) < 0.0003


def test_repeated_intervals_cover_on_all_nights_together():
    effect = -0.01
    z = walks(np.random.default_rng(5), effect, KNOWN, 20_000)
    low, high = repeated_interval(z / np.sqrt(KNOWN), 1.0 / np.sqrt(KNOWN), BOUND)
    covered = ((low <= effect) & (effect <= high)).all(axis=1).mean()
    assert abs(covered - 0.95) < 4 * (0.05 * 0.95 / 20_000) ** 0.5
    unknown = [np.isnan(part) for part in repeated_interval(0.1, [NAN, 0.0, 1.0], [2.0, 2.0, NAN])]
    np.testing.assert_array_equal(unknown, np.ones((2, 3)))
    np.testing.assert_array_equal(repeated_interval(0.1, 1.0, np.inf), (-np.inf, np.inf))


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_a_power_outside_its_range_is_refused(power):
    with pytest.raises(ValueError, match="power"):
        drift_for_power(KNOWN, BOUND, power)
