"""Moving averages over days: against the definition day by day, and Polars' own where a day counts once."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.stats import decayed_sums_by

DAY = st.tuples(st.integers(1, 40), st.integers(1, 50), st.floats(0.0, 1.0))
SERIES = st.lists(st.lists(DAY, min_size=1, max_size=6), min_size=1, max_size=3)


@given(series=SERIES, half_life=st.sampled_from([1, 7, 30]), data=st.data())
def test_each_day_takes_from_what_was_known_by_its_gap_in_any_order_of_rows(series, half_life, data):
    rows, expected = [], []
    for code, days in enumerate(series):
        at, known = 0, None
        for gap, n, mean in days:
            at += gap
            left = 0.0 if known is None else 2.0 ** (-gap / half_life)
            n_before, total_before = known or (0.0, 0.0)
            known = ((1 - left) * n + left * n_before, (1 - left) * n * mean + left * total_before)
            rows.append((code, at, n, n * mean))
            expected.append(known)
    found = decayed_sums_by(*zip(*rows, strict=True), half_life_days=half_life)
    np.testing.assert_allclose(np.transpose(found), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.mean, [total / n for n, total in expected], rtol=1e-12, atol=1e-15)
    order = data.draw(st.permutations(range(len(rows))))
    shuffled = decayed_sums_by(*zip(*(rows[at] for at in order), strict=True), half_life_days=half_life)
    assert np.array_equal(np.array(shuffled), np.array(found)[:, order])


def test_of_one_observation_a_day_it_is_the_moving_average_of_polars():
    rng = np.random.default_rng(3)
    days = np.cumsum(rng.integers(1, 9, 50))
    values = rng.random(50)
    frame = pl.DataFrame({"day": [date(2026, 1, 1) + timedelta(days=int(day)) for day in days], "value": values})
    expected = frame.select(pl.col("value").ewm_mean_by("day", half_life="7d"))["value"].to_numpy()
    found = decayed_sums_by(np.zeros(50, dtype=int), days, np.ones(50), values, half_life_days=7)
    np.testing.assert_allclose(found.mean, expected, rtol=1e-12)


def test_nothing_gives_nothing_and_a_half_life_is_needed():
    assert decayed_sums_by([], [], [], [], half_life_days=7).mean.size == 0
    with pytest.raises(ValueError, match="half-life above 0"):
        decayed_sums_by([0], [0], [1], [0.5], half_life_days=0)
