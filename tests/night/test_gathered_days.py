"""Which days are made again of a table that gathers each key on the day it begins: as if all had been."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.job import Gathering, astray, at_home
from kaizenlake.night.gathered_days import find_reopened_homes

KEYS = ("tenant_id", "run_id")
RULE = Gathering(KEYS, ("BEGINS",))
SCHEMA = {"tenant_id": pl.String, "run_id": pl.String, "event_date": pl.Date, "event_type": pl.String}
DAY = [date(2026, 3, 1) + timedelta(days=ahead) for ahead in range(6)]

ROWS = st.sets(
    st.tuples(
        st.sampled_from(("t", None)), st.sampled_from("abc"), st.sampled_from(DAY), st.sampled_from(("BEGINS", "LATER"))
    ),
    max_size=24,
)


def frame(rows):
    return pl.LazyFrame(sorted(rows, key=str), schema=SCHEMA, orient="row")


def gathered(rows):
    """What a job makes of the rows that it gets: one row a key that begins, with the number of all its rows."""
    return (
        rows.group_by(KEYS)
        .agg(
            event_date=pl.col("event_date").filter(pl.col("event_type") == "BEGINS").min(),
            first_told_date=pl.col("event_date").min(),
            last_told_date=pl.col("event_date").max(),
            records=pl.len(),
        )
        .filter(pl.col("event_date").is_not_null())
    )


def by_days(rows, days, elsewhere):
    here = rows.filter(pl.col("event_date").is_in(sorted(days)))
    return gathered(at_home(here, rows, elsewhere, days, RULE))


@given(ROWS, ROWS, st.sets(st.sampled_from(DAY)))
def test_days_made_again_are_those_of_the_whole(before, drawn, changed):
    now = {row for row in before if row[2] not in changed} | {row for row in drawn if row[2] in changed}
    former = gathered(frame(before))
    days, elsewhere = find_reopened_homes(frame(now), former, frozenset(changed), RULE)
    again = by_days(frame(now), days, elsewhere).collect()
    assert days >= changed
    assert set(again["event_date"]) <= days
    stay = former.filter(~pl.col("event_date").is_in(sorted(days))).collect()
    assert set(pl.concat([stay, again]).iter_rows()) == set(gathered(frame(now)).collect().iter_rows())


@given(ROWS)
def test_each_day_alone_makes_its_part_of_the_whole(rows):
    elsewhere = astray(frame(rows), RULE).collect()
    parts = pl.concat([by_days(frame(rows), [day], elsewhere) for day in DAY]).collect()
    assert sorted(parts.rows(), key=str) == sorted(gathered(frame(rows)).collect().rows(), key=str)


def test_a_day_that_brings_only_new_keys_reopens_itself_alone():
    former = {(None, "a", DAY[0], "BEGINS"), (None, "b", DAY[1], "BEGINS"), (None, "b", DAY[3], "LATER")}
    new = former | {(None, "c", DAY[4], "BEGINS")}
    days, elsewhere = find_reopened_homes(frame(new), gathered(frame(former)), frozenset({DAY[4]}), RULE)
    assert (days, elsewhere.height) == ({DAY[4]}, 0)
