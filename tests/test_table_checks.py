"""The one look at all rules of a table finds a frame clean only where Pandera does."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake import tables, testing
from kaizenlake.errors import TableInvalidError
from kaizenlake.tables import CrlTrends, Events, PerformanceTiers, base

SAMPLES = (Events, PerformanceTiers, CrlTrends)
SPOILS = (None, -1, 2, 10**9, float("nan"), "other")


def accepted(table, frame):
    """What Pandera says by itself."""
    try:
        table.validate(frame, lazy=True)
    except pa.errors.SchemaErrors:
        return False
    return True


@pytest.mark.parametrize("table", SAMPLES, ids=tables.name)
def test_one_look_is_no_kinder_than_pandera(table):
    whole = testing.sample(table, 500).head(20)
    assert base._is_clean(table, whole)
    assert accepted(table, whole)

    @given(st.sampled_from(whole.columns), st.sampled_from(SPOILS), st.integers(0, 19))
    def check(name, spoil, row):
        value = pl.lit(spoil).cast(whole.schema[name], strict=False)
        here = pl.int_range(pl.len()) == row
        try:
            frame = whole.with_columns(pl.when(here).then(value).otherwise(name).alias(name))
        except pl.exceptions.PolarsError:
            return
        nan = spoil != spoil and whole.schema[name].is_float()  # noqa: PLR0124 - NaN alone is not itself
        assert base._is_clean(table, frame) <= accepted(table, frame)
        if accepted(table, frame) and not nan:
            assert base._is_clean(table, frame)

    check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop("tier"), "tier"),
        (lambda frame: frame.with_columns(more=1), "more"),
        (lambda frame: frame.with_columns(pl.col("impressions").cast(pl.Int32)), "impressions"),
        (lambda frame: frame.with_columns(tier=pl.lit("super")), "tier: isin"),
        (lambda frame: frame.with_columns(impressions=pl.lit(-1, pl.Int64)), "impressions: greater_than"),
        (lambda frame: frame.with_columns(engagement_rate=pl.lit(float("nan"))), "NaN"),
    ],
)
def test_what_is_wrong_is_told_as_ever(change, words):
    with pytest.raises(TableInvalidError, match=words):
        tables.check(PerformanceTiers, change(testing.sample(PerformanceTiers, 100).head(5)))
