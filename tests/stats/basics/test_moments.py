from pathlib import Path

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.stats.basics.moments import Moments, merge_moments, merge_moments_by, moments, moments_by

NAN = float("nan")

# NIST Statistical Reference Datasets, univariate summary statistics (public domain).
MICHELSON = (
    "85 74 90 107 93 85 95 98 98 88 100 98 93 65 76 81 100 100 96 96 96 94 96 94 88 80 85 88 90 84 83 79 81 88 88 83 80 "
    "79 76 80 88 88 88 86 72 72 62 86 97 95 88 91 85 87 84 84 85 84 84 84 89 81 81 82 80 77 76 74 75 76 91 92 89 86 88 "
    "72 84 85 85 78 89 84 78 81 76 81 79 81 82 85 87 87 81 74 81 94 95 80 81 87"
)
MAVRO = (
    "18 17 18 19 18 17 15 14 15 15 17 18 18 19 19 21 20 16 14 13 13 15 15 16 15 14 13 14 15 14 15 16 15 16 19 20 20 21 "
    "22 23 24 25 27 26 26 26 27 26 25 24"
)


def alternating(first, low, high):
    return [first] + [low, high] * 500


NIST = [
    (
        "Michelso",
        [float(f"{299 + int(v) // 100}.{int(v) % 100:02d}") for v in MICHELSON.split()],
        299.8524,
        0.0790105478190518,
        1e-11,
    ),
    ("Mavro", [float(f"2.00{v}") for v in MAVRO.split()], 2.001856, 0.000429123454003053, 1e-11),
    ("NumAcc1", [10_000_001, 10_000_003, 10_000_002], 10_000_002, 1.0, 0.0),
    ("NumAcc2", alternating(1.2, 1.1, 1.3), 1.2, 0.1, 1e-14),
    ("NumAcc3", alternating(1_000_000.2, 1_000_000.1, 1_000_000.3), 1_000_000.2, 0.1, 1e-9),
    # a float64 near ten million is itself off by up to 1e-9, a hundred-millionth of the spread
    ("NumAcc4", alternating(10_000_000.2, 10_000_000.1, 10_000_000.3), 10_000_000.2, 0.1, 1e-8),
]


@pytest.mark.parametrize(("name", "values", "mean", "sd", "tolerance"), NIST, ids=[case[0] for case in NIST])
def test_nist_univariate_reference(name, values, mean, sd, tolerance):
    whole = moments(values)
    in_parts = merge_moments(moments(values[::3]), merge_moments(moments(values[1::3]), moments(values[2::3])))
    one_by_one = Moments(np.array(0.0), np.array(NAN), np.array(0.0))
    for value in values:
        one_by_one = merge_moments(one_by_one, Moments(np.array(1.0), np.array(value), np.array(0.0)))
    for found in (whole, in_parts, one_by_one):
        assert found.n == len(values)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-15)
        np.testing.assert_allclose(
            np.sqrt(found.variance), sd, rtol=max(tolerance, 1e-9 if found is one_by_one else tolerance)
        )


NIST_ANOVA = Path(scipy.__file__).parent / "stats/tests/data/nist_anova"


@pytest.mark.skipif(not NIST_ANOVA.is_dir(), reason="this scipy comes without NIST's reference data")
@pytest.mark.parametrize(
    ("name", "between", "within", "tolerance"),
    [
        ("AtmWtAg", 3.63834187500000e-09, 1.04951729166667e-08, 1e-6),
        ("SmLs03", 1.60080000000000e02, 1.80000000000000e02, 1e-12),
        ("SmLs06", 1.60080000000000e02, 1.80000000000000e02, 1e-8),
        # thirteen leading digits in common: a float64 holds the tenths to about 1e-4
        ("SmLs09", 1.60080000000000e02, 1.80000000000000e02, 2e-2),
    ],
)
def test_nist_analysis_of_variance_from_merged_moments(name, between, within, tolerance):
    group, values = np.loadtxt(NIST_ANOVA / f"{name}.dat", skiprows=60, unpack=True)
    parts = moments_by(group.astype(int) - 1, values)
    whole = merge_moments_by(np.zeros(parts.n.size, dtype=int), parts)
    np.testing.assert_allclose(parts.m2.sum(), within, rtol=tolerance)
    np.testing.assert_allclose(whole.m2[0] - parts.m2.sum(), between, rtol=tolerance)
    np.testing.assert_allclose(whole.m2, moments(values).m2, rtol=tolerance)


