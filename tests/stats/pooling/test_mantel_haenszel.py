"""Two rates within strata, against statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable

from kaizenlake.stats import mantel_haenszel_by, two_proportions

STONES = ([81, 192], [87, 263], [234, 55], [270, 80])


def reference(wins_a, n_a, wins_b, n_b):
    rows = zip(wins_a, n_a, wins_b, n_b, strict=True)
    return StratifiedTable([np.array([[a, m - a], [b, n - b]], dtype=float) for a, m, b, n in rows])


def test_what_wins_in_every_stratum_wins_although_its_raw_rate_is_lower():
    found = mantel_haenszel_by([0, 0], *STONES)
    wins_a, n_a, wins_b, n_b = map(sum, STONES)

    assert wins_a / n_a < wins_b / n_b
    assert found.lift[0] > 0
    assert found.rate_a[0] > found.rate_b[0]
    assert found.strata[0] == 2


counts = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(counts, min_size=2, max_size=6))
def test_ratio_and_test_are_those_of_statsmodels(strata):
    columns = list(zip(*strata, strict=True))
    found = mantel_haenszel_by([0] * len(strata), *columns)
    table = reference(*columns)

    if sum(columns[2]):
        assert found.lift[0] + 1 == pytest.approx(table.riskratio_pooled)
    else:
        assert np.isnan(found.lift[0])
    wins, n = np.add(columns[0], columns[2]), np.add(columns[1], columns[3])
    if np.any((wins > 0) & (wins < n)):
        surplus = sum(columns[0]) - sum(np.array(columns[1]) * wins / n)
        # Statsmodels lets the correction turn the sign where wins are as expected; ours stops at none.
        expected = table.test_null_odds(correction=True).pvalue if abs(surplus) > 0.5 else 1.0
        assert found.p_value[0] == pytest.approx(expected)
    else:
        assert found.p_value[0] == 1.0


def test_one_stratum_is_the_test_of_two_proportions():
    found = mantel_haenszel_by([0], [8], [10], [2], [15])
    single = two_proportions(8, 10, 2, 15)

    assert found.lift[0] == pytest.approx(float(single.lift))
    assert found.p_value[0] == float(single.p_value)


def test_a_stratum_without_one_of_the_sides_says_nothing():
    found = mantel_haenszel_by([0, 0, 1], [8, 5, 3], [10, 5, 4], [2, 0, 0], [15, 0, 0])

    assert found.strata.tolist() == [1, 0]
    assert found.lift[0] == mantel_haenszel_by([0], [8], [10], [2], [15]).lift[0]
    assert found.adjusted_rate_a[0] == pytest.approx(8 / 10)
    assert np.isnan([found.lift[1], found.p_value[1], found.rate_a[1], found.adjusted_rate_a[1]]).all()


def test_the_adjusted_rate_is_that_of_the_mix_of_both_sides():
    found = mantel_haenszel_by([0, 0], *STONES)
    expected = 87 * 315 / 357 + 263 * 247 / 343

    assert found.adjusted_rate_a[0] == pytest.approx((81 + 192) / expected * (315 + 247) / 700)
    assert mantel_haenszel_by([0], [0], [5], [0], [9]).adjusted_rate_a[0] == 0.0


@given(st.permutations(range(4)))
def test_the_order_of_the_strata_changes_no_bit(order):
    columns = [[3, 9, 14, 2], [11, 30, 17, 5], [1, 12, 9, 0], [7, 41, 23, 3]]
    shuffled = [[column[place] for place in order] for column in columns]

    for one, other in zip(mantel_haenszel_by([0] * 4, *columns), mantel_haenszel_by([0] * 4, *shuffled), strict=True):
        assert one.tobytes() == other.tobytes()
