"""Numbers as people write them become the number that is meant, or are refused."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.lake.mapping.figures import NumberField, Style, UnreadableNumberError, read, read_column

DOT, COMMA = Style(".", ",", is_declared=True), Style(",", ".", is_declared=True)
OPEN = Style()
READ = [
    # text, style, unit, number
    ("1.2K", OPEN, "", "1200"),
    ("64K", OPEN, "", "64000"),
    ("1.1M", OPEN, "", "1100000"),
    ("1,1 Mio. €", OPEN, "usd", "1100000"),
    ("$1,234.50", OPEN, "usd", "1234.50"),
    ("-$5", OPEN, "usd", "-5"),
    ("(1,234.50)", OPEN, "usd", "-1234.50"),
    ("1.234,50 €", OPEN, "usd", "1234.50"),
    ("1\u202f234,5", OPEN, "", "1234.5"),
    ("1'234.50", OPEN, "", "1234.50"),
    ("1,234,567", OPEN, "", "1234567"),
    ("9,99", OPEN, "", "9.99"),
    ("0.123", OPEN, "", "0.123"),
    ("12.000", DOT, "", "12.000"),
    ("12.000", COMMA, "", "12000"),
    ("12,000", DOT, "", "12000"),
    ("\u22123.5", OPEN, "", "-3.5"),
    ("0:00:21", OPEN, "seconds", "21"),
    ("1:30:00", OPEN, "hours", "1.5"),
    ("1,5e2", COMMA, "", "1.5e2"),
]


@pytest.mark.parametrize(("text", "style", "unit", "number"), READ)
def test_what_people_write_is_read(text, style, unit, number):
    assert read(text, style, unit).text == number


CLOCKS = [
    # text, what a time of two parts is, unit, number
    ("0:30", "m:ss", "seconds", "30"),
    ("12:05", "m:ss", "seconds", "725"),
    ("75:00", "m:ss", "hours", "1.25"),
    ("0:30", "h:mm", "seconds", "1800"),
    ("0:00:30", "h:mm", "seconds", "30"),
    ("30", "m:ss", "seconds", "30"),
]


@pytest.mark.parametrize(("text", "clock", "unit", "number"), CLOCKS)
def test_a_time_of_two_parts_is_what_the_mapping_says(text, clock, unit, number):
    assert read(text, OPEN, unit, clock).text == number
    found = read_column(pl.Series([text]), None, OPEN, NumberField(unit, clock=clock), seen=set())
    assert (found.texts.to_list(), found.faults) == ([number], {})


REFUSED = [
    ("9,99", DOT, "three digits follow it each time"),
    ("1,2", DOT, "three digits"),
    ("1,00", DOT, "three digits"),
    ("12,34,567", OPEN, "three digits"),
    ("1.2.3", COMMA, "three digits"),
    ("12.000", OPEN, "it may be 12000 or 12.000"),
    ("12,000", OPEN, "it may be 12000 or 12.000"),
    ("4:05", OPEN, 'say `format = "m:ss"`'),
    ("0:00:21", OPEN, "length of time"),
    ("< 0.70%", OPEN, "no part of a number"),
    ("5 apples", OPEN, "'apples'"),
    ("0x10", OPEN, "no part of a number"),
    ("many", OPEN, "no number"),
]


@pytest.mark.parametrize(("text", "style", "words"), REFUSED)
def test_what_is_no_number_or_might_be_two_is_refused(text, style, words):
    with pytest.raises(UnreadableNumberError, match=words):
        read(text, style)


COLUMNS = [
    # texts, what they become; one that stays as it is is refused
    (["12.000", "950"], ["12.000", "950"]),
    (["12.000", "0.5"], ["12.000", "0.5"]),
    (["12,000", "0.5"], ["12000", "0.5"]),
    (["12.000", "1.234.567"], ["12000", "1234567"]),
    (["1,234", "5,5"], ["1.234", "5.5"]),
    (["1.5", "1,5", "1.234"], ["1.5", "1.5", "1.234"]),
    (["8 %", None, "12.5%"], ["0.08", None, "0.125"]),
    (["nan", "x"], ["nan", "x"]),
]


@pytest.mark.parametrize(("texts", "made"), COLUMNS)
def test_a_column_is_read_as_those_of_its_cells_show_that_can_be_read_one_way_only(texts, made):
    found = read_column(pl.Series(texts, dtype=pl.String), None, OPEN, NumberField("rate"), seen=set())
    assert found.texts.to_list() == made


def test_an_ambiguous_column_is_refused_and_earlier_rows_of_the_file_count_as_evidence():
    cells = pl.Series(["12.000", "1.500"])
    assert set(read_column(cells, None, OPEN, NumberField(), seen=set()).faults) == {"12.000", "1.500"}
    seen: set[str] = set()
    read_column(pl.Series(["0.5"]), None, OPEN, NumberField(), seen=seen)
    assert read_column(cells, None, OPEN, NumberField(), seen=seen).faults == {}
    typed = read_column(cells, pl.Series([True, True]), OPEN, NumberField(), seen=set())
    assert (typed.faults, typed.texts.to_list()) == ({}, ["12.000", "1.500"])


def test_a_share_is_no_count_and_an_amount_of_money_is_no_other_number():
    assert "share" in read_column(pl.Series(["8 %"]), None, OPEN, NumberField(is_count=True), seen=set()).faults["8 %"]
    assert "no money" in read_column(pl.Series(["8 €"]), None, OPEN, NumberField(), seen=set()).faults["8 €"]
    assert read_column(pl.Series(["8 €", "$2"]), None, OPEN, NumberField("usd"), seen=set()).currencies == {
        "8 €": "€",
        "$2": "$",
    }


@given(number=st.integers(-(10**12), 10**12), places=st.integers(0, 4), style=st.sampled_from([DOT, COMMA]))
def test_any_number_written_with_marks_comes_back(number, places, style):
    whole, rest = divmod(abs(number), 10**places)
    digits = f"{whole:,}".replace(",", style.thousands) + (f"{style.decimal}{rest:0{places}d}" if places else "")
    sign = "-" if number < 0 else ""
    assert read(f"{sign}{digits}", style).text == sign + str(whole) + (f".{rest:0{places}d}" if places else "")
