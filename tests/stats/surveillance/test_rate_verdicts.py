"""What is promised of dips, shifts and alarms, held against simulation; the whole table is made by tests/benchmarks."""

import numpy as np
import pytest
from scipy import stats as reference

from benchmarks.brand_alarms import draw_hits, draw_world, measure
from kaizenlake.stats.surveillance.cusum_tail import REFERENCE, cusum_tail
from kaizenlake.stats.surveillance.rate_verdicts import VOLUME_LEVEL, binomial_lower, judge_rates


def test_dips_and_shifts_are_found_and_quiet_series_stay_quiet():
    found = measure(series=250, seed=7)
    assert found["quiet dip"] < 0.016
    assert found["quiet shift"] < 0.016
    assert found["quiet alarms a week"] <= 1.3
    assert found["dip 0.35"] >= 0.55
    assert found["dip 0.7 alarm"] >= 0.75
    assert found["shift 0.25"] >= 0.8
    assert found["dip 0.35"] > 2 * found["dip 0.35 floor"]


@pytest.mark.parametrize(("days", "error"), [(1, 0.0), (5, 0.2), (14, 0.1)])
def test_the_tail_of_the_sum_is_that_of_sums_that_are_drawn(days, error):
    random = np.random.default_rng(3)
    shared = random.normal(0, error, 200_000)
    total = np.zeros(200_000)
    for _ in range(days):
        total = np.maximum(total - (random.normal(0, 1, 200_000) + shared) - REFERENCE, 0.0)
    for height in (0.5, 1.5, 3.0):
        found = cusum_tail(np.array([height]), np.array([days]), np.array([error]))[0]
        assert found == pytest.approx((total >= height).mean(), rel=0.05, abs=2e-4)


def test_the_lower_tail_of_a_count_is_the_binomial_one():
    hits, trials, rate = np.array([-1.0, 0.0, 3.0, 10.0]), np.array([10.0] * 4), np.array([0.2] * 4)
    assert binomial_lower(hits, trials, rate) == pytest.approx(reference.binom.cdf(hits, 10, 0.2))
    assert np.isnan(binomial_lower(np.nan, 10.0, 0.2))


def test_days_without_trials_and_series_without_a_past_have_no_verdict():
    hits, shown = np.full((2, 60), 30.0), np.full((2, 60), 100.0)
    hits[0, 50], shown[0, 50] = 0.0, 0.0
    hits[1, :40] = shown[1, :40] = np.nan
    found = judge_rates(hits, shown)
    assert np.isnan(found.dip_p[0, :28]).all()
    assert np.isnan(found.dip_p[0, 50])
    assert np.isnan(found.dip_p[1]).all()
    assert not np.isnan(found.dip_p[0, 51:]).any()


@pytest.mark.parametrize(("hits", "shown"), [(0.0, 50.0), (50.0, 50.0), (0.0, 1.0)])
def test_rates_at_either_end_have_finite_verdicts(hits, shown):
    found = judge_rates(np.full((1, 45), hits), np.full((1, 45), shown))
    last = found.dip_p[0, 28:]
    assert ((last >= 0.0) & (last <= 1.0)).all()
    assert (last > 0.01).all()


@pytest.mark.parametrize(("factor", "most"), [(1.0, 0.03), (2.0, 0.15), (4.0, 0.3), (0.5, 0.15)])
def test_a_volume_that_changed_for_good_mutes_a_rate_for_about_a_week(factor, most):
    random = np.random.default_rng(11)
    world = draw_world(random, 40, 84 + 21)
    changed = np.where(np.arange(84 + 21) < 84, 1.0, factor)
    world = world._replace(shown=random.poisson(world.shown * changed))
    dip = np.zeros(world.level.shape)
    dip[:, 98] = -0.7
    found = judge_rates(draw_hits(random, world, dip), world.shown)
    is_muted = found.volume_p < VOLUME_LEVEL
    if factor != 1.0:
        assert is_muted[:, 84].mean() > 0.6, "a tracker that changed is no anomaly of the brand"
    assert is_muted[:, 91:98].mean() <= most
    assert is_muted[:, 98:].mean() <= 0.05
    assert (found.dip_p[:, 98] < 0.01).mean() >= 0.8
    quiet = np.delete(found.dip_p[:, 84:], 14, axis=1)
    assert (quiet < 0.01).mean() < 0.02


def test_a_volume_that_grows_mutes_no_rate():
    random = np.random.default_rng(12)
    world = draw_world(random, 40, 84 + 21)
    world = world._replace(shown=random.poisson(world.shown * 1.1 ** (np.arange(84 + 21) / 7)))
    found = judge_rates(draw_hits(random, world, np.zeros(world.level.shape)), world.shown)
    assert (found.volume_p[:, 84:] < VOLUME_LEVEL).mean() <= 0.03
