import numpy as np
import pytest

from kaizenlake.stats.control_chart import ChartBaseline, chart_baseline, ewma_chart, ewma_limit, run_length

NAN = float("nan")
INF = float("inf")
SHIFTS = [0.0, 0.5, 1.0, 2.0, 3.0]

# Lucas and Saccucci (1990), Technometrics 32, as in Montgomery, Introduction to Statistical Quality Control: run lengths
# of two-sided charts by smoothing and limit in standard deviations of the statistic, for shifts of 0, .5, 1, 2 and 3.
PUBLISHED = {
    (0.40, 3.054): [500, 71.2, 14.3, 3.5, 2.0],
    (0.25, 2.998): [500, 48.2, 11.1, 3.6, 2.3],
    (0.20, 2.962): [500, 41.8, 10.5, 3.7, 2.4],
    (0.10, 2.814): [500, 31.3, 10.3, 4.4, 2.9],
    (0.05, 2.615): [500, 28.8, 11.4, 5.2, 3.5],
}


@pytest.mark.parametrize(("smoothing", "width"), PUBLISHED)
def test_the_published_run_lengths(smoothing, width):
    spread = (smoothing / (2 - smoothing)) ** 0.5
    found = run_length(width * spread, SHIFTS, smoothing=smoothing, sides=2)
    np.testing.assert_allclose(found, PUBLISHED[smoothing, width], rtol=0.0015, atol=0.06)
    assert abs(ewma_limit(INF, 500.0, smoothing, 2) / spread - width) < 0.001


def alarms(rng, nights, series, baseline_nights, sides, limit_nights=None):
    """Alarms per chart-night of series in which nothing changes, each with a baseline of its own."""
    reference = chart_baseline(rng.normal(0.4, 0.02, (series, baseline_nights)))
    if limit_nights is not None:
        reference = reference._replace(nights=np.full(series, limit_nights))
    by_series = ewma_chart(rng.normal(0.4, 0.02, (series, nights)), reference, sides=sides).alarm.mean(axis=1)
    return by_series.mean(), by_series.std() / series**0.5


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("baseline_nights", [14, 30])
def test_false_alarms_come_as_seldom_as_stated(baseline_nights, sides):
    rate, se = alarms(np.random.default_rng(1), 300, 4000, baseline_nights, sides)
    assert abs(rate - 1 / 370) < 4 * se
    assert se < 0.12 / 370


def test_limits_that_take_the_baseline_for_known_raise_more_than_twice_as_many():
    rate, _ = alarms(np.random.default_rng(2), 300, 2000, 30, 1, limit_nights=1e6)
    assert rate > 2.0 / 370


def test_a_degrading_series_is_noticed_within_days():
    rng = np.random.default_rng(3)
    reference = chart_baseline(rng.normal(0.4, 0.02, (2000, 30)))
    chart = ewma_chart(rng.normal(0.43, 0.02, (2000, 30)), reference)  # 1.5 standard deviations worse
    noticed = np.where(chart.alarm.any(axis=1), chart.alarm.argmax(axis=1) + 1, 31)
    assert np.median(noticed) <= 8
    better = ewma_chart(rng.normal(0.37, 0.02, (2000, 30)), reference)
    assert better.alarm.any(axis=1).mean() < 0.01


@pytest.mark.parametrize(
    ("values", "weights", "mean", "sd", "nights"),
    [
        ([1.0, 2.0, 3.0], 1.0, 2.0, 1.0, 3),
        ([1.0, NAN, 3.0], 1.0, 2.0, 2**0.5, 2),
        ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], 2.0, 2**0.5, 2),
        # a night of nine observations counts nine times, and strays a third as far
        ([1.0, 2.0], [9.0, 1.0], 1.1, 0.9**0.5, 2),
        ([1.0], 1.0, 1.0, NAN, 1),
        ([NAN, NAN], 1.0, NAN, NAN, 0),
        ([5.0, 5.0], 1.0, 5.0, 0.0, 2),
    ],
)
def test_baselines_by_example(values, weights, mean, sd, nights):
    np.testing.assert_allclose(chart_baseline(values, weights), [mean, sd, nights], rtol=1e-12)


def test_a_night_of_few_observations_alarms_less():
    reference = ChartBaseline(0.4, 0.1, 30.0)
    few, many = (ewma_chart([0.45], reference, count).statistic[0] for count in (4.0, 100.0))
    np.testing.assert_allclose([few, many], [0.2, 1.0])


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        (ChartBaseline(0.4, 0.1, 9.0), "short"),
        (ChartBaseline(0.4, 0.0, 30.0), "flat"),
        (ChartBaseline(NAN, NAN, 0.0), "none"),
    ],
)
def test_no_chart_without_a_baseline(reference, why):
    chart = ewma_chart([9.0, 9.0], reference)
    assert np.isnan(chart.limit)
    assert np.isnan(chart.statistic).all()
    assert not chart.alarm.any()


def test_a_night_without_a_value_changes_nothing_and_an_alarm_restarts_the_chart():
    chart = ewma_chart([[2.0, NAN, 2.0, 9.0, 0.0]], ChartBaseline([0.0], [1.0], [30.0]))
    np.testing.assert_allclose(chart.statistic, [[0.4, 0.4, 0.72, 2.376, 0.0]])
    np.testing.assert_array_equal(chart.alarm, [[False, False, False, True, False]])
    assert ewma_chart(np.empty((2, 0)), ChartBaseline([0.0, 0.0], [1.0, 1.0], [30.0, 30.0])).alarm.shape == (2, 0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ewma_limit(9.0), "10 nights"),
        (lambda: ewma_limit(30.0, 1.0), "nights per false alarm"),
        (lambda: run_length(1.0, smoothing=0.0), "smoothing"),
        (lambda: run_length(1.0, sides=3), "sides"),
    ],
)
def test_figures_outside_their_range(call, words):
    with pytest.raises(ValueError, match=words):
        call()