@pytest.mark.parametrize(
    ("values", "n", "mean", "m2", "variance"),
    [
        ([], 0, NAN, 0.0, NAN),
        ([NAN, NAN], 0, NAN, 0.0, NAN),
        ([4.0], 1, 4.0, 0.0, NAN),
        ([4.0, NAN, 6.0], 2, 5.0, 2.0, 2.0),
        ([7.5] * 1000, 1000, 7.5, 0.0, 0.0),
        ([0.1] * 1000, 1000, 0.1, 0.0, 0.0),
    ],
)
def test_edges(values, n, mean, m2, variance):
    found = moments(values)
    np.testing.assert_allclose([*found, found.variance], [n, mean, m2, variance], rtol=1e-15, atol=1e-25)


SAMPLES = st.lists(st.floats(-1e6, 1e6) | st.just(NAN), max_size=30)


@given(SAMPLES, SAMPLES, SAMPLES)
def test_merging_is_associative_and_gives_the_whole(first, second, third):
    a, b, c = map(moments, (first, second, third))
    whole = moments(first + second + third)
    scale = np.nanmax(np.abs([*first, *second, *third, 1.0]))
    for merged in (
        merge_moments(merge_moments(a, b), c),
        merge_moments(a, merge_moments(b, c)),
        merge_moments(c, merge_moments(b, a)),
    ):
        assert merged.n == whole.n
        np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12, atol=1e-12 * scale)
        np.testing.assert_allclose(merged.m2, whole.m2, rtol=1e-10, atol=1e-12 * scale**2)


@given(SAMPLES)
def test_an_empty_side_changes_nothing(values):
    some, none = moments(values), moments([])
    for merged in (merge_moments(some, none), merge_moments(none, some)):
        np.testing.assert_array_equal(merged, some)


ROWS = st.lists(st.tuples(st.integers(0, 4), st.floats(-1e6, 1e6) | st.just(NAN)), max_size=50)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows, random):
    one, other = (
        moments_by(np.array([code for code, _ in some], dtype=int), [value for _, value in some], n_groups=5)
        for some in (rows, random.sample(rows, len(rows)))
    )
    np.testing.assert_array_equal(one, other)


@given(ROWS)
def test_groups_have_the_moments_of_numpy(rows):
    codes, values = np.array([code for code, _ in rows], dtype=int), np.array([value for _, value in rows])
    found = moments_by(codes, values, n_groups=6)
    for code in range(6):
        sample = values[(codes == code) & ~np.isnan(values)]
        assert found.n[code] == sample.size
        if sample.size:
            np.testing.assert_allclose(found.mean[code], sample.mean(), rtol=1e-12, atol=1e-9)
            np.testing.assert_allclose(found.m2[code], sample.var() * sample.size, rtol=1e-9, atol=1e-6)


@given(ROWS, st.integers(1, 5))
def test_days_merge_into_the_lifetime_whatever_the_days(rows, days):
    codes, values = np.array([code for code, _ in rows], dtype=int), np.array([value for _, value in rows])
    parts = [moments_by(codes[day::days], values[day::days], n_groups=5) for day in range(days)]
    stacked = Moments(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    merged = merge_moments_by(np.tile(np.arange(5), days), stacked)
    whole = moments_by(codes, values, n_groups=5)
    np.testing.assert_array_equal(merged.n, whole.n)
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(merged.m2, whole.m2, rtol=1e-9, atol=1e-4)


def test_a_sum_of_squares_would_have_lost_it():
    values = np.array(alternating(10_000_000.2, 10_000_000.1, 10_000_000.3))
    textbook = (np.sum(values**2) - np.sum(values) ** 2 / values.size) / (values.size - 1)
    assert abs(textbook - 0.01) > 0.001
    np.testing.assert_allclose(moments(values).variance, 0.01, rtol=2e-8)
