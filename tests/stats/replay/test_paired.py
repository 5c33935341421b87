import numpy as np
import pytest
from scipy import stats as scipy_stats

from kaizenlake.stats.replay.paired import paired_change, repeated_change

NAN = float("nan")


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_one_pair_a_unit_is_the_paired_t_test(confidence):
    rng = np.random.default_rng(1)
    before, after = rng.random(40), rng.random(40)
    change = paired_change(after - before, rng.permutation(40), confidence=confidence)
    found = scipy_stats.ttest_rel(after, before)
    interval = found.confidence_interval(confidence)
    assert (change.ci_low, change.ci_high) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert change.effect / change.se == pytest.approx(found.statistic, rel=1e-12)


def test_pairs_of_a_unit_that_say_the_same_are_one():
    differences = np.random.default_rng(2).random(30)
    once = paired_change(differences, np.arange(30))
    often = paired_change(np.repeat(differences, 10), np.repeat(np.arange(30), 10))
    assert often == pytest.approx(once, rel=1e-12)
    naive = paired_change(np.repeat(differences, 10), np.arange(300))
    assert naive.se < once.se / 3


def test_intervals_cover_where_units_differ_and_are_of_any_size():
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(400):
        sizes = rng.integers(1, 8, 40)
        units = np.repeat(np.arange(40), sizes)
        values = 0.1 + rng.normal(0, 0.2, 40)[units] + rng.normal(0, 0.1, units.size)
        change = paired_change(values, units)
        covered.append(change.ci_low <= 0.1 <= change.ci_high)
    assert np.mean(covered) > 0.95 - 4 * (0.95 * 0.05 / 400) ** 0.5 - 0.01


def test_what_cannot_be_known_is_nan():
    assert np.isnan(paired_change([], []).effect)
    alone = paired_change([0.1, 0.2], [0, 0])
    assert (alone.effect, alone.units) == (pytest.approx(0.15), 1)
    assert np.isnan([alone.se, alone.ci_low, alone.ci_high]).all()
    assert paired_change([0.1, NAN, 0.3], [0, 1, 2]) == paired_change([0.1, 0.3], [0, 1])


def test_the_same_difference_everywhere_is_sure():
    change = paired_change(np.zeros(20), np.arange(20))
    assert (change.effect, change.ci_low, change.ci_high) == (0.0, 0.0, 0.0)


def test_the_same_bits_in_any_order():
    rng = np.random.default_rng(4)
    values, units = rng.random(50), rng.integers(0, 9, 50)
    order = rng.permutation(50)
    assert paired_change(values, units) == paired_change(values[order], units[order])


def again(seed, runs=40, seeds=5):
    """Runs made again: before, after, and the codes of run, seed and unit; a tenth of the answers is lost."""
    rng = np.random.default_rng(seed)
    run, number = (part.ravel() for part in np.indices((runs, seeds)))
    before, unit = rng.random(runs), rng.integers(0, 12, runs)
    kept = rng.random(run.size) < 0.9
    after = np.clip(before[run] - 0.05 + rng.normal(0, 0.1, run.size), 0, 1)
    return tuple(part[kept] for part in (before[run], after, run, number, unit[run]))


def test_runs_made_again_are_compared_by_the_mean_of_their_seeds():
    before, after, run, seed, unit = again(5)
    found = repeated_change(before, after, run, seed, unit, confidence=0.9)
    of_run = np.array([after[run == one].mean() for one in range(40)])
    was = np.array([before[run == one][0] for one in range(40)])
    units = np.array([unit[run == one][0] for one in range(40)])
    assert found.change == pytest.approx(paired_change(of_run - was, units, confidence=0.9), rel=1e-12)
    assert (found.before, found.after, found.runs) == pytest.approx((was.mean(), of_run.mean(), 40))
    by_seed = [after[seed == one].mean() for one in range(5)]
    assert found.seeds_sd == pytest.approx(np.std(by_seed, ddof=1), rel=1e-12)


def test_runs_made_again_give_the_same_bits_in_any_order():
    given = again(6)
    order = np.random.default_rng(7).permutation(given[0].size)
    assert repeated_change(*given) == repeated_change(*(part[order] for part in given))


def test_of_no_run_made_again_nothing_is_known():
    found = repeated_change([], [], [], [], [])
    assert (found.runs, found.change.units) == (0, 0)
    assert np.isnan([found.before, found.after, found.seeds_sd, found.change.effect]).all()
