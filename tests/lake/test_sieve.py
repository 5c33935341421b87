"""What comes out as it is stored is left alone, so that what rests on it need not be made again."""

from __future__ import annotations

import polars as pl
import pytest

from kaizenlake.lake import Lake
from lake.shelves import MIDNIGHT, PRINT, Totals, Visits, day, totals, visits


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def put(lake, table, parts, *, days=None, version=0):
    """Write only what changed; the input is at that version."""
    asked = None if days is None else [day(number) for number in days]
    reads = {"bronze.events": version}
    return lake.write(
        table, parts, days=asked, reads=reads, as_of=MIDNIGHT, fingerprint=PRINT, only_changes=True
    )  # fmt: skip


def changed(lake, table, since):
    return lake.changed_days(table, since)


def test_days_that_come_out_alike_are_no_change(lake):
    put(lake, Visits, [visits(1), visits(2)], days=[1, 2])
    written = put(lake, Visits, [visits(2)[::-1], visits(1, ["somebody", "else"])], days=[1, 2], version=1)
    assert changed(lake, Visits, 0) == {day(1)}
    assert written.rows == visits(2).height + 2
    assert lake.reads_of(Visits).versions == {"bronze.events": 1}


@pytest.mark.parametrize(
    ("again", "days", "expected"),
    [
        ([visits(1)], [1], set()),
        ([visits(1)], [1, 2], {2}),
        ([visits(1)], None, {2}),
        ([visits(1), visits(2)], None, set()),
        ([visits(1), visits(2), visits(3)], None, {3}),
        ([], [1], {1}),
        ([], [5], set()),
    ],
    ids=["alike", "one is gone", "gone of all", "all alike", "one is new", "emptied", "never there"],
)
def test_days_that_are_gone_or_new_are_changes(lake, again, days, expected):
    put(lake, Visits, [visits(1), visits(2)], days=[1, 2])
    put(lake, Visits, again, days=days)
    assert changed(lake, Visits, 0) == {day(number) for number in expected}


def test_a_table_not_kept_by_day_is_left_alone_as_a_whole(lake):
    put(lake, Totals, [totals(p1=1, p2=2)])
    put(lake, Totals, [totals(p2=2), totals(p1=1)], version=1)
    assert changed(lake, Totals, 0) == frozenset()
    assert lake.reads_of(Totals).versions == {"bronze.events": 1}
    assert lake.rows(Totals) == 2
    put(lake, Totals, [totals(p1=1, p2=3)])
    assert changed(lake, Totals, 1) is None
    assert lake.scan(Totals).sort(pl.all()).collect().equals(totals(p1=1, p2=3).sort(pl.all()))
