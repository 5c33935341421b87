from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake import stats
from kaizenlake.stats import expressions

NAN = float("nan")
COUNT = st.none() | st.integers(0, 60) | st.sampled_from([NAN, -1.0, 2.5])
TABLES = st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), max_size=30)
SCHEMA = {"wins_a": pl.Float64, "n_a": pl.Float64, "wins_b": pl.Float64, "n_b": pl.Float64}


def frame(rows, schema):
    return pl.DataFrame(rows, schema=schema, orient="row", strict=False)


def arrays(data, *names):
    return [data[name].fill_null(NAN).to_numpy() for name in names]


def assert_same(struct, expected):
    found = struct.struct.unnest()
    assert found.columns == list(expected._fields)
    for name, values in expected._asdict().items():
        assert not found[name].is_nan().any()
        np.testing.assert_allclose(found[name].fill_null(NAN).to_numpy(), values, rtol=1e-12, atol=1e-15)


@given(TABLES)
def test_expressions_say_what_the_array_functions_say(rows):
    data = frame(rows, SCHEMA)
    table = ("wins_a", "n_a", "wins_b", "n_b")
    found = (
        data.lazy()
        .select(
            wilson=expressions.wilson("wins_a", "n_a", 0.9),
            compared=expressions.two_proportions(*table, confidence=0.9),
            ratio=expressions.log_risk_ratio(*table),
        )
        .collect()
    )
    wins_a, n_a, wins_b, n_b = arrays(data, *table)
    assert_same(found["wilson"], stats.wilson(wins_a, n_a, 0.9))
    assert_same(found["compared"], stats.two_proportions(wins_a, n_a, wins_b, n_b, 0.9))
    assert_same(found["ratio"], stats.log_risk_ratio(wins_a, n_a, wins_b, n_b))


FAMILIES = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.just(NAN) | st.floats(0, 1)), max_size=40)


@given(FAMILIES)
def test_q_values_within_groups(rows):
    data = frame(rows, {"family": pl.String, "p_value": pl.Float64})
    found = (
        data.lazy()
        .select(
            all=expressions.benjamini_hochberg("p_value"),
            each=expressions.benjamini_hochberg("p_value", over=["family"]),
        )
        .collect()
    )
    (p_value,) = arrays(data, "p_value")
    codes = data["family"].cast(pl.Enum(["a", "b", "c"])).to_physical().to_numpy()
    np.testing.assert_allclose(found["all"].fill_null(NAN).to_numpy(), stats.benjamini_hochberg(p_value), rtol=1e-12)
    np.testing.assert_allclose(
        found["each"].fill_null(NAN).to_numpy(), stats.benjamini_hochberg_by(codes, p_value), rtol=1e-12
    )


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_literal_stands_for_every_row_and_the_plan_knows_its_types(engine):
    data = pl.LazyFrame({"wins": [3, 0, None], "decided": [6, 6, 6]}).with_columns(
        compared=expressions.two_proportions("wins", "decided", pl.lit(0), pl.lit(6)),
        interval=expressions.wilson("wins", pl.lit(6)),
    )
    fields = {name: pl.Float64() for name in stats.TwoProportions._fields}
    assert data.collect_schema()["compared"] == pl.Struct(fields)
    result = data.collect(engine=engine)
    assert result["compared"].struct.field("p_value").round(4).to_list() == [0.1818, 1.0, None]
    assert result["compared"].struct.field("lift").to_list() == [None, None, None]
    assert result["interval"].struct.field("low").round(4).to_list() == [0.1876, 0.0, None]


PAIRS = st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12)), max_size=20)


@given(PAIRS)
def test_sums_of_whole_numbers_give_moments_without_a_lost_digit(pairs):
    parts = 1_000_000
    products = {
        "n": len(pairs),
        "a": sum(a for a, _ in pairs),
        "b": sum(b for _, b in pairs),
        "aa": sum(a * a for a, _ in pairs),
        "ab": sum(a * b for a, b in pairs),
    }
    sums = pl.DataFrame({name: pl.Series([value], dtype=pl.Int128) for name, value in products.items()})
    found = sums.select(
        mean=expressions.mean_of_sums("n", "a", parts),
        m2=expressions.deviations_of_sums("n", "a", "a", pl.col("aa"), parts),
        cross=expressions.deviations_of_sums("n", "a", "b", "ab", parts),
    ).row(0, named=True)
    if not pairs:
        assert set(found.values()) == {None}
        return
    n = len(pairs)
    a, b = (Fraction(products[name], n) for name in "ab")
    assert found["mean"] == pytest.approx(float(a / parts), rel=1e-15)
    assert found["m2"] == pytest.approx(float(sum((x - a) ** 2 for x, _ in pairs) / parts**2), rel=1e-15)
    assert found["cross"] == pytest.approx(float(sum((x - a) * (y - b) for x, y in pairs) / parts**2), rel=1e-15)
    assert found["m2"] >= 0.0
    assert (found["m2"] == 0.0) == (len({x for x, _ in pairs}) == 1)


@given(values=st.lists(st.integers(0, 999), min_size=1, max_size=60), share=st.sampled_from([0.05, 0.5, 0.95]))
def test_a_binned_quantile_is_the_mean_of_the_bin_of_the_true_one(values, share):
    bins = pl.DataFrame({"at": [value // 50 for value in values], "value": values})
    bins = bins.group_by("at").agg(pl.col("value").sum(), n=pl.len())
    found = bins.select(expressions.binned_quantile(share, "at", "n", "value")).item()
    true = int(np.quantile(values, share, method="inverted_cdf"))
    assert found == pytest.approx(np.mean([value for value in values if value // 50 == true // 50]))
    assert min(values) <= found <= max(values)
