"""Which days of a table of last days are made again: as if all had been, whatever came, went and moved."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.job import find_superseded, without
from kaizenlake.night.window_days import find_reopened_days

KEYS = ("project_id", "content_id")
SCHEMA = {"project_id": pl.String, "content_id": pl.String, "event_date": pl.Date}
DAY = [date(2026, 3, 1) + timedelta(days=ahead) for ahead in range(6)]

ROWS = st.sets(st.tuples(st.sampled_from(("p", None)), st.sampled_from("abc"), st.sampled_from(DAY)), max_size=20)


def frame(rows):
    return pl.LazyFrame(sorted(rows, key=str), schema=SCHEMA, orient="row")


def whole(rows):
    """Each key on its last day, made of all rows at once."""
    return set(without(frame(rows), find_superseded(frame(rows), KEYS), KEYS).collect().iter_rows())


@given(ROWS, ROWS, st.sets(st.sampled_from(DAY)))
def test_days_made_again_are_those_of_the_whole(before, drawn, changed):
    now = {row for row in before if row[2] not in changed} | {row for row in drawn if row[2] in changed}
    days, over = find_reopened_days(frame(now), frame(whole(before)), frozenset(changed), KEYS)
    again = without(frame(row for row in now if row[2] in days), over.lazy(), KEYS).collect().iter_rows()
    assert days >= changed
    assert {row for row in whole(before) if row[2] not in days} | set(again) == whole(now)


@given(ROWS)
def test_of_each_key_the_last_day_stands_alone(rows):
    last = {}
    for project, content, day in rows:
        last[project, content] = max(day, last.get((project, content), day))
    assert whole(rows) == {(*key, day) for key, day in last.items()}


def test_a_day_that_brings_only_new_keys_reopens_itself_alone():
    former = {("p", "a", DAY[0]), ("p", "b", DAY[1])}
    days, over = find_reopened_days(frame(former | {("p", "c", DAY[2])}), frame(former), frozenset({DAY[2]}), KEYS)
    assert (days, over.height) == ({DAY[2]}, 0)
