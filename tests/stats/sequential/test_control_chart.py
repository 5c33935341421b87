"""The control chart: its limit, its false alarms and its power on a small scale, and what it does at the edges.

The full table of kinds of traffic is made by `tests/benchmarks/degrading.py`.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.degrading import KINDS, episodes, simulate
from kaizenlake.stats.sequential.control_chart import drift_chart, rise_limit

SMALL = 60


@pytest.mark.parametrize("days", [50.0, 300.0])
def test_the_mean_of_seven_days_rises_above_the_limit_as_often_as_stated(days):
    noise = np.random.default_rng(3).standard_normal(2_000_000)
    sums = np.convolve(noise, np.ones(7) / np.sqrt(7.0), mode="valid")
    rises = (sums[:-1] <= rise_limit(days)) & (sums[1:] > rise_limit(days))
    assert 1.0 / rises.mean() == pytest.approx(days, rel=0.05)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_unchanged_doer_is_seldom_accused(kind):
    """One false episode in 300 days is the aim; a sample of 60 doers and a year may miss it by chance, not by half."""
    drawn = simulate(kind, SMALL, 395, np.random.default_rng(11))
    found = episodes(drift_chart(*drawn).alarm)
    assert found.sum() <= SMALL * 365 / 300 * 1.5


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.is_quiet], ids=lambda kind: kind.name)
def test_a_shift_is_found_within_a_week_where_days_are_known_well(kind):
    drawn = simulate(kind, 200, 97, np.random.default_rng(12), shift=0.1, since=90)
    assert drift_chart(*drawn).alarm[:, 90:97].any(axis=1).mean() >= 0.8


def test_a_doer_says_nothing_of_another():
    drawn = simulate(KINDS[0], 5, 200, np.random.default_rng(1))
    together, alone = drift_chart(*drawn), drift_chart(*(part[2:3, :150] for part in drawn))
    np.testing.assert_array_equal(together.statistic[2, :150], alone.statistic[0])


def test_the_future_changes_nothing_of_the_past():
    drawn = simulate(KINDS[3], 20, 120, np.random.default_rng(2))
    whole, part = drift_chart(*drawn), drift_chart(*(column[:, :90] for column in drawn))
    np.testing.assert_array_equal(whole.statistic[:, :90], part.statistic)


losses = st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]), min_size=32, max_size=60)


@given(means=losses, runs=st.lists(st.sampled_from([0, 1, 2, 20, 10_000]), min_size=60, max_size=60))
def test_what_it_shows_agrees_with_what_it_says_whatever_the_losses(means, runs):
    mean, n = np.array([means]), np.array([runs[: len(means)]], dtype=float)
    chart = drift_chart(mean, n, n * mean * (1.0 - mean))
    charted = ~np.isnan(chart.statistic)
    assert (charted == ((n > 0) & (np.cumsum(n > 0) > 30))).all()
    low, high, rise = (part[charted] for part in (chart.ci_low, chart.ci_high, chart.level - chart.baseline))
    assert (low <= rise + 1e-9).all()
    assert (rise <= high + 1e-9).all()
    clear = np.abs(chart.statistic[charted] - chart.limit[charted]) > 1e-6
    assert ((low > 0) == chart.alarm[charted])[clear].all()
    assert (rise[chart.alarm[charted]] > 0.01 - 1e-9).all(), "a rise that does not matter raises no alarm"


def test_a_baseline_takes_in_no_day_of_an_alarm():
    """A doer that stays bad stays told: what it is held against does not become what it is."""
    mean = np.full((1, 200), 0.2)
    mean[:, ::2] += 0.02
    mean[:, 60:] += 0.3
    chart = drift_chart(mean, np.full((1, 200), 20.0), np.full((1, 200), 20 * 0.01))
    assert chart.alarm[0, 62:].all()
    assert chart.baseline[0, -1] == pytest.approx(0.21, abs=0.01)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: drift_chart([[0.1]], 1.0, 0.0, baseline_days=9), "10 days"),
        (lambda: rise_limit(5.0), "days per false alarm"),
    ],
)
def test_what_is_no_chart_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_no_series_and_no_day():
    assert drift_chart(np.empty((0, 5)), 1.0, 0.0).alarm.shape == (0, 5)
    assert drift_chart(np.empty((2, 0)), 1.0, 0.0).alarm.shape == (2, 0)
