"""The one order in which rows are added up: by group and then by value, however counts are sorted to get there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.stats.basics._arrays import canonical

WHOLE = st.integers(0, 50).map(float)
ANY = st.floats(allow_nan=False)
HUGE = st.sampled_from([0.0, 1.0, 2.0**31, 2.0**52, 1e300, np.inf])


@pytest.mark.parametrize("numbers", [WHOLE, ANY, HUGE, WHOLE | ANY], ids=["whole", "any", "huge", "both"])
@given(data=st.data())
def test_rows_come_in_the_order_of_their_group_and_values(numbers, data):
    drawn = data.draw(st.lists(st.tuples(st.integers(0, 5), numbers, numbers), max_size=40))
    codes = np.array([row[0] for row in drawn], dtype=np.int64)
    first, second = (np.array([row[place] for row in drawn]) for place in (1, 2))
    ordered, (first, second) = canonical(codes, first, second)
    assert list(zip(ordered.tolist(), first.tolist(), second.tolist(), strict=True)) == sorted(drawn)


def test_a_missing_number_comes_last():
    codes, (values,) = canonical(np.array([1, 0, 0]), np.array([1.0, np.nan, 2.0]))
    assert codes.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(values, [2.0, np.nan, 1.0])
