"""Every written frame goes through Pandera: each kind of rule that a table may declare finds its bad rows."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest
from pandera.config import ValidationDepth, config_context

from kaizenlake import tables, testing
from kaizenlake.errors import TableInvalidError
from kaizenlake.tables import PerformanceTiers
from kaizenlake.tables.base import Table, column, table
from kaizenlake.tables.base.checks import _list_changes
from kaizenlake.tables.base.model import make_one_check


@table(layer="gold", grain=("name", "place"))
class Drinks(Table):
    """A table with a rule of every kind that Pandera knows for a column, and one for a whole frame."""

    name: str = pa.Field(unique=True)
    size: str = column("Size.", isin=("small", "large"))
    price: float = column("Price.", ge=0.5, le=9)
    stock: pl.Int64 = pa.Field(gt=0, lt=100)
    code: str = pa.Field(str_matches="^[A-Z]{2}$", str_length={"max_value": 2})
    place: str = pa.Field(notin=["floor"], nullable=True)
    note: str = column("A note.", nullable=True)

    @pa.check("note")
    def is_no_shout(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - Pandera makes it a class method
        return data.lazyframe.select(~pl.col(data.key).str.contains("!"))

    @pa.dataframe_check
    def the_large_cost_more(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - as above
        return data.lazyframe.select((pl.col("size") == "small") | (pl.col("price") > 1))

    class Config:
        unique = ["code", "place"]  # noqa: RUF012 - Pandera's own form


GOOD = {
    "name": ["tea", "mate", "water"],
    "size": ["small", "large", "small"],
    "price": [0.5, 9.0, 1.0],
    "stock": [1, 99, 5],
    "code": ["TE", "MA", "WA"],
    "place": ["shelf", None, "shelf"],
    "note": [None, "warm", ""],
}
BAD = {
    "a value below the least": ("price", 0.4, "price: greater_than_or_equal_to"),
    "a value above the most": ("price", 9.5, "price: less_than_or_equal_to"),
    "a value at an open lower end": ("stock", 0, "stock: greater_than"),
    "a value at an open upper end": ("stock", 100, "stock: less_than"),
    "a value that is not of the list": ("size", "huge", "size: isin"),
    "a value that is of the forbidden ones": ("place", "floor", "place: notin"),
    "a text of another form": ("code", "x", "code: str_matches"),
    "a null where none may be": ("name", None, "name: not_nullable"),
    "a value twice": ("name", "water", "name: field_uniqueness"),
    "a rule of its own for a column": ("note", "Hot!", "note: is_no_shout"),
    "a rule of its own for the frame": ("price", 0.9, "the_large_cost_more"),
    "a figure that is not a number": ("price", float("nan"), "NaN"),
}


def drinks(**change):
    frame = pl.DataFrame(GOOD, schema=tables.schema(Drinks))
    return frame.with_columns(**change)


def spoil(name, value, row=1):
    dtype = tables.schema(Drinks)[name]
    return drinks(**{name: pl.when(pl.int_range(pl.len()) == row).then(pl.lit(value, dtype)).otherwise(name)})


def test_good_rows_pass():
    assert tables.check(Drinks, drinks()).equals(drinks())
    parts = list(tables.check_parts(Drinks, (drinks().slice(row, 1) for row in range(3))))
    assert pl.concat(parts).equals(drinks())


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "-"))
def test_each_kind_of_rule_finds_its_bad_rows(case):
    name, value, words = BAD[case]
    with pytest.raises(TableInvalidError, match=words):
        tables.check(Drinks, spoil(name, value))


def test_one_check_holds_all_rules_of_our_tables_and_none_of_a_table_with_rules_of_its_own(monkeypatch):
    assert [table for table in tables.TABLES if make_one_check(table) is None] == []
    assert [make_one_check(table) for table in (Drinks, Sums)] == [None, None]
    rows = testing.sample(PerformanceTiers, 100).head(5)
    looked_at = []
    monkeypatch.setattr(pa.DataFrameSchema, "validate", lambda schema, frame, **_: looked_at.append(schema) or frame)
    tables.check(PerformanceTiers, rows)
    assert looked_at == [make_one_check(PerformanceTiers)], "Pandera looks at each frame, once"


@pytest.mark.parametrize(
    "turned_off",
    [{"validation_enabled": False}, {"validation_depth": ValidationDepth.SCHEMA_ONLY}],
    ids=lambda item: next(iter(item)),
)
def test_no_setting_of_pandera_turns_rules_off(turned_off):
    with config_context(**turned_off), pytest.raises(TableInvalidError, match="stock: less_than"):
        tables.check(Drinks, spoil("stock", 100))


@table(layer="gold", grain=("name",))
class Sums(Table):
    """A table with a rule for all rows together, and one with a custom name."""

    share: float = pa.Field(in_range={"min_value": 0, "max_value": 1})
    name: str = pa.Field(str_startswith="a", str_contains="b")

    @pa.dataframe_check(name="shares_sum_to_one")
    def shares(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - as above
        return data.lazyframe.select(pl.col("share").sum() == 1)


@pytest.mark.parametrize(
    ("shares", "names", "words"),
    [
        ([0.5, 0.5], ["ab", "abc"], None),
        ([0.5, 0.4], ["ab", "abc"], "shares_sum_to_one"),
        ([1.5, -0.5], ["ab", "abc"], "share: in_range"),
        ([0.5, 0.5], ["ab", "bb"], "name: str_startswith"),
        ([0.5, 0.5], ["ab", "ac"], "name: str_contains"),
    ],
)
def test_rules_of_ranges_texts_and_all_rows_together_are_kept(shares, names, words):
    frame = pl.DataFrame({"share": shares, "name": names})
    if words is None:
        assert tables.check(Sums, frame).equals(frame)
    else:
        with pytest.raises(TableInvalidError, match=words):
            tables.check(Sums, frame)


def test_a_model_that_would_change_rows_while_it_checks_is_refused():
    class Dropping(Drinks):
        class Config(Drinks.Config):
            drop_invalid_rows = True

    class Coercing(Drinks):
        class Config(Drinks.Config):
            coerce = True

    for model, kind in ((Dropping, "drop_invalid_rows"), (Coercing, "coerce")):
        with pytest.raises(TableInvalidError, match=f"declares {kind}, which changes rows"):
            tables.check(model, drinks())
    assert not [table for table in tables.TABLES if _list_changes(table)]


def test_what_must_differ_over_several_columns_or_parts_is_found():
    two = {"code": pl.Series(["TE", "MA", "TE"])}
    with pytest.raises(TableInvalidError, match="multiple_fields_uniqueness"):
        tables.check(Drinks, drinks(**two))
    for change in (two, {"name": pl.Series(["tea", "mate", "tea"])}):
        with pytest.raises(TableInvalidError, match="not unique: 1 row too many"):
            list(tables.check_parts(Drinks, (drinks(**change).slice(row, 1) for row in range(3))))


def test_the_grain_is_unique_where_no_rule_of_a_column_says_so():
    rows = testing.sample(PerformanceTiers, 100).head(5)
    with pytest.raises(TableInvalidError, match="not unique: 5 rows too many"):
        tables.check(PerformanceTiers, pl.concat([rows, rows]))


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
def test_a_frame_of_another_form_is_refused_in_words(change, words):
    with pytest.raises(TableInvalidError, match=words):
        tables.check(PerformanceTiers, change(testing.sample(PerformanceTiers, 100).head(5)))
